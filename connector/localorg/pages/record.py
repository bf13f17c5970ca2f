"""One account as a record page: highlights, sections of fields, related lists. Called by `pages.handle`.

Where the org has a page layout (from SFDX source), its sections are shown, and fields that a mapping brought without
placing them come last. Without one, every custom field that is not the customer's own belongs to the section
"Lifecycle".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from connector.localorg.definitions import FieldDef, ObjectDef
from connector.localorg.describe_layouts import STAMPS, label_on_layout
from connector.localorg.ids import to_id18
from connector.localorg.layouts import Layout, LayoutItem, layout_of
from connector.localorg.pages.show import (
    HEALTH_FIELD,
    STAGE_FIELD,
    Row,
    Shown,
    health_tone,
    safe_link,
    show_money,
    show_value,
    stage_tone,
)
from connector.localorg.seeds.customer_fields import customer_definitions

if TYPE_CHECKING:
    from connector.localorg.org import Org

LIFECYCLE = "Lifecycle"
NOT_PLACED = "Not on the layout"
_COORDINATES = ("Latitude", "Longitude", "GeocodeAccuracy")
_LIST_LENGTH = 12
_ENGINE_TYPES = ("textarea",)
_FIRST = (
    "Stage",
    "Health",
    "Health_Score",
    "Stage_Entered",
    "Previous_Stage",
    "Stage_Reason",
    "Next",
    "Proposed_Stage",
)
_SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Account details",
        ("AccountNumber", "Type", "Industry", "AnnualRevenue", "NumberOfEmployees", "Rating", "AccountSource", "Phone",
         "Website", "BillingStreet", "BillingCity", "BillingCountry", "Description"),
    ),
    ("System", ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp", "Id")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    """A titled block of fields."""

    title: str
    fields: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class RelatedList:
    """A titled table of child records; `total` counts also those that are not shown."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Shown, ...], ...]
    total: int


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Everything on the page of one account."""

    name: str
    chips: tuple[Shown, ...]
    highlights: tuple[Shown, ...]
    sections: tuple[Section, ...]
    engine: tuple[Shown, ...]
    related: tuple[RelatedList, ...]
    is_deleted: bool


def read_account_page(org: Org, record_id: str) -> AccountPage | None:
    """The page of an account by its id (15 or 18 characters), or None when there is no such account."""
    found = org.records("Account", {"Id": to_id18(record_id) or ""}, include_deleted=True)
    if not found:
        return None
    row, fields = found[0], {f["name"]: f for f in org.describe("Account")["fields"]}
    names = _names_by_id(org)
    lifecycle, engine = _lifecycle_fields(row, fields, names)
    layout = _find_layout(org, row)
    if layout is not None:
        sections = _layout_sections(layout, org.schema.get("Account"), row, fields, names)
        placed = {shown.name for section in sections for shown in section.fields}
        sections.append(Section(NOT_PLACED, tuple(f for f in lifecycle if f.name not in placed)))
    else:
        own = tuple(d["name"] for d in customer_definitions() if d["sobject"] == "Account")
        sections = [Section(LIFECYCLE, lifecycle), _section("Product use", own, row, fields, names)]
        sections += [_section(title, members, row, fields, names) for title, members in _SECTIONS]
    return AccountPage(
        name=str(row["Name"]),
        chips=_chips(row, fields),
        highlights=_highlights(org, row, names),
        sections=tuple(s for s in sections if s.fields),
        engine=engine,
        related=_related_lists(org, row["Id"], names),
        is_deleted=bool(row["IsDeleted"]),
    )


def _find_layout(org: Org, row: Row) -> Layout | None:
    """The layout that people see for this record: that of its record type, of Account, or the only one."""
    types = {r["Id"]: str(r["DeveloperName"]) for r in org.records("RecordType")} if row.get("RecordTypeId") else {}
    setup = org.state.setup
    return layout_of(setup.layouts, setup.layout_assignments, "Account", types.get(row.get("RecordTypeId"), "Master"))


def _layout_sections(
    layout: Layout, definition: ObjectDef, row: Row, fields: Mapping[str, Row], names: Mapping[str, str]
) -> list[Section]:
    """Fields in the order in which rows are read; links, pages and charts are no fields and have no place here."""
    sections = []
    for section in layout.sections:
        items = [item for line in section.rows() for item in line]
        shown = tuple(s for i in items if (s := _place(definition, i, row, fields, names)) is not None)
        sections.append(Section(section.label or definition.label, shown))
    return [s for s in sections if any(field.label for field in s.fields)]


def _place(
    definition: ObjectDef,
    item: LayoutItem | None,
    row: Row,
    fields: Mapping[str, Row],
    names: Mapping[str, str],
) -> Shown | None:
    """A field, or a gap that keeps its neighbours in their columns."""
    if item is None or item.kind == "EmptySpace":
        return Shown("", "")
    found = definition.find(item.value) if item.kind == "Field" else None
    return _placed(definition, found, row, fields, names) if found is not None and found.name in fields else None


def _placed(
    definition: ObjectDef, found: FieldDef, row: Row, fields: Mapping[str, Row], names: Mapping[str, str]
) -> Shown:
    """A field as a layout shows it: an address in one piece, who made a record together with when."""
    shown = _shown(row, fields[found.name], names)
    text = shown.text
    if not found.stored:
        parts = [f.name for f in definition.fields.values() if f.raw["compoundFieldName"] == found.name]
        text = ", ".join(show_value(row[n]) for n in parts if row.get(n) and not n.endswith(_COORDINATES))
    elif found.name in STAMPS:
        text = ", ".join(t for t in (shown.text, show_value(row.get(STAMPS[found.name]))) if t)
    return replace(shown, label=label_on_layout(definition, found), text=text)


def _names_by_id(org: Org) -> dict[str, str]:
    return {row["Id"]: str(row["Name"]) for sobject in ("User", "Group") for row in org.records(sobject)}


def _chips(row: Row, fields: Mapping[str, Row]) -> tuple[Shown, ...]:
    tones: tuple[tuple[str, Callable[[Any], str]], ...] = ((STAGE_FIELD, stage_tone), (HEALTH_FIELD, health_tone))
    return tuple(
        Shown(str(fields[name]["label"]), show_value(row[name], fields[name]), tone=tone(row[name]))
        for name, tone in tones
        if name in fields and row.get(name)
    )


def _highlights(org: Org, row: Row, names: Mapping[str, str]) -> tuple[Shown, ...]:
    contracts = org.records("Contract", {"AccountId": row["Id"], "StatusCode": "Activated"})
    won = sum(d["Amount"] or 0 for d in org.records("Opportunity", {"AccountId": row["Id"], "IsWon": True}))
    ends = max((c["EndDate"] for c in contracts if c["EndDate"]), default=None)
    return (
        Shown("Owner", names.get(row["OwnerId"], "")),
        Shown("Won in total", show_money(won)),
        Shown("Contract ends", show_value(ends)),
        Shown("Last activity", show_value(row.get("LastActivityDate"))),
    )


def _lifecycle_fields(
    row: Row, fields: Mapping[str, Row], names: Mapping[str, str]
) -> tuple[tuple[Shown, ...], tuple[Shown, ...]]:
    """Fields that a mapping brought; long texts are the engine's own memory and are shown apart."""
    own = {d["name"] for d in customer_definitions()}
    brought = [f for f in fields.values() if f["name"].endswith("__c") and f["name"] not in own]
    memory = [f for f in brought if f["type"] in _ENGINE_TYPES and "state" in str(f["name"]).lower()]
    for_people = sorted((f for f in brought if f not in memory), key=_layout_place)
    return (
        tuple(_shown(row, f, names) for f in for_people),
        tuple(_shown(row, f, names) for f in memory if row.get(f["name"])),
    )


