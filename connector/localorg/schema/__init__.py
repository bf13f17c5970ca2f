"""The standard objects of the local org, one compact JSON file each in describe shape.

Owns the files and the rules that complete them; the engine calls `load_schema` once per org. A file leaves out
what follows from the type or equals the platform's default; nothing here knows records, users or custom fields.
Names, types, lengths and picklists are those of Salesforce's own describe (API v59, a developer edition).
An object with a "feature" exists only in orgs where that feature is switched on.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from connector.localorg.schema.persons import person_fields

Definition = dict[str, Any]

OBJECT_DEFAULTS: Definition = {
    "actionOverrides": [],
    "activateable": False,
    "associateEntityType": None,
    "associateParentEntity": None,
    "compactLayoutable": True,
    "createable": True,
    "custom": False,
    "customSetting": False,
    "deepCloneable": False,
    "defaultImplementation": None,
    "deletable": True,
    "deprecatedAndHidden": False,
    "extendedBy": None,
    "extendsInterfaces": None,
    "feature": None,
    "feedEnabled": False,
    "hasSubtypes": False,
    "implementedBy": None,
    "implementsInterfaces": None,
    "isInterface": False,
    "isSubtype": False,
    "layoutable": True,
    "listviewable": None,
    "lookupLayoutable": None,
    "mergeable": False,
    "mruEnabled": True,
    "namedLayoutInfos": [],
    "networkScopeFieldName": None,
    "queryable": True,
    "replicateable": True,
    "retrieveable": True,
    "searchLayoutable": True,
    "searchable": True,
    "sobjectDescribeOption": "FULL",
    "triggerable": True,
    "undeletable": True,
    "updateable": True,
}
FIELD_DEFAULTS: Definition = {
    "aiPredictionField": False,
    "autoNumber": False,
    "calculated": False,
    "calculatedFormula": None,
    "cascadeDelete": False,
    "caseSensitive": False,
    "compoundFieldName": None,
    "controllerName": None,
    "createable": True,
    "custom": False,
    "defaultValue": None,
    "defaultValueFormula": None,
    "defaultedOnCreate": False,
    "dependentPicklist": False,
    "deprecatedAndHidden": False,
    "digits": 0,
    "displayLocationInDecimal": False,
    "encrypted": False,
    "externalId": False,
    "extraTypeInfo": None,
    "filterable": True,
    "filteredLookupInfo": None,
    "formulaTreatNullNumberAsZero": False,
    "highScaleNumber": False,
    "htmlFormatted": False,
    "idLookup": False,
    "inlineHelpText": None,
    "length": 0,
    "mask": None,
    "maskType": None,
    "nameField": False,
    "namePointing": False,
    "nillable": True,
    "picklistValues": [],
    "polymorphicForeignKey": False,
    "precision": 0,
    "queryByDistance": False,
    "referenceTargetField": None,
    "referenceTo": [],
    "relationshipName": None,
    "relationshipOrder": None,
    "restrictedDelete": False,
    "restrictedPicklist": False,
    "scale": 0,
    "searchPrefilterable": False,
    "unique": False,
    "updateable": True,
    "writeRequiresMasterRead": False,
}
CHILD_DEFAULTS: Definition = {
    "cascadeDelete": False,
    "deprecatedAndHidden": False,
    "junctionIdListNames": [],
    "junctionReferenceTo": [],
    "relationshipName": None,
    "restrictedDelete": False,
}
PICKLIST_DEFAULTS: Definition = {"active": True, "defaultValue": False, "validFor": None}

_SOAP_TYPES = {
    "address": "urn:address",
    "anyType": "xsd:anyType",
    "base64": "xsd:base64Binary",
    "boolean": "xsd:boolean",
    "currency": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "double": "xsd:double",
    "id": "tns:ID",
    "int": "xsd:int",
    "location": "urn:location",
    "percent": "xsd:double",
    "reference": "tns:ID",
    "time": "xsd:time",
}
MULTI_CURRENCY = "MultiCurrency"
_WITH_CURRENCY = frozenset({"Account", "Case", "Contact", "Contract", "Event", "Lead", "Task"})
PERSON_ACCOUNTS = "PersonAccounts"
FEATURES = (MULTI_CURRENCY, PERSON_ACCOUNTS)
"""What an org has or has not from its first day on."""
_FIELD_SECURITY = frozenset(
    {"Account", "Asset", "Campaign", "Case", "Contact", "Contract", "Event", "Lead", "Opportunity", "Product2", "Task"}
)
"""Standard objects whose own fields can be hidden; in all others they are open to whoever sees the record (recorded:
OpportunityContactRole; the others by analogy, UNVERIFIED)."""
_READ_ONLY: Definition = {"createable": False, "updateable": False, "defaultedOnCreate": True}
_IS_PERSON: Definition = {
    "name": "IsPersonAccount",
    "label": "Is Person Account",
    "type": "boolean",
    "nillable": False,
    "defaultValue": False,
    **_READ_ONLY,
}
_PERSON_CONTACT: Definition = {
    "name": "PersonContactId",
    "label": "Contact ID",
    "type": "reference",
    "length": 18,
    "referenceTo": ["Contact"],
    "relationshipName": "PersonContact",
    "permissionable": False,
    "createable": False,
    "updateable": False,
}
_CURRENCY_FIELD: Definition = {
    "name": "CurrencyIsoCode",
    "label": "Currency ISO Code",
    "type": "picklist",
    "length": 3,
    "defaultedOnCreate": True,
}
_OWN_CURRENCY: Definition = {**_CURRENCY_FIELD, "name": "DefaultCurrencyIsoCode", "label": "Default Currency ISO Code"}
_UNSORTABLE = frozenset({"address", "location", "base64", "multipicklist", "complexvalue"})
_UNGROUPABLE = _UNSORTABLE | {"double", "currency", "percent", "datetime"}


def load_schema(features: frozenset[str] = frozenset()) -> dict[str, Definition]:
    """Every standard object by name, complete; objects of a switched-off feature are left out."""
    definitions = (_with_features(read_object(name), features) for name in object_names())
    return {d["name"]: d for d in definitions if d["feature"] is None or d["feature"] in features}


def _with_features(definition: Definition, features: frozenset[str]) -> Definition:
    """In an org with several currencies every object with amounts, and every activity, names its own."""
    has_amounts = any(f["type"] == "currency" for f in definition["fields"])
    if MULTI_CURRENCY in features and (has_amounts or definition["name"] in _WITH_CURRENCY):
        definition["fields"].append(complete_field(dict(_CURRENCY_FIELD)))
    if MULTI_CURRENCY in features and definition["name"] == "User":
        definition["fields"].append(complete_field(dict(_OWN_CURRENCY)))
    if PERSON_ACCOUNTS in features:
        _add_person_fields(definition)
    return definition


def _add_person_fields(definition: Definition) -> None:
    """What person accounts add to Account, Contact and RecordType; Name may be empty until it is put together."""
    added: list[Definition] = []
    match definition["name"]:
        case "Contact":
            added = [_IS_PERSON]
        case "RecordType":
            added = [{**_IS_PERSON, "name": "IsPersonType", "label": "Is Person Type"}]
        case "Account":
            name = next(f for f in definition["fields"] if f["name"] == "Name")
            name["nillable"] = True
            added = [_IS_PERSON, _PERSON_CONTACT, *person_fields(read_object("Contact"))]
    definition["fields"] += [complete_field(dict(f)) for f in added]


@cache
def object_names() -> tuple[str, ...]:
    """API names of all objects that have a file, sorted."""
    files = resources.files(__package__).iterdir()
    return tuple(sorted(f.name.removesuffix(".json") for f in files if f.name.endswith(".json")))


def read_object(name: str) -> Definition:
    """One object with all describe keys filled in; a fresh copy that the caller may change."""
    text = resources.files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8")
    compact = json.loads(text)
    if name not in _FIELD_SECURITY:
        compact["fields"] = [{"permissionable": False, **field} for field in compact["fields"]]
    return complete_object(compact)


def complete_object(compact: Definition) -> Definition:
    """Fill in what a compact object definition leaves out; also right for custom objects."""
    children = [{**_copied(CHILD_DEFAULTS), **child} for child in compact.get("childRelationships", [])]
    return {
        **_copied(OBJECT_DEFAULTS),
        **compact,
        "fields": [complete_field(field) for field in compact["fields"]],
        "childRelationships": children,
    }


def complete_field(compact: Definition) -> Definition:
    """Fill in what a compact field definition leaves out; also right for custom fields."""
    field = {**_copied(FIELD_DEFAULTS), **_by_type(compact), **compact}
    field["picklistValues"] = [{**PICKLIST_DEFAULTS, **value} for value in field["picklistValues"]]
    field["custom"] = field["custom"] or field["name"].endswith("__c")
    return field


def _by_type(compact: Definition) -> Definition:
    kind, length = compact["type"], compact.get("length", 0)
    is_long = kind == "textarea" and length > 255
    return {
        "aggregatable": not is_long and kind not in _UNSORTABLE and kind != "boolean",
        "byteLength": length if kind in ("id", "reference") else length * 3,
        "filterable": not is_long,
        "groupable": not is_long and kind not in _UNGROUPABLE,
        "permissionable": compact.get("nillable", True) and kind not in ("id", "address"),
        "soapType": _SOAP_TYPES.get(kind, "xsd:string"),
        "sortable": not is_long and kind not in _UNSORTABLE,
    }


def _copied(defaults: Definition) -> Definition:
    return {key: list(value) if isinstance(value, list) else value for key, value in defaults.items()}
