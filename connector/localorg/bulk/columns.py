"""The columns of an upload: what each header names, and the body that a row becomes (reference 3.2).

A header that cannot be understood fails the whole job; a cell that cannot be stored fails its row, in writes.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.localorg import errors
from connector.localorg.bulk import refusals
from connector.localorg.bulk.dialect import Table
from connector.localorg.definitions import FieldDef, ObjectDef
from connector.localorg.transaction import Transaction
from connector.localorg.values import store_json

NULL = "#N/A"
MOST_COLUMNS, LONGEST_VALUE, LONGEST_RECORD = 5_000, 32_000, 400_000
"""What a job takes; rich texts of up to 131,072 characters pass (reference 3.2, UNVERIFIED)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a field, or a parent that is looked up by a field of its own."""

    field: FieldDef
    parent: str | None = None
    parent_field: str | None = None

    def put(self, body: dict[str, Any], cell: str) -> None:
        """Add what a cell says to a body: #N/A is null, an empty cell says nothing."""
        if cell == NULL:
            body[self.field.name] = None
        elif cell and self.parent is None:
            body[self.field.name] = cell
        elif cell:
            key = {"attributes": {"type": self.parent}, self.parent_field: cell}
            body[str(self.field.relationship_name)] = key


@dataclass(frozen=True, slots=True)
class Columns:
    """All columns of an upload, in its order."""

    columns: tuple[Column, ...]

    def body(self, cells: Sequence[str]) -> dict[str, Any]:
        """The row as a body for writes.py."""
        found: dict[str, Any] = {}
        for column, cell in zip(self.columns, cells, strict=True):
            column.put(found, cell)
        return found

    def new_body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a row that becomes a new record: an empty checkbox is false, whatever its default."""
        unset = {c.field.name: False for c in self.columns if c.field.type == "boolean" and c.field.name not in body}
        return {**unset, **body}

    def has(self, name: str) -> bool:
        """Whether a field has a column of its own."""
        return any(c.field.name == name and c.parent is None for c in self.columns)


def read_columns(txn: Transaction, definition: ObjectDef, names: Sequence[str]) -> Columns:
    """Understand a header as this user, or raise JobFailedError."""
    columns = tuple(_read_column(txn, definition, name) for name in names)
    seen: set[str] = set()
    for name, column in zip(names, columns, strict=True):
        if column.field.name in seen:
            raise refusals.column_twice(name)
        seen.add(column.field.name)
    return Columns(columns)


def check_sizes(columns: Columns, table: Table) -> None:
    """Raise JobFailedError where a job is wider or longer than Bulk API 2.0 takes (its limits for ingest jobs)."""
    if len(columns.columns) > MOST_COLUMNS:
        raise refusals.too_many_columns(len(columns.columns), MOST_COLUMNS)
    most = [max(LONGEST_VALUE, c.field.length) for c in columns.columns]
    for number, row in enumerate(table.rows, start=1):
        lengths = [*map(len, row)]
        if sum(lengths) > LONGEST_RECORD:
            raise refusals.record_too_long(number, sum(lengths), LONGEST_RECORD)
        if max(lengths) > LONGEST_VALUE:
            _check_values(number, table.names, lengths, most)


def _check_values(number: int, names: Sequence[str], lengths: Sequence[int], most: Sequence[int]) -> None:
    for name, length, allowed in zip(names, lengths, most, strict=True):
        if length > allowed:
            raise refusals.value_too_long(number, name, length, allowed)


def _read_column(txn: Transaction, definition: ObjectDef, name: str) -> Column:
    path, dot, parent_field = name.rpartition(".")
    if dot:
        return _read_parent(txn, definition, name, path, parent_field)
    found = txn.access.field(definition, name)
    if found is None or not found.stored:
        raise refusals.column_missing(name)
    return Column(found)


def _read_parent(txn: Transaction, definition: ObjectDef, name: str, path: str, parent_field: str) -> Column:
    """`Account.Ext__c`, or `Contact:Who.Ext__c` where the relationship leads to several objects."""
    wanted, colon, relationship = path.rpartition(":")
    reference = definition.relationships.get(relationship.lower())
    if reference is None or not txn.access.sees(definition, reference):
        raise refusals.relationship_missing(relationship)
    if reference.polymorphic != bool(colon):
        raise (refusals.type_needed if reference.polymorphic else refusals.type_not_needed)(relationship)
    parent = txn.schema.find(wanted or reference.reference_to[0])
    if parent is None or parent.name not in reference.reference_to:
        raise refusals.type_needed(relationship)
    found = txn.access.field(parent, parent_field)
    if found is None or not (found.external_id or found.id_lookup):
        raise refusals.column_missing(name)
    return Column(reference, parent.name, found.name)


def unreadable_cell(definition: ObjectDef, body: Mapping[str, Any]) -> errors.OrgError | None:
    """The refusal of the first cell that is no value of its field's type; JSON bodies are refused otherwise (9)."""
    for name, value in body.items():
        field = definition.find(name)
        if field is not None and not isinstance(value, Mapping):
            try:
                store_json(field, value)
            except errors.RequestMalformedError:
                return refusals.value_unreadable(field.label, field.name, value)
            except errors.OrgError:
                continue
    return None
