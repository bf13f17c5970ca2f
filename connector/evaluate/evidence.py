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
from connector.evaluate.beside import source_of
from connector.evaluate.conditions import rule_env
from connector.evaluate.frame import Frame, column, named
from connector.evaluate.leaves import Leaf, leaves_of
from connector.evaluate.lower import lower
from connector.evaluate.prepared import insert_rows
from connector.evaluate.values import read_value
from connector.mapping.language import Expression


@dataclass(frozen=True)
class Seen:
    """One condition for one subject."""

    leaf: Leaf
    truth: Truth
    values: tuple[Value, ...]
    """What its operands came to."""

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
    """For each subject that was asked for: every condition of the expressions, in the order of the text, with the
    conditions of the facts that they name."""
    facts = {k: frame.mapping.expressions[f"facts.{k}"] for k in frame.mapping.fact_order if not _is_dated(frame, k)}
    leaves = [leaf for n, e in enumerate(expressions) for leaf in leaves_of(e, facts, place=n)]
    env = rule_env(frame)
    columns = [column("subject", "a")]
    for n, leaf in enumerate(leaves):
        columns.append(named(lower(leaf.node, env), f"leaf {n}"))
        columns += [named(lower(o, env), f"leaf {n} operand {m}") for m, o in enumerate(leaf.operands)]
    cursor = connection.execute(_from_asked(columns).sql(frame.dialect))
    names = [d[0] for d in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row["subject"]: tuple(_seen(n, leaf, row) for n, leaf in enumerate(leaves)) for row in rows}


def _is_dated(frame: Frame, key: str) -> bool:
    """A fact that can grow stale, or whose file can, is more than its conditions."""
    return f"facts.{key}.dated" in frame.mapping.expressions or source_of(frame.mapping, key) is not None


def _from_asked(columns: Sequence[exp.Expression]) -> exp.Select:
    query = exp.select(*columns).from_(exp.to_table("asked").as_("a"))
    for name, alias in (("standing", "s"), ("judged", "j")):
        same = exp.EQ(this=column("subject", alias), expression=column("subject", "a"))
        query = query.join(exp.to_table(name).as_(alias), on=same)
    return query


def _seen(n: int, leaf: Leaf, row: Mapping[str, Any]) -> Seen:
    values = (read_value(row[f"leaf {n} operand {m}"]) for m in range(len(leaf.operands)))
    return Seen(leaf, row[f"leaf {n}"], tuple(values))
