"""The heart of an org: store, state, clock and lock; how it comes and goes, and how a transaction is opened.

org.py gives it a face. One lock and one transaction at a time, as in one Salesforce transaction: everything inside has
the same time and user.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from connector.localorg import background, permissions, setup_rows
from connector.localorg.access import SYSTEM_ACCESS, Access
from connector.localorg.bulk.keeping import image_with_jobs, kept_jobs
from connector.localorg.clock import Clock
from connector.localorg.customization import extend_schema
from connector.localorg.definitions import ObjectDef, Schema, standard_schema
from connector.localorg.errors import resource_missing
from connector.localorg.faults import Faults
from connector.localorg.formula.fields import add_functions
from connector.localorg.ids import make_pod
from connector.localorg.ledger import RequestLedger
from connector.localorg.locators import Locators
from connector.localorg.schema import FEATURES
from connector.localorg.state import OrgState
from connector.localorg.storage import Store
from connector.localorg.switches import Switches
from connector.localorg.transaction import Transaction
from connector.localorg.values import wire_datetime

_STATE = "state"


class OrgCore:
    """What every part of an org works on. Make one with create, open or restore of Org."""

    def __init__(self, store: Store, state: OrgState, clock: Clock) -> None:
        self.store = store
        self.state = state
        self.clock = clock
        self.lock = threading.RLock()
        self.faults = Faults(clock)
        self.ledger = RequestLedger()
        self.locators = Locators()
        self.bulk = kept_jobs(store)
        self._pod = make_pod(state.seed)
        self._moment: dict[str, str] = {}
        add_functions(store.connection, self._moment)
        self._set_schema()

    # --- coming and going

    @classmethod
    def create(
        cls,
        clock: Clock | None = None,
        path: Path | None = None,
        seed: int = 1,
        *,
        name: str = "Local Org",
        features: Iterable[str] = (),
        switches: Switches | None = None,
    ) -> Self:
        """Make a new org with its set-up rows, in memory unless a path is given; `features` are of FEATURES."""
        features = sorted(set(features))
        if path is not None and Path(path).exists():
            raise FileExistsError(f"{path} exists already; use Org.open, or remove it")
        if unknown := sorted(set(features) - set(FEATURES)):
            raise ValueError(f"there is no feature {unknown[0]!r}; this org knows {', '.join(FEATURES)}")
        store = Store.in_memory() if path is None else Store.in_file(Path(path))
        state = OrgState(seed=seed, features=features, switches=switches or Switches())
        org = cls(store, state, clock or Clock())
        org._fill(name)
        return org

    def _fill(self, name: str) -> None:
        self.store.connection.execute("BEGIN")
        self.store.create_tables(self.schema)
        self.store.connection.execute("COMMIT")
        with self.transaction() as txn:
            self.state.admin_id = setup_rows.insert_setup_rows(txn, name)
            self.state.org_id = txn.select("Organization", {})[0]["Id"]
        self.state.schema_changed_at = self.now_wire()
        self.save_state()

    @classmethod
    def open(cls, path: Path, clock: Clock | None = None) -> Self:
        """Open an org that was made with a path."""
        store = Store.in_file(Path(path))
        text = store.get_meta(_STATE)
        if text is None:
            raise FileNotFoundError(f"{path} holds no org; make one with Org.create(path=...)")
        return cls(store, OrgState.from_json(text), clock or Clock())

    def snapshot(self) -> bytes:
        """Return the whole org as bytes: records, customisation, clients, sessions and jobs; not faults and ledger."""
        with self.lock:
            self.save_state()
            return image_with_jobs(self.store, self.bulk)

    @classmethod
    def restore(cls, snapshot: bytes, clock: Clock | None = None) -> Self:
        """Make a copy, in memory, of the org that a snapshot was taken of."""
        store = Store.from_image(snapshot)
        return cls(store, OrgState.from_json(store.get_meta(_STATE) or ""), clock or Clock())

    def save_state(self) -> None:
        """Write what is remembered beside the records."""
        with self.lock:
            self.store.set_meta(_STATE, self.state.to_json())

    def close(self) -> None:
        """Close the database."""
        self.store.connection.close()

    # --- time and access

    def now_wire(self) -> str:
        """The org's time as it appears in records."""
        return wire_datetime(self.clock.now())

    @property
    def admin_id(self) -> str:
        """The System Administrator, on whose behalf Python calls act unless they name a user."""
        return self.state.admin_id

    def access_of(self, user: str | None) -> Access:
        """What a user sees; None is the system, which sees everything."""
        if user is None:
            return SYSTEM_ACCESS
        with self.lock:
            return self.state.rules.of(user, permissions.read_grants(self.store, user))

    # --- objects and transactions

    def _set_schema(self) -> None:
        self.schema: Schema = extend_schema(standard_schema(frozenset(self.state.features)), self.state.definitions)

    def _object(self, sobject: str) -> ObjectDef:
        found = self.schema.find(sobject)
        if found is None:
            raise resource_missing()
        return found

    @contextmanager
    def transaction(self, user: str | None = None) -> Iterator[Transaction]:
        """Open a transaction as a user (None: the system, in the administrator's name); an exception undoes it."""
        with self.lock:
            if self.store.connection.in_transaction:
                raise RuntimeError("the org is in a transaction already; pass the open one on")
            background.catch_up(self)
            with self.open_transaction(user, self.now_wire()) as txn:
                yield txn

    @contextmanager
    def open_transaction(self, user: str | None, now: str) -> Iterator[Transaction]:
        """Open a transaction at a given time, for what the org does by itself; others call transaction."""
        connection = self.store.connection
        txn = Transaction(
            schema=self.schema,
            store=self.store,
            switches=self.state.switches,
            access=self.access_of(user),
            user_id=user or self.admin_id,
            now=now,
            today=self.clock.today(),
            pod=self._pod,
            tracked=frozenset(self.state.tracked),
            setup=self.state.setup,
        )
        self._moment |= {"now": now, "today": txn.today.isoformat(), "user": txn.user_id}
        connection.execute("BEGIN")
        try:
            yield txn
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
