"""Salesforce formulas, compiled to SQL expressions over the org's tables.

parse.py reads a formula, compile.py types it and writes SQL, functions.py knows the functions, fields.py is the
entrance for formula fields and rules. A formula is evaluated when it is read, so its value moves with the clock and
with parents, and no stamp moves with it (reference 2.2).
"""
