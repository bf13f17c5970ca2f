"""The only package that speaks HTTP to an org: session and tokens, REST calls, SOQL text, the error table.

Start at client.py. Shares no code with localorg.
"""

from connector.salesforce.client import OrgClient, connect
from connector.salesforce.collections import RowResult
from connector.salesforce.composite import Subrequest, SubResponse
from connector.salesforce.errors import ErrorClass, LostReply, OrgRefused, Refusal, classify
from connector.salesforce.usage import ApiUsage

__all__ = [
    "ApiUsage",
    "ErrorClass",
    "LostReply",
    "OrgClient",
    "OrgRefused",
    "Refusal",
    "RowResult",
    "SubResponse",
    "Subrequest",
    "classify",
    "connect",
]
