"""Permission sets and profiles of a source directory. Called by `read_source`.

Of profiles only field permissions and layout assignments count: what else they say is about people and pages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from connector.localorg.customization import ACTIVITY_OBJECTS
from connector.localorg.permissions import FieldGrant, ObjectGrant, PermissionSet
from connector.localorg.sfdx.nodes import Node, parse_source

_ADMIN = "Admin.profile-meta.xml"
_VERBS = (
    ("allowRead", "Read"),
    ("allowCreate", "Create"),
    ("allowEdit", "Edit"),
    ("allowDelete", "Delete"),
    ("viewAllRecords", "ViewAllRecords"),
    ("modifyAllRecords", "ModifyAllRecords"),
)


@dataclass(frozen=True, slots=True)
class LayoutAssignment:
    """Which layout a profile shows for an object, or for one of its record types (`Object.RecordType`)."""

    layout: str
    record_type: str | None
    where: Node


def read_permission_sets(directory: Path) -> list[PermissionSet]:
    """All permission sets."""
    return [_read_set(p) for p in sorted(directory.rglob("*.permissionset-meta.xml"))]


def _read_set(path: Path) -> PermissionSet:
    root = parse_source(path)
    name = unquote(path.name.removesuffix(".permissionset-meta.xml"))
    user = frozenset(node.need("name") for node in root.all("userPermissions") if node.flag("enabled"))
    label = root.get("label") or name
    return PermissionSet(name, label, tuple(_field_grants(root)), tuple(_object_grants(root)), user)


def read_profile_grants(directory: Path) -> list[FieldGrant]:
    """What all profiles grant for fields."""
    paths = sorted(directory.rglob("*.profile-meta.xml"))
    return [grant for path in paths for grant in _field_grants(parse_source(path))]


def read_assignments(directory: Path) -> list[LayoutAssignment]:
    """The layout assignments of the administrator's profile, or of the first one where that is not in the source."""
    paths = sorted(directory.rglob("*.profile-meta.xml"), key=lambda p: (p.name != _ADMIN, p))
    nodes = parse_source(paths[0]).all("layoutAssignments") if paths else ()
    return [LayoutAssignment(n.need("layout"), n.get("recordType"), n) for n in nodes]


def _field_grants(root: Node) -> Iterator[FieldGrant]:
    """Grants for Task or Event count for both, as their custom fields are those of Activity."""
    for node in root.all("fieldPermissions"):
        sobject, _, name = node.need("field").partition(".")
        where = node.where
        shared = sobject == "Activity" or (sobject in ACTIVITY_OBJECTS and name.endswith("__c"))
        for owner in ACTIVITY_OBJECTS if shared else (sobject,):
            edit = node.flag("editable")
            yield FieldGrant(owner, name, node.flag("readable") or edit, edit, where)


def _object_grants(root: Node) -> Iterator[ObjectGrant]:
    for node in root.all("objectPermissions"):
        verbs = frozenset(verb for tag, verb in _VERBS if node.flag(tag))
        yield ObjectGrant(node.need("object"), verbs, node.where)
