"""What the customer's admin had added to the org before the product came: custom fields and picklist values."""

from __future__ import annotations

from typing import Any

from connector.localorg.schema import read_object

Definition = dict[str, Any]

_OPPORTUNITY_TYPES = ("New Business", "Renewal", "Expansion")


def customer_definitions() -> list[Definition]:
    """Custom fields on Account and the Opportunity types of a subscription business, in describe shape."""
    return [
        _field(
            "Active_Users__c",
            "Active Users",
            "double",
            precision=18,
            scale=0,
            help_text="Users seen in the last 30 days.",
        ),
        _field(
            "Licensed_Users__c",
            "Licensed Users",
            "double",
            precision=18,
            scale=0,
            help_text="Seats in the running contract.",
        ),
        _field("Usage_Updated__c", "Usage Updated", "date", help_text="Day on which the product last reported usage."),
        _field("Relaunch__c", "Relaunch", "boolean", help_text="Tick to set the customer up again."),
        {
            **_field(
                "CSM__c", "Customer Success Manager", "reference", length=18, help_text="Who looks after the customer."
            ),
            "referenceTo": ["User"],
            "relationshipName": "CSM__r",
        },
        _opportunity_type(),
    ]


def _field(name: str, label: str, kind: str, *, help_text: str, **more: Any) -> Definition:
    return {"sobject": "Account", "name": name, "label": label, "type": kind, "inlineHelpText": help_text, **more}


def _opportunity_type() -> Definition:
    standard = next(f for f in read_object("Opportunity")["fields"] if f["name"] == "Type")
    added = [{"value": value, "label": value, "active": True, "defaultValue": False} for value in _OPPORTUNITY_TYPES]
    return {"sobject": "Opportunity", **standard, "picklistValues": [*standard["picklistValues"], *added]}