def _layout_place(field: Row) -> int:
    """Where an admin would put a field: stage and health first, then figures, then what people fill in."""
    name = str(field["name"]).removesuffix("__c").removeprefix("Lifecycle_")
    if name.startswith("Override"):
        return len(_FIRST) + 1
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _section(
    title: str, members: tuple[str, ...], row: Row, fields: Mapping[str, Row], names: Mapping[str, str]
) -> Section:
    return Section(title, tuple(_shown(row, fields[name], names) for name in members if name in fields))


def _shown(row: Row, field: Row, names: Mapping[str, str]) -> Shown:
    name, value = str(field["name"]), row.get(field["name"])
    tone = {STAGE_FIELD: stage_tone, HEALTH_FIELD: health_tone}.get(name)
    return Shown(
        label=str(field["label"]),
        text=names.get(str(value), "") or show_value(value, field),
        help=str(field["inlineHelpText"] or ""),
        tone=tone(value) if tone and value else "",
        href=safe_link(value) if field["type"] == "url" else "",
        name=name,
        is_long=field["type"] == "textarea" or len(str(value or "")) > 60,
    )


def _related_lists(org: Org, account_id: str, names: Mapping[str, str]) -> tuple[RelatedList, ...]:
    mine = {"AccountId": account_id}
    contacts = org.records("Contact", mine)
    people = {**names, **{c["Id"]: str(c["Name"]) for c in contacts}}
    tasks = org.records("Task", mine)
    return (
        _table("Open Tasks", _OPEN_TASK, [t for t in tasks if not t["IsClosed"]], people, "ActivityDate", newest=False),
        _table("Opportunities", _OPPORTUNITY, org.records("Opportunity", mine), people, "CloseDate"),
        _table("Contracts", _CONTRACT, org.records("Contract", mine), people, "StartDate"),
        _memberships(org, contacts, people),
        _table("Contacts", _CONTACT, contacts, people, "Name", newest=False),
        _table("Closed Tasks", _CLOSED_TASK, [t for t in tasks if t["IsClosed"]], people, "CompletedDateTime"),
        _table("Events", _EVENT, org.records("Event", mine), people, "StartDateTime"),
    )


