"""Describe answers about page layouts: GET sobjects/X/describe/layouts. Called by the layout routes.

Shapes are those of DescribeLayoutResult (SOAP API guide, describeLayout; REST guide, sObject Layouts). Where no layout
was put into the org, one is laid out as Salesforce does for a new object: every object has one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connector.localorg import describe
from connector.localorg.access import Access
from connector.localorg.definitions import ChildDef, FieldDef, ObjectDef, Schema
from connector.localorg.ids import counter_of, make_id
from connector.localorg.layouts import Layout, LayoutItem, LayoutList, LayoutSection, layout_of
from connector.localorg.setup_state import Setup
from connector.localorg.storage import Row

SECTION_PREFIX = "01B"
STAMPS = {"CreatedById": "CreatedDate", "LastModifiedById": "LastModifiedDate"}
"""Fields that a layout shows together with a date of the same deed."""
_NAMED_LISTS = {
    "RelatedContactList": "Contacts",
    "RelatedOpportunityList": "Opportunities",
    "RelatedCaseList": "Cases",
    "RelatedContractList": "Contracts",
    "RelatedAssetList": "Assets",
    "RelatedActivityList": "OpenActivities",
    "RelatedHistoryList": "ActivityHistories",
    "RelatedCampaignList": "CampaignMembers",
    "RelatedCampaignMemberList": "CampaignMembers",
    "RelatedContactRoleList": "OpportunityContactRoles",
    "RelatedLineItemList": "OpportunityLineItems",
    "RelatedAccountTeamMemberList": "AccountTeamMembers",
}
"""Salesforce's own related lists and the child relationships behind them."""
_DEFAULT_ID = 900_000_000


@dataclass(frozen=True, slots=True)
class LayoutView:
    """What an answer depends on: the org's set-up, and who asks."""

    schema: Schema
    setup: Setup
    access: Access
    version: str
    pod: str
    record_types: Sequence[Row]


def describe_layouts(view: LayoutView, definition: ObjectDef) -> dict[str, Any]:
    """All layouts of an object and which record type has which; no layouts where there are several record types."""
    own = [r for r in view.record_types if r["IsActive"]]
    types = describe.record_types_of(definition, view.version, own, view.setup)
    layouts = {layout.id: layout for layout in (_find(view, definition, t["developerName"]) for t in types)}
    return {
        "layouts": None if len(own) > 1 else [_layout(view, definition, x) for x in layouts.values()],
        "recordTypeMappings": [_mapping(view, definition, t) for t in types],
        "recordTypeSelectorRequired": [len(own) > 1],
    }


def describe_layout(view: LayoutView, definition: ObjectDef, record_type_id: str) -> dict[str, Any] | None:
    """The layout of one record type; None when the object has no such record type."""
    types = describe.record_types_of(definition, view.version, view.record_types, view.setup)
    name = next((t["developerName"] for t in types if t["recordTypeId"] == record_type_id), None)
    return None if name is None else _layout(view, definition, _find(view, definition, name))


def _find(view: LayoutView, definition: ObjectDef, record_type: str) -> Layout:
    found = layout_of(view.setup.layouts, view.setup.layout_assignments, definition.name, record_type)
    return found or _default_layout(view, definition)


def _default_layout(view: LayoutView, definition: ObjectDef) -> Layout:
    """Fields that people fill in, side by side, and a section about who made the record."""
    whole = [f for f in definition.fields.values() if f.raw["compoundFieldName"] in (None, f.name)]
    inputs = [f.name for f in whole if _fillable(definition, f, creating=True)]
    audit = [n for n in STAMPS if definition.has(n)]
    number = _DEFAULT_ID + list(view.schema.objects).index(definition.name.lower())
    sections = (
        _side_by_side("Information", inputs, "Edit"),
        _side_by_side("System Information", audit, "Readonly"),
    )
    return Layout(
        f"{definition.name}-{definition.label} Layout", definition.name, sections, id=make_id("00h", view.pod, number)
    )


def _side_by_side(label: str, names: Sequence[str], behavior: Any) -> LayoutSection:
    items = [LayoutItem("Field", n, behavior) for n in names]
    return LayoutSection(label, "TwoColumnsTopToBottom", (tuple(items[::2]), tuple(items[1::2])))


