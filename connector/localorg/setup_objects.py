"""Objects that tell about the org's own set-up: what exists, who may do what, which automation runs.

They have no records of their own: each query over one of them fills its table with what the org is like at that
moment, as its user may see it. The data API has EntityDefinition, UserPermissionAccess (one row, about whoever asks),
FlowDefinitionView, ApexTrigger and DuplicateRule, the Tooling API also ValidationRule (object reference; Tooling API).
Flows and triggers are an inventory: this org knows of them and runs none.

Called by the routes of query and tooling/query. Whoever lacks View Setup and Configuration does not see the rules.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import Any, Literal

from connector.localorg import permissions
from connector.localorg.definitions import ObjectDef, Schema, build_object
from connector.localorg.ids import make_id
from connector.localorg.schema import complete_object
from connector.localorg.transaction import Transaction

Api = Literal["data", "tooling"]
Row = dict[str, Any]

_FROM = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)
_RULES = frozenset({"apextrigger", "duplicaterule", "flowdefinitionview", "validationrule"})
_SHARING = {
    "Account": "ReadWrite",
    "Asset": "ControlledByParent",
    "Campaign": "FullAccess",
    "Case": "ReadWriteTransfer",
    "Contact": "ControlledByParent",
    "Contract": "ControlledByParent",
    "Event": "Private",
    "Lead": "ReadWriteTransfer",
    "Opportunity": "ReadWrite",
    "Pricebook2": "ReadSelect",
    "Product2": "ReadWrite",
    "Task": "Private",
    "User": "Read",
}
"""Org-wide defaults of a new org (recorded Organization; those of activities and people: Salesforce Help)."""


@contextmanager
def set_up_for(txn: Transaction, soql: str, api: Api) -> Iterator[None]:
    """Let a statement see the objects of the set-up that it asks for, where it asks for any."""
    asked = {name.lower() for name in _FROM.findall(soql)}
    if api == "data" and not asked & _definitions(api).keys():
        yield
        return
    before = txn.schema
    txn.schema = _extended(txn, api)
    try:
        yield
    finally:
        txn.schema = before


def _extended(txn: Transaction, api: Api) -> Schema:
    """The schema with the set-up objects that the user sees; the Tooling API has nothing but those."""
    hidden = frozenset() if permissions.user_permissions(txn.store, txn.user_id)["ViewSetup"] else _RULES
    shown = {name: d for name, d in _definitions(api).items() if name not in hidden}
    for definition in shown.values():
        _fill(txn, definition)
    return Schema({**(txn.schema.objects if api == "data" else {}), **shown}, txn.schema.by_prefix)


@cache
def _definitions(api: Api) -> dict[str, ObjectDef]:
    text = resources.files(__package__).joinpath("setup_objects.json").read_text(encoding="utf-8")
    kept = json.loads(text)
    raw = kept["data"] + (kept["tooling"] if api == "tooling" else [])
    built = (build_object(complete_object({**o, "fields": [_open(f) for f in o["fields"]]})) for o in raw)
    return {d.name.lower(): d for d in built}


def _open(field: Row) -> Row:
    """Nothing about the set-up is hidden field by field."""
    return {**field, "permissionable": False}


def _fill(txn: Transaction, definition: ObjectDef) -> None:
    """Tables beside the org's own: they are in no snapshot, and end with the connection."""
    connection, fields = txn.store.connection, definition.stored_fields
    columns = ", ".join(f'"{f.name}"' + (" TEXT COLLATE NOCASE" if f.type == "string" else "") for f in fields)
    connection.execute(f'DROP TABLE IF EXISTS temp."{definition.name}"')
    connection.execute(f'CREATE TEMP TABLE "{definition.name}" ({columns})')
    marks = ", ".join("?" * len(fields))
    rows = [[row.get(f.name) for f in fields] for row in _ROWS[definition.name](txn, definition)]
    connection.executemany(f'INSERT INTO temp."{definition.name}" VALUES ({marks})', rows)


# --- rows -----------------------------------------------------------------------------------------------------


