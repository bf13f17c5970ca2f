"""One transaction.

The hands with which rules and writes touch records. Opened by core.py, which holds the lock and commits.

Everything inside one transaction has the same time and the same user, as in Salesforce.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from connector.localorg.access import Access
from connector.localorg.definitions import ObjectDef, Schema
from connector.localorg.ids import make_id
from connector.localorg.setup_state import Setup
from connector.localorg.storage import Row, Store
from connector.localorg.switches import Switches


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """How a request wants its records saved; people and jobs of the org want neither."""

    allow_duplicates: bool = False
    auto_assign: bool = False


@dataclass(slots=True)
class Transaction:
    """Access to records within one transaction; counts rows for the ledger."""

    schema: Schema
    store: Store
    switches: Switches
    access: Access
    user_id: str
    now: str
    today: date
    pod: str
    tracked: frozenset[str] = frozenset()
    setup: Setup = field(default_factory=Setup)
    options: SaveOptions = SaveOptions()
    rows_read: int = 0
    rows_written: int = 0
    _depth: int = field(default=0)

    def find(self, sobject: str, record_id: str | None) -> Row | None:
        """Return a record by id, deleted or not; None for no id, no object or no record."""
        definition = self.schema.find(sobject)
        if record_id is None or definition is None:
            return None
        return self.store.fetch(definition, record_id)

    def select(self, sobject: str, where: Mapping[str, Any]) -> list[Row]:
        """Return records whose fields equal these stored values; nothing for an object that this org lacks."""
        definition = self.schema.find(sobject)
        if definition is None:
            return []
        condition = " AND ".join(f'"{n}" IS ?' if v is None else f'"{n}" = ?' for n, v in where.items()) or "1"
        return self.store.select(definition, condition, tuple(where.values()))

    def new_id(self, definition: ObjectDef) -> str:
        """Return an id that was never used."""
        return make_id(definition.key_prefix, self.pod, self.store.next_counter(definition.key_prefix))

    def corporate_currency(self) -> str | None:
        """The currency of records that name none, in an org with several of them."""
        found = self.select("CurrencyType", {"IsCorporate": 1})
        return str(found[0]["IsoCode"]) if found else None

    def insert(self, definition: ObjectDef, row: Row) -> str:
        """Store a new record as it is, with id, currency and audit fields; returns the id."""
        row.setdefault("Id", self.new_id(definition))
        if definition.has("CurrencyIsoCode") and row.get("CurrencyIsoCode") is None:
            row["CurrencyIsoCode"] = self.corporate_currency()
        for name, value in self._audit(creating=True).items():
            if definition.has(name):
                row.setdefault(name, value)
        self.store.insert(definition, row)
        return str(row["Id"])

    def update(self, definition: ObjectDef, record_id: str, changes: Row) -> None:
        """Store changes as they are, with audit fields."""
        audit = {n: v for n, v in self._audit(creating=False).items() if definition.has(n)}
        self.store.update(definition.name, record_id, {**audit, **changes})

    def derive(self, definition: ObjectDef, record_id: str, changes: Row, *, stamp: bool) -> None:
        """Store what the platform derives: LastModified stays, SystemModstamp moves only when asked."""
        stamped = {"SystemModstamp": self.now} if stamp and definition.has("SystemModstamp") else {}
        if changes or stamped:
            self.store.update(definition.name, record_id, {**changes, **stamped})

    def _audit(self, *, creating: bool) -> Row:
        changed = {"LastModifiedDate": self.now, "LastModifiedById": self.user_id, "SystemModstamp": self.now}
        return (
            {"CreatedDate": self.now, "CreatedById": self.user_id, "IsDeleted": 0, **changed} if creating else changed
        )

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo everything inside when an exception leaves the block."""
        self._depth += 1
        name, written = f"s{self._depth}", self.rows_written
        self.store.connection.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self.store.connection.execute(f"ROLLBACK TO {name}")
            self.rows_written = written
            raise
        finally:
            self.store.connection.execute(f"RELEASE {name}")
            self._depth -= 1

    def picked(self, sobject: str, ids: Sequence[str]) -> dict[str, Row]:
        """Return records by id, counted as read."""
        found = self.store.fetch_many(self.schema.get(sobject), ids)
        self.rows_read += len(found)
        return found
