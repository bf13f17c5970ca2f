"""Custom fields and objects.

Adds definitions in describe shape to a schema. Called by core.py, org.py (define_fields) and sfdx.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from connector.localorg.definitions import (
    ChildDef,
    DefinitionError,
    FieldDef,
    ObjectDef,
    Schema,
    build_field,
    build_object,
    build_schema,
    complete_custom_field,
    complete_custom_object,
    with_fields,
)
from connector.localorg.ids import ALPHABET
from connector.localorg.schema import Definition
from connector.localorg.schema.persons import mirror_custom
from connector.localorg.summaries import complete_summary, is_summary

__all__ = ["ACTIVITY_OBJECTS", "DefinitionError", "extend_schema", "spread_definitions"]

ACTIVITY_OBJECTS = ("Task", "Event")


def spread_definitions(definitions: Iterable[Mapping[str, Any]]) -> list[Definition]:
    """Copy definitions as plain JSON values; fields of Activity appear on Task and on Event (reference 7.4)."""
    spread: list[Definition] = []
    for definition in definitions:
        copy = json.loads(json.dumps(dict(definition)))
        targets = ACTIVITY_OBJECTS if copy.get("sobject") == "Activity" else (copy.get("sobject"),)
        spread += [{**copy, "sobject": name} for name in targets]
    return spread


def extend_schema(base: Schema, definitions: list[Definition]) -> Schema:
    """Return the schema with custom fields and objects; equal arguments give the same object, built once."""
    return base if not definitions else _extended(base, json.dumps(definitions))


@lru_cache(maxsize=64)
def _extended(base: Schema, definitions_json: str) -> Schema:
    objects = dict(base.objects)
    for definition in sorted(json.loads(definitions_json), key=is_summary):
        add = _add_object if "fields" in definition else _add_field
        add(objects, definition)
    return build_schema(objects.values())


def _add_object(objects: dict[str, ObjectDef], definition: Definition) -> None:
    name = definition.get("name") or definition["sobject"]
    raw = {**definition, "name": name, "keyPrefix": definition.get("keyPrefix") or _free_prefix(objects)}
    built = build_object(complete_custom_object({k: v for k, v in raw.items() if k != "sobject"}))
    objects[name.lower()] = built
    for field in built.fields.values():
        if field.custom:
            _add_children(objects, name, field)


def _free_prefix(objects: dict[str, ObjectDef]) -> str:
    taken = {o.key_prefix for o in objects.values()}
    return next(p for n in range(62 * 62) if (p := f"a{ALPHABET[n // 62]}{ALPHABET[n % 62]}") not in taken)


def _add_field(objects: dict[str, ObjectDef], definition: Definition) -> None:
    owner = objects.get(str(definition.get("sobject", "")).lower())
    if owner is None:
        known = ", ".join(sorted(o.name for o in objects.values()))
        raise DefinitionError(
            f"field {definition.get('name')!r}: no object {definition.get('sobject')!r}; objects: {known}"
        )
    raw = {k: v for k, v in definition.items() if k != "sobject"}
    field = build_field(complete_custom_field(complete_summary(objects, owner, raw) if is_summary(raw) else raw))
    objects[owner.name.lower()] = with_fields(owner, [field])
    _add_children(objects, owner.name, field)
    if owner.name == "Contact" and field.custom and objects["account"].has("IsPersonAccount"):
        _add_field(objects, {**mirror_custom(raw), "sobject": "Account"})


def _add_children(objects: dict[str, ObjectDef], child: str, field: FieldDef) -> None:
    """A custom lookup shows on its parent as a child relationship named X__r."""
    given = field.raw.get("childRelationshipName")
    for target in field.reference_to:
        parent = objects.get(target.lower())
        if parent is not None and given:
            added = ChildDef(child, field.name, given, field.raw["cascadeDelete"])
            kept = tuple(c for c in parent.children if c.relationship_name != given)
            objects[target.lower()] = replace(parent, children=(*kept, added))
