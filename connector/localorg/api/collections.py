"""Routes of sObject collections: up to 200 records a call, each judged by itself unless allOrNone (reference 4.1)."""

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from connector.localorg import errors, validation, writes
from connector.localorg.api.records import find_key_field
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply
from connector.localorg.definitions import ObjectDef
from connector.localorg.ids import to_id18
from connector.localorg.soql.run import run_soql

MOST_RECORDS = 200
MOST_RETRIEVED = 2000
MOST_CHUNKS = 10

Body = Mapping[str, Any]
Result = dict[str, Any]
Write = Callable[[Any], Result]


def create_records(visit: Visit, call: Call) -> Reply:
    """POST composite/sobjects"""
    records, all_or_none = _read_records(call)

    def write(record: Body) -> Result:
        record_id = writes.create_one(visit.txn, _object_of(visit, record), record)
        return {"id": record_id, "success": True, "errors": []}

    return _write_all(visit, records, write, all_or_none=all_or_none)


def update_records(visit: Visit, call: Call) -> Reply:
    """PATCH composite/sobjects: each record carries its id"""
    records, all_or_none = _read_records(call)
    seen: set[str] = set()

    def write(record: Body) -> Result:
        definition, record_id, body = _split_id(visit, record)
        if record_id in seen:
            raise errors.OrgError(400, "DUPLICATE_VALUE", f"Duplicate id specified: {record_id}", ["Id"])
        seen.add(record_id)
        _update_existing(visit, definition, record_id, body)
        return {"id": record_id, "success": True, "errors": []}

    return _write_all(visit, records, write, all_or_none=all_or_none)


def _split_id(visit: Visit, record: Body) -> tuple[ObjectDef, str, Body]:
    definition = _object_of(visit, record)
    given = next((v for n, v in record.items() if n.lower() == "id"), None)
    if given is None:
        raise errors.OrgError(400, "MISSING_ARGUMENT", "Id not specified in an update call", ["Id"])
    body = {n: v for n, v in record.items() if n.lower() != "id"}
    return definition, validation.read_record_id(definition, given), body


def _update_existing(visit: Visit, definition: ObjectDef, record_id: str, body: Body) -> None:
    """Update; a record that does not exist is an invalid cross reference here, not a 404."""
    try:
        writes.update_one(visit.txn, definition, record_id, body)
    except errors.OrgError as error:
        raise _without_404(error) from None


def _without_404(error: errors.OrgError) -> errors.OrgError:
    return errors.reference_missing() if error.code == "NOT_FOUND" else error


def delete_records(visit: Visit, call: Call) -> Reply:
    """DELETE composite/sobjects?ids=a,b&allOrNone=false"""
    ids = [i.strip() for i in call.query.get("ids", "").split(",") if i.strip()]
    _check_count(ids)

    def write(given: str) -> Result:
        record_id = to_id18(given)
        definition = visit.org.schema.of_id(record_id) if record_id else None
        if record_id is None or definition is None:
            raise errors.OrgError(400, "MALFORMED_ID", f"malformed id {given}", [])
        try:
            writes.delete_one(visit.txn, definition, record_id)
        except errors.OrgError as error:
            raise _without_404(error) from None
        return {"id": record_id, "success": True, "errors": []}

    return _write_all(visit, ids, write, all_or_none=call.query.get("allOrNone", "").lower() == "true")


