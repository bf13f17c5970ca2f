"""The conditions of a rule, one by one, as they stand for some subjects: the values behind a reason or an explanation.

Called by reasons.py and explain.py. Asks the same tables, through the same compiled trees, as the decision did; the
subjects are those in the table `asked`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection
from sqlglot import exp

from connector.data import Truth, Value
from connector.evaluate.conditions import rule_env
from connector.evaluate.frame import Frame, column, named
from connector.evaluate.lower import incomplete_reason, lower
from connector.evaluate.lowering.sql import Sql
from connector.evaluate.prepared import insert_rows
from connector.evaluate.values import read_value
from connector.evaluate.wording import Leaf, leaves_of, value_key
from connector.mapping.language import Expression
from connector.mapping.language.tree import CtaDone, Fact, Field, Name, Node, walk


@dataclass(frozen=True)
class Seen:
    """One condition for one subject."""

    leaf: Leaf
    truth: Truth
    values: Mapping[str, Value]
    """Every name that it mentions, by `value_key`."""

    @property
    def helps(self) -> bool:
        """Whether it is as the rule wants it."""
        return self.truth is self.leaf.wanted


def ask(connection: DuckDBPyConnection, subjects: Sequence[str]) -> None:
    """Says whose conditions the next questions are about."""
    connection.execute("CREATE OR REPLACE TEMP TABLE asked (subject VARCHAR)")
    insert_rows(connection, "asked", [(s,) for s in subjects])


def see_conditions(
    connection: DuckDBPyConnection, frame: Frame, expressions: Sequence[Expression]
) -> dict[str, tuple[Seen, ...]]:
    """For each subject that was asked for: every condition of the expressions, in the order of the text."""
    leaves = [leaf for e in expressions for leaf in leaves_of(e)]
    names = {value_key(n): n for leaf in leaves for n in walk(leaf.node) if value_key(n)}
    query = _from_asked([
        *(named(lower(leaf.node, rule_env(frame)), f"leaf {n}") for n, leaf in enumerate(leaves)),
        *(named(_value(node, frame), key) for key, node in names.items()),
    ])  # fmt: skip
    cursor = connection.execute(query.sql(frame.dialect))
    columns = [d[0] for d in cursor.description or ()]
    rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return {row["subject"]: tuple(_seen(leaf, row[f"leaf {n}"], row) for n, leaf in enumerate(leaves)) for row in rows}


def _from_asked(columns: Sequence[exp.Expression]) -> exp.Select:
    query = exp.select(column("subject", "a"), *columns).from_(exp.to_table("asked").as_("a"))
    for name, alias in (("standing", "s"), ("judged", "j")):
        same = exp.EQ(this=column("subject", alias), expression=column("subject", "a"))
        query = query.join(exp.to_table(name).as_(alias), on=same)
    return query


def _value(node: Node, frame: Frame) -> Sql:
    assert isinstance(node, Fact | Field | Name | CtaDone)  # noqa: S101  (value_key is blank for all others)
    env = rule_env(frame)
    if isinstance(node, Field) and incomplete_reason(node, env):
        return exp.Null()
    return env.column(node)


def _seen(leaf: Leaf, truth: Truth, row: Mapping[str, Any]) -> Seen:
    keys = (value_key(n) for n in walk(leaf.node))
    return Seen(leaf, truth, {k: read_value(row[k]) for k in keys if k})
