"""What of the mirror may be relied on in this run: objects that were completely pulled, fields that our user may read.

Built once per run; asked by everything that turns an expression into SQL. Facts over what cannot be relied on are
unknown, aggregates included: a permission taken away must never look like a wave of churn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from connector.data import ObjectPull
from connector.mapping import Mapping as Model
from connector.mapping.language import Expression
from connector.mapping.language.scope import is_source

ENGINE_FIELDS = frozenset({"Id", "IsDeleted", "SystemModstamp"})


@dataclass(frozen=True)
class Trust:
    """The outcome of the pull, and the columns that the mirror really has."""

    pulled: Mapping[str, ObjectPull]
    columns: Mapping[str, Mapping[str, str]]
    """sObject -> field -> DuckDB type."""

    def doubt(self, sobject: str, field: str = "") -> str:
        """Why `sobject` (or its `field`) cannot be relied on, as a sentence; '' when it can."""
        pull = self.pulled.get(sobject)
        if pull is None or sobject not in self.columns:
            return f"{sobject} was not pulled." if pull is None or pull.complete else pull.reason
        if not pull.complete:
            return pull.reason if is_source(sobject) else f"{sobject} was not completely pulled: {pull.reason}"
        if field in pull.hidden and is_source(sobject):
            return pull.hidden[field]
        if field in pull.hidden:
            return f"{sobject}.{field} cannot be read: {pull.hidden[field]}"
        if field and field not in self.columns[sobject]:
            return f"{sobject}.{field} is not in the mirror."
        return ""

    def has(self, sobject: str, field: str = "Id") -> bool:
        """Whether the mirror has the column and our user may read it, whether or not it is complete."""
        pull = self.pulled.get(sobject)
        return field in self.columns.get(sobject, {}) and not (pull and field in pull.hidden)

    def doubts(self, reads: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
        """Every reason to doubt these fields, each once."""
        found = (self.doubt(sobject, field) for sobject, fields in reads.items() for field in ("", *sorted(fields)))
        return tuple(dict.fromkeys(reason for reason in found if reason))


def read_trust(connection: DuckDBPyConnection, pulled: Mapping[str, ObjectPull]) -> Trust:
    """What the mirror behind `connection` holds, together with how the pull of each object ended."""
    rows = connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE schema_name IN ('org', 'sources') AND database_name = current_database() "
        "ORDER BY table_name, column_index"
    ).fetchall()
    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        columns.setdefault(table, {})[column] = kind
    return Trust(pulled, columns)


def doubts_of(mapping: Model, expression: Expression, trust: Trust) -> tuple[str, ...]:
    """Every reason to doubt what the expression comes to, those of the facts below it included."""
    found = list(trust.doubts(expression.fields))
    for key in sorted(expression.facts):
        for path in (f"facts.{key}", f"facts.{key}.dated"):
            if path in mapping.expressions:
                found += doubts_of(mapping, mapping.expressions[path], trust)
    if any(name.startswith("health.") for name in expression.names):
        for path in sorted(p for p in mapping.expressions if p.startswith("health.")):
            found += doubts_of(mapping, mapping.expressions[path], trust)
    return tuple(dict.fromkeys(found))
