"""Three Accounts with their records in DuckDB, and expressions evaluated over them, for the tests of lowering."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
from sqlglot import exp, parse_one

from connector.calendar import Duration
from connector.describe import FieldDescribe, ObjectDescribe
from connector.evaluate.lower import incomplete_reason, lower, lower_aggregate, sql_type
from connector.mapping.language import BOOLEAN, DATE, DAYS, TEXT, Position, Scope, exact, parse, type_of_duration
from connector.mapping.language.tree import Aggregate, CtaDone, Fact, Field, Name, Param
from connector.mapping.language.types import Kind, Type

FULL, BLANK, ALONE = "001000000000001AAA", "001000000000002AAA", "001000000000003AAA"
"""An Account with everything; one with records but no value in any field; one without any record."""
ANA, GONE = "005000000000001AAA", "005000000000009AAA"
"""Owners; the second is not among the Users that we can see."""
TODAY, NOW = date(2026, 9, 1), datetime(2026, 8, 31, 22, 30, tzinfo=UTC)
ZONE = "Europe/Berlin"

_COLUMNS = {
    "Account": {
        "Name": "string", "Type": "picklist", "Tags": "multipicklist", "AnnualRevenue": "currency", "Share": "double",
        "NumberOfEmployees": "int", "Renewal": "date", "Signed": "datetime", "Active": "boolean",
        "OwnerId": "reference", "ParentId": "reference", "Phone": "phone",
    },
    "User": {"Name": "string", "IsActive": "boolean", "Title": "string"},
    "Opportunity": {
        "AccountId": "reference", "OwnerId": "reference", "StageName": "picklist", "Amount": "currency",
        "CloseDate": "date",
        "IsWon": "boolean", "Quantity": "int", "CreatedDate": "datetime",
    },
    "Task": {"AccountId": "reference", "IsClosed": "boolean", "Status": "picklist", "IsDeleted": "boolean"},
}  # fmt: skip
_REFERENCES = {"AccountId": ("Account",), "OwnerId": ("User",), "ParentId": ("Account",)}
_PRECISION = {"currency": (18, 2), "double": (18, 4)}
_SQL = {"currency": "DECIMAL(28, 2)", "double": "DECIMAL(28, 4)", "int": "BIGINT", "date": "DATE",
        "datetime": "TIMESTAMP",         "boolean": "BOOLEAN"}  # fmt: skip

USERS = [(ANA, "Ana", True, None)]
ACCOUNTS = [
    (FULL, "Acme 'n' Söhne", "Partner", "red;dark green", "1000000.10", "0.3333", 7, "2026-10-31",
     "2026-08-31 22:30:00", True, ANA, BLANK, "+49 (30) 12"),
    (BLANK, None, None, None, None, None, None, None, None, False, None, None, None),
    (ALONE, "Alone", "Customer", "green", "-7.50", "2.0000", 0, "2024-02-29", "2026-01-01 00:00:00", False,
     GONE, None, ""),
]  # fmt: skip
OPPORTUNITIES = [
    ("006A", FULL, ANA, "Closed Won", "100.10", "2026-08-01", True, 1, "2026-01-01 10:00:00"),
    ("006B", FULL, ANA, "Closed Won", "200.20", "2026-08-31", True, 2, "2026-01-01 10:00:00.5"),
    ("006C", FULL, None, "Open", None, "2026-12-01", False, None, "2026-02-01 10:00:00"),
    ("006D", FULL, None, None, "300.30", None, False, 4, "2026-03-01 10:00:00"),
    ("006E", BLANK, None, None, None, None, None, None, None),
]
TASKS = [("00TA", FULL, True, "Completed", False)]


def _describe(name: str) -> ObjectDescribe:
    fields = {"Id": FieldDescribe("Id", "id")}
    for column, kind in _COLUMNS[name].items():
        precision, scale = _PRECISION.get(kind, (0, 0))
        relationship = column.removesuffix("Id") if kind == "reference" else ""
        fields[column] = FieldDescribe(
            column,
            kind,
            precision=precision,
            scale=scale,
            reference_to=_REFERENCES.get(column, ()),
            relationship=relationship,
        )
    return ObjectDescribe(name, name, fields)


FACTS: Mapping[str, tuple[Type, str]] = {
    "yes": (BOOLEAN, "TRUE"), "no": (BOOLEAN, "FALSE"), "maybe": (BOOLEAN, "NULL"), "nothing": (exact(18, 2), "NULL"),
    "someday": (DATE, "NULL"), "word": (TEXT, "NULL"), "cents": (exact(16, 2), "0.10"), "gap": (DAYS, "30"),
    "ratio": (Type(Kind.NUMBER), "CAST(0.1 AS DOUBLE)"),
}  # fmt: skip
PARAMS = {
    "after": (type_of_duration(Duration(90)), "90"),
    "work": (type_of_duration(Duration(3, "business days")), "3"),
}
SCOPE = Scope(
    {name: _describe(name) for name in _COLUMNS},
    facts={k: t for k, (t, _) in FACTS.items()},
    params={k: t for k, (t, _) in PARAMS.items()},
    lists={"big": ("Partner", "Customer"), "none": ()},
    stages=("onboarding", "launched"),
    cta_keys=frozenset({"training", "never"}),
)


@dataclass(frozen=True)
class Rows:
    """An Env over the tables below; what is in `hidden` was not completely read."""

    child: str = ""
    hidden: frozenset[tuple[str, str]] = frozenset()
    doubtful: frozenset[str] = frozenset()
    dialect: str = "duckdb"
    today: date = TODAY
    now: datetime = NOW
    zone: str = ZONE

    def column(self, node: Field | Fact | Name | CtaDone) -> exp.Expression:
        match node:
            case Field():
                table = "_".join([node.root, *(s.reference for s in node.steps)])
                return exp.column(node.name, table=table, quoted=True)
            case Fact():
                value = duckdb_literal(FACTS[node.key][1])
                return exp.cast(value, sql_type(node.type))
            case Name():
                return {"stage": exp.Literal.string("onboarding"), "time_in_stage": exp.Literal.number(62)}[node.name]
            case CtaDone():
                return exp.true() if node.key == "training" else exp.null()

    def aggregate(self, node: Aggregate) -> exp.Expression:
        return exp.column("value", table="aggregates", quoted=True)

    def param(self, node: Param) -> exp.Expression:
        return exp.Literal.number(PARAMS[node.key][1])

    def incomplete(self, sobject: str, field: str) -> str | None:
        hit = {(sobject, field), (sobject, "*")} & self.hidden
        return f"{sobject}.{field} is hidden" if hit else None

    def incomplete_fact(self, key: str) -> str | None:
        return f"{key} rests on something hidden" if key in self.doubtful else None

    def calendar(self) -> exp.Table:
        return exp.to_table("calendar")


def duckdb_literal(text: str) -> exp.Expression:
    return parse_one(text, dialect="duckdb")


def connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, rows in (("Account", ACCOUNTS), ("User", USERS), ("Opportunity", OPPORTUNITIES), ("Task", TASKS)):
        columns = ", ".join(f'"{c}" {_SQL.get(k, "VARCHAR")}' for c, k in {"Id": "id", **_COLUMNS[name]}.items())
        connection.execute(f'CREATE TABLE "{name}" ({columns})')
        connection.executemany(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(rows[0]))})', rows)
    connection.execute("CREATE TABLE calendar (day DATE, working BOOLEAN, n BIGINT)")
    connection.executemany("INSERT INTO calendar VALUES (?, ?, ?)", _calendar())
    return connection


def _calendar() -> list[tuple[date, bool, int]]:
    rows, count = [], 0
    for offset in range(1100):
        day = date(2025, 1, 1) + timedelta(days=offset)
        working = day.weekday() < 5 and day != date(2026, 9, 7)
        count += working
        rows.append((day, working, count))
    return rows


_JOINS = """FROM "Account" AS subject
LEFT JOIN "User" AS "subject_OwnerId" ON "subject_OwnerId"."Id" = subject."OwnerId"
LEFT JOIN "Account" AS "subject_ParentId" ON "subject_ParentId"."Id" = subject."ParentId"
"""


@dataclass
class Book:
    connection: duckdb.DuckDBPyConnection = field(default_factory=connect)

    def value(self, text: str, account: str = FULL, **doubts: frozenset[Any]) -> Any:
        """The value of an expression for one Account, as DuckDB gives it."""
        expression, rows = parse(text, Position.of_text(text, "book"), SCOPE), Rows(**doubts)
        tree, aggregates = expression.tree, expression.aggregates
        assert len(aggregates) < 2, "one aggregate in each test expression"
        joins = _JOINS + (self._aggregated(aggregates[0], rows) if aggregates else "")
        sql = f"SELECT {lower(tree, rows).sql('duckdb', identify=True)} {joins} WHERE subject.\"Id\" = '{account}'"
        found = self.connection.execute(sql).fetchall()
        assert len(found) == 1
        return found[0][0]

    def _aggregated(self, node: Aggregate, rows: Rows) -> str:
        child = Rows(node.sobject, rows.hidden, rows.doubtful)
        value = lower_aggregate(node, child).sql("duckdb", identify=True)
        owner = "OwnerId" if node.sobject == "Opportunity" else "Id"
        return (
            f'LEFT JOIN (SELECT child."{node.via}" AS subject_id, {value} AS "value" FROM "{node.sobject}" AS child '
            f'JOIN "Account" AS subject ON subject."Id" = child."{node.via}" '
            f'LEFT JOIN "User" AS "child_OwnerId" ON "child_OwnerId"."Id" = child."{owner}" '
            f'GROUP BY 1) AS aggregates ON aggregates.subject_id = subject."Id"'
        )


def reason(text: str, hidden: frozenset[tuple[str, str]]) -> str | None:
    tree = parse(text, Position.of_text(text, "book"), SCOPE).tree
    return incomplete_reason(tree, Rows(hidden=hidden))
