"""Permission sets: what they grant, as records of the org, and what a user may do with those assigned.

Rows of PermissionSet, FieldPermissions, ObjectPermissions and PermissionSetAssignment are the truth, whether they come
from SFDX source, from Python or through the API (reference 8.1, 8.2). Called by org.py and sfdx.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.localorg.access import Grants
from connector.localorg.definitions import DefinitionError, FieldDef, ObjectDef, Schema
from connector.localorg.storage import Store
from connector.localorg.transaction import Transaction

MINIMUM_ACCESS = "Minimum Access - API Only Integrations"
"""The profile that sees nothing by itself, which Salesforce has for users of connectors."""
ADMINISTRATOR = "System Administrator"
USER_PERMISSIONS = (
    "ApiEnabled",
    "BulkApiHardDelete",
    "EditEvent",
    "EditTask",
    "ModifyAllData",
    "ViewAllData",
    "ViewAllUsers",
    "ViewRoles",
    "ViewSetup",
)
"""Those that this org knows, of the hundreds that there are."""
_OF_PROFILE = {
    ADMINISTRATOR: frozenset(USER_PERMISSIONS),
    MINIMUM_ACCESS: frozenset({"ApiEnabled"}),
}
_OF_OTHERS = frozenset({"ApiEnabled", "EditEvent", "EditTask", "ViewRoles", "ViewSetup"})
_VERBS = ("Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")


@dataclass(frozen=True, slots=True)
class FieldGrant:
    """Leave to read or edit one field; `where` is the file and line that gives it."""

    sobject: str
    field: str
    read: bool
    edit: bool
    where: str = ""


@dataclass(frozen=True, slots=True)
class ObjectGrant:
    """Leave to do something with an object's records: Read, Create, Edit, Delete ..."""

    sobject: str
    verbs: frozenset[str]
    where: str = ""


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """A named bundle of grants."""

    name: str
    label: str
    fields: tuple[FieldGrant, ...] = ()
    objects: tuple[ObjectGrant, ...] = ()
    user: frozenset[str] = frozenset()
    """User permissions, such as EditTask."""


def save_permission_set(txn: Transaction, wanted: PermissionSet) -> str:
    """Make a permission set, or replace what the one of this name grants, as a deploy does (8.5); returns its id."""
    definition = txn.schema.get("PermissionSet")
    known = txn.select("PermissionSet", {"Name": wanted.name})
    if known:
        set_id = str(known[0]["Id"])
        txn.update(definition, set_id, {"Label": wanted.label, **_user_rights(wanted)})
        for table in ("FieldPermissions", "ObjectPermissions"):
            for row in txn.select(table, {"ParentId": set_id}):
                txn.store.remove(table, row["Id"])
    else:
        row = {"Name": wanted.name, "Label": wanted.label, "IsCustom": 1, "IsOwnedByProfile": 0, "Type": "Regular"}
        set_id = txn.insert(definition, {**row, **_user_rights(wanted)})
    for key, (read, edit) in sorted(_field_rights(txn.schema, wanted.fields).items()):
        given = {"SobjectType": key.partition(".")[0], "Field": key}
        rights = {"PermissionsRead": int(read), "PermissionsEdit": int(edit)}
        txn.insert(txn.schema.get("FieldPermissions"), {"ParentId": set_id, **given, **rights})
    for grant in wanted.objects:
        sobject = _find_object(txn.schema, grant.sobject, grant.where)
        if sobject is not None:
            verbs = {f"Permissions{verb}": int(verb in grant.verbs) for verb in _VERBS}
            txn.insert(txn.schema.get("ObjectPermissions"), {"ParentId": set_id, "SobjectType": sobject.name, **verbs})
    return set_id


def _user_rights(wanted: PermissionSet) -> dict[str, int]:
    return {f"Permissions{name}": int(name in wanted.user) for name in USER_PERMISSIONS}


def check_permission_set(schema: Schema, wanted: PermissionSet) -> None:
    """Refuse grants for what the org does not have; raises DefinitionError."""
    _field_rights(schema, wanted.fields)
    for grant in wanted.objects:
        _find_object(schema, grant.sobject, grant.where)


def _field_rights(schema: Schema, grants: Sequence[FieldGrant]) -> dict[str, tuple[bool, bool]]:
    """Read and edit by key, a grant of a compound field being one of its parts; raises DefinitionError."""
    rights: dict[str, tuple[bool, bool]] = {}
    for grant in grants:
        definition = _find_object(schema, grant.sobject, grant.where)
        if definition is None:
            continue
        for found in _granted_fields(definition, grant):
            rights[f"{definition.name}.{found.name}"] = (grant.read, grant.edit)
    return rights


