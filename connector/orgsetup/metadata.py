"""Metadata API components as XML: custom fields and the permission set. Pure; source.py writes the files.

Shapes after the Metadata API guide (CustomField, PermissionSet). Facts: a deploy grants nobody anything, so every
field is in the permission set; a permission set is replaced whole, so it is ours alone; fields of Activity are granted
on Task and on Event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from connector.data import Needs
from connector.mapping import FieldDefinition
from connector.sharing import can_be_hidden, is_secured, with_parents

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_LONG_TEXT = 255
_TYPES = {
    "string": "Text", "textarea": "TextArea", "picklist": "Picklist", "boolean": "Checkbox", "date": "Date",
    "datetime": "DateTime", "double": "Number", "currency": "Currency", "percent": "Percent",
}  # fmt: skip
_EDITED = ("Campaign",)
"""Edited although no field of theirs is ours: adding members asks for it."""
_USER_PERMISSIONS = ("ApiEnabled", "EditTask", "ViewRoles", "ViewSetup")
"""Viewing the setup (and roles, without which it cannot be granted) lets the connector prove what it sees, and the
doctor ask for rules and limits. It shows nobody's records."""


def field_xml(definition: FieldDefinition) -> str:
    """One `*.field-meta.xml`."""
    root = Element("CustomField", xmlns=NAMESPACE)
    _add(root, "fullName", definition.name)
    if definition.type == "boolean":
        _add(root, "defaultValue", "false")
    if definition.source:
        _add(root, "description", f"Lifecycle connector: {definition.source}")
    if definition.external_id:
        _add(root, "externalId", "true")
    if definition.help:
        _add(root, "inlineHelpText", definition.help)
    _add(root, "label", definition.label)
    _size(root, definition)
    if definition.type != "boolean":
        _add(root, "required", "false")
    _add(root, "type", _type(definition))
    if definition.unique:
        _add(root, "caseSensitive", "true")
        _add(root, "unique", "true")
    if definition.values:
        _values(root, definition.values)
    return _text(root)


def _type(definition: FieldDefinition) -> str:
    is_long = definition.type == "textarea" and definition.length > _LONG_TEXT
    return "LongTextArea" if is_long else _TYPES[definition.type]


def _size(root: Element, definition: FieldDefinition) -> None:
    if definition.type == "string" or _type(definition) == "LongTextArea":
        _add(root, "length", str(definition.length))
    if definition.type in ("double", "currency", "percent"):
        _add(root, "precision", str(definition.precision))
        _add(root, "scale", str(definition.scale))
    if _type(definition) == "LongTextArea":
        _add(root, "visibleLines", "4")


def _values(root: Element, values: Iterable[tuple[str, str]]) -> None:
    value_set = SubElement(root, "valueSet")
    _add(value_set, "restricted", "true")
    inner = SubElement(value_set, "valueSetDefinition")
    _add(inner, "sorted", "false")
    for api_value, label in values:
        value = SubElement(inner, "value")
        _add(value, "fullName", api_value)
        _add(value, "default", "false")
        _add(value, "label", label)


def permission_set_xml(label: str, definitions: Sequence[FieldDefinition], needs: Needs) -> str:
    """The permission set of the user that the connector runs as: our fields, and all rows of what rules read."""
    root = Element("PermissionSet", xmlns=NAMESPACE)
    _add(root, "description", "What the lifecycle connector reads and writes. Replaced whole with every deploy.")
    for name, editable in sorted((_read(needs) | _granted(definitions)).items()):
        grant = SubElement(root, "fieldPermissions")
        _add(grant, "editable", _word(editable))
        _add(grant, "field", name)
        _add(grant, "readable", "true")
    _add(root, "hasActivationRequired", "false")
    _add(root, "label", label)
    written = {d.sobject for d in definitions if not d.people_write} | set(_EDITED)
    for sobject in sorted(_secured(definitions, needs)):
        _object_permission(root, sobject, edit=sobject in written)
    for name in _USER_PERMISSIONS:
        permission = SubElement(root, "userPermissions")
        _add(permission, "enabled", "true")
        _add(permission, "name", name)
    return _text(root)


def _granted(definitions: Iterable[FieldDefinition]) -> dict[str, bool]:
    """Field -> whether we write it. The fields that people fill in are only read."""
    granted: dict[str, bool] = {}
    for d in definitions:
        for sobject in ("Event", "Task") if d.sobject == "Activity" else (d.sobject,):
            granted[f"{sobject}.{d.name}"] = not d.people_write
    return granted


def _read(needs: Needs) -> dict[str, bool]:
    """Standard fields that are read and that might be hidden, as far as we know which those are."""
    names = ((sobject, name) for sobject, fields in needs.fields.items() for name in fields)
    return {f"{sobject}.{name}": False for sobject, name in names if can_be_hidden(sobject, name)}


def _secured(definitions: Iterable[FieldDefinition], needs: Needs) -> set[str]:
    """Also what is not read itself, but decides who sees what is."""
    wanted = with_parents({"Account", *(d.sobject for d in definitions), *needs.fields}, {})
    return {name for name in wanted if is_secured(name)}


def _object_permission(root: Element, sobject: str, *, edit: bool) -> None:
    """All rows are read: what the user may not see would look like records that are gone. Modify All is left out,
    because it would bring the right to delete with it."""
    permission = SubElement(root, "objectPermissions")
    _add(permission, "allowCreate", "false")
    _add(permission, "allowDelete", "false")
    _add(permission, "allowEdit", _word(edit))
    _add(permission, "allowRead", "true")
    _add(permission, "modifyAllRecords", "false")
    _add(permission, "object", sobject)
    _add(permission, "viewAllRecords", "true")


def _word(flag: bool) -> str:
    return "true" if flag else "false"


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text


def _text(root: Element) -> str:
    indent(root, "    ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"
