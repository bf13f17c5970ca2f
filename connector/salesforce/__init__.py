"""The only package that speaks HTTP to an org: session and tokens, REST calls, SOQL text, the error table.

Start at client.py. Shares no code with localorg.
"""

from connector.salesforce.bulk import BulkQueries, NotByBulk, NotComplete, QueryJob, ResultPage
from connector.salesforce.client import OrgClient, connect
from connector.salesforce.collections import RowResult
from connector.salesforce.composite import Subrequest, SubResponse
from connector.salesforce.errors import (
    AllowanceUsed,
    BeginAgain,
    ErrorClass,
    LostReply,
    NotNow,
    OrgRefused,
    Refusal,
    classify,
)
from connector.salesforce.usage import ApiUsage

__all__ = [
    "AllowanceUsed",
    "ApiUsage",
    "BeginAgain",
    "BulkQueries",
    "ErrorClass",
    "LostReply",
    "NotByBulk",
    "NotComplete",
    "NotNow",
    "OrgClient",
    "OrgRefused",
    "QueryJob",
    "Refusal",
    "ResultPage",
    "RowResult",
    "SubResponse",
    "Subrequest",
    "classify",
    "connect",
]