def upsert_records(visit: Visit, call: Call, name: str, field: str) -> Reply:
    """PATCH composite/sobjects/X/Field: one type, matched by an external id, or by Id

    Id works as a key, with null for a new record (recorded; also the guide of the Mobile SDK, Collection Upsert). What
    the REST guide says, "Don't use record ids", is about records that are matched by another field.
    """
    definition = visit.find_object(name)
    key = find_key_field(visit, definition, field)
    records, all_or_none = _read_records(call)
    seen: set[str] = set()

    def write(record: Body) -> Result:
        if _object_of(visit, record) is not definition:
            raise errors.OrgError(400, "INVALID_TYPE", f"all records must be of type {definition.name}", [])
        value = next((v for n, v in record.items() if n.lower() == key.name.lower()), None)
        folded = str(value).casefold()
        if value is not None and folded in seen:
            raise errors.duplicate_external_id(key.name, value)
        seen.add(folded)
        if key.name != "Id" and any(n.lower() == "id" for n in record):
            raise errors.OrgError(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.", [])
        body = {n: v for n, v in record.items() if n.lower() != "id"}
        record_id, created = writes.upsert_one(visit.txn, definition, key, value, body)
        return {"id": record_id, "success": True, "errors": [], "created": created}

    return _write_all(visit, records, write, all_or_none=all_or_none)


def retrieve_posted(visit: Visit, call: Call, name: str) -> Reply:
    """POST composite/sobjects/X with ids and fields; missing records are null in their position"""
    body = call.json_object()
    return _retrieve(visit, name, body.get("ids"), body.get("fields"))


def retrieve_asked(visit: Visit, call: Call, name: str) -> Reply:
    """GET composite/sobjects/X?ids=a,b&fields=A,B"""
    return _retrieve(visit, name, call.query.get("ids", "").split(","), call.query.get("fields", "").split(","))


def _retrieve(visit: Visit, name: str, ids: Any, fields: Any) -> Reply:
    if (
        not isinstance(ids, list)
        or not isinstance(fields, list)
        or not fields
        or not all(isinstance(v, str) for v in [*ids, *fields])
    ):
        raise errors.body_unreadable("ids and fields must be lists of texts, fields not empty")
    definition = visit.find_object(name)
    if len(ids) > MOST_RETRIEVED:
        raise errors.too_many_records(MOST_RETRIEVED)
    wanted = {i: to_id18(i.strip()) for i in ids}
    malformed = next((i for i, found in wanted.items() if found is None), None)
    if malformed is not None:
        raise errors.OrgError(400, "MALFORMED_ID", f"malformed id {malformed}", [])
    found = _records_by_id(visit, definition, sorted({str(i) for i in wanted.values()}), fields)
    return Reply(200, [found.get(str(wanted[i])) for i in ids])


def _records_by_id(visit: Visit, definition: ObjectDef, ids: list[str], fields: list[str]) -> dict[str, Any]:
    """Records that are alive, by id; the Id is shown only when it was asked for."""
    listed = ", ".join(f"'{i}'" for i in ids) or "null"
    soql = f"SELECT {', '.join(dict.fromkeys(f.strip() for f in fields))} FROM {definition.name} WHERE Id IN ({listed})"
    records = run_soql(visit.txn, soql, include_deleted=False, version=visit.version).records
    return {r["attributes"]["url"].rsplit("/", 1)[1]: r for r in records}


# --- what all writes share


def _read_records(call: Call) -> tuple[list[Any], bool]:
    body = call.json_object()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise errors.body_unreadable("records must be a list of objects")
    _check_count(records)
    return records, body.get("allOrNone") is True


def _check_count(rows: list[Any]) -> None:
    if len(rows) > MOST_RECORDS:
        raise errors.too_many_records(MOST_RECORDS)
    if not rows:
        raise errors.OrgError(400, "INVALID_INPUT", "at least one record is needed")


def _object_of(visit: Visit, record: Body) -> ObjectDef:
    named = validation.type_of(record)
    if named is None:
        raise errors.RequestMalformedError(400, "INVALID_INPUT", "each record needs attributes.type")
    definition = visit.org.schema.find(named)
    if definition is None or not visit.txn.access.sees_object(definition):
        code, text = errors.no_such_type(named)
        raise errors.RequestMalformedError(400, code, text)
    return definition


def _check_chunks(records: list[Any]) -> None:
    """Consecutive records of one type form a chunk, at most ten a call."""
    types = [validation.type_of(r) for r in records if isinstance(r, dict)]
    if sum(1 for _ in groupby(types)) > MOST_CHUNKS:
        text = f"The request cannot have more than {MOST_CHUNKS} chunks: sort the records by type"
        raise errors.OrgError(400, "LIMIT_EXCEEDED", text)


def _write_all(visit: Visit, rows: list[Any], write: Write, *, all_or_none: bool) -> Reply:
    """Write row by row.

    A refused row is a result, not an exception, and costs its neighbours nothing unless allOrNone.
    """
    visit.is_write = True
    _check_chunks(rows)
    struck = visit.struck_chunk(rows)
    if struck is not None:
        return Reply(200, [_failed(struck) for _ in rows])
    results: list[Result] = []
    try:
        with visit.txn.savepoint():
            results = [_write_row(visit, row, write) for row in rows]
            if all_or_none and not all(r["success"] for r in results):
                raise _RolledBackError
    except _RolledBackError:
        results = [r if not r["success"] else _failed(errors.rolled_back()) for r in results]
    return Reply(200, results)


class _RolledBackError(Exception):
    """Undoes an allOrNone request."""


def _write_row(visit: Visit, row: Any, write: Write) -> Result:
    try:
        with visit.txn.savepoint():
            visit.strike_row(row)
            return write(row)
    except errors.RequestMalformedError as error:
        if visit.txn.switches.unreadable_record == "request":
            raise
        return _failed(error)
    except errors.OrgError as error:
        return _failed(error)


def _failed(error: errors.OrgError) -> Result:
    return {"success": False, "errors": [error.as_collection()]}
