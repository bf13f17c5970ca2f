"""Page layouts as frozen values: what an admin arranged, checked against the schema, and which one a record gets.

Kept in the org's state (setup_state.py); read by sfdx/layouts.py, shown by describe_layouts.py and by the pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connector.localorg.definitions import DefinitionError, ObjectDef, Schema

Behavior = Literal["Edit", "Required", "Readonly"]
BEHAVIORS = ("Edit", "Required", "Readonly")
STYLES = ("TwoColumnsTopToBottom", "TwoColumnsLeftToRight", "OneColumn", "CustomLinks")


@dataclass(frozen=True, slots=True)
class LayoutItem:
    """One place on a layout: a field, an empty space, or something that is no field and that this org only names."""

    kind: str
    value: str
    behavior: Behavior = "Edit"
    line: int = 0


@dataclass(frozen=True, slots=True)
class LayoutSection:
    """A titled block of columns; the headings tell where its title is shown."""

    label: str
    style: str
    columns: tuple[tuple[LayoutItem, ...], ...]
    detail_heading: bool = True
    edit_heading: bool = True

    def rows(self) -> list[tuple[LayoutItem | None, ...]]:
        """Items side by side; None where a column is shorter than its neighbour."""
        longest = max((len(c) for c in self.columns), default=0)
        return [tuple(c[n] if n < len(c) else None for c in self.columns) for n in range(longest)]


@dataclass(frozen=True, slots=True)
class LayoutList:
    """A related list: `RelatedContactList`, or `Child__c.Lookup__c` for custom children."""

    name: str
    fields: tuple[str, ...] = ()
    sort_field: str | None = None
    sort_order: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """One page layout; its name begins with its object. `where` is the file that it was read from."""

    name: str
    sobject: str
    sections: tuple[LayoutSection, ...]
    lists: tuple[LayoutList, ...] = ()
    where: str = ""
    id: str = ""

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Layout":
        """Read a layout back from the org's state."""
        sections = tuple(
            LayoutSection(**{**s, "columns": tuple(tuple(LayoutItem(**i) for i in c) for c in s["columns"])})
            for s in raw["sections"]
        )
        lists = tuple(LayoutList(**{**one, "fields": tuple(one["fields"])}) for one in raw["lists"])
        return cls(**{**raw, "sections": sections, "lists": lists})


def check_layout(schema: Schema, layout: Layout) -> None:
    """Refuse a layout that names what the org does not have, with file and line; raises DefinitionError."""
    definition = schema.find(layout.sobject)
    if definition is None:
        raise DefinitionError(f"{layout.where}: there is no object {layout.sobject!r}")
    placed: dict[str, int] = {}
    for item in (i for s in layout.sections for c in s.columns for i in c if i.kind == "Field"):
        _check_field(definition, layout, item, placed)
    for related in layout.lists:
        _check_list(schema, layout, related)


def _check_field(definition: ObjectDef, layout: Layout, item: LayoutItem, placed: dict[str, int]) -> None:
    at = f"{layout.where}:{item.line}"
    found = definition.find(item.value)
    if found is None:
        raise DefinitionError(
            f"{at}: {definition.name} has no field {item.value!r}; put its field file into the source, or take it "
            "off the layout"
        )
    if found.name in placed:
        raise DefinitionError(f"{at}: {found.name} is on this layout already, in line {placed[found.name]}")
    placed[found.name] = item.line


def _check_list(schema: Schema, layout: Layout, related: LayoutList) -> None:
    """Custom children are named by object and lookup; what Salesforce calls its own lists is not checked."""
    child, dot, lookup = related.name.partition(".")
    if dot:
        definition = schema.find(child)
        field = definition.find(lookup) if definition else None
        if field is None or layout.sobject not in field.reference_to:
            raise DefinitionError(
                f"{layout.where}:{related.line}: {related.name} is no lookup of a child at {layout.sobject}"
            )


def layout_of(
    layouts: Sequence[Layout], assignments: Mapping[str, str], sobject: str, record_type: str | None
) -> Layout | None:
    """The layout for an object and record type (by developer name): assigned, assigned to the object, or the first."""
    own = {x.name: x for x in layouts if x.sobject == sobject}
    keys = (f"{sobject}.{record_type}", sobject)
    assigned = next((own[assignments[k]] for k in keys if assignments.get(k) in own), None)
    return assigned or next(iter(own.values()), None)
