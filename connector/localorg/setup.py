"""What an admin sets up: validation, duplicate and assignment rules, record types, locks, currencies.

`org.setup` is the entrance. The rules are values of setup_state.py; rules.py applies them when records are saved.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from connector.localorg import setup_rows
from connector.localorg.definitions import ObjectDef
from connector.localorg.formula.compile import Formula
from connector.localorg.formula.parse import FormulaError
from connector.localorg.setup_state import AssignmentRule, DuplicateRule, Lock, LockKind, Setup, ValidationRule
from connector.localorg.values import wire_datetime

if TYPE_CHECKING:
    from connector.localorg.org import Org


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
    ) -> str:
        """Add a record type that allows only some values of restricted picklists; returns its id."""
        org = self.org
        if not org.schema.get(sobject).has("RecordTypeId"):
            org.define_fields([_record_type_field(sobject)])
        definition = org.schema.get(sobject)
        row = {"SobjectType": definition.name, "DeveloperName": developer_name, "Name": developer_name, "IsActive": 1}
        with org.transaction() as txn:
            target = txn.schema.get("RecordType")
            given = {**row, "IsPersonType": int(person)}
            record_type = txn.insert(target, {n: v for n, v in given.items() if target.has(n)})
        for name, values in (picklists or {}).items():
            self._setup.picklists[f"{record_type}.{definition.fields[name.lower()].name}"] = list(values)
        if default:
            self._setup.default_record_types[definition.name] = record_type
        org.state.schema_changed_at = org.now_wire()
        org.save_state()
        return record_type

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
        found = Formula(self.org.schema, definition, "t", False).compile(formula)
        if found.kind != "boolean":
            raise FormulaError(f"Formula result is data type ({found.kind}), incompatible with expected (boolean)")
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
