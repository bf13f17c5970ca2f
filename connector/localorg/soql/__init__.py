"""SOQL: text -> tokens -> syntax tree -> SQLite with bound parameters -> records in wire form.

`run.py` is the entrance; parser.py (with terms.py and logic.py) knows grammar, compiler.py (with rows.py and
groups.py) knows objects, fields and users. Hand-written, so that what Salesforce refuses is refused with its row and
column, and what this org does not support is refused loudly instead of being ignored.
"""
