"""Custom objects, fields, picklists and record types of a source directory, as definitions in describe shape.

Called by `read_source`. A field file of a standard field changes only whether its history is kept.
"""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from connector.localorg.customization import ACTIVITY_OBJECTS
from connector.localorg.schema import Definition
from connector.localorg.sfdx.nodes import Node, parse_source

TYPES = {
    "Text": "string",
    "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist",
    "Number": "double",
    "Currency": "currency",
    "Percent": "percent",
    "Date": "date",
    "DateTime": "datetime",
    "Time": "time",
    "Checkbox": "boolean",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Html": "textarea",
    "Email": "email",
    "Phone": "phone",
    "Url": "url",
    "Lookup": "reference",
    "MasterDetail": "reference",
    "AutoNumber": "string",
    "Summary": "double",
}
_REFERENCES = ("Lookup", "MasterDetail")
ValueSets = dict[str, list[Definition]]


@dataclass(frozen=True, slots=True)
class RecordType:
    """A record type: which values of restricted picklists it allows."""

    sobject: str
    name: str
    label: str
    active: bool
    where: Node
    picklists: dict[str, list[str]] = field(default_factory=dict)


def read_objects(directory: Path) -> list[Definition]:
    """Custom objects; the file of a standard object only changes settings that the engine does not have."""
    paths = sorted(directory.rglob("*__c.object-meta.xml"))
    return [_read_object(parse_source(p), p.name.removesuffix(".object-meta.xml")) for p in paths]


def _read_object(root: Node, name: str) -> Definition:
    label = root.get("label") or name
    name_field = root.find("nameField")
    definition: Definition = {
        "sobject": name,
        "name": name,
        "label": label,
        "labelPlural": root.get("pluralLabel") or label,
        "controlledByParent": True if root.get("sharingModel") == "ControlledByParent" else None,
        "fields": [] if name_field is None or name_field.get("type") != "AutoNumber" else [_auto_name(name_field)],
    }
    return {k: v for k, v in definition.items() if v is not None}


def _auto_name(node: Node) -> Definition:
    named = {"name": "Name", "label": node.get("label") or "Name", "type": "string", "length": 80, "custom": False}
    return {**named, "nameField": True, "autoNumber": True, "displayFormat": node.get("displayFormat")}


def read_value_sets(directory: Path) -> ValueSets:
    """Global value sets by name."""
    paths = sorted(directory.rglob("*.globalValueSet-meta.xml"))
    return {
        unquote(p.name.removesuffix(".globalValueSet-meta.xml")): [
            _read_value(v) for v in parse_source(p).all("customValue")
        ]
        for p in paths
    }


def read_fields(directory: Path, value_sets: ValueSets) -> tuple[dict[str, Definition], list[str]]:
    """Custom fields by where they stand, and keys (Object.Field) of standard fields whose history is kept."""
    definitions: dict[str, Definition] = {}
    tracked = []
    for path in sorted(directory.rglob("*.field-meta.xml")):
        root, sobject = parse_source(path), path.parent.parent.name
        name = root.get("fullName") or path.name.removesuffix(".field-meta.xml")
        if name.endswith("__c"):
            definitions[root.where] = _read_field(root, sobject, name, value_sets)
        elif root.flag("trackHistory"):
            tracked.append(f"{sobject}.{name}")
    return definitions, tracked


def keys_of(definition: Definition) -> list[str]:
    """The keys under which field-level security knows a field; those of Activity are on Task and on Event."""
    owners = ACTIVITY_OBJECTS if definition["sobject"] == "Activity" else (definition["sobject"],)
    return [f"{owner}.{definition['name']}" for owner in owners]


