"""Applies an admin's rules when a record is saved. Called by writes.py; the rules themselves are in setup_state.py.

Order as on the platform: locks and record types before the save, then validation rules, duplicate rules and
assignment rules on what would be saved. A refusal is raised, and the caller's savepoint undoes the save.
"""

from connector.localorg import errors
from connector.localorg.definitions import ObjectDef
from connector.localorg.formula.fields import condition_holds
from connector.localorg.setup_state import DuplicateRule
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction


def check_before_save(txn: Transaction, definition: ObjectDef, old: Row, given: Row) -> None:
    """Refuse what a record type does not allow, unknown currencies, and children of a record that is held."""
    _check_picklists(txn, definition, old, given)
    _check_currency(txn, given)
    for name in given if txn.setup.locks else ():
        if definition.fields[name.lower()].type == "reference" and given[name] is not None:
            _refuse_if_held(txn, given[name], approvals=False)


def give_defaults(txn: Transaction, definition: ObjectDef, row: Row) -> None:
    """A new record gets the default record type."""
    default = txn.setup.default_record_types.get(definition.name)
    if default is not None and row.get("RecordTypeId") is None:
        row["RecordTypeId"] = default


def check_lock(txn: Transaction, record_id: str) -> None:
    """Refuse to change a record that somebody holds (9: UNABLE_TO_LOCK_ROW is not ENTITY_IS_LOCKED)."""
    if txn.setup.locks:
        _refuse_if_held(txn, record_id, approvals=True)


def _refuse_if_held(txn: Transaction, record_id: str, *, approvals: bool) -> None:
    lock = txn.setup.locks.get(record_id)
    if lock is None or (lock.until and lock.until <= txn.now):
        return
    if lock.kind == "row":
        raise errors.row_locked(record_id)
    if approvals:
        raise errors.approval_locked()


def _check_picklists(txn: Transaction, definition: ObjectDef, old: Row, given: Row) -> None:
    """Record types restrict picklists further; only restricted ones refuse by API (6)."""
    record_type = given.get("RecordTypeId", old.get("RecordTypeId"))
    if record_type is None:
        return
    if given.get("RecordTypeId") is not None:
        _check_record_type(txn, definition, record_type)
    for name, value in given.items():
        allowed = txn.setup.picklists.get(f"{record_type}.{name}")
        found = definition.fields[name.lower()]
        if allowed is None or value is None or found.restricted_values is None:
            continue
        for chosen in value.split(";"):
            if chosen not in allowed:
                raise errors.picklist_refused(found.label, found.name, chosen)


def _check_record_type(txn: Transaction, definition: ObjectDef, record_type: str) -> None:
    row = txn.find("RecordType", record_type)
    if row is None or row["SobjectType"] != definition.name or not row["IsActive"]:
        raise errors.record_type_refused(record_type)


def _check_currency(txn: Transaction, given: Row) -> None:
    code = given.get("CurrencyIsoCode")
    if code is not None and not txn.select("CurrencyType", {"IsoCode": code, "IsActive": 1}):
        raise errors.currency_refused(code)


def apply_to_saved(txn: Transaction, definition: ObjectDef, record_id: str, old: Row | None) -> None:
    """Judge a record as it was just stored; `old` is None for a new one."""
    validate_saved(txn, definition, record_id, old)
    _look_for_duplicates(txn, definition, record_id, old)
    _assign(txn, definition, record_id, old)


def validate_saved(txn: Transaction, definition: ObjectDef, record_id: str, old: Row | None) -> None:
    """Refuse a stored record for which a validation rule is true."""
    for rule in txn.setup.validation_rules:
        if rule.sobject == definition.name and condition_holds(txn, definition, rule.formula, record_id, old):
            raise errors.validation_failed(rule.message, rule.field)


def _look_for_duplicates(txn: Transaction, definition: ObjectDef, record_id: str, old: Row | None) -> None:
    """A rule that alerts lets a save through with allowSave=true, one that blocks never does (4.4)."""
    for rule in txn.setup.duplicate_rules:
        if rule.sobject != definition.name or (rule.action == "alert" and txn.options.allow_duplicates):
            continue
        row = txn.store.fetch(definition, record_id) or {}
        if old and all(row[n] == old.get(n) for n in rule.fields):
            continue
        matches = _matches(txn, definition, rule, row)
        if matches:
            raise errors.duplicates_detected(definition.name, rule.name, matches, allow_save=rule.action == "alert")


def _matches(txn: Transaction, definition: ObjectDef, rule: DuplicateRule, row: Row) -> list[str]:
    if any(row[n] is None for n in rule.fields):
        return []
    same = " AND ".join(f'sf_fold("{n}") = sf_fold(?)' for n in rule.fields)
    values = [row[n] for n in rule.fields]
    condition = f'{same} AND "Id" != ? AND "IsDeleted" = 0'
    return [r["Id"] for r in txn.store.select(definition, condition, (*values, row["Id"]))]


def _assign(txn: Transaction, definition: ObjectDef, record_id: str, old: Row | None) -> None:
    """Assignment rules change the owner unless the request says Sforce-Auto-Assign: FALSE (4.4)."""
    if not txn.options.auto_assign:
        return
    for rule in txn.setup.assignment_rules:
        if rule.sobject == definition.name and condition_holds(txn, definition, rule.formula, record_id, old):
            txn.store.update(definition.name, record_id, {"OwnerId": rule.owner_id})
            return
