"""The rows that every org has from its first day: the organisation, its people, and the tables behind status fields.

Called once by Org.create. Labels and flags are those of a new Salesforce org (object reference; recorded Organization).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.localorg.transaction import Transaction
from connector.localorg.values import store_trusted

SetupRow = Mapping[str, Any]


def _statuses(*labels: str, closed: frozenset[str], default: str) -> tuple[SetupRow, ...]:
    return tuple(
        {
            "MasterLabel": label,
            "ApiName": label,
            "SortOrder": n,
            "IsClosed": int(label in closed),
            "IsConverted": int(label in closed),
            "IsDefault": int(label == default),
        }
        for n, label in enumerate(labels, start=1)
    )


def _stage(order: int, label: str, probability: float, category: str, category_name: str) -> SetupRow:
    return {
        "MasterLabel": label,
        "ApiName": label,
        "IsActive": 1,
        "SortOrder": order,
        "IsClosed": int(label.startswith("Closed")),
        "IsWon": int(label == "Closed Won"),
        "DefaultProbability": probability,
        "ForecastCategory": category,
        "ForecastCategoryName": category_name,
    }


OPPORTUNITY_STAGES = (
    _stage(1, "Prospecting", 10.0, "Pipeline", "Pipeline"),
    _stage(2, "Qualification", 10.0, "Pipeline", "Pipeline"),
    _stage(3, "Needs Analysis", 20.0, "Pipeline", "Pipeline"),
    _stage(4, "Value Proposition", 50.0, "Pipeline", "Pipeline"),
    _stage(5, "Id. Decision Makers", 60.0, "Pipeline", "Pipeline"),
    _stage(6, "Perception Analysis", 70.0, "Pipeline", "Pipeline"),
    _stage(7, "Proposal/Price Quote", 75.0, "BestCase", "Best Case"),
    _stage(8, "Negotiation/Review", 90.0, "BestCase", "Best Case"),
    _stage(9, "Closed Won", 100.0, "Closed", "Closed"),
    _stage(10, "Closed Lost", 0.0, "Omitted", "Omitted"),
)
_COMPLETED = frozenset({"Completed"})
STATUS_TABLES: Mapping[str, tuple[SetupRow, ...]] = {
    "OpportunityStage": OPPORTUNITY_STAGES,
    "TaskStatus": _statuses(
        "Not Started",
        "In Progress",
        "Completed",
        "Waiting on someone else",
        "Deferred",
        closed=_COMPLETED,
        default="Not Started",
    ),
    "TaskPriority": tuple(
        {
            "MasterLabel": label,
            "ApiName": label,
            "SortOrder": n,
            "IsDefault": int(label == "Normal"),
            "IsHighPriority": int(label == "High"),
        }
        for n, label in enumerate(("High", "Normal", "Low"), start=1)
    ),
    "CaseStatus": _statuses("New", "Working", "Escalated", "Closed", closed=frozenset({"Closed"}), default="New"),
    "LeadStatus": _statuses(
        "Open - Not Contacted",
        "Working - Contacted",
        "Closed - Converted",
        "Closed - Not Converted",
        closed=frozenset({"Closed - Converted"}),
        default="Open - Not Contacted",
    ),
    "ContractStatus": tuple(
        {"MasterLabel": label, "ApiName": label, "SortOrder": n, "IsDefault": int(n == 2), "StatusCode": code}
        for n, (label, code) in enumerate(
            (("In Approval Process", "InApproval"), ("Activated", "Activated"), ("Draft", "Draft")), start=1
        )
    ),
}
_ORGANIZATION: SetupRow = {
    "Name": "Local Org",
    "Country": "US",
    "DefaultLocaleSidKey": "en_US",
    "TimeZoneSidKey": "GMT",
    "LanguageLocaleKey": "en_US",
    "OrganizationType": "Developer Edition",
    "InstanceName": "LOCAL1",
    "IsSandbox": 0,
    "IsReadOnly": 0,
    "FiscalYearStartMonth": 1,
    "UiSkin": "Theme3",
    "DefaultAccountAccess": "Edit",
    "DefaultCalendarAccess": "HideDetailsInsert",
    "DefaultCampaignAccess": "All",
    "DefaultCaseAccess": "ReadEditTransfer",
    "DefaultContactAccess": "ControlledByParent",
    "DefaultLeadAccess": "ReadEditTransfer",
    "DefaultOpportunityAccess": "Edit",
    "DefaultPricebookAccess": "ReadSelect",
}
_USER: SetupRow = {
    "IsActive": 1,
    "UserType": "Standard",
    "TimeZoneSidKey": "GMT",
    "LocaleSidKey": "en_US",
    "LanguageLocaleKey": "en_US",
    "EmailEncodingKey": "UTF-8",
}


def insert_setup_rows(txn: Transaction, org_name: str) -> str:
    """Fill a new org and return the id of its System Administrator, who has made everything."""
    admin_id = txn.new_id(txn.schema.get("User"))
    txn.user_id = admin_id
    _insert(txn, "Organization", {**_ORGANIZATION, "Name": org_name})
    profile_id = _insert(txn, "Profile", {"Name": "System Administrator", "UserType": "Standard"})
    insert_user(
        txn,
        {"Id": admin_id, "Username": "admin@local.org", "LastName": "System Administrator", "ProfileId": profile_id},
    )
    for sobject, rows in STATUS_TABLES.items():
        for row in rows:
            _insert(txn, sobject, row)
    insert_currency(txn, "USD", 1.0, 2, corporate=True)
    _insert(txn, "BusinessHours", {"Name": "Default", "IsActive": 1, "IsDefault": 1, "TimeZoneSidKey": "GMT"})
    return admin_id


def insert_user(txn: Transaction, given: Mapping[str, Any]) -> str:
    """Add a user with what every user has; `given` holds stored values."""
    username = str(given["Username"])
    name = " ".join(str(given[n]) for n in ("FirstName", "LastName") if given.get(n))
    derived = {"Name": name, "Email": username, "Alias": username[:8], "CommunityNickname": username.split("@")[0]}
    return _insert(txn, "User", {**_USER, **derived, **given})


def add_user(txn: Transaction, given: Mapping[str, Any]) -> str:
    """Add a user from Python values."""
    fields = txn.schema.get("User").fields
    stored = {n: store_trusted(fields[n.lower()], v) for n, v in given.items()}
    return insert_user(txn, {n: v for n, v in stored.items() if v is not None})


def insert_currency(txn: Transaction, iso_code: str, rate: float, places: int, *, corporate: bool) -> None:
    """Add an active currency; an org with a single one has no such table."""
    row = {"IsoCode": iso_code, "ConversionRate": rate, "DecimalPlaces": places, "IsActive": 1}
    _insert(txn, "CurrencyType", {**row, "IsCorporate": int(corporate)})


def add_status(txn: Transaction, table: str, label: str, *, closed: bool) -> str:
    """Add a value to a status table such as TaskStatus, or change whether it counts as closed; returns its id."""
    definition = txn.schema.get(table)
    known = txn.select(table, {"MasterLabel": label})
    if known:
        txn.update(definition, known[0]["Id"], {"IsClosed": int(closed)})
        return str(known[0]["Id"])
    order = len(txn.select(table, {})) + 1
    row = {"MasterLabel": label, "ApiName": label, "SortOrder": order, "IsClosed": int(closed), "IsDefault": 0}
    return _insert(txn, table, row)


def save_values(txn: Transaction, table: str, rows: Sequence[SetupRow]) -> None:
    """Add or change values of a table behind a status field, in this order; stages that are not listed are inactive."""
    definition = txn.schema.get(table)
    known = {row["MasterLabel"]: row for row in txn.select(table, {})}
    for order, given in enumerate(rows, start=1):
        named = {**given, "MasterLabel": given["ApiName"], "SortOrder": order}
        values = {n: v for n, v in named.items() if definition.has(n)}
        old = known.pop(given["ApiName"], None)
        if old is None:
            txn.insert(definition, values)
        elif any(old[n] != v for n, v in values.items()):
            txn.update(definition, old["Id"], values)
    for row in known.values():
        if row.get("IsActive"):
            txn.update(definition, row["Id"], {"IsActive": 0})


def _insert(txn: Transaction, sobject: str, row: SetupRow) -> str:
    definition = txn.schema.find(sobject)
    if definition is None:
        return ""
    return txn.insert(definition, {n: v for n, v in row.items() if definition.has(n)})