def _entities(txn: Transaction, definition: ObjectDef) -> Iterator[Row]:  # noqa: ARG001 - all makers of rows are alike
    for found in txn.schema.objects.values():
        if txn.access.sees_object(found):
            model = sharing_model(txn, found)
            yield {
                "Id": found.name,
                "DurableId": found.name,
                "QualifiedApiName": found.name,
                "DeveloperName": found.name.removesuffix("__c"),
                "Label": found.label,
                "PluralLabel": found.raw["labelPlural"],
                "KeyPrefix": found.key_prefix,
                "InternalSharingModel": model,
                "ExternalSharingModel": model and "Private",
                "IsQueryable": int(found.raw["queryable"]),
                "IsApexTriggerable": int(found.raw["triggerable"]),
            }


def sharing_model(txn: Transaction, definition: ObjectDef) -> str | None:
    """The org-wide default of an object; None where it has none."""
    default = "ReadWrite" if definition.raw["custom"] else None
    if definition.raw.get("controlledByParent"):
        default = "ControlledByParent"
    return txn.setup.sharing_models.get(definition.name, _SHARING.get(definition.name, default))


def _own_permissions(txn: Transaction, definition: ObjectDef) -> Iterator[Row]:  # noqa: ARG001
    may = permissions.user_permissions(txn.store, txn.user_id)
    yield {"Id": txn.user_id, **{f"Permissions{name}": int(allowed) for name, allowed in may.items()}}


def _flows(txn: Transaction, definition: ObjectDef) -> Iterator[Row]:  # noqa: ARG001
    for n, flow in enumerate(a for a in txn.setup.automation if a.kind == "flow"):
        target = txn.schema.find(flow.sobject)
        durable = make_id("300", txn.pod, n)
        yield {
            "Id": durable,
            "DurableId": durable,
            "ApiName": flow.name,
            "Label": flow.name.replace("_", " "),
            "ProcessType": "AutoLaunchedFlow",
            "TriggerType": "RecordAfterSave",
            "RecordTriggerType": "CreateAndUpdate",
            "TriggerObjectOrEventId": flow.sobject,
            "TriggerObjectOrEventLabel": target.label if target else flow.sobject,
            "IsActive": int(flow.active),
            "ActiveVersionId": make_id("301", txn.pod, n) if flow.active else None,
        }


def _triggers(txn: Transaction, definition: ObjectDef) -> Iterator[Row]:
    for n, trigger in enumerate(a for a in txn.setup.automation if a.kind == "trigger"):
        events = {f.name: 0 for f in definition.stored_fields if f.name.startswith("Usage")}
        yield {
            **events,
            "Id": make_id(definition.key_prefix, txn.pod, n),
            "Name": trigger.name,
            "TableEnumOrId": trigger.sobject,
            "UsageBeforeInsert": 1,
            "UsageBeforeUpdate": 1,
            "ApiVersion": 66.0,
            "Status": "Active" if trigger.active else "Inactive",
        }


def _duplicate_rules(txn: Transaction, definition: ObjectDef) -> Iterator[Row]:
    for n, rule in enumerate(txn.setup.duplicate_rules):
        yield {
            "Id": make_id(definition.key_prefix, txn.pod, n),
            "SobjectType": rule.sobject,
            "DeveloperName": rule.name,
            "MasterLabel": rule.name.replace("_", " "),
            "IsActive": 1,
        }


def _validation_rules(txn: Transaction, definition: ObjectDef) -> Iterator[Row]:
    for n, rule in enumerate(txn.setup.validation_rules):
        yield {
            "Id": make_id(definition.key_prefix, txn.pod, n),
            "EntityDefinitionId": rule.sobject,
            "ValidationName": rule.name,
            "Active": 1,
            "ErrorDisplayField": rule.field,
            "ErrorMessage": rule.message,
        }


_ROWS = {
    "ApexTrigger": _triggers,
    "DuplicateRule": _duplicate_rules,
    "EntityDefinition": _entities,
    "FlowDefinitionView": _flows,
    "UserPermissionAccess": _own_permissions,
    "ValidationRule": _validation_rules,
}
