"""The local org.

An embedded Salesforce for the demo, for mapping authors and for tests. Shares no code with the product.

`org.py` is the org itself as a Python object, `server.py` serves it over HTTP to any Salesforce client.
"""
