"""The vocabulary of the grammar: reserved words, functions, scopes. Read by the parser's parts; knows no semantics."""

RESERVED = frozenset(
    {
        "AND",
        "ASC",
        "DESC",
        "EXCLUDES",
        "FIRST",
        "FROM",
        "GROUP",
        "HAVING",
        "IN",
        "INCLUDES",
        "LAST",
        "LIKE",
        "LIMIT",
        "NOT",
        "NULL",
        "NULLS",
        "OR",
        "SELECT",
        "USING",
        "WHERE",
        "WITH",
    }
)
"""Words that cannot be an alias (SOQL reference, Reserved Keywords)."""

NO_OBJECTS = RESERVED - {"GROUP"}
"""Words that cannot stand after FROM; Group is an object."""

CLAUSES = RESERVED | frozenset({"ORDER", "OFFSET", "FOR", "ALL", "UPDATE", "AS"})
"""Words that end a list or a name: what follows FROM belongs to them, not to an alias."""

AGGREGATES = frozenset({"AVG", "COUNT", "COUNT_DISTINCT", "MAX", "MIN", "SUM"})
DATE_FUNCTIONS = frozenset(
    {
        "CALENDAR_MONTH",
        "CALENDAR_QUARTER",
        "CALENDAR_YEAR",
        "DAY_IN_MONTH",
        "DAY_IN_WEEK",
        "DAY_IN_YEAR",
        "DAY_ONLY",
        "FISCAL_MONTH",
        "FISCAL_QUARTER",
        "FISCAL_YEAR",
        "HOUR_IN_DAY",
        "WEEK_IN_MONTH",
        "WEEK_IN_YEAR",
    }
)
FUNCTIONS = (
    AGGREGATES
    | DATE_FUNCTIONS
    | frozenset({"CONVERTCURRENCY", "CONVERTTIMEZONE", "FORMAT", "GROUPING", "TOLABEL", "DISTANCE"})
)
HOLDERS: dict[str, frozenset[str]] = {
    "FORMAT": AGGREGATES | {"CONVERTCURRENCY"},
    "CONVERTCURRENCY": frozenset({"MAX", "MIN", "SUM", "AVG"}),
    **dict.fromkeys(DATE_FUNCTIONS, frozenset({"CONVERTTIMEZONE"})),
}
"""Which functions may stand inside which."""

SCOPES = frozenset(
    {
        "DELEGATED",
        "EVERYTHING",
        "MINE",
        "MINE_AND_MY_GROUPS",
        "MY_TERRITORY",
        "MY_TEAM_TERRITORY",
        "TEAM",
    }
)
