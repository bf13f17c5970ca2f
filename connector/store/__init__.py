"""The two files beside an org: the mirror (DuckDB) and the ledger (SQLite). The only package that opens a database."""
