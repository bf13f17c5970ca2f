"""Describe answers: definitions as a user sees them, with URLs. Called by org.py and the describe routes.

Key sets are those of the recorded describes (API 59.0); hidden fields are absent.
"""

from collections.abc import Sequence
from typing import Any

from connector.localorg.access import Access
from connector.localorg.definitions import FieldDef, ObjectDef, Schema
from connector.localorg.storage import Row

_GLOBAL_KEYS = (
    "activateable",
    "associateEntityType",
    "associateParentEntity",
    "createable",
    "custom",
    "customSetting",
    "deepCloneable",
    "deletable",
    "deprecatedAndHidden",
    "feedEnabled",
    "hasSubtypes",
    "isInterface",
    "isSubtype",
    "keyPrefix",
    "label",
    "labelPlural",
    "layoutable",
    "mergeable",
    "mruEnabled",
    "name",
    "queryable",
    "replicateable",
    "retrieveable",
    "searchable",
    "triggerable",
    "undeletable",
    "updateable",
)
_INTERNAL_OBJECT_KEYS = frozenset({"feature", "fields", "childRelationships"})
_INTERNAL_FIELD_KEYS = frozenset({"childRelationshipName", "displayFormat", "trackHistory", "description"})
_MASTER_RECORD_TYPE = "012000000000000AAA"


def describe_all(schema: Schema, access: Access, version: str) -> dict[str, Any]:
    """The answer to GET /sobjects."""
    visible = [o for o in schema.objects.values() if access.sees_object(o)]
    entries = [describe_brief(o, version) for o in sorted(visible, key=lambda o: o.name)]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": entries}


def describe_brief(definition: ObjectDef, version: str) -> dict[str, Any]:
    """One object in the list of objects."""
    return {**{k: definition.raw.get(k) for k in _GLOBAL_KEYS}, "urls": _urls(definition, version)}


def _urls(definition: ObjectDef, version: str) -> dict[str, str]:
    base = f"/services/data/v{version}/sobjects/{definition.name}"
    urls = {"rowTemplate": f"{base}/{{ID}}", "describe": f"{base}/describe", "sobject": base}
    if definition.raw["layoutable"]:
        urls["layouts"] = f"{base}/describe/layouts"
    return urls


def describe_object(
    schema: Schema, definition: ObjectDef, access: Access, version: str, record_types: Sequence[Row] = ()
) -> dict[str, Any]:
    """The answer to GET /sobjects/X/describe."""
    own = {k: v for k, v in definition.raw.items() if k not in _INTERNAL_OBJECT_KEYS}
    return {
        **own,
        "childRelationships": _children(schema, definition, access),
        "fields": [
            describe_field(definition, f, access) for f in definition.fields.values() if access.sees(definition, f)
        ],
        "recordTypeInfos": _record_types(definition, version, record_types),
        "supportedScopes": [{"label": f"All {definition.raw['labelPlural'].lower()}", "name": "everything"}],
        "urls": _urls(definition, version),
    }


def describe_field(definition: ObjectDef, field: FieldDef, access: Access) -> dict[str, Any]:
    """One field; read-only for the user when security says so."""
    shown = {k: v for k, v in field.raw.items() if k not in _INTERNAL_FIELD_KEYS}
    if not access.writes(definition, field):
        shown |= {"createable": False, "updateable": False}
    return shown


def _children(schema: Schema, definition: ObjectDef, access: Access) -> list[dict[str, Any]]:
    """Child relationships whose object and field exist for the user; custom ones are made from their lookups."""
    given = {(c["childSObject"], c["field"]): c for c in definition.raw["childRelationships"]}
    shown = []
    for child in definition.children:
        target = schema.find(child.child)
        field = target.find(child.field) if target else None
        if target is None or field is None or not access.sees_object(target) or not access.sees(target, field):
            continue
        base = {
            "deprecatedAndHidden": False,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "restrictedDelete": False,
        }
        own = {"childSObject": child.child, "field": child.field, "relationshipName": child.relationship_name}
        shown.append(given.get((child.child, child.field)) or {**base, **own, "cascadeDelete": child.cascade_delete})
    return shown


def _record_types(definition: ObjectDef, version: str, record_types: Sequence[Row]) -> list[dict[str, Any]]:
    """The record types of the org and the master, which is the default where there are no others."""
    if not definition.raw["layoutable"]:
        return []
    own = [_record_type(definition, version, row) for row in record_types]
    master = {"Id": _MASTER_RECORD_TYPE, "DeveloperName": "Master", "Name": "Master", "IsActive": True}
    return [*own, _record_type(definition, version, master)]


def _record_type(definition: ObjectDef, version: str, row: Row) -> dict[str, Any]:
    layout = f"/services/data/v{version}/sobjects/{definition.name}/describe/layouts/{row['Id']}"
    is_master = row["Id"] == _MASTER_RECORD_TYPE
    return {
        "active": bool(row["IsActive"]),
        "available": bool(row["IsActive"]),
        "defaultRecordTypeMapping": is_master,
        "developerName": row["DeveloperName"],
        "master": is_master,
        "name": row["Name"],
        "recordTypeId": row["Id"],
        "urls": {"layout": layout},
    }
