"""Which facts differ from what was last handed to the ledger, which keeps them per day: they cannot be recovered later.

What was handed over is remembered in the mirror's own schema `evaluate`; losing it only makes the ledger keep a day's
facts of everybody once more. A fact that counts days is another every day by itself: it is handed over only together
with one that really changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from duckdb import DuckDBPyConnection
from sqlglot import exp

from connector.data import Value
from connector.evaluate.frame import Frame, column, named
from connector.evaluate.values import read_value

FactRow = tuple[str, str, Value]
"""(subject, fact, value); None is unknown."""

_AT_ONCE = 10_000


def changed_facts(connection: DuckDBPyConnection, frame: Frame) -> Iterator[FactRow]:
    """The facts that changed, by subject. They count as handed over once the last one has been taken."""
    keys = frame.mapping.fact_order
    if not keys:
        return
    recorded = _make_record(connection, frame)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE news AS {_news(frame, recorded).sql(frame.dialect)}")
    for n in range(0, _count(connection), _AT_ONCE):
        chunk = connection.execute(f"SELECT * EXCLUDE (n) FROM news WHERE n > {n} AND n <= {n + _AT_ONCE} ORDER BY n")
        for subject, *values in chunk.fetchall():
            now, before, is_new = values[: len(keys)], values[len(keys) : -1], values[-1]
            for key, value, old in zip(keys, now, before, strict=True):
                if is_new or value != old:
                    yield subject, key, read_value(value)
    _remember(connection, frame, recorded)


def _count(connection: DuckDBPyConnection) -> int:
    row = connection.execute("SELECT count(*) FROM news").fetchone()
    return int(row[0]) if row else 0


def _make_record(connection: DuckDBPyConnection, frame: Frame) -> exp.Table:
    """The table of what was handed over; begun anew when the model has other facts now."""
    name = f"facts of {frame.mapping.key}"
    recorded = exp.Table(this=exp.to_identifier(name, quoted=True), db=exp.to_identifier("evaluate"))
    shape = exp.select(column("subject"), *(column(f"fact {key}") for key in frame.mapping.fact_order)).from_("judged")
    table, query = recorded.sql(frame.dialect), shape.limit(0).sql(frame.dialect)
    connection.execute("CREATE SCHEMA IF NOT EXISTS evaluate")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table} AS {query}")
    if _columns(connection, table) != _columns(connection, f"({query})"):
        connection.execute(f"CREATE OR REPLACE TABLE {table} AS {query}")
    return recorded


def _columns(connection: DuckDBPyConnection, source: str) -> list[tuple[str, str]]:
    return [row[:2] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]


def _news(frame: Frame, recorded: exp.Table) -> exp.Select:
    """Subjects with a fact that differs, numbered by id: values now, values before, and whether they are new."""
    keys = frame.mapping.fact_order
    same = exp.EQ(this=column("subject", "j"), expression=column("subject", "r"))
    differ = [_differs(f"fact {key}") for key in _steady(frame)]
    query = exp.select(
        named(_number(), "n"),
        column("subject", "j"),
        *(named(column(f"fact {k}", "j"), f"now {k}") for k in keys),
        *(named(column(f"fact {k}", "r"), f"before {k}") for k in keys),
        named(exp.Is(this=column("subject", "r"), expression=exp.Null()), "is new"),
    )
    query = query.from_(exp.to_table("judged").as_("j")).join(recorded.copy().as_("r"), on=same, join_type="LEFT")
    return query.where(exp.or_(exp.Is(this=column("subject", "r"), expression=exp.Null()), *differ))


def _differs(name: str) -> exp.Expression:
    return exp.NullSafeNEQ(this=column(name, "j"), expression=column(name, "r"))


def _number() -> exp.Window:
    return exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=[exp.Ordered(this=column("subject", "j"))]))


def _steady(frame: Frame) -> list[str]:
    """Facts that do not change by the mere passing of a day."""
    return [key for key in frame.mapping.fact_order if not frame.mapping.expressions[f"facts.{key}"].counter]


def _remember(connection: DuckDBPyConnection, frame: Frame, recorded: exp.Table) -> None:
    name = recorded.sql(frame.dialect)
    picks = ", ".join(column(f"now {k}").sql(frame.dialect) for k in frame.mapping.fact_order)
    connection.execute("BEGIN")
    connection.execute(f"DELETE FROM {name} WHERE subject IN (SELECT subject FROM news)")
    connection.execute(f"INSERT INTO {name} SELECT subject, {picks} FROM news")
    connection.execute("COMMIT")
