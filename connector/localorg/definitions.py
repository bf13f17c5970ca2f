"""Object definitions as the engine uses them: frozen, typed, indexed by lower-case name.

Built from complete describe-shaped dictionaries (schema/ fills in the defaults). Storage, validation, SOQL and
describe are all derived from these values; nothing here knows records or users.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from connector.localorg.schema import Definition, complete_field, complete_object, load_schema

TEXT_TYPES = frozenset(
    {
        "string",
        "textarea",
        "phone",
        "url",
        "email",
        "picklist",
        "multipicklist",
        "combobox",
        "encryptedstring",
        "anyType",
    }
)
ID_TYPES = frozenset({"id", "reference"})
NUMBER_TYPES = frozenset({"double", "currency", "percent"})
COMPOUND_TYPES = frozenset({"address", "location"})


class DefinitionError(ValueError):
    """A definition that the org cannot take; the text says what and why, and where it stands."""


@dataclass(frozen=True, slots=True)
class FieldDef:
    """One field. `raw` is its complete describe entry."""

    name: str
    label: str
    type: str
    length: int
    precision: int
    scale: int
    digits: int
    nillable: bool
    createable: bool
    updateable: bool
    default_value: Any
    external_id: bool
    unique: bool
    case_sensitive: bool
    id_lookup: bool
    restricted_values: frozenset[str] | None
    reference_to: tuple[str, ...]
    relationship_name: str | None
    name_field: bool
    custom: bool
    required: bool
    raw: Definition

    @property
    def stored(self) -> bool:
        """Whether the field has a column of its own; compound fields are put together when read."""
        return self.type not in COMPOUND_TYPES

    @property
    def polymorphic(self) -> bool:
        """Whether the reference may point at several objects, which SOQL then shows as the object Name."""
        return len(self.reference_to) > 1


@dataclass(frozen=True, slots=True)
class ChildDef:
    """A child relationship as its parent sees it."""

    child: str
    field: str
    relationship_name: str | None
    cascade_delete: bool
    restricted_delete: bool = False


@dataclass(frozen=True, slots=True)
class ObjectDef:
    """One object. `fields` is keyed by lower-case name and keeps the order of describe."""

    name: str
    label: str
    key_prefix: str
    createable: bool
    updateable: bool
    deletable: bool
    undeletable: bool
    fields: Mapping[str, FieldDef]
    children: tuple[ChildDef, ...]
    raw: Definition
    stored_fields: tuple[FieldDef, ...] = field(default=())
    relationships: Mapping[str, FieldDef] = field(default_factory=dict)

    def find(self, name: str) -> FieldDef | None:
        """Look a field up without regard to case."""
        return self.fields.get(name.lower())

    def has(self, name: str) -> bool:
        """Tell whether the object has a field."""
        return name.lower() in self.fields

    @property
    def name_field(self) -> FieldDef | None:
        """The field that names a record, such as Account.Name or Case.CaseNumber."""
        return next((f for f in self.fields.values() if f.name_field), None)


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """All objects of an org, keyed by lower-case name and by key prefix. Immutable and shared between orgs."""

    objects: Mapping[str, ObjectDef]
    by_prefix: Mapping[str, ObjectDef]

    def find(self, name: str) -> ObjectDef | None:
        """Look an object up without regard to case."""
        return self.objects.get(name.lower())

    def get(self, name: str) -> ObjectDef:
        """Return an object that is known to exist."""
        return self.objects[name.lower()]

    def of_id(self, record_id: str) -> ObjectDef | None:
        """Return the object whose key prefix an id carries."""
        return self.by_prefix.get(record_id[:3])


def build_field(raw: Definition) -> FieldDef:
    """Read one complete describe entry."""
    values = raw["picklistValues"]
    return FieldDef(
        name=raw["name"],
        label=raw["label"],
        type=raw["type"],
        length=raw["length"],
        precision=raw["precision"],
        scale=raw["scale"],
        digits=raw["digits"],
        nillable=raw["nillable"],
        createable=raw["createable"],
        updateable=raw["updateable"],
        default_value=_default_value(raw),
        external_id=raw["externalId"],
        unique=raw["unique"],
        case_sensitive=raw["caseSensitive"],
        id_lookup=raw["idLookup"],
        restricted_values=frozenset(v["value"] for v in values if v["active"]) if raw["restrictedPicklist"] else None,
        reference_to=tuple(raw["referenceTo"]),
        relationship_name=raw["relationshipName"],
        name_field=raw["nameField"],
        custom=raw["custom"],
        required=_is_required(raw),
        raw=raw,
    )


def _default_value(raw: Definition) -> Any:
    if raw["type"] == "boolean":
        return bool(raw["defaultValue"])
    picked = next((v["value"] for v in raw["picklistValues"] if v["defaultValue"]), None)
    return picked if raw["defaultValue"] is None else raw["defaultValue"]


def _is_required(raw: Definition) -> bool:
    """Required on create as reference 6 defines it."""
    return not raw["nillable"] and not raw["defaultedOnCreate"] and raw["createable"] and raw["type"] != "boolean"


def build_object(raw: Definition) -> ObjectDef:
    """Read one complete object definition."""
    children = tuple(
        ChildDef(c["childSObject"], c["field"], c["relationshipName"], c["cascadeDelete"], c["restrictedDelete"])
        for c in raw["childRelationships"]
    )
    definition = ObjectDef(
        name=raw["name"],
        label=raw["label"],
        key_prefix=raw["keyPrefix"],
        createable=raw["createable"],
        updateable=raw["updateable"],
        deletable=raw["deletable"],
        undeletable=raw["undeletable"],
        fields={},
        children=children,
        raw=raw,
    )
    return with_fields(definition, [build_field(f) for f in raw["fields"]])


def with_fields(definition: ObjectDef, added: Iterable[FieldDef]) -> ObjectDef:
    """Return the object with fields added or replaced, and everything that is derived from them."""
    fields = {**definition.fields, **{f.name.lower(): f for f in added}}
    return replace(
        definition,
        fields=fields,
        stored_fields=tuple(f for f in fields.values() if f.stored),
        relationships={
            f.relationship_name.lower(): f for f in fields.values() if f.relationship_name and f.reference_to
        },
    )


def build_schema(objects: Iterable[ObjectDef]) -> Schema:
    """Index objects by name and by key prefix."""
    by_name = {o.name.lower(): o for o in objects}
    return Schema(by_name, {o.key_prefix: o for o in by_name.values() if o.key_prefix})


@lru_cache(maxsize=8)
def standard_schema(features: frozenset[str] = frozenset()) -> Schema:
    """The standard objects, read once per process."""
    return build_schema(build_object(raw) for raw in load_schema(features).values())


def complete_custom_field(raw: Definition) -> Definition:
    """Fill in what Salesforce fills in when a custom field is created."""
    kind = raw["type"]
    lengths = {
        "reference": 18,
        "string": 255,
        "picklist": 255,
        "multipicklist": 4099,
        "email": 80,
        "phone": 40,
        "url": 255,
    }
    given: Definition = {"label": raw["name"], "custom": True, "length": lengths.get(kind, 0)}
    if kind == "textarea":
        given["length"] = 255
    if kind in NUMBER_TYPES:
        given["precision"] = 18
    if kind == "boolean":
        given |= {"nillable": False, "defaultedOnCreate": True, "defaultValue": False, "permissionable": True}
    if raw.get("calculated") or raw.get("autoNumber"):
        zero = bool(raw.get("calculatedFormula"))
        given |= {"createable": False, "updateable": False, "formulaTreatNullNumberAsZero": zero}
    if raw.get("externalId"):
        given["idLookup"] = True
    return complete_field({**given, **{k: v for k, v in raw.items() if v is not None}})


_CUSTOM_HEAD: tuple[Definition, ...] = (
    {"name": "Id", "label": "Record ID", "type": "id", "length": 18},
    {
        "name": "OwnerId",
        "label": "Owner ID",
        "type": "reference",
        "length": 18,
        "referenceTo": ["Group", "User"],
        "relationshipName": "Owner",
    },
    {"name": "IsDeleted", "label": "Deleted", "type": "boolean", "defaultValue": False},
    {"name": "Name", "label": "Name", "type": "string", "length": 80, "nameField": True, "nillable": True},
    {"name": "CreatedDate", "label": "Created Date", "type": "datetime"},
    {
        "name": "CreatedById",
        "label": "Created By ID",
        "type": "reference",
        "length": 18,
        "referenceTo": ["User"],
        "relationshipName": "CreatedBy",
    },
    {"name": "LastModifiedDate", "label": "Last Modified Date", "type": "datetime"},
    {
        "name": "LastModifiedById",
        "label": "Last Modified By ID",
        "type": "reference",
        "length": 18,
        "referenceTo": ["User"],
        "relationshipName": "LastModifiedBy",
    },
    {"name": "SystemModstamp", "label": "System Modstamp", "type": "datetime"},
)
_WRITABLE_HEAD = frozenset({"OwnerId", "Name"})


def complete_custom_object(raw: Definition) -> Definition:
    """Give a custom object the fields that every custom object has; a detail has no owner but its master's."""
    given = {f["name"] for f in raw["fields"]}
    if raw.get("controlledByParent"):
        given.add("OwnerId")
    head = [_system_field(f) for f in _CUSTOM_HEAD if f["name"] not in given]
    own = [complete_custom_field(f) for f in raw["fields"]]
    base = {"label": raw["name"], "labelPlural": raw.get("label", raw["name"]), "childRelationships": []}
    return complete_object({**base, "custom": True, **raw, "fields": [*head, *own]})


def _system_field(raw: Definition) -> Definition:
    writable = raw["name"] in _WRITABLE_HEAD
    flags = {
        "createable": writable,
        "updateable": writable,
        "nillable": raw["name"] == "Name",
        "defaultedOnCreate": True,
    }
    return complete_field({**flags, "idLookup": raw["name"] == "Id", "custom": False, **raw})
