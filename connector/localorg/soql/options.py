"""Clauses that say how to run a statement: accepted where they change nothing here, refused otherwise.

Called by compiler.py. FOR VIEW and FOR REFERENCE touch only a user's list of recent records, which is not kept here.
FOR UPDATE locks for an Apex transaction and cannot be sent over the API (jsforce issue 158, an answer of Salesforce's
staff in Force.com-JavaScript-REST-Toolkit issue 68); WITH SECURITY_ENFORCED, USER_MODE and SYSTEM_MODE are Apex
(Apex guide, Filter SOQL Queries). ALL ROWS over queryAll, where it says nothing new, is UNVERIFIED.
"""

from connector.localorg.soql.lexer import malformed
from connector.localorg.soql.syntax import Option

_SCOPES = frozenset({"EVERYTHING", "MINE"})


def check_options(source: str, options: tuple[Option, ...], *, include_deleted: bool, root: bool) -> None:
    """Refuse what Salesforce or this org does not take."""
    for option in options:
        match option.kind:
            case "FOR" if option.word == "UPDATE" or not root:
                malformed(source, option.at, f"FOR {option.word} not allowed in this context")
            case "USING SCOPE" if option.word not in _SCOPES:
                malformed(source, option.at, f"USING SCOPE {option.word} is not supported by the local org")
            case "ALL ROWS" if not include_deleted or not root:
                malformed(source, option.at, "ALL ROWS not allowed in this context")
            case "WITH" | "UPDATE":
                malformed(source, option.at, _refusal(option))


def _refusal(option: Option) -> str:
    """WITH belongs to Apex or to Knowledge articles, UPDATE to Knowledge articles."""
    if option.kind == "WITH" and option.word != "DATA CATEGORY":
        return f"WITH {option.word} is only allowed in Apex code"
    return f"{option.kind} {option.word} is only allowed on Knowledge articles, which this org does not have"