def _read_field(root: Node, sobject: str, name: str, value_sets: ValueSets) -> Definition:
    metadata_type = root.get("type") or "Text"
    formula = root.get("formula")
    if metadata_type not in TYPES:
        where = root.find("type") or root
        raise where.refusal(
            f"field type {metadata_type!r} is not supported by the local org; supported: {', '.join(TYPES)}"
        )
    required = root.flag("required") or metadata_type == "MasterDetail"
    read: Definition = {
        "sobject": sobject,
        "name": name,
        "label": root.get("label") or name,
        "type": TYPES[metadata_type],
        "length": root.number("length"),
        "precision": root.number("precision"),
        "scale": root.number("scale"),
        "nillable": False if required else None,
        "required": required or None,
        "unique": root.flag("unique"),
        "caseSensitive": root.flag("caseSensitive"),
        "externalId": root.flag("externalId"),
        "inlineHelpText": root.get("inlineHelpText"),
        "trackHistory": root.flag("trackHistory") or None,
        "calculated": True if formula else None,
        "calculatedFormula": formula,
        "formulaTreatNullNumberAsZero": root.get("formulaTreatBlanksAs") != "BlankAsBlank" if formula else None,
        "autoNumber": True if metadata_type == "AutoNumber" else None,
        "displayFormat": root.get("displayFormat"),
        **_default(root, metadata_type),
        **_picklist(root, value_sets),
        **_summary(root, metadata_type),
        **(_lookup(root, name, metadata_type) if metadata_type in _REFERENCES else {}),
    }
    return {k: v for k, v in read.items() if v is not None}


def _default(root: Node, metadata_type: str) -> Definition:
    text = root.get("defaultValue")
    if metadata_type == "Checkbox":
        return {"defaultValue": text == "true", "nillable": False, "defaultedOnCreate": True}
    return {"defaultValue": text.strip("'\"")} if text else {}


def _picklist(root: Node, value_sets: ValueSets) -> Definition:
    """A value set of the field's own, or a global one by name, which is always restricted (Metadata API, ValueSet)."""
    node = root.find("valueSet")
    if node is None:
        return {}
    named = node.find("valueSetName")
    if named is not None:
        if named.text not in value_sets:
            known = ", ".join(sorted(value_sets)) or "none"
            raise named.refusal(f"there is no global value set {named.text!r} in this source; there are: {known}")
        return {"restrictedPicklist": True, "picklistValues": value_sets[named.text]}
    own = node.find("valueSetDefinition")
    entries = [_read_value(v) for v in own.all("value")] if own is not None else []
    return {"restrictedPicklist": node.flag("restricted"), "picklistValues": entries}


def _read_value(node: Node) -> Definition:
    value = node.need("fullName")
    return {
        "value": value,
        "label": node.get("label") or value,
        "defaultValue": node.flag("default"),
        "active": node.get("isActive") != "false",
    }


def _summary(root: Node, metadata_type: str) -> Definition:
    """What a roll-up summary is computed over; its type follows from that."""
    if metadata_type != "Summary":
        return {}
    items = root.all("summaryFilterItems")
    filters = [{"field": i.need("field"), "operation": i.need("operation"), "value": i.get("value")} for i in items]
    return {
        "type": None,
        "summaryOperation": root.need("summaryOperation"),
        "summaryForeignKey": root.need("summaryForeignKey"),
        "summarizedField": root.get("summarizedField"),
        "summaryFilterItems": filters,
    }


def _lookup(root: Node, name: str, metadata_type: str) -> Definition:
    child = root.get("relationshipName")
    return {
        "referenceTo": [root.need("referenceTo")],
        "relationshipName": name.removesuffix("__c") + "__r",
        "childRelationshipName": f"{child}__r" if child else None,
        "cascadeDelete": metadata_type == "MasterDetail",
    }


def read_record_types(directory: Path) -> list[RecordType]:
    """Record types; they stand in objects/X/recordTypes. Values are URL-encoded in them."""
    return [_read_record_type(p) for p in sorted(directory.rglob("*.recordType-meta.xml"))]


def _read_record_type(path: Path) -> RecordType:
    root = parse_source(path)
    name = root.get("fullName") or path.name.removesuffix(".recordType-meta.xml")
    picklists = {
        node.need("picklist"): [unquote(v.need("fullName")) for v in node.all("values")]
        for node in root.all("picklistValues")
    }
    return RecordType(path.parent.parent.name, name, root.get("label") or name, root.flag("active"), root, picklists)