def _find_object(schema: Schema, name: str, where: str) -> ObjectDef | None:
    """An object by name; None for a standard one that this org lacks, custom ones must be there."""
    found = schema.find(name)
    if found is None and name.endswith("__c"):
        raise DefinitionError(f"{where}: there is no object {name!r}")
    return found


def _granted_fields(definition: ObjectDef, grant: FieldGrant) -> Iterator[FieldDef]:
    found = definition.find(grant.field)
    if found is None:
        raise DefinitionError(f"{grant.where}: {definition.name} has no field {grant.field!r}")
    if found.required and found.custom:
        raise DefinitionError(f"{grant.where}: You cannot deploy to a required field: {definition.name}.{found.name}")
    yield found
    yield from (f for f in definition.fields.values() if f.raw.get("compoundFieldName") == found.name != f.name)


def assign(txn: Transaction, user_id: str, name: str) -> None:
    """Give a user a permission set; raises ValueError when the org has none of this name."""
    found = txn.select("PermissionSet", {"Name": name})
    if not found:
        known = ", ".join(sorted(str(r["Name"]) for r in txn.select("PermissionSet", {}))) or "none"
        raise ValueError(f"there is no permission set {name!r}; this org has: {known}")
    row = {"PermissionSetId": found[0]["Id"], "AssigneeId": user_id}
    if not txn.select("PermissionSetAssignment", row):
        txn.insert(txn.schema.get("PermissionSetAssignment"), {**row, "IsActive": 1})


def withdraw_all(txn: Transaction, user_id: str) -> None:
    """Take all permission sets from a user."""
    for row in txn.select("PermissionSetAssignment", {"AssigneeId": user_id}):
        txn.store.remove("PermissionSetAssignment", row["Id"])


def minimum_access_profile(txn: Transaction) -> str:
    """The id of the profile that sees nothing by itself."""
    known = txn.select("Profile", {"Name": MINIMUM_ACCESS})
    row = {"Name": MINIMUM_ACCESS, "UserType": "Standard"}
    return str(known[0]["Id"]) if known else txn.insert(txn.schema.get("Profile"), row)


def read_grants(store: Store, user_id: str) -> Grants:
    """What a user's profile and permission sets allow, all together."""
    restricted = store.scalar(
        'SELECT p."Name" FROM "User" u JOIN "Profile" p ON p."Id" = u."ProfileId" WHERE u."Id" = ?', (user_id,)
    )
    fields = store.connection.execute(_GRANTED.format(columns='"Field", "PermissionsEdit"', table="Field"), (user_id,))
    rights = fields.fetchall()
    columns = ", ".join(f'"Permissions{verb}"' for verb in _VERBS)
    objects: dict[str, frozenset[str]] = {}
    for name, *flags in store.connection.execute(
        _GRANTED.format(columns=f'"SobjectType", {columns}', table="Object"), (user_id,)
    ):
        verbs = {verb for verb, flag in zip(_VERBS, flags, strict=True) if flag}
        objects[name] = objects.get(name, frozenset()) | verbs
    may = user_permissions(store, user_id)
    return Grants(
        user=frozenset(name for name, allowed in may.items() if allowed),
        restricted=restricted == MINIMUM_ACCESS,
        readable=frozenset(key for key, _ in rights),
        editable=frozenset(key for key, edit in rights if edit),
        objects=objects,
    )


def user_permissions(store: Store, user_id: str) -> dict[str, bool]:
    """What a user may do whatever the object, by profile and permission sets."""
    profile = store.scalar(
        'SELECT p."Name" FROM "User" u JOIN "Profile" p ON p."Id" = u."ProfileId" WHERE u."Id" = ?', (user_id,)
    )
    columns = ", ".join(f'"Permissions{name}"' for name in USER_PERMISSIONS)
    sets = store.connection.execute(_SETS.format(columns=columns), (user_id,)).fetchall()
    by_profile = _OF_PROFILE.get(profile, _OF_OTHERS)
    return {name: name in by_profile or any(s[n] for s in sets) for n, name in enumerate(USER_PERMISSIONS)}


_SETS = (
    'SELECT {columns} FROM "PermissionSet" WHERE "Id" IN '
    '(SELECT "PermissionSetId" FROM "PermissionSetAssignment" WHERE "AssigneeId" = ?)'
)
_GRANTED = (
    'SELECT {columns} FROM "{table}Permissions" WHERE "PermissionsRead" = 1 AND "ParentId" IN '
    '(SELECT "PermissionSetId" FROM "PermissionSetAssignment" WHERE "AssigneeId" = ?)'
)
