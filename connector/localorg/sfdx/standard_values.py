"""Standard value sets of a source directory: the picklists of standard fields, and the tables behind some of them.

Called by `read_source` and `apply_source`. Which set belongs to which fields: Metadata API guide, "StandardValueSet
Names and Standard Picklist Fields". A set replaces the values of its fields (reference 8.5); sets of fields that this
org lacks are left alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.localorg import setup_rows
from connector.localorg.definitions import Schema
from connector.localorg.schema import Definition
from connector.localorg.sfdx.nodes import Node, parse_source
from connector.localorg.transaction import Transaction

_SUFFIX = ".standardValueSet-meta.xml"
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "AccountOwnership": ("Account.Ownership",),
    "AccountRating": ("Account.Rating", "Lead.Rating"),
    "AccountType": ("Account.Type",),
    "AssetStatus": ("Asset.Status",),
    "CampaignMemberStatus": ("CampaignMember.Status",),
    "CampaignStatus": ("Campaign.Status",),
    "CampaignType": ("Campaign.Type",),
    "CaseOrigin": ("Case.Origin",),
    "CasePriority": ("Case.Priority",),
    "CaseReason": ("Case.Reason",),
    "CaseStatus": ("Case.Status",),
    "CaseType": ("Case.Type",),
    "ContactRole": ("OpportunityContactRole.Role",),
    "ContractStatus": ("Contract.Status",),
    "EventSubject": ("Event.Subject",),
    "EventType": ("Event.Type",),
    "Industry": ("Account.Industry", "Lead.Industry"),
    "LeadSource": ("Account.AccountSource", "Contact.LeadSource", "Lead.LeadSource", "Opportunity.LeadSource"),
    "LeadStatus": ("Lead.Status",),
    "OpportunityStage": ("Opportunity.StageName",),
    "OpportunityType": ("Opportunity.Type",),
    "Product2Family": ("Product2.Family",),
    "SalesTeamRole": ("AccountTeamMember.TeamMemberRole",),
    "Salutation": ("Contact.Salutation", "Lead.Salutation"),
    "TaskPriority": ("Task.Priority",),
    "TaskStatus": ("Task.Status",),
    "TaskSubject": ("Task.Subject",),
    "TaskType": ("Task.Type",),
}
_TABLES = ("CaseStatus", "LeadStatus", "OpportunityStage", "TaskPriority", "TaskStatus")
_FORECASTS = {"BestCase": "Best Case", "Forecast": "Commit"}
"""Forecast categories whose names are not their API names."""


@dataclass(frozen=True, slots=True)
class ValueSet:
    """The values of one standard value set, in their order; `rows` are what its table says of them."""

    name: str
    values: tuple[Definition, ...]
    rows: tuple[Mapping[str, Any], ...]


def read_standard_values(directory: Path) -> list[ValueSet]:
    """All standard value sets whose fields this org may have."""
    paths = {p.name.removesuffix(_SUFFIX): p for p in sorted(directory.rglob(f"*{_SUFFIX}"))}
    return [_read_set(name, parse_source(path)) for name, path in sorted(paths.items()) if name in _FIELDS]


def _read_set(name: str, root: Node) -> ValueSet:
    nodes = list(root.all("standardValue"))
    return ValueSet(name, tuple(_read_value(n) for n in nodes), tuple(_read_row(name, n) for n in nodes))


def _read_value(node: Node) -> Definition:
    value = node.need("fullName")
    active = node.get("isActive") != "false"
    return {
        "value": value,
        "label": node.get("label") or value,
        "defaultValue": node.flag("default"),
        "active": active,
    }


def _read_row(name: str, node: Node) -> Mapping[str, Any]:
    """What the tables behind status fields know beyond the value; keys that a table lacks are dropped later."""
    row: dict[str, Any] = {
        "ApiName": node.need("fullName"),
        "IsDefault": int(node.flag("default")),
        "IsClosed": int(node.flag("closed")),
        "IsConverted": int(node.flag("converted")),
        "IsHighPriority": int(node.flag("highPriority")),
    }
    if name == "OpportunityStage":
        category = node.get("forecastCategory") or "Pipeline"
        row |= {
            "IsActive": int(node.get("isActive") != "false"),
            "IsWon": int(node.flag("won")),
            "DefaultProbability": float(node.number("probability") or 0),
            "ForecastCategory": category,
            "ForecastCategoryName": _FORECASTS.get(category, category),
        }
    return row


def picklist_definitions(schema: Schema, sets: list[ValueSet]) -> Iterator[Definition]:
    """The standard fields of these sets with their new values, for define_fields."""
    for one in sets:
        for key in _FIELDS[one.name]:
            sobject, _, name = key.partition(".")
            owner = schema.find(sobject)
            found = owner.find(name) if owner else None
            if found is not None:
                yield {**found.raw, "sobject": sobject, "picklistValues": list(one.values)}


def save_rows(txn: Transaction, sets: list[ValueSet]) -> None:
    """Bring the tables behind status fields up to date."""
    for one in (s for s in sets if s.name in _TABLES):
        setup_rows.save_values(txn, one.name, one.rows)
