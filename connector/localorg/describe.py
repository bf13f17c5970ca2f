"""Describe answers: definitions as a user sees them, with URLs. Called by org.py and the describe routes.

Key sets are those of the recorded describes (API 59.0); hidden fields are absent.
"""

from collections.abc import Sequence
from typing import Any

from connector.localorg.access import Access
from connector.localorg.definitions import FieldDef, ObjectDef, Schema
from connector.localorg.setup_state import Setup
from connector.localorg.storage import Row
from connector.localorg.summaries import SUMMARY_KEYS

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
_INTERNAL_OBJECT_KEYS = frozenset({"feature", "fields", "childRelationships", "controlledByParent"})
_INTERNAL_FIELD_KEYS = (
    frozenset({"childRelationshipName", "displayFormat", "trackHistory", "description", "mirrors"}) | SUMMARY_KEYS
)
MASTER_RECORD_TYPE = "012000000000000AAA"


def describe_all(schema: Schema, access: Access, version: str) -> dict[str, Any]:
    """The answer to GET /sobjects."""
    visible = [o for o in schema.objects.values() if access.sees_object(o)]
    entries = [describe_brief(o, access, version) for o in sorted(visible, key=lambda o: o.name)]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": entries}


def describe_brief(definition: ObjectDef, access: Access, version: str) -> dict[str, Any]:
    """One object in the list of objects."""
    shown = {k: definition.raw.get(k) for k in _GLOBAL_KEYS}
    return {**shown, **_allowed(definition, access), "urls": _urls(definition, version)}


def _urls(definition: ObjectDef, version: str) -> dict[str, str]:
    base = f"/services/data/v{version}/sobjects/{definition.name}"
    urls = {"rowTemplate": f"{base}/{{ID}}", "describe": f"{base}/describe", "sobject": base}
    if definition.raw["layoutable"]:
        urls["layouts"] = f"{base}/describe/layouts"
    return urls


def describe_object(
    schema: Schema,
    definition: ObjectDef,
    access: Access,
    version: str,
    record_types: Sequence[Row] = (),
    setup: Setup | None = None,
) -> dict[str, Any]:
    """The answer to GET /sobjects/X/describe."""
    own = {k: v for k, v in definition.raw.items() if k not in _INTERNAL_OBJECT_KEYS}
    types = record_types_of(definition, version, record_types, setup or Setup())
    return {
        **own,
        **_allowed(definition, access),
        "childRelationships": _children(schema, definition, access),
        "fields": [
            describe_field(definition, f, access) for f in definition.fields.values() if access.sees(definition, f)
        ],
        "recordTypeInfos": types,
        "supportedScopes": [{"label": f"All {definition.raw['labelPlural'].lower()}", "name": "everything"}],
        "urls": _urls(definition, version),
    }


def _allowed(definition: ObjectDef, access: Access) -> dict[str, bool]:
    """What can be done with the object's records, as far as the user may."""
    return {
        "createable": definition.createable and access.allows(definition, "Create"),
        "updateable": definition.updateable and access.allows(definition, "Edit"),
        "deletable": definition.deletable and access.allows(definition, "Delete"),
        "undeletable": definition.undeletable and access.allows(definition, "Delete"),
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


def record_types_of(
    definition: ObjectDef, version: str, record_types: Sequence[Row], setup: Setup
) -> list[dict[str, Any]]:
    """The record types of an object and the master, which is the default where no other is."""
    if not definition.raw["layoutable"]:
        return []
    default = setup.default_record_types.get(definition.name, MASTER_RECORD_TYPE)
    master = {"Id": MASTER_RECORD_TYPE, "DeveloperName": "Master", "Name": "Master", "IsActive": True}
    return [_record_type(definition, version, row, default) for row in (*record_types, master)]


def _record_type(definition: ObjectDef, version: str, row: Row, default: str) -> dict[str, Any]:
    layout = f"/services/data/v{version}/sobjects/{definition.name}/describe/layouts/{row['Id']}"
    return {
        "active": bool(row["IsActive"]),
        "available": bool(row["IsActive"]),
        "defaultRecordTypeMapping": row["Id"] == default,
        "developerName": row["DeveloperName"],
        "master": row["Id"] == MASTER_RECORD_TYPE,
        "name": row["Name"],
        "recordTypeId": row["Id"],
        "urls": {"layout": layout},
    }
