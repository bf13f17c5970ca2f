"""Bulk API 2.0: jobs that query and jobs that write, with their CSV files (reference 3).

`query_routes.py` and `ingest_routes.py` are the entrances, mounted by api/router.py. Jobs live beside the records
in `Org.bulk`, and travel with a snapshot of the org; an org in a file forgets them when it is closed.
"""
