"""How each operation of the expression language is said to an engine: tables from names to sqlglot trees, one table
per dialect. Read by lower.py only. Trees are built from nodes, never from text; pure.
"""
