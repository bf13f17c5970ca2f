"""Routes of single records: describe, create, read, update, delete, upsert by external id (reference 4.2, 6)."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from connector.localorg import describe, errors, writes
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply
from connector.localorg.definitions import FieldDef, ObjectDef
from connector.localorg.ids import to_id18
from connector.localorg.soql.run import run_soql
from connector.localorg.storage import Row
from connector.localorg.values import read_datetime


def list_objects(visit: Visit, call: Call) -> Reply:
    """GET sobjects"""
    return _unless_unchanged(
        visit, call, lambda: describe.describe_all(visit.org.schema, visit.txn.access, visit.version)
    )


def show_object(visit: Visit, call: Call, name: str) -> Reply:  # noqa: ARG001 - routes share one signature
    """GET sobjects/X"""
    definition = visit.find_object(name)
    return Reply(
        200, {"objectDescribe": describe.describe_brief(definition, visit.txn.access, visit.version), "recentItems": []}
    )


def describe_object(visit: Visit, call: Call, name: str) -> Reply:
    """GET sobjects/X/describe"""
    definition = visit.find_object(name)
    types = visit.txn.select("RecordType", {"SobjectType": definition.name})
    schema, access, setup = visit.org.schema, visit.txn.access, visit.txn.setup
    return _unless_unchanged(
        visit, call, lambda: describe.describe_object(schema, definition, access, visit.version, types, setup)
    )


def _unless_unchanged(visit: Visit, call: Call, body: Any) -> Reply:
    """304 when the schema has not changed since the client's date (reference 6; headers as recorded)."""
    changed = read_datetime(visit.org.state.schema_changed_at)
    headers = {"Last-Modified": format_datetime(changed, usegmt=True), "ETag": f'"{int(changed.timestamp()):x}"'}
    since = read_http_date(call.header("if-modified-since"))
    if since is not None and changed <= since:
        return Reply(304, None, headers)
    return Reply(200, body(), headers)


