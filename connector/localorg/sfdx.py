"""SFDX source: reads custom objects, fields and permission sets into definitions. Called by Org.load_source.

Covers what `connector setup export` and ordinary projects write: objects/*/fields/*.field-meta.xml,
objects/*/*.object-meta.xml, validationRules, permissionsets/*.permissionset-meta.xml, anywhere below the
directory (reference 8.3, 8.4).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from connector.localorg.customization import ACTIVITY_OBJECTS, DefinitionError
from connector.localorg.schema import Definition

if TYPE_CHECKING:
    from connector.localorg.org import Org

_NS = "{http://soap.sforce.com/2006/04/metadata}"
_TYPES = {
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
}


@dataclass(frozen=True, slots=True)
class Source:
    """What a source directory defines; keys of hidden and read-only fields are `Object.Field`."""

    definitions: list[Definition]
    hidden: list[str]
    read_only: list[str]
    statuses: list[tuple[str, str, bool]]
    """(table, label, closed) of standard value sets that are tables here."""
    rules: list[tuple[str, str, str, str, str | None]]
    """(object, name, formula, message, field) of active validation rules."""


def apply_source(org: "Org", source: Source) -> None:
    """Put what a source defines into an org, as a deploy would."""
    org.define_fields(source.definitions)
    for table, label, closed in source.statuses:
        org.add_status(label, closed=closed, table=table)
    for key in source.hidden:
        sobject, _, field = key.partition(".")
        org.hide_field(None, sobject, field)
    for key in source.read_only:
        sobject, _, field = key.partition(".")
        org.make_field_read_only(None, sobject, field)
    for rule in source.rules:
        org.setup.add_validation_rule(*rule)


def read_source(directory: Path) -> Source:
    """Read a directory.

    Fields that no permission set grants are hidden: a deploy grants nobody anything (reference 8.2).
    """
    objects = [_read_object(p) for p in sorted(directory.rglob("*.object-meta.xml"))]
    fields = [_read_field(p) for p in sorted(directory.rglob("*.field-meta.xml"))]
    definitions = [o for o in objects if o is not None] + fields
    readable, editable = _read_grants(directory)
    keys = [k for f in fields for k in _keys(f) if not f.get("required")]
    return Source(
        definitions,
        hidden=[k for k in keys if k not in readable],
        read_only=[k for k in keys if k in readable and k not in editable],
        statuses=_read_statuses(directory),
        rules=[_read_rule(p) for p in sorted(directory.rglob("*.validationRule-meta.xml")) if _is_active(p)],
    )


def _is_active(path: Path) -> bool:
    return _flag(_parse(path), "active")


def _read_rule(path: Path) -> tuple[str, str, str, str, str | None]:
    """A validation rule stands in objects/X/validationRules."""
    root = _parse(path)
    formula, message = _text(root, "errorConditionFormula"), _text(root, "errorMessage")
    if formula is None or message is None:
        raise DefinitionError(f"{path.name}: a validation rule needs errorConditionFormula and errorMessage")
    name = _text(root, "fullName") or path.name.split(".")[0]
    return path.parent.parent.name, name, formula, message, _text(root, "errorDisplayField")


def _read_statuses(directory: Path) -> list[tuple[str, str, bool]]:
    """Values of the standard value sets TaskStatus and CaseStatus; a source lists all values, new and old."""
    paths = [(t, p) for t in ("TaskStatus", "CaseStatus") for p in directory.rglob(f"{t}.standardValueSet-meta.xml")]
    return [
        (table, _text(value, "label") or _text(value, "fullName") or "", _flag(value, "closed"))
        for table, path in sorted(paths)
        for value in _parse(path).iter(_NS + "standardValue")
    ]


def _keys(field: Definition) -> list[str]:
    owners = ACTIVITY_OBJECTS if field["sobject"] == "Activity" else (field["sobject"],)
    return [f"{owner}.{field['name']}" for owner in owners]


def _text(node: ElementTree.Element, name: str) -> str | None:
    found = node.find(_NS + name)
    return None if found is None else (found.text or "")


def _flag(node: ElementTree.Element, name: str) -> bool:
    return _text(node, name) == "true"


def _number(node: ElementTree.Element, name: str) -> int | None:
    text = _text(node, name)
    return int(text) if text else None


def _parse(path: Path) -> ElementTree.Element:
    return ElementTree.parse(path).getroot()  # noqa: S314 - the user's own files


def _read_object(path: Path) -> Definition | None:
    """A custom object; the file of a standard object only changes settings that the engine does not have."""
    name = path.name.removesuffix(".object-meta.xml")
    if not name.endswith("__c"):
        return None
    root = _parse(path)
    label = _text(root, "label") or name
    definition: Definition = {
        "sobject": name,
        "name": name,
        "label": label,
        "labelPlural": _text(root, "pluralLabel") or label,
        "fields": [],
    }
    name_field = root.find(_NS + "nameField")
    if name_field is not None and _text(name_field, "type") == "AutoNumber":
        shape = _text(name_field, "displayFormat")
        entry: Definition = {
            "name": "Name",
            "label": _text(name_field, "label") or "Name",
            "type": "string",
            "length": 80,
            "custom": False,
        }
        definition["fields"] = [{**entry, "nameField": True, "autoNumber": True, "displayFormat": shape}]
    return definition


def _read_field(path: Path) -> Definition:
    root = _parse(path)
    name = _text(root, "fullName") or path.name.removesuffix(".field-meta.xml")
    metadata_type = _text(root, "type") or "Text"
    formula = _text(root, "formula")
    if metadata_type not in _TYPES:
        raise DefinitionError(
            f"{path}: field type {metadata_type!r} is not supported by the local org; supported: {', '.join(_TYPES)}"
        )
    required = _flag(root, "required") or metadata_type == "MasterDetail"
    field: Definition = {
        "sobject": path.parent.parent.name,
        "name": name,
        "label": _text(root, "label") or name,
        "type": _TYPES[metadata_type],
        "length": _number(root, "length"),
        "precision": _number(root, "precision"),
        "scale": _number(root, "scale"),
        "nillable": False if required else None,
        "required": required or None,
        "unique": _flag(root, "unique"),
        "caseSensitive": _flag(root, "caseSensitive"),
        "externalId": _flag(root, "externalId"),
        "inlineHelpText": _text(root, "inlineHelpText"),
        "trackHistory": _flag(root, "trackHistory") or None,
        "calculated": True if formula else None,
        "calculatedFormula": formula,
        "formulaTreatNullNumberAsZero": _text(root, "formulaTreatBlanksAs") != "BlankAsBlank" if formula else None,
        "autoNumber": True if metadata_type == "AutoNumber" else None,
        "displayFormat": _text(root, "displayFormat"),
        **_default(root, metadata_type),
        **_picklist(root),
        **_lookup(root, name, metadata_type),
    }
    return {k: v for k, v in field.items() if v is not None}


def _default(root: ElementTree.Element, metadata_type: str) -> Definition:
    text = _text(root, "defaultValue")
    if metadata_type == "Checkbox":
        return {"defaultValue": text == "true", "nillable": False, "defaultedOnCreate": True}
    return {"defaultValue": text.strip("'\"")} if text else {}


def _picklist(root: ElementTree.Element) -> Definition:
    values = root.find(_NS + "valueSet")
    if values is None:
        return {}
    entries = [
        {
            "value": _text(v, "fullName"),
            "label": _text(v, "label") or _text(v, "fullName"),
            "defaultValue": _flag(v, "default"),
            "active": _text(v, "isActive") != "false",
        }
        for v in values.iter(_NS + "value")
    ]
    return {"restrictedPicklist": _flag(values, "restricted"), "picklistValues": entries}


def _lookup(root: ElementTree.Element, name: str, metadata_type: str) -> Definition:
    target = _text(root, "referenceTo")
    if target is None:
        return {}
    child = _text(root, "relationshipName")
    return {
        "referenceTo": [target],
        "relationshipName": name.removesuffix("__c") + "__r",
        "childRelationshipName": f"{child}__r" if child else None,
        "cascadeDelete": metadata_type == "MasterDetail",
    }


def _read_grants(directory: Path) -> tuple[set[str], set[str]]:
    """What all permission sets together let a user read and edit; the sets count as assigned to everybody."""
    readable: set[str] = set()
    editable: set[str] = set()
    for path in sorted(directory.rglob("*.permissionset-meta.xml")):
        for grant in _parse(path).iter(_NS + "fieldPermissions"):
            sobject, _, field = (_text(grant, "field") or "").partition(".")
            owners = ACTIVITY_OBJECTS if sobject in ("Activity", *ACTIVITY_OBJECTS) else (sobject,)
            keys = {f"{owner}.{field}" for owner in owners}
            if _flag(grant, "readable"):
                readable |= keys
            if _flag(grant, "editable"):
                editable |= keys
    return readable, editable
