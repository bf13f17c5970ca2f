"""The org as a Python object: people, security, customisation, records, SOQL, describe.

Tests, seeds, pages and the server call it; each method hands over to the module that knows. core.py has what all of
them work on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from connector.localorg import (
    background,
    conversion,
    describe,
    loading,
    merging,
    permissions,
    sessions,
    setup_rows,
    sfdx,
    validation,
    writes,
)
from connector.localorg.access import EVERYONE, add_rule, drop_rule
from connector.localorg.clock import Clock
from connector.localorg.conversion import Conversion, Wish
from connector.localorg.core import OrgCore
from connector.localorg.customization import extend_schema, spread_definitions
from connector.localorg.definitions import standard_schema
from connector.localorg.errors import OrgError, resource_missing
from connector.localorg.formula.fields import check_formulas, fill_formulas
from connector.localorg.platform.summaries import recalculate
from connector.localorg.setup import Administration
from connector.localorg.sfdx import read_source
from connector.localorg.soql.run import QueryResult, run_soql
from connector.localorg.state import Client
from connector.localorg.summaries import changed_summaries, check_summaries
from connector.localorg.values import needs_conversion, store_trusted, to_python

__all__ = ["API_VERSION", "Clock", "Conversion", "Org", "OrgError", "QueryResult", "Wish"]

API_VERSION = "66.0"


class Org(OrgCore):
    """One embedded Salesforce org. Make one with create, open or restore."""

    # --- people

    def add_user(
        self,
        username: str,
        *,
        last_name: str | None = None,
        first_name: str | None = None,
        active: bool = True,
        minimum_access: bool = False,
        **fields: Any,
    ) -> str:
        """Add a user and return the id; other fields by API name.

        One with minimum access sees nothing but what permission sets grant, as the user of a connector should.
        """
        names = {"FirstName": first_name, "LastName": last_name or username}
        with self.transaction() as txn:
            if minimum_access:
                fields["ProfileId"] = permissions.minimum_access_profile(txn)
            return setup_rows.add_user(txn, {"Username": username, **names, "IsActive": active, **fields})

    def add_client(
        self,
        key: str,
        secret: str | None = None,
        user_id: str | None = None,
        public_key_pem: str | None = None,
        *,
        rotates_refresh_token: bool = False,
    ) -> None:
        """Let an application in: by secret (client credentials) or by certificate (JWT bearer), running as a user."""
        self.state.clients[key] = Client(key, secret, user_id or self.admin_id, public_key_pem, rotates_refresh_token)
        self.save_state()

    def issue_refresh_token(self, client_key: str, user: str | None = None) -> str:
        """Hand out a refresh token, as the end of a web login would."""
        with self.lock:
            return sessions.issue_refresh_token(self.state, user or self.admin_id, client_key)

    def issue_token(self, user: str | None = None, client_key: str = "local") -> str:
        """Hand out an access token without asking for credentials, for tests."""
        with self.lock:
            return sessions.issue_token(self.state, user or self.admin_id, client_key, self.clock.now())

    # --- security and customisation

    def hide_field(self, user: str | None, sobject: str, field: str) -> None:
        """Hide a field from a user, or from everybody when user is None."""
        definition = self._object(sobject)
        found = definition.find(field)
        if found is None:
            raise OrgError(400, "INVALID_FIELD", f"No such column '{field}' on entity '{sobject}'")
        add_rule(self.state.rules.hidden_fields, user or EVERYONE, [f"{definition.name}.{found.name}"])
        self.save_state()

    def show_field(self, user: str | None, sobject: str, field: str) -> None:
        """Undo hide_field."""
        drop_rule(self.state.rules.hidden_fields, user or EVERYONE, f"{sobject}.{field}")
        self.save_state()

    def make_field_read_only(self, user: str | None, sobject: str, field: str) -> None:
        """Let a user read a field but not write it."""
        add_rule(self.state.rules.read_only_fields, user or EVERYONE, [f"{sobject}.{field}"])
        self.save_state()

    def hide_object(self, user: str | None, sobject: str) -> None:
        """Hide an object from a user, or from everybody when user is None."""
        add_rule(self.state.rules.hidden_objects, user or EVERYONE, [self._object(sobject).name])
        self.save_state()

    def make_field_writable(self, user: str | None, sobject: str, field: str) -> None:
        """Undo make_field_read_only."""
        drop_rule(self.state.rules.read_only_fields, user or EVERYONE, f"{sobject}.{field}")
        self.save_state()

    def assign_permission_set(self, user: str, name: str) -> None:
        """Give a user what a permission set grants; raises ValueError when the org has none of this name."""
        with self.transaction() as txn:
            permissions.assign(txn, user, name)

    def withdraw_permission_sets(self, user: str) -> None:
        """Take all permission sets from a user."""
        with self.transaction() as txn:
            permissions.withdraw_all(txn, user)

    def set_switches(self, **answers: Any) -> None:
        """Set answers to open questions, by the names of Switches."""
        self.state.switches = replace(self.state.switches, **answers)
        self.save_state()

    def define_fields(self, definitions: Iterable[Mapping[str, Any]]) -> None:
        """Add custom fields and objects in describe shape.

        Fields of Activity appear on Task and Event. Redefining replaces.
        """
        added = spread_definitions(definitions)
        with self.lock:
            names = {(d["sobject"], d.get("name")) for d in added}
            kept = [d for d in self.state.definitions if (d["sobject"], d.get("name")) not in names]
            extended = extend_schema(standard_schema(frozenset(self.state.features)), [*kept, *added])
            check_formulas(extended, added)
            check_summaries(extended, added)
            computed = changed_summaries(self.schema, extended)
            self.state.definitions = [*kept, *added]
            self.state.tracked = sorted(
                {*self.state.tracked, *(f"{d['sobject']}.{d['name']}" for d in added if d.get("trackHistory"))}
            )
            self.state.schema_changed_at = self.now_wire()
            self._set_schema()
            self.store.create_tables(self.schema)
            self.save_state()
        if computed:
            with self.transaction() as txn:
                for summary in computed:
                    recalculate(txn, summary, stamp=self.state.switches.summary_stamps != "nothing")

    def track_fields(self, keys: Iterable[str]) -> None:
        """Keep the history of fields (`Object.Field`)."""
        self.state.tracked = sorted({*self.state.tracked, *keys})
        self.save_state()

    @property
    def setup(self) -> Administration:
        """What an admin sets up: rules, record types, locks, currencies."""
        return Administration(self)

    def add_status(self, label: str, *, closed: bool, table: str = "TaskStatus") -> str:
        """Add a value to TaskStatus or CaseStatus, as an admin does in Setup."""
        with self.transaction() as txn:
            return setup_rows.add_status(txn, table, label, closed=closed)

    def load_source(self, directory: Path) -> None:
        """Take what SFDX source defines: objects, fields, picklists, record types, permission sets, layouts, rules.

        A field that no permission set grants is hidden; raises DefinitionError with file and line.
        """
        sfdx.apply_source(self, read_source(Path(directory)))

    # --- records

    def write_late(
        self,
        sobject: str,
        values: Mapping[str, Any],
        *,
        visible_in: timedelta,
        record_id: str | None = None,
        user: str | None = None,
    ) -> None:
        """Create or change a record in a long transaction: stamped now, visible when the clock has moved on so far."""
        background.write_late(self, sobject, values, visible_in, record_id, user)

    def create_record(self, sobject: str, values: Mapping[str, Any], user: str | None = None) -> str:
        """Create a record through full validation and return its id; raises OrgError."""
        with self.transaction(user) as txn:
            return writes.create_one(txn, self._object(sobject), values)

    def update_record(self, sobject: str, record_id: str, values: Mapping[str, Any], user: str | None = None) -> None:
        """Change a record through full validation; raises OrgError."""
        with self.transaction(user) as txn:
            definition = self._object(sobject)
            writes.update_one(txn, definition, validation.read_record_id(definition, record_id), values)

    def delete_record(self, sobject: str, record_id: str, user: str | None = None) -> None:
        """Delete a record with what cascades; raises OrgError."""
        with self.transaction(user) as txn:
            definition = self._object(sobject)
            writes.delete_one(txn, definition, validation.read_record_id(definition, record_id))

    def undelete_record(self, sobject: str, record_id: str, user: str | None = None) -> None:
        """Bring a record back from the recycle bin; raises OrgError."""
        with self.transaction(user) as txn:
            definition = self._object(sobject)
            writes.undelete_one(txn, definition, validation.read_record_id(definition, record_id))

    def purge(self, sobject: str, record_id: str, user: str | None = None) -> None:
        """Leave nothing of a record, alive or in the recycle bin; raises OrgError."""
        with self.transaction(user) as txn:
            definition = self._object(sobject)
            writes.purge_any(txn, definition, validation.read_record_id(definition, record_id))

    def merge(
        self,
        sobject: str,
        master: str,
        losers: Sequence[str],
        values: Mapping[str, Any] | None = None,
        user: str | None = None,
    ) -> None:
        """Merge one or two records into the master, which takes `values` on top; raises OrgError."""
        with self.transaction(user) as txn:
            definition = self._object(sobject)
            ids = [validation.read_record_id(definition, i) for i in (master, *losers)]
            merging.merge_records(txn, definition, ids[0], ids[1:], values or {})

    def convert_lead(self, lead: str, wish: Wish | None = None, user: str | None = None) -> Conversion:
        """Convert a lead into an account, a contact and (unless the wish says no) an opportunity; raises OrgError."""
        with self.transaction(user) as txn:
            return conversion.convert_lead(txn, validation.read_record_id(self._object("Lead"), lead), wish or Wish())

    def records(
        self, sobject: str, where: Mapping[str, Any] | None = None, include_deleted: bool = False
    ) -> list[dict[str, Any]]:
        """Return whole records as Python values (bool, Decimal, date, aware datetime), oldest first.

        `where` compares for equality.
        """
        definition = self._object(sobject)
        wanted = {n: store_trusted(definition.fields[n.lower()], v) for n, v in (where or {}).items()}
        if not include_deleted and definition.has("IsDeleted"):
            wanted.setdefault("IsDeleted", 0)
        with self.transaction() as txn:
            rows = txn.select(definition.name, wanted)
            fill_formulas(txn, definition, rows)
        converted = [f for f in definition.stored_fields if needs_conversion(f)]
        for row in rows:
            row.update({f.name: to_python(f, row[f.name]) for f in converted})
        return rows

    def query(self, soql: str, user: str | None = None, include_deleted: bool = False) -> QueryResult:
        """Run SOQL and return wire-shaped records, all pages at once; raises OrgError with row and column."""
        with self.transaction(user) as txn:
            return run_soql(txn, soql, include_deleted=include_deleted, version=API_VERSION)

    def load(self, sobject: str, rows: Iterable[Mapping[str, Any]], *, preserve_audit: bool = True) -> list[str]:
        """Seed records in bulk without validation.

        What a row gives stays, the rest is derived. Returns the ids in order.
        """
        with self.transaction() as txn:
            return loading.load_rows(txn, self._object(sobject), rows, preserve_audit=preserve_audit)

    # --- describe

    def describe(self, sobject: str, user: str | None = None, version: str = API_VERSION) -> dict[str, Any]:
        """Return the full describe of an object as a user sees it; raises OrgError when it does not exist for them."""
        definition, access = self._object(sobject), self.access_of(user)
        if not access.sees_object(definition):
            raise resource_missing()
        with self.transaction() as txn:
            record_types = txn.select("RecordType", {"SobjectType": definition.name})
        return describe.describe_object(self.schema, definition, access, version, record_types, self.state.setup)

    def describe_global(self, user: str | None = None, version: str = API_VERSION) -> dict[str, Any]:
        """Return the list of objects as a user sees them."""
        return describe.describe_all(self.schema, self.access_of(user), version)