def _mapping(view: LayoutView, definition: ObjectDef, record_type: dict[str, Any]) -> dict[str, Any]:
    picklists = [
        {"picklistName": f.name, "picklistValues": _allowed(view, f, record_type["recordTypeId"])}
        for f in definition.fields.values()
        if f.type in ("picklist", "multipicklist") and view.access.sees(definition, f)
    ]
    layout = _find(view, definition, record_type["developerName"])
    return {**record_type, "layoutId": layout.id, "picklistsForRecordType": picklists}


def _allowed(view: LayoutView, found: FieldDef, record_type_id: str) -> list[dict[str, Any]]:
    allowed = view.setup.picklists.get(f"{record_type_id}.{found.name}")
    values = [v for v in found.raw["picklistValues"] if v["active"]]
    return [v for v in values if allowed is None or v["value"] in allowed]


def _layout(view: LayoutView, definition: ObjectDef, layout: Layout) -> dict[str, Any]:
    show = _Show(view, definition, layout)
    return {
        "buttonLayoutSection": {"detailButtons": []},
        "detailLayoutSections": list(show.sections(editing=False)),
        "editLayoutSections": list(show.sections(editing=True)),
        "feedView": None,
        "highlightsPanelLayoutSection": None,
        "id": layout.id,
        "multirowEditLayoutSections": [],
        "offlineLinks": [],
        "quickActionList": {"quickActionListItems": []},
        "relatedContent": None,
        "relatedLists": [shown for x in layout.lists if (shown := show.related(x)) is not None],
        "saveOptions": [],
    }


class _Show:
    """One layout as one user sees it; fields that are hidden from the user leave no gap."""

    def __init__(self, view: LayoutView, definition: ObjectDef, layout: Layout) -> None:
        self.view, self.definition, self.layout = view, definition, layout
        self._tab = 0

    def sections(self, *, editing: bool) -> Iterator[dict[str, Any]]:
        """Sections of the view or of the form; custom links are no part of a form."""
        self._tab = 0
        for n, section in enumerate(self.layout.sections):
            if not (editing and section.style == "CustomLinks"):
                yield self._section(n, section, editing=editing)

    def _section(self, n: int, section: LayoutSection, *, editing: bool) -> dict[str, Any]:
        columns = tuple(tuple(self._spread(column, editing=editing)) for column in section.columns)
        rows = LayoutSection(section.label, section.style, columns).rows()
        layout_rows = [
            {"layoutItems": [self._item(i, editing=editing) for i in row], "numItems": len(row)} for row in rows
        ]
        return {
            "collapsed": False,
            "columns": len(columns),
            "heading": section.label,
            "layoutRows": layout_rows,
            "layoutSectionId": self._section_id(n),
            "parentLayoutId": self.layout.id,
            "rows": len(rows),
            "tabOrder": "LeftToRight" if section.style == "TwoColumnsLeftToRight" else "TopToBottom",
            "useCollapsibleSection": False,
            "useHeading": section.edit_heading if editing else section.detail_heading,
        }

    def _section_id(self, n: int) -> str:
        """An id that follows from the layout's, as sections have no life of their own here."""
        return make_id(SECTION_PREFIX, self.view.pod, counter_of(self.layout.id) * 100 + n)

    def _spread(self, column: Sequence[LayoutItem], *, editing: bool) -> Iterator[LayoutItem]:
        """Items that the user sees; a form has a place for every part of a compound field."""
        for item in column:
            found = self.definition.find(item.value) if item.kind == "Field" else None
            if found is None:
                yield item
            elif self._sees(found):
                parts = self._parts(found) if editing else []
                yield from (LayoutItem("Field", p.name, item.behavior) for p in parts) if parts else (item,)

    def _sees(self, found: FieldDef) -> bool:
        return self.view.access.sees(self.definition, found)

    def _parts(self, found: FieldDef) -> list[FieldDef]:
        """The fields of which a compound one is made."""
        fields = self.definition.fields.values()
        parts = [f for f in fields if f.raw["compoundFieldName"] == found.name and f.name != found.name]
        return [f for f in parts if f.createable and self._sees(f)]

    def _item(self, item: LayoutItem | None, *, editing: bool) -> dict[str, Any]:
        if item is None or item.kind == "EmptySpace":
            empty = [] if item is None else [self._component("EmptySpace", None)]
            return _place("", empty, placeholder=True)
        found = self.definition.find(item.value) if item.kind == "Field" else None
        if found is None:
            return _place(item.value, [self._component(item.kind, item.value)])
        may = item.behavior != "Readonly" and self.view.access.writes(self.definition, found)
        required = item.behavior == "Required" or found.required
        components = [self._field(found)] if editing else list(self._components(found))
        allows = self.view.access.allows
        return _place(
            label_on_layout(self.definition, found),
            components,
            for_new=may and allows(self.definition, "Create") and _fillable(self.definition, found, creating=True),
            for_update=may and allows(self.definition, "Edit") and _fillable(self.definition, found, creating=False),
            required=may and required,
            behavior=item.behavior,
            version=self.view.version,
        )

    def _components(self, found: FieldDef) -> Iterator[dict[str, Any]]:
        yield self._field(found)
        date = self.definition.find(STAMPS.get(found.name, ""))
        if date is not None and self._sees(date):
            yield self._component("Separator", ", ")
            yield self._field(date)

    def _field(self, found: FieldDef) -> dict[str, Any]:
        lines = 2 if found.type in ("textarea", "address") else 1
        component = self._component("Field", found.name, lines)
        component["details"] = describe.describe_field(self.definition, found, self.view.access)
        parts = self._parts(found)
        if parts:
            component |= {"components": [self._field(p) for p in parts], "fieldType": found.type}
        return component

    def _component(self, kind: str, value: str | None, lines: int = 1) -> dict[str, Any]:
        self._tab += 1
        return {"details": None, "displayLines": lines, "tabOrder": self._tab, "type": kind, "value": value}

    def related(self, related: LayoutList) -> dict[str, Any] | None:
        """A related list, when this org has its child object; columns that are no fields here are left out."""
        relation = _find_relation(self.definition, related.name)
        child = self.view.schema.find(relation.child) if relation else None
        if relation is None or child is None or not self.view.access.sees_object(child):
            return None
        order = _find_column(child, related.sort_field or "")
        ascending = related.sort_order != "Desc"
        return {
            "accessLevelRequiredForCreate": None,
            "buttons": [],
            "columns": [c for token in related.fields if (c := _column(child, token)) is not None],
            "custom": child.raw["custom"],
            "field": relation.field,
            "label": child.raw["labelPlural"],
            "limitRows": 5,
            "name": relation.relationship_name,
            "sobject": child.name,
            "sort": [{"ascending": ascending, "column": f"{child.name}.{order.name}"}] if order else [],
        }