Columns = tuple[tuple[str, str], ...]
_OPEN_TASK: Columns = (("Subject", "Subject"), ("ActivityDate", "Due"), ("Priority", "Priority"), ("OwnerId", "Owner"))
_CLOSED_TASK: Columns = (
    ("Subject", "Subject"),
    ("CompletedDateTime", "Completed"),
    ("Status", "Status"),
    ("OwnerId", "Owner"),
)
_OPPORTUNITY: Columns = (("Name", "Name"), ("StageName", "Stage"), ("Amount", "Amount"), ("CloseDate", "Close date"))
_CONTRACT: Columns = (("ContractNumber", "Number"), ("Status", "Status"), ("StartDate", "Start"), ("EndDate", "End"))
_CONTACT: Columns = (("Name", "Name"), ("Title", "Title"), ("Email", "Email"), ("HasOptedOutOfEmail", "Opted out"))
_EVENT: Columns = (("Subject", "Subject"), ("StartDateTime", "Start"), ("OwnerId", "Owner"))
_MEMBERSHIP: Columns = (
    ("Campaign", "Campaign"),
    ("ContactId", "Contact"),
    ("Status", "Status"),
    ("CreatedDate", "Added"),
)


def _memberships(org: Org, contacts: Sequence[Row], people: Mapping[str, str]) -> RelatedList:
    campaigns = {c["Id"]: c["Name"] for c in org.records("Campaign")}
    rows = [member for contact in contacts for member in org.records("CampaignMember", {"ContactId": contact["Id"]})]
    named = [{**row, "Campaign": campaigns.get(row["CampaignId"], "")} for row in rows]
    return _table("Campaign memberships", _MEMBERSHIP, named, people, "CreatedDate")


def _table(
    title: str, columns: Columns, rows: Sequence[Row], people: Mapping[str, str], order: str, *, newest: bool = True
) -> RelatedList:
    ordered = sorted(rows, key=lambda row: (str(row[order] or ""), str(row["Id"])), reverse=newest)
    shown = tuple(tuple(_cell(row, *column, people) for column in columns) for row in ordered[:_LIST_LENGTH])
    return RelatedList(title, tuple(label for _, label in columns), shown, len(rows))


def _cell(row: Row, name: str, label: str, people: Mapping[str, str]) -> Shown:
    value = row.get(name)
    if name == "Amount":
        return Shown(label, show_money(value), name="number")
    kind = "tight" if isinstance(value, date) else "loose" if name == "Email" else ""
    return Shown(label, people.get(str(value), "") or show_value(value), name=kind)
