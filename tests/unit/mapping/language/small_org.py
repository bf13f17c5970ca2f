"""A small org's describes and a scope over them, for the tests of the language."""

from connector.calendar import Duration
from connector.describe import FieldDescribe, ObjectDescribe
from connector.mapping.language import BOOLEAN, DATE, DAYS, TEXT, Position, Scope, exact, type_of_duration
from connector.mapping.language.types import Kind, Type


def fields(*found: FieldDescribe) -> dict[str, FieldDescribe]:
    standard = (
        FieldDescribe("Id", "id"),
        FieldDescribe("Name", "string"),
        FieldDescribe("IsDeleted", "boolean"),
        FieldDescribe("CreatedDate", "datetime"),
    )
    return {f.name: f for f in (*standard, *found)}


def reference(name: str, *to: str, relationship: str = "") -> FieldDescribe:
    return FieldDescribe(name, "reference", reference_to=to, relationship=relationship or name.removesuffix("Id"))


def picklist(name: str, *values: str, restricted: bool = True, kind: str = "picklist") -> FieldDescribe:
    return FieldDescribe(name, kind, picklist=values, restricted=restricted)


def money(name: str) -> FieldDescribe:
    return FieldDescribe(name, "currency", precision=18, scale=2)


OBJECTS = (
    ObjectDescribe(
        "Account",
        "Account",
        fields(
            picklist("Type", "Customer", "Partner", "Prospect"),
            picklist("Tags__c", "red", "green", "dark green", kind="multipicklist"),
            picklist("Industry", "Energy", "Retail", restricted=False),
            money("AnnualRevenue"),
            FieldDescribe("NumberOfEmployees", "int"),
            FieldDescribe("Renewal__c", "date"),
            FieldDescribe("Active__c", "boolean"),
            FieldDescribe("BillingAddress", "address"),
            FieldDescribe("Tags_Text__c", "string"),
            reference("OwnerId", "User"),
            reference("ParentId", "Account"),
            reference("MasterRecordId", "Account"),
        ),
    ),
    ObjectDescribe("User", "User", fields(FieldDescribe("IsActive", "boolean"), reference("ManagerId", "User"))),
    ObjectDescribe(
        "Opportunity",
        "Opportunity",
        fields(
            reference("AccountId", "Account"),
            reference("OwnerId", "User"),
            picklist("StageName", "Open", "Closed Won", "Closed Lost", restricted=False),
            picklist("Type", "New", "Renewal"),
            money("Amount"),
            FieldDescribe("Probability", "percent", precision=3),
            FieldDescribe("CloseDate", "date"),
            FieldDescribe("IsWon", "boolean"),
            FieldDescribe("IsClosed", "boolean"),
        ),
    ),
    ObjectDescribe(
        "Deal__c",
        "Deal",
        fields(
            reference("Customer__c", "Account", relationship="Customer__r"),
            reference("Reseller__c", "Account", relationship="Reseller__r"),
            money("Value__c"),
        ),
    ),
    ObjectDescribe(
        "Task",
        "Task",
        fields(
            reference("AccountId", "Account"),
            reference("WhatId", "Account", "Opportunity"),
            reference("OwnerId", "Group", "User"),
            FieldDescribe("Subject", "combobox", picklist=("Call", "Email")),
            FieldDescribe("Status", "picklist", picklist=("Open", "Completed")),
            FieldDescribe("IsClosed", "boolean"),
            FieldDescribe("ActivityDate", "date"),
        ),
    ),
    ObjectDescribe("Contact", "Contact", fields(reference("AccountId", "Account"), FieldDescribe("Title", "string"))),
    ObjectDescribe("Lead", "Lead", fields(reference("ConvertedAccountId", "Account"))),
    ObjectDescribe("CampaignMember", "Member", fields(reference("ContactId", "Contact"), reference("LeadId", "Lead"))),
    ObjectDescribe("Campaign", "Campaign", fields()),
)
DESCRIBES = {o.name: o for o in OBJECTS}

SCOPE = Scope(
    DESCRIBES,
    facts={
        "open_renewals": exact(10), "won": BOOLEAN, "first_won": DATE, "score": Type(Kind.NUMBER), "silence": DAYS,
        "plan": TEXT,
    },
    params={"launch_after": type_of_duration(Duration(90)), "big": exact(8)},
    lists={"won_types": ("Renewal", "New"), "odd_types": ("Renewal", "Old"), "sizes": (1, 2, 3), "none": ()},
    stages=("onboarding", "launched", "churned"),
    segments=("enterprise",),
    cta_keys=frozenset({"training", "onboard.kickoff"}),
    health=True,
    counters=frozenset({"silence"}),
)  # fmt: skip


def at(text: str) -> Position:
    return Position.of_text(text, "m.yaml")
