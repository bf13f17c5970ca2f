"""SFDX source: reads what `connector setup export` and ordinary projects write, and puts it into an org.

Called by Org.load_source. Read anywhere below a directory (reference 8.3, 8.4): custom objects and fields, global and
standard value sets, validation rules, record types, permission sets, page layouts, and of profiles field permissions
and layout assignments. Other kinds of metadata are left alone.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connector.localorg.customization import extend_schema, spread_definitions
from connector.localorg.definitions import DefinitionError, ObjectDef, Schema
from connector.localorg.formula.fields import check_condition, check_formula, is_formula
from connector.localorg.formula.parse import FormulaError
from connector.localorg.layouts import Layout, check_layout
from connector.localorg.permissions import FieldGrant, PermissionSet, check_permission_set, save_permission_set
from connector.localorg.schema import Definition
from connector.localorg.sfdx.fields import (
    RecordType,
    keys_of,
    read_fields,
    read_objects,
    read_record_types,
    read_value_sets,
)
from connector.localorg.sfdx.layouts import read_layouts
from connector.localorg.sfdx.nodes import Node, parse_source
from connector.localorg.sfdx.permissions import (
    LayoutAssignment,
    read_assignments,
    read_permission_sets,
    read_profile_grants,
)
from connector.localorg.sfdx.standard_values import ValueSet, picklist_definitions, read_standard_values, save_rows
from connector.localorg.summaries import is_summary, read_summary, summary_sql

if TYPE_CHECKING:
    from connector.localorg.org import Org


@dataclass(frozen=True, slots=True)
class ValidationSource:
    """An active validation rule."""

    sobject: str
    name: str
    formula: str
    message: str
    field: str | None
    where: Node


@dataclass(frozen=True, slots=True)
class Source:
    """What a source directory defines; keys of hidden, read-only and tracked fields are `Object.Field`."""

    definitions: list[Definition]
    places: dict[str, Definition]
    """Custom fields by file and line."""
    hidden: list[str]
    read_only: list[str]
    tracked: list[str]
    standard_values: list[ValueSet]
    rules: list[ValidationSource]
    record_types: list[RecordType]
    permission_sets: list[PermissionSet]
    layouts: list[Layout]
    assignments: list[LayoutAssignment]


def read_source(directory: Path) -> Source:
    """Read a directory; raises DefinitionError with file and line.

    Fields that neither a permission set nor a profile grants are hidden: a deploy grants nobody anything
    (reference 8.2). For users with a full profile all sets of the source count as assigned.
    """
    fields, tracked = read_fields(directory, read_value_sets(directory))
    sets = read_permission_sets(directory)
    grants = [*(g for one in sets for g in one.fields), *read_profile_grants(directory)]
    readable, editable = _keys(g for g in grants if g.read), _keys(g for g in grants if g.edit)
    keys = [k for f in fields.values() for k in keys_of(f) if not f.get("required")]
    return Source(
        definitions=[*read_objects(directory), *fields.values()],
        places=fields,
        hidden=[k for k in keys if k not in readable],
        read_only=[k for k in keys if k in readable and k not in editable],
        tracked=tracked,
        standard_values=read_standard_values(directory),
        rules=[_read_rule(p, root) for p, root in _parse_all(directory, "validationRule") if root.flag("active")],
        record_types=read_record_types(directory),
        permission_sets=sets,
        layouts=read_layouts(directory),
        assignments=read_assignments(directory),
    )


def _keys(grants: Iterable[FieldGrant]) -> set[str]:
    return {f"{g.sobject}.{g.field}" for g in grants}


def _parse_all(directory: Path, kind: str) -> list[tuple[Path, Node]]:
    return [(p, parse_source(p)) for p in sorted(directory.rglob(f"*.{kind}-meta.xml"))]


def _read_rule(path: Path, root: Node) -> ValidationSource:
    """A validation rule stands in objects/X/validationRules."""
    name = root.get("fullName") or path.name.split(".")[0]
    formula, message = root.need("errorConditionFormula"), root.need("errorMessage")
    return ValidationSource(path.parent.parent.name, name, formula, message, root.get("errorDisplayField"), root)


def apply_source(org: "Org", source: Source) -> None:
    """Put what a source defines into an org, as a deploy would: all of it or, with an error, nothing (8.1).

    Loading the same source again changes nothing.
    """
    _check(org, source)
    org.define_fields([*picklist_definitions(org.schema, source.standard_values), *source.definitions])
    org.track_fields(source.tracked)
    with org.transaction() as txn:
        save_rows(txn, source.standard_values)
    _apply_security(org, source)
    for rule in source.rules:
        org.setup.add_validation_rule(rule.sobject, rule.name, rule.formula, rule.message, rule.field)
    for record_type in source.record_types:
        org.setup.add_record_type(
            record_type.sobject,
            record_type.name,
            record_type.picklists,
            label=record_type.label,
            active=record_type.active,
        )
    with org.transaction() as txn:
        for permission_set in source.permission_sets:
            save_permission_set(txn, permission_set)
    _apply_layouts(org, source)


def _check(org: "Org", source: Source) -> None:
    """Refuse what does not fit together, before anything is touched; raises DefinitionError."""
    schema = _preview(org, source)
    for where, definition in source.places.items():
        _check_field(schema, where, definition)
    for rule in source.rules:
        _check_rule(schema, rule)
    for record_type in source.record_types:
        _check_record_type(schema, record_type)
    for permission_set in source.permission_sets:
        check_permission_set(schema, permission_set)
    for layout in _wanted_layouts(schema, source):
        check_layout(schema, layout)
    _check_assignments(source)


def _preview(org: "Org", source: Source) -> Schema:
    """The schema as it will be; a field that does not fit is looked for one by one, so that the refusal can name it."""
    try:
        return extend_schema(org.schema, spread_definitions(source.definitions))
    except DefinitionError:
        fitting = [d for d in source.definitions if "fields" in d]
        for where, definition in sorted(source.places.items(), key=lambda place: is_summary(place[1])):
            fitting.append(definition)
            with _placed(where):
                extend_schema(org.schema, spread_definitions(fitting))
        raise


@contextmanager
def _placed(where: str) -> Iterator[None]:
    """Say where the refusal of a definition or of a formula stands."""
    try:
        yield
    except (DefinitionError, FormulaError) as error:
        raise DefinitionError(f"{where}: {error}") from None


def _check_field(schema: Schema, where: str, definition: Definition) -> None:
    with _placed(where):
        for key in keys_of(definition):
            sobject, name = _split(key)
            owner = schema.get(sobject)
            if is_formula(owner.fields[name.lower()]):
                check_formula(schema, owner, owner.fields[name.lower()])
            if is_summary(definition):
                summary_sql(schema, read_summary(owner.name, definition))


def _check_rule(schema: Schema, rule: ValidationSource) -> None:
    definition = _find_owner(schema, rule.sobject, rule.where)
    with _placed(rule.where.where):
        check_condition(schema, definition, rule.formula)


def _check_record_type(schema: Schema, record_type: RecordType) -> None:
    definition = _find_owner(schema, record_type.sobject, record_type.where)
    for name in record_type.picklists:
        if not definition.has(name):
            raise record_type.where.refusal(f"{definition.name} has no field {name!r}")


def _find_owner(schema: Schema, sobject: str, where: Node) -> ObjectDef:
    found = schema.find(sobject)
    if found is None:
        raise where.refusal(f"there is no object {sobject!r}")
    return found


def _check_assignments(source: Source) -> None:
    """An assignment names a layout of the source, unless the source has no layouts of that object at all."""
    names = {layout.name for layout in source.layouts}
    objects = {layout.sobject for layout in source.layouts}
    for assigned in source.assignments:
        if assigned.layout not in names and assigned.layout.partition("-")[0] in objects:
            raise assigned.where.refusal(f"there is no layout {assigned.layout!r} in this source")


def _wanted_layouts(schema: Schema, source: Source) -> list[Layout]:
    """All but those of standard objects that this org lacks: whole projects have dozens of them."""
    return [x for x in source.layouts if schema.find(x.sobject) is not None or x.sobject.endswith("__c")]


def _apply_security(org: "Org", source: Source) -> None:
    for key in (k for d in source.definitions if "fields" not in d for k in keys_of(d)):
        org.show_field(None, *_split(key))
        org.make_field_writable(None, *_split(key))
    for key in source.hidden:
        org.hide_field(None, *_split(key))
    for key in source.read_only:
        org.make_field_read_only(None, *_split(key))


def _split(key: str) -> tuple[str, str]:
    sobject, _, field = key.partition(".")
    return sobject, field


def _apply_layouts(org: "Org", source: Source) -> None:
    for layout in _wanted_layouts(org.schema, source):
        org.setup.save_layout(layout)
    known = {layout.name for layout in org.state.setup.layouts}
    for assigned in source.assignments:
        if assigned.layout in known:
            org.setup.assign_layout(assigned.layout, assigned.record_type or assigned.layout.partition("-")[0])
