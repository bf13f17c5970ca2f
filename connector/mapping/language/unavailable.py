"""Functions that people will try -> why they are not there and what to write instead.

Read by calls for the message, and by the reference. Together with functions.FUNCTIONS these are all of Salesforce's
formula functions (Salesforce Help, "Formula Operators and Functions A-Z"), and some of SQL and spreadsheets.
"""

from __future__ import annotations

_SCREEN = "it makes a link, an image or a page, not a value"
_TRIGGER = "it looks at a record while a person saves it; rules look at records as they are"
_HISTORY = "rules that look back at visits or earlier values are not available yet"
_REFERENCE = "it makes no sense outside a page or a report"

UNAVAILABLE = {
    **dict.fromkeys(("HYPERLINK", "IMAGE", "IMAGEPROXYURL", "URLFOR", "LINKTO", "INCLUDE", "REQUIRESCRIPT"), _SCREEN),
    **dict.fromkeys(("HTMLENCODE", "JSENCODE", "JSINHTMLENCODE", "URLENCODE"), _SCREEN),
    **dict.fromkeys(("GETSESSIONID", "GETRECORDIDS", "JUNCTIONIDLIST", "PREDICT"), _REFERENCE),
    **dict.fromkeys(("PARENTGROUPVAL", "PREVGROUPVAL"), _REFERENCE),
    **dict.fromkeys(("ISCHANGED", "ISNEW", "ISCLONE", "PRIORVALUE"), _TRIGGER),
    **dict.fromkeys(("VISITS", "TOTAL_TIME_IN", "TOTAL_DAYS_IN", "EVER_IN", "PRIOR"), _HISTORY),
    **dict.fromkeys(("GEOLOCATION", "DISTANCE"), "places on the map are not available"),
    **dict.fromkeys(("CHR", "ASCII", "REVERSE", "INITCAP"), "its result differs between engines"),
    **dict.fromkeys(("ACOS", "ASIN", "ATAN", "ATAN2", "COS", "SIN", "TAN"), "trigonometry is not available"),
    "VLOOKUP": "it searches other records; write latest(X.Field by CreatedDate where ...) as a fact",
    "CURRENCYRATE": "money is always compared in the corporate currency, so it is not needed",
    "ISPICKVALUE": "write ISPICKVAL(picklist, 'value')",
    "POWER": "write x ^ 2",
    "CONCATENATE": "write a & b",
    "COALESCE": "write BLANKVALUE(value, otherwise)",
    "IFERROR": "what cannot be worked out is unknown; write BLANKVALUE(value, otherwise)",
    "IFS": "write CASE(...), or IF(...) inside IF(...)",
    "DATEDIFF": "write later - earlier for the days between two dates",
    "LIKE": "write BEGINS(...) or CONTAINS(...)",
    "ENDS": "write RIGHT(text, n) = '...'",
    "WEEKNUM": "write ISOWEEK(date)",
    "SUMIF": "write sum(X.Field where ...) as a fact",
    "COUNTIF": "write count(X where ...) as a fact",
    "AVERAGE": "write avg(X.Field where ...) as a fact",
}  # fmt: skip