def read_http_date(text: str) -> datetime | None:
    """Read an RFC 1123 date, or nothing when there is none or it cannot be read."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except ValueError:
        return None


def create_record(visit: Visit, call: Call, name: str) -> Reply:
    """POST sobjects/X"""
    visit.is_write = True
    definition, body = visit.find_object(name), call.json_object()
    visit.strike_row(body)
    record_id = writes.create_one(visit.txn, definition, body)
    location = f"{visit.base}/sobjects/{definition.name}/{record_id}"
    return Reply(201, {"id": record_id, "success": True, "errors": []}, {"Location": location})


def find_record_id(definition: ObjectDef, key: str) -> str:
    """Turn the id in a URL into 18 characters; anything else is not found (recorded)."""
    found = to_id18(key)
    if found is None or not found.startswith(definition.key_prefix):
        raise errors.record_missing(key)
    return found


def read_record(visit: Visit, call: Call, name: str, key: str) -> Reply:
    """GET sobjects/X/id?fields=A,B"""
    definition = visit.find_object(name)
    row = writes.find_live(visit.txn, definition, find_record_id(definition, key))
    return _show_record(visit, call, definition, row["Id"])


def _show_record(visit: Visit, call: Call, definition: ObjectDef, record_id: str) -> Reply:
    wanted = [n.strip() for n in call.query.get("fields", "").split(",") if n.strip()]
    if not wanted:
        wanted = [f.name for f in definition.fields.values() if visit.txn.access.sees(definition, f)]
    soql = f"SELECT {', '.join(wanted)} FROM {definition.name} WHERE Id = '{record_id}'"
    found = run_soql(visit.txn, soql, include_deleted=True, version=visit.version).records
    return Reply(200, found[0])


def update_record(visit: Visit, call: Call, name: str, key: str) -> Reply:
    """PATCH sobjects/X/id"""
    visit.is_write = True
    definition, body = visit.find_object(name), call.json_object()
    record_id = find_record_id(definition, key)
    visit.strike_row({**body, "id": record_id})
    _check_unmodified(call, writes.find_live(visit.txn, definition, record_id))
    writes.update_one(visit.txn, definition, record_id, body)
    return Reply(204)


def _check_unmodified(call: Call, row: Row) -> None:
    """If-Unmodified-Since gives optimistic concurrency to the second (reference 4.4; body UNVERIFIED)."""
    since = read_http_date(call.header("if-unmodified-since"))
    modified = row.get("LastModifiedDate")
    if since is not None and modified is not None and read_datetime(modified) > since:
        raise errors.OrgError(412, "PRECONDITION_FAILED", "The request has been modified since the date given")


def delete_record(visit: Visit, call: Call, name: str, key: str) -> Reply:  # noqa: ARG001 - routes share one signature
    """DELETE sobjects/X/id"""
    visit.is_write = True
    definition = visit.find_object(name)
    record_id = find_record_id(definition, key)
    visit.strike_row(record_id)
    writes.delete_one(visit.txn, definition, record_id)
    return Reply(204)


# --- by external id


def find_key_field(visit: Visit, definition: ObjectDef, name: str) -> FieldDef:
    """Return the field of an external-id URL; others are refused (recorded wording)."""
    field = visit.txn.access.field(definition, name)
    if field is None or not (field.external_id or field.id_lookup):
        raise errors.record_missing(name)
    return field


def _matches(visit: Visit, definition: ObjectDef, field: FieldDef, value: str) -> list[str]:
    return writes.find_by_external_id(visit.txn, definition, field, value)


def _several(visit: Visit, definition: ObjectDef, ids: list[str]) -> Reply:
    """300 with the URLs of all records that have this external id (recorded)."""
    return Reply(300, [f"{visit.base}/sobjects/{definition.name}/{i}" for i in ids])


def read_by_key(visit: Visit, call: Call, name: str, field: str, value: str) -> Reply:
    """GET sobjects/X/Field/value"""
    definition = visit.find_object(name)
    ids = _matches(visit, definition, find_key_field(visit, definition, field), value)
    if not ids:
        raise errors.resource_missing()
    return _several(visit, definition, ids) if len(ids) > 1 else _show_record(visit, call, definition, ids[0])


def upsert_by_key(visit: Visit, call: Call, name: str, field: str, value: str) -> Reply:
    """PATCH sobjects/X/Field/value: 201 created, 200 updated, 300 when several match"""
    visit.is_write = True
    definition, body = visit.find_object(name), call.json_object()
    key = find_key_field(visit, definition, field)
    visit.strike_row({**body, key.name: value})
    if any(n.lower() in (key.name.lower(), "id") for n in body):
        raise errors.OrgError(
            400, "INVALID_FIELD", f"The {key.name} field should not be specified in the sobject data."
        )
    ids = _matches(visit, definition, key, value)
    if len(ids) > 1:
        return _several(visit, definition, ids)
    if ids:
        writes.update_one(visit.txn, definition, ids[0], body)
        return Reply(200, {"id": ids[0], "success": True, "errors": [], "created": False})
    if key.name == "Id" or call.query.get("updateOnly", "").lower() == "true":
        raise errors.record_missing(value)
    record_id = writes.create_one(visit.txn, definition, {**body, key.name: value})
    location = f"{visit.base}/sobjects/{definition.name}/{record_id}"
    return Reply(201, {"id": record_id, "success": True, "errors": [], "created": True}, {"Location": location})


def delete_by_key(visit: Visit, call: Call, name: str, field: str, value: str) -> Reply:  # noqa: ARG001 - routes share one signature
    """DELETE sobjects/X/Field/value"""
    visit.is_write = True
    definition = visit.find_object(name)
    ids = _matches(visit, definition, find_key_field(visit, definition, field), value)
    if not ids:
        raise errors.resource_missing()
    if len(ids) > 1:
        return _several(visit, definition, ids)
    visit.strike_row(ids[0])
    writes.delete_one(visit.txn, definition, ids[0])
    return Reply(204)
