"""Generated statements: whole ones from a small grammar of its own, and broken ones, made by damaging those."""

from __future__ import annotations

import re

from hypothesis import strategies as st

FIELDS = st.sampled_from(["Id", "Name", "Amount", "Owner.Name", "Account.Parent.Name", "Key__c", "a.b.c.d"])
STRINGS = st.sampled_from(["'x'", "''", "'it\\'s'", "'a\\\\b'", "'50\\%'", "'é, (x) = y'"])
SPANS = st.sampled_from(["TODAY", "LAST_N_DAYS:30", "THIS_FISCAL_QUARTER", "NEXT_N_WEEKS:2", "N_YEARS_AGO:1"])
OTHERS = st.sampled_from(["1", "-2.5", "null", "TRUE", "false", "2026-01-31", "2026-01-31T01:02:03Z"])
VALUES = st.one_of(STRINGS, SPANS, OTHERS)
OPERATORS = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "<>"])
NAMES = st.sampled_from(["Account", "Contact", "Opportunity", "Thing__c"])
AGGREGATES = st.sampled_from(["COUNT(Id)", "SUM(Amount)", "MAX(CloseDate)", "COUNT_DISTINCT(Name)", "AVG(Amount) mean"])
DATE_PARTS = st.sampled_from(["CALENDAR_YEAR(CloseDate)", "DAY_ONLY(convertTimezone(CreatedDate))"])
PARTS = st.one_of(DATE_PARTS, st.sampled_from(["Name", "Account.Name"]))


def listed(items: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(items, min_size=1, max_size=most).map(", ".join)


def maybe(clause: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), clause.map(lambda text: f" {text}"))


TESTS = st.one_of(
    st.tuples(FIELDS, OPERATORS, VALUES).map(" ".join),
    st.tuples(FIELDS, STRINGS).map(" LIKE ".join),
    st.tuples(FIELDS, st.sampled_from(["IN", "NOT IN"]), listed(VALUES).map("({})".format)).map(" ".join),
    st.tuples(FIELDS, st.sampled_from(["INCLUDES", "EXCLUDES"]), listed(STRINGS).map("({})".format)).map(" ".join),
    st.tuples(FIELDS, NAMES, FIELDS).map(lambda t: f"{t[0]} IN (SELECT {t[2]} FROM {t[1]})"),
)


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def join(drawn: tuple[str, list[str], bool]) -> str:
        word, tests, negated = drawn
        return f"(NOT {tests[0]})" if negated else f"({f' {word} '.join(tests)})"

    return st.tuples(st.sampled_from(["AND", "OR"]), st.lists(parts, min_size=1, max_size=3), st.booleans()).map(join)


CONDITIONS = st.recursive(TESTS, joined, max_leaves=6)
ORDERS = st.tuples(
    FIELDS, st.sampled_from(["", " ASC", " DESC"]), st.sampled_from(["", " NULLS FIRST", " NULLS LAST"])
).map("".join)
COUNTS = st.integers(0, 2000)
WINDOW = st.tuples(
    maybe(listed(ORDERS).map("ORDER BY {}".format)),
    maybe(
        st.one_of(COUNTS.map("LIMIT {}".format), st.tuples(COUNTS, COUNTS).map(lambda t: f"LIMIT {t[0]} OFFSET {t[1]}"))
    ),
).map("".join)
WHERE = maybe(CONDITIONS.map("WHERE {}".format))
CHILDREN = st.tuples(FIELDS, NAMES, WHERE).map(lambda t: f"(SELECT {t[0]} FROM {t[1]}{t[2]})")
TYPEOF = st.tuples(NAMES, FIELDS, maybe(FIELDS.map("ELSE {}".format))).map(
    lambda t: f"TYPEOF What WHEN {t[0]} THEN {t[1]}{t[2]} END"
)
ROWS = st.tuples(
    listed(st.one_of(FIELDS, FIELDS, CHILDREN, TYPEOF, st.just("toLabel(Industry)"))),
    NAMES,
    maybe(st.just("USING SCOPE mine")),
    WHERE,
    WINDOW,
    maybe(st.sampled_from(["FOR VIEW", "FOR REFERENCE"])),
).map(lambda t: f"SELECT {t[0]} FROM {t[1]}{t[2]}{t[3]}{t[4]}{t[5]}")
BY = st.one_of(
    listed(PARTS),
    listed(FIELDS).map("ROLLUP({})".format),
    listed(FIELDS).map("CUBE({})".format),
)
GROUPS = st.tuples(
    listed(st.one_of(AGGREGATES, PARTS)),
    NAMES,
    WHERE,
    BY,
    maybe(st.sampled_from(["HAVING COUNT(Id) > 1", "HAVING SUM(Amount) != null"])),
).map(lambda t: f"SELECT {t[0]} FROM {t[1]}{t[2]} GROUP BY {t[3]}{t[4]}")
WHOLE = st.one_of(ROWS, GROUPS, st.tuples(NAMES, WHERE).map(lambda t: f"SELECT COUNT() FROM {t[0]}{t[1]}"))

_PIECES = re.compile(r"'(?:[^'\\]|\\.)*'|[\w.:\-]+|[<>!]?=|<>|\S")
_STRAY = ["AND", "OR", "NOT", "FROM", "WHERE", "(", ")", ",", "=", "'x'", "5", "null", "IN", "*", ";", "Name"]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A whole statement with one piece lost, doubled, exchanged or brought in."""
    pieces = _PIECES.findall(draw(WHOLE))
    at = draw(st.integers(0, len(pieces) - 1))
    match draw(st.sampled_from(["lose", "double", "exchange", "bring in"])):
        case "lose":
            del pieces[at]
        case "double":
            pieces.insert(at, pieces[at])
        case "exchange":
            other = draw(st.integers(0, len(pieces) - 1))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        case _:
            pieces.insert(at, draw(st.sampled_from(_STRAY)))
    return " ".join(pieces)
