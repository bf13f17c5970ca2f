"""An org of a few dictionaries that speaks the client's protocol and fails on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.describe import to_wire
from connector.salesforce.collections import RowResult

KEY = "Lifecycle_Key__c"
Fault = Callable[[list[str]], "dict[str, RowResult] | RowResult | Exception | None"]
"""Given the names of the rows of one write: results of single rows, one result for all, an exception, or nothing."""


def refused(code: str, message: str = "no", fields: tuple[str, ...] = ()) -> RowResult:
    return RowResult(False, None, code, message, fields)


@dataclass
class OrgInMemory:
    """`records` by (sObject, id), values as JSON. `faults` are used up one per write call."""

    records: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    writes_before_fault: bool = False
    log: list[tuple[str, Any]] = field(default_factory=list)
    before_write: Callable[[], None] = lambda: None

    # --- the protocol -------------------------------------------------------------------------------------

    def retrieve(self, sobject: str, ids: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any] | None]:
        self.log.append(("retrieve", (sobject, list(ids), list(fields))))
        rows = (self.records.get((sobject, record)) for record in ids)
        return [row and {name: row.get(name) for name in fields} for row in rows]

    def create(self, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[RowResult]:
        return self._write("create", [str(values[KEY]) for _, values in rows], lambda n: self._insert(*rows[n]))

    def update(self, rows: Sequence[tuple[str, str, Mapping[str, Any]]]) -> list[RowResult]:
        return self._write("update", [record for _, record, _ in rows], lambda n: self._change(*rows[n]))

    # --- what happened ------------------------------------------------------------------------------------

    @property
    def writes(self) -> list[list[str]]:
        return [what for kind, what in self.log if kind in ("create", "update")]

    @property
    def reads(self) -> list[tuple[str, list[str], list[str]]]:
        return [what for kind, what in self.log if kind == "retrieve"]

    # --- inside -------------------------------------------------------------------------------------------

    def _write(self, kind: str, names: list[str], act: Callable[[int], RowResult]) -> list[RowResult]:
        self.before_write()
        self.log.append((kind, names))
        fault = self.faults.pop(0) if self.faults else self.always
        said = fault(names) if fault else None
        if isinstance(said, Exception):
            if self.writes_before_fault:
                [act(n) for n in range(len(names))]
            raise said
        if isinstance(said, RowResult):
            return [said] * len(names)
        bad = said or {}
        return [bad[name] if name in bad else act(n) for n, name in enumerate(names)]

    def _insert(self, sobject: str, values: Mapping[str, Any]) -> RowResult:
        for (kind, record), row in self.records.items():
            if kind == sobject and row.get(KEY) == values[KEY]:
                message = f"duplicate value found: {KEY} duplicates value on record with id: {record}"
                return refused("DUPLICATE_VALUE", message)
        record = f"00T{len(self.records):012d}NEW"
        self.records[sobject, record] = {name: to_wire(value) for name, value in values.items()}
        return RowResult(True, record)

    def _change(self, sobject: str, record: str, values: Mapping[str, Any]) -> RowResult:
        self.records[sobject, record].update({name: to_wire(value) for name, value in values.items()})
        return RowResult(True, record)
