"""Which rights and defaults let a user see all records of an sObject: facts of the platform, and nothing else.

Used by pull/sight.py, which proves it of our user, and by orgsetup, which grants it. Pure. Object reference and
Salesforce Help ("Organization-Wide Sharing Defaults", "View All and Modify All Permissions"); what is not confirmed
against a live org: that Controlled by Parent shows all children to whoever sees all parents, and that people who see
a record see the activities on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from connector.describe import ObjectDescribe

SECURED = frozenset({
    "Account", "Asset", "Campaign", "Case", "Contact", "Contract", "Lead", "Opportunity", "Order", "Pricebook2",
    "Product2",
})  # fmt: skip
"""Standard objects that object permissions name, View All Records among them; so they do all custom ones."""

ACTIVITIES = frozenset({"Task", "Event", "EmailMessage"})
"""Nobody can be granted View All on these: who sees the record that an activity is on sees the activity."""

_ACTIVITY_PARENTS = ("Account", "Contact", "Opportunity")
_PARENTS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "AccountContactRelation": ("Account", "Contact"), "AccountHistory": ("Account",), "AccountTeamMember": ("Account",),
    "Asset": ("Account",), "CampaignMember": ("Campaign",), "CampaignMemberStatus": ("Campaign",),
    "CaseComment": ("Case",), "CaseHistory": ("Case",), "Contact": ("Account",), "ContactHistory": ("Contact",),
    "Contract": ("Account",), "EmailMessage": (*_ACTIVITY_PARENTS, "Case"), "Event": _ACTIVITY_PARENTS,
    "EventRelation": ("Event",), "TaskRelation": ("Task",),
    "OpportunityContactRole": ("Opportunity",), "OpportunityFieldHistory": ("Opportunity",),
    "OpportunityHistory": ("Opportunity",), "OpportunityLineItem": ("Opportunity",), "Order": ("Account",),
    "OrderItem": ("Order",), "PricebookEntry": ("Pricebook2",), "Task": _ACTIVITY_PARENTS,
})  # fmt: skip
"""Whose records a standard object's records hang on: seeing all of those is seeing all of these."""

EDITED_BY_ALL = frozenset({
    "ReadWrite", "ReadWriteTransfer", "FullAccess",  # EntityDefinition.InternalSharingModel
    "Edit", "ReadEditTransfer", "All",  # Organization.Default...Access
})  # fmt: skip
"""Org-wide defaults by which everybody inside may change every record, as far as object permissions go."""
PUBLIC = EDITED_BY_ALL | {"Read", "ReadSelect"}
"""Org-wide defaults by which everybody inside sees every record."""


def is_secured(sobject: str) -> bool:
    """Whether View All Records can be granted on it."""
    return sobject in SECURED or sobject.endswith("__c")


@cache
def _securable() -> dict[str, frozenset[str]]:
    text = resources.files("connector").joinpath("describe_data/field_security.json").read_text("utf-8")
    return {sobject: frozenset(names) for sobject, names in json.loads(text).items()}


def can_be_hidden(sobject: str, field: str) -> bool:
    """Whether field permissions can name this standard field, by the describes of a real org (API 59.0).

    Known of Account, Case, Contact, Event, Lead and Opportunity; of other objects always False, because a permission
    set that names a field which cannot be hidden is not deployed at all.
    """
    return field in _securable().get(sobject, ())


def parents_of(sobject: str, describe: ObjectDescribe | None = None) -> tuple[str, ...]:
    """The objects whose records those of `sobject` are controlled by, if they are controlled by others at all.

    Of a custom object: what its required lookups point to, as the ends of a master-detail relationship do.
    """
    if sobject in _PARENTS or describe is None or not sobject.endswith("__c"):
        return _PARENTS.get(sobject, ())
    lookups = [f for f in describe.fields.values() if f.reference_to and not f.nillable and f.name.endswith("__c")]
    return tuple(sorted({f.reference_to[0] for f in lookups}))


def hangs_on_others(sobject: str) -> bool:
    """Whether its records are seen by whoever sees others, whatever the org's defaults: it has no rights of its own."""
    return sobject in _PARENTS and sobject not in SECURED


def with_parents(sobjects: Iterable[str], describes: Mapping[str, ObjectDescribe]) -> frozenset[str]:
    """These objects, and all whose rights may decide whether they are seen."""
    found: set[str] = set()
    left = set(sobjects)
    while left:
        name = left.pop()
        found.add(name)
        left |= set(parents_of(name, describes.get(name))) - found
    return frozenset(found)
