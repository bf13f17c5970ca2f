"""Writes SFDX source into a folder, one file per line of a table, for tests that load it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_ROOTS = {
    "field": "CustomField",
    "object": "CustomObject",
    "layout": "Layout",
    "permissionset": "PermissionSet",
    "profile": "Profile",
    "recordType": "RecordType",
    "globalValueSet": "GlobalValueSet",
    "standardValueSet": "StandardValueSet",
    "validationRule": "ValidationRule",
}


def write_source(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files by path below force-app/main/default, such as `layouts/Account-A.layout`, and return the folder.

    Line 1 of every file is the XML declaration, line 2 the root element; the text begins in line 3.
    """
    for name, text in files.items():
        path = folder / "force-app" / "main" / "default" / f"{name}-meta.xml"
        root = _ROOTS[name.rpartition(".")[2]]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}">\n{text}\n</{root}>\n')
    return folder


def grant(field: str, *, edit: bool = True) -> str:
    """One line of field permissions."""
    return (
        f"<fieldPermissions><editable>{str(edit).lower()}</editable><field>{field}</field>"
        "<readable>true</readable></fieldPermissions>"
    )


def object_grant(sobject: str, *verbs: str) -> str:
    """One line of object permissions."""
    flags = "".join(f"<allow{v}>{str(v in verbs).lower()}</allow{v}>" for v in ("Create", "Delete", "Edit", "Read"))
    return f"<objectPermissions>{flags}<object>{sobject}</object></objectPermissions>"