def _find_relation(definition: ObjectDef, name: str) -> ChildDef | None:
    """The child relationship behind the name of a related list; None for lists that this org knows nothing of."""
    child, dot, lookup = name.partition(".")
    if dot:
        return next((c for c in definition.children if (c.child, c.field) == (child, lookup)), None)
    known = _NAMED_LISTS.get(name)
    return next((c for c in definition.children if known and c.relationship_name == known), None)


def _find_column(child: ObjectDef, token: str) -> FieldDef | None:
    """The field behind a column: a field's name, Object.Field, or the token for the name of a record."""
    if token.rpartition(".")[2] in ("NAME", "FULL_NAME"):
        return child.name_field
    return child.find(token.rpartition(".")[2])


def _column(child: ObjectDef, token: str) -> dict[str, Any] | None:
    found = _find_column(child, token)
    if found is None:
        return None
    return {
        "field": f"{child.name}.{found.name}",
        "fieldApiName": found.name,
        "format": {"date": "date", "datetime": "datetime"}.get(found.type),
        "label": found.label,
        "lookupId": f"{child.name}.Id" if found.name_field else None,
        "name": found.name,
    }


def _place(
    label: str,
    components: list[dict[str, Any]],
    *,
    for_new: bool = False,
    for_update: bool = False,
    required: bool = False,
    placeholder: bool = False,
    behavior: str | None = None,
    version: str = "",
) -> dict[str, Any]:
    """One DescribeLayoutItem; uiBehavior is of version 63 and later."""
    newer = {"uiBehavior": behavior} if version and float(version) >= 63 else {}
    return {
        "editableForNew": for_new,
        "editableForUpdate": for_update,
        "label": label,
        "layoutComponents": components,
        "placeholder": placeholder,
        "required": required,
        **newer,
    }


def _fillable(definition: ObjectDef, found: FieldDef, *, creating: bool) -> bool:
    """Whether a person may fill a field in; a compound one is filled in by its parts."""
    parts = [found, *(f for f in definition.fields.values() if f.raw["compoundFieldName"] == found.name)]
    return any(f.createable if creating else f.updateable for f in parts)


def label_on_layout(definition: ObjectDef, found: FieldDef) -> str:
    """What people read beside a field: references without ID, the owner by the name of the object."""
    if found.name == "OwnerId":
        return f"{definition.label} Owner"
    return found.label.removesuffix(" ID") if found.type == "reference" else found.label
