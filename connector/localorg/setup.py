"""What an admin sets up: validation, duplicate and assignment rules, record types, layouts, locks, currencies.

`org.setup` is the entrance. The rules are values of setup_state.py; rules.py applies them when records are saved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from connector.localorg import setup_rows
from connector.localorg.definitions import ObjectDef
from connector.localorg.formula.fields import check_condition
from connector.localorg.ids import make_id
from connector.localorg.layouts import Layout, check_layout
from connector.localorg.setup_state import (
    AssignmentRule,
    Automation,
    DuplicateRule,
    Lock,
    LockKind,
    Setup,
    ValidationRule,
)
from connector.localorg.values import wire_datetime

if TYPE_CHECKING:
    from connector.localorg.org import Org

LAYOUT_PREFIX = "00h"
SharingModel = Literal["Private", "Read", "ReadWrite", "ReadWriteTransfer", "FullAccess", "ControlledByParent"]
ACCESS_OF_MODEL: Mapping[SharingModel, str] = {
    "Private": "None",
    "Read": "Read",
    "ReadWrite": "Edit",
    "ReadWriteTransfer": "ReadEditTransfer",
    "FullAccess": "All",
    "ControlledByParent": "ControlledByParent",
}
"""What EntityDefinition calls an org-wide default, and what Organization calls it."""


class Administration:
    """The Setup menu of one org."""

    def __init__(self, org: "Org") -> None:
        self.org = org

    def add_validation_rule(
        self, sobject: str, name: str, formula: str, message: str, field: str | None = None
    ) -> None:
        """Refuse records of an object for which a formula is true; raises FormulaError."""
        definition = self._check(sobject, formula)
        rules = [r for r in self._setup.validation_rules if (r.sobject, r.name) != (definition.name, name)]
        self._setup.validation_rules = [*rules, ValidationRule(definition.name, name, formula, message, field)]
        self.org.save_state()

    def add_duplicate_rule(
        self, sobject: str, name: str, fields: Sequence[str], action: Literal["alert", "block"] = "alert"
    ) -> None:
        """Refuse second records with equal values; `alert` lets those through who ask for it (allowSave)."""
        definition = self.org.schema.get(sobject)
        canonical = tuple(definition.fields[n.lower()].name for n in fields)
        self._setup.duplicate_rules.append(DuplicateRule(definition.name, name, canonical, action))
        self.org.save_state()

    def add_assignment_rule(self, sobject: str, formula: str, owner_id: str) -> None:
        """Assign saved Leads or Cases for which a formula is true; raises FormulaError."""
        if sobject not in ("Lead", "Case"):
            raise ValueError(f"assignment rules are for Lead and Case, not {sobject}")
        self._check(sobject, formula)
        self._setup.assignment_rules.append(AssignmentRule(sobject, formula, owner_id))
        self.org.save_state()

    def add_record_type(
        self,
        sobject: str,
        developer_name: str,
        picklists: Mapping[str, Sequence[str]] | None = None,
        *,
        default: bool = False,
        person: bool = False,
        label: str | None = None,
        active: bool = True,
    ) -> str:
        """Add or change a record type that allows only some values of restricted picklists; returns its id."""
        org = self.org
        if not org.schema.get(sobject).has("RecordTypeId"):
            org.define_fields([_record_type_field(sobject)])
        definition = org.schema.get(sobject)
        record_type = self._store_record_type(
            {"SobjectType": definition.name, "DeveloperName": developer_name},
            {"Name": label or developer_name, "IsActive": int(active), "IsPersonType": int(person)},
        )
        for name, values in (picklists or {}).items():
            self._setup.picklists[f"{record_type}.{definition.fields[name.lower()].name}"] = list(values)
        if default:
            self._setup.default_record_types[definition.name] = record_type
        self._note_change()
        return record_type

    def _store_record_type(self, key: Mapping[str, Any], given: Mapping[str, Any]) -> str:
        with self.org.transaction() as txn:
            target = txn.schema.get("RecordType")
            known = txn.select("RecordType", key)
            values = {n: v for n, v in given.items() if target.has(n)}
            if not known:
                return txn.insert(target, {**key, **values})
            txn.update(target, known[0]["Id"], values)
            return str(known[0]["Id"])

    def save_layout(self, layout: Layout) -> None:
        """Add a page layout, or replace the one of this name (8.5); raises DefinitionError for what the org lacks."""
        check_layout(self.org.schema, layout)
        known = {x.name: x.id for x in self._setup.layouts}
        made = replace(layout, id=known.get(layout.name) or self._new_layout_id())
        if layout.name in known:
            self._setup.layouts = [made if x.name == layout.name else x for x in self._setup.layouts]
        else:
            self._setup.layouts = [*self._setup.layouts, made]
        self._note_change()

    def _new_layout_id(self) -> str:
        with self.org.transaction() as txn:
            return make_id(LAYOUT_PREFIX, txn.pod, txn.store.next_counter(LAYOUT_PREFIX))

    def assign_layout(self, layout: str, to: str) -> None:
        """Show a layout for an object, or for one of its record types (`Object.RecordType`)."""
        self._setup.layout_assignments[to] = layout
        self._note_change()

    def _note_change(self) -> None:
        """Describe answers change with this."""
        self.org.state.schema_changed_at = self.org.now_wire()
        self.org.save_state()

    def set_sharing_model(self, sobject: str, model: SharingModel) -> None:
        """Set the org-wide default of an object: what users see who have no other right to its records.

        It is only told (EntityDefinition, Organization): this org shows every user all records all the same.
        """
        definition = self.org.schema.get(sobject)
        self._setup.sharing_models[definition.name] = model
        field = f"Default{definition.name}Access"
        with self.org.transaction() as txn:
            organization = txn.schema.get("Organization")
            if organization.has(field):
                txn.update(organization, self.org.state.org_id, {field: ACCESS_OF_MODEL[model]})
        self.org.save_state()

    def add_automation(self, kind: Literal["flow", "trigger"], sobject: str, name: str, *, active: bool = True) -> None:
        """Put a flow or an Apex trigger on an object into the inventory; none of them runs here."""
        found = Automation(kind, self.org.schema.get(sobject).name, name, active)
        self._setup.automation = [*self._setup.automation, found]
        self.org.save_state()

    def lock(self, record_id: str, kind: LockKind = "row", duration: timedelta | None = None) -> None:
        """Hold a record so that nobody can change it, for a while or until unlock."""
        until = "" if duration is None else wire_datetime(self.org.clock.now() + duration)
        self._setup.locks[record_id] = Lock(kind, until)

    def unlock(self, record_id: str) -> None:
        """Let a record go."""
        self._setup.locks.pop(record_id, None)

    def add_currency(self, iso_code: str, rate: float, *, places: int = 2) -> None:
        """Add an active currency; the rate says how many of it one unit of the corporate currency buys."""
        self._need_currencies()
        with self.org.transaction() as txn:
            setup_rows.insert_currency(txn, iso_code, rate, places, corporate=False)

    def add_dated_rate(self, iso_code: str, start: date, rate: float) -> None:
        """Set a rate from a day on, until the next such day."""
        self._need_currencies()
        with self.org.transaction() as txn:
            definition = txn.schema.get("DatedConversionRate")
            txn.insert(definition, {"IsoCode": iso_code, "StartDate": start.isoformat(), "ConversionRate": rate})
            rows = sorted(txn.select("DatedConversionRate", {"IsoCode": iso_code}), key=lambda r: str(r["StartDate"]))
            for row, after in zip(rows, [*rows[1:], None], strict=True):
                until = after["StartDate"] if after else "9999-12-31"
                txn.derive(definition, row["Id"], {"NextStartDate": until}, stamp=False)

    def _need_currencies(self) -> None:
        if "MultiCurrency" not in self.org.state.features:
            raise ValueError("this org has one currency; create it with features=('MultiCurrency',)")

    @property
    def _setup(self) -> Setup:
        return self.org.state.setup

    def _check(self, sobject: str, formula: str) -> ObjectDef:
        definition = self.org.schema.get(sobject)
        check_condition(self.org.schema, definition, formula)
        return definition


def _record_type_field(sobject: str) -> dict[str, Any]:
    return {
        "sobject": sobject,
        "name": "RecordTypeId",
        "label": "Record Type ID",
        "type": "reference",
        "custom": False,
        "referenceTo": ["RecordType"],
        "relationshipName": "RecordType",
    }
