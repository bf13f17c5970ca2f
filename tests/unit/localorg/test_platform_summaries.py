"""Roll-up summary fields: computed when children change, stored, stamped, never written.

Facts: help, "Roll-Up Summary Field" (operations, master-detail, Opportunity to Account), Apex guide "Triggers and Order
of Execution" (the parent goes through the save procedure), reference 2.2 (stamps: conflicting reports, a switch).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from source_files import grant, write_source

from connector.localorg.definitions import DefinitionError
from connector.localorg.org import Clock, Org, OrgError
from connector.localorg.switches import Switches

Refusal = Callable[..., OrgError]
MASTER = {
    "name": "Account__c", "type": "reference", "referenceTo": ["Account"], "relationshipName": "Account__r",
    "childRelationshipName": "Visits__r", "cascadeDelete": True, "nillable": False,
}  # fmt: skip
VISIT = {
    "sobject": "Visit__c",
    "controlledByParent": True,
    "fields": [
        MASTER,
        {"name": "Hours__c", "type": "double", "scale": 1},
        {"name": "Day__c", "type": "date"},
        {"name": "Kind__c", "type": "picklist", "picklistValues": [{"value": v, "label": v} for v in ("Call", "Site")]},
        {"name": "Billed__c", "type": "boolean"},
        {"name": "Twice__c", "type": "double", "scale": 1, "calculated": True, "calculatedFormula": "Hours__c * 2"},
    ],
}


def summary(name: str, operation: str, field: str | None = None, *filters: tuple[str, str, str]) -> dict[str, Any]:
    """A roll-up summary of visits on Account."""
    items = [{"field": f"Visit__c.{f}", "operation": o, "value": v} for f, o, v in filters]
    return {
        "sobject": "Account",
        "name": name,
        "summaryOperation": operation,
        "summaryForeignKey": "Visit__c.Account__c",
        "summarizedField": f"Visit__c.{field}" if field else None,
        "summaryFilterItems": items,
    }


SUMMARIES = [
    summary("Visits__c", "count"),
    summary("Hours__c", "sum", "Hours__c"),
    summary("First__c", "min", "Day__c"),
    summary("Last__c", "max", "Day__c"),
]


@pytest.fixture
def org(org: Org) -> Org:
    """An org in which accounts count their visits."""
    org.define_fields([*SUMMARIES, VISIT])
    return org


def visit(org: Org, account: str, hours: float = 1.5, day: str = "2026-08-01", **more: Any) -> str:
    return org.create_record("Visit__c", {"Account__c": account, "Hours__c": hours, "Day__c": day, **more})


def shown(org: Org, account: str) -> tuple[Any, ...]:
    row = org.records("Account", {"Id": account}, include_deleted=True)[0]
    return tuple(row[n] for n in ("Visits__c", "Hours__c", "First__c", "Last__c"))


def stamps(org: Org, account: str) -> tuple[Any, Any]:
    row = org.records("Account", {"Id": account}, include_deleted=True)[0]
    return row["LastModifiedDate"], row["SystemModstamp"]


# --- values


def test_an_account_without_visits_counts_none(org: Org, account: str) -> None:
    visit(org, account)
    assert shown(org, org.create_record("Account", {"Name": "New"})) == (0, 0, None, None)


def test_visits_are_counted_added_up_and_compared(org: Org, account: str) -> None:
    visit(org, account)
    visit(org, account, 2.25, "2026-07-01")
    assert shown(org, account) == (2, Decimal("3.8"), date(2026, 7, 1), date(2026, 8, 1))


def test_a_changed_visit_counts_anew(org: Org, account: str) -> None:
    first = visit(org, account)
    org.update_record("Visit__c", first, {"Hours__c": 4, "Day__c": None})
    assert shown(org, account) == (1, 4, None, None)


def test_a_visit_that_moves_leaves_one_account_and_joins_the_other(org: Org, account: str) -> None:
    other = org.create_record("Account", {"Name": "Other"})
    first = visit(org, account)
    org.update_record("Visit__c", first, {"Account__c": other})
    assert (shown(org, account)[0], shown(org, other)[0]) == (0, 1)


def test_deleted_visits_do_not_count_until_they_come_back(org: Org, account: str) -> None:
    first = visit(org, account)
    org.delete_record("Visit__c", first)
    assert shown(org, account)[:2] == (0, 0)
    org.undelete_record("Visit__c", first)
    assert shown(org, account)[:2] == (1, Decimal("1.5"))
    org.purge("Visit__c", first)
    assert shown(org, account)[:2] == (0, 0)


def test_an_account_in_the_bin_keeps_what_it_shows(org: Org, account: str) -> None:
    visit(org, account)
    org.delete_record("Account", account)
    assert shown(org, account)[0] == 1
    org.undelete_record("Account", account)
    assert shown(org, account)[0] == 1
    assert org.query("SELECT COUNT() FROM Visit__c").total == 1


def test_a_merge_adds_the_losers_visits(org: Org, account: str) -> None:
    loser = org.create_record("Account", {"Name": "Loser"})
    visit(org, account)
    visit(org, loser, 2)
    org.merge("Account", account, [loser])
    assert shown(org, account)[:2] == (2, Decimal("3.5"))


def test_seeded_visits_count(org: Org, account: str) -> None:
    before = stamps(org, account)
    org.clock.advance(timedelta(hours=1))
    org.load("Visit__c", [{"Account__c": account, "Hours__c": h} for h in (1, 2, 3)])
    assert shown(org, account)[:2] == (3, 6)
    assert stamps(org, account) == before


def test_a_summary_defined_later_counts_what_is_there_and_stamps(org: Org, account: str) -> None:
    """Creating the field moves SystemModstamp of all parents (help 000387261)."""
    visit(org, account)
    modified, _ = stamps(org, account)
    org.clock.advance(timedelta(hours=1))
    org.define_fields([summary("Calls__c", "count", None, ("Kind__c", "equals", "Call"))])
    assert org.records("Account")[0]["Calls__c"] == 0
    assert stamps(org, account) == (modified, org.clock.now())
    org.clock.advance(timedelta(hours=1))
    org.define_fields([summary("Calls__c", "count", None, ("Kind__c", "equals", "Call"))])
    assert stamps(org, account)[1] == org.clock.now() - timedelta(hours=1)
    org.define_fields([summary("Calls__c", "count", None, ("Kind__c", "equals", ""))])
    assert org.records("Account")[0]["Calls__c"] == 1


def test_formulas_of_children_can_be_added_up(org: Org, account: str) -> None:
    org.define_fields([summary("Twice__c", "sum", "Twice__c")])
    visit(org, account, 2)
    assert org.records("Account")[0]["Twice__c"] == 4


def test_formulas_of_the_parent_read_summaries(org: Org, account: str) -> None:
    busy = {"sobject": "Account", "name": "Busy__c", "type": "boolean", "calculated": True}
    org.define_fields([{**busy, "calculatedFormula": "Visits__c > 1"}])
    visit(org, account)
    assert org.query("SELECT Busy__c FROM Account").records[0]["Busy__c"] is False
    visit(org, account)
    assert org.query("SELECT Id FROM Account WHERE Busy__c = TRUE AND Visits__c = 2").total == 1


# --- filters


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (("Kind__c", "equals", "call"), 1),
        (("Kind__c", "equals", "Call, Site"), 2),
        (("Kind__c", "equals", ""), 1),
        (("Kind__c", "notEqual", "Call"), 2),
        (("Kind__c", "notEqual", ""), 2),
        (("Kind__c", "contains", "IT"), 1),
        (("Kind__c", "notContain", "it"), 2),
        (("Kind__c", "startsWith", "ca"), 1),
        (("Billed__c", "equals", "True"), 1),
        (("Hours__c", "greaterThan", "1"), 2),
        (("Hours__c", "greaterOrEqual", "1"), 3),
        (("Hours__c", "lessThan", "1.5"), 1),
        (("Day__c", "lessOrEqual", "2026-08-01"), 2),
        (("Twice__c", "equals", "6"), 1),
    ],
)
def test_filter_items_choose_the_children(org: Org, account: str, item: tuple[str, str, str], expected: int) -> None:
    org.define_fields([summary("Some__c", "count", None, item)])
    visit(org, account, 1, "2026-07-01", Kind__c="Call", Billed__c=True)
    visit(org, account, 2, "2026-08-01", Kind__c="Site")
    visit(org, account, 3, "2026-09-01")
    assert org.records("Account")[0]["Some__c"] == expected


def test_all_filter_items_must_hold_and_a_child_may_come_to_fit(org: Org, account: str) -> None:
    org.define_fields(
        [summary("Some__c", "sum", "Hours__c", ("Kind__c", "equals", "Site"), ("Hours__c", "lessThan", "5"))]
    )
    first = visit(org, account, 2)
    assert org.records("Account")[0]["Some__c"] == 0
    org.update_record("Visit__c", first, {"Kind__c": "Site"})
    assert org.records("Account")[0]["Some__c"] == 2


def test_values_of_multipicklists_are_looked_for_one_by_one(org: Org, account: str) -> None:
    org.define_fields([{"sobject": "Opportunity", "name": "Tags__c", "type": "multipicklist"}])
    base = {**summary("Red__c", "count"), "summaryForeignKey": "Opportunity.AccountId"}
    item = {"field": "Opportunity.Tags__c", "value": "red,blue"}
    org.define_fields([
        {**base, "summaryFilterItems": [{**item, "operation": "includes"}]},
        {**base, "name": "Other__c", "summaryFilterItems": [{**item, "operation": "excludes"}]},
    ])  # fmt: skip
    for tags in ("red;green", "darkred", None):
        deal = {"Name": "D", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-10-01"}
        org.create_record("Opportunity", {**deal, "Tags__c": tags})
    [row] = org.records("Account")
    assert (row["Red__c"], row["Other__c"]) == (1, 2)


def test_won_deals_of_an_account_are_added_up(org: Org, account: str) -> None:
    """Opportunity to Account is rolled up although it is a lookup."""
    won = {"field": "Opportunity.StageName", "operation": "equals", "value": "Closed Won"}
    base = {"sobject": "Account", "name": "Won__c", "summaryOperation": "sum", "summaryFilterItems": [won]}
    org.define_fields([{**base, "summaryForeignKey": "Opportunity.AccountId", "summarizedField": "Opportunity.Amount"}])
    deal = {"Name": "D", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-10-01", "Amount": 10}
    deals = [org.create_record("Opportunity", deal) for _ in range(3)]
    for each in deals[:2]:
        org.update_record("Opportunity", each, {"StageName": "Closed Won"})
    field = next(f for f in org.describe("Account")["fields"] if f["name"] == "Won__c")
    assert (field["type"], org.records("Account")[0]["Won__c"]) == ("currency", 20)


# --- stamps and saves


@pytest.mark.parametrize(
    ("answer", "moved"), [("modified", (True, True)), ("system", (False, True)), ("nothing", (False, False))]
)
def test_which_stamps_of_the_parent_move_is_a_switch(
    org: Org, account: str, answer: Any, moved: tuple[bool, bool]
) -> None:
    org.set_switches(summary_stamps=answer)
    before = stamps(org, account)
    org.clock.advance(timedelta(hours=1))
    visit(org, account)
    after = stamps(org, account)
    assert tuple(a != b for a, b in zip(before, after, strict=True)) == moved
    assert shown(org, account)[0] == 1


def test_the_likely_answer_is_that_the_parent_is_saved() -> None:
    assert Switches().summary_stamps == "modified"


def test_a_child_whose_change_changes_nothing_leaves_the_parent_alone(org: Org, account: str) -> None:
    first = visit(org, account)
    before = stamps(org, account)
    org.clock.advance(timedelta(hours=1))
    org.update_record("Visit__c", first, {"Kind__c": "Call"})
    assert stamps(org, account) == before


def test_a_rule_of_the_parent_can_refuse_the_child(org: Org, account: str, refusal: Refusal) -> None:
    org.setup.add_validation_rule("Account", "Enough", "Visits__c > 1", "too many visits")
    visit(org, account)
    body = {"Account__c": account}
    assert refusal(org.create_record, "Visit__c", body).code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert shown(org, account)[0] == 1
    assert org.query("SELECT COUNT() FROM Visit__c").total == 1


def test_summaries_of_summaries_follow(org: Org, account: str) -> None:
    step = {**MASTER, "name": "Visit__c", "referenceTo": ["Visit__c"], "relationshipName": "Visit__r",
            "childRelationshipName": "Steps__r"}  # fmt: skip
    org.define_fields([{"sobject": "Step__c", "controlledByParent": True, "fields": [step]}])
    steps = {"sobject": "Visit__c", "name": "Steps__c", "summaryOperation": "count"}
    org.define_fields([{**steps, "summaryForeignKey": "Step__c.Visit__c"}, summary("Steps__c", "sum", "Steps__c")])
    first = visit(org, account)
    for _ in range(3):
        org.create_record("Step__c", {"Visit__c": first})
    assert org.records("Account")[0]["Steps__c"] == 3
    org.delete_record("Visit__c", first)
    assert org.records("Account")[0]["Steps__c"] == 0


# --- what cannot be


@pytest.mark.parametrize("write", ["create", "update"])
def test_a_summary_cannot_be_written(org: Org, account: str, refusal: Refusal, write: str) -> None:
    if write == "create":
        refused = refusal(org.create_record, "Account", {"Name": "A", "Visits__c": 3})
    else:
        refused = refusal(org.update_record, "Account", account, {"Visits__c": 3})
    assert refused.code == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_it_is_described_as_calculated_without_a_formula(org: Org) -> None:
    fields = {f["name"]: f for f in org.describe("Account")["fields"]}
    count, last = fields["Visits__c"], fields["Last__c"]
    assert (count["type"], count["precision"], count["scale"], last["type"]) == ("double", 18, 0, "date")
    assert (count["calculated"], count["calculatedFormula"], count["createable"]) == (True, None, False)
    assert set(count) == set(fields["Name"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"summaryOperation": "avg"}, "Account.New__c: summaryOperation is one of count, sum, min, max, not 'avg'"),
        ({"summaryForeignKey": "Contact.AccountId"}, "Contact.AccountId is no master-detail relationship"),
        ({"summaryForeignKey": "Visit__c.Owner__c"}, "'Visit__c.Owner__c' is no field that points at it"),
        ({"summaryOperation": "sum", "summarizedField": "Visit__c.Day__c"}, "there is no sum of Visit__c.Day__c"),
        ({"summaryOperation": "max", "summarizedField": "Visit__c.Kind__c"}, "there is no max of Visit__c.Kind__c"),
        ({"summaryFilterItems": [{"field": "Visit__c.X__c", "operation": "equals", "value": "1"}]}, "cannot filter by"),
        ({"summaryFilterItems": [{"field": "Kind__c", "operation": "within", "value": "1"}]}, "Kind__c within;"),
        ({"summaryFilterItems": [{"field": "Day__c", "operation": "equals", "value": "soon"}]}, "cannot be 'soon'"),
        ({"summaryFilterItems": [{"field": "Billed__c", "operation": "equals", "value": "y"}]}, "cannot be 'y'"),
    ],
)  # fmt: skip
def test_what_cannot_be_summarised_is_refused(org: Org, changes: dict[str, Any], message: str) -> None:
    before = org.state.to_json()
    with pytest.raises(DefinitionError) as refused:
        org.define_fields([{**summary("New__c", "count"), **changes}])
    assert message in str(refused.value)
    assert org.state.to_json() == before


# --- sources, currencies, snapshots


def test_summaries_come_with_sfdx_source(org: Org, account: str, tmp_path: Path) -> None:
    text = """<label>Site hours</label><summarizedField>Visit__c.Hours__c</summarizedField>
<summaryFilterItems><field>Visit__c.Kind__c</field><operation>equals</operation><value>Site</value></summaryFilterItems>
<summaryForeignKey>Visit__c.Account__c</summaryForeignKey><summaryOperation>sum</summaryOperation><type>Summary</type>"""
    files = {
        "objects/Account/fields/Site_Hours__c.field": text,
        "permissionsets/C.permissionset": grant("Account.Site_Hours__c", edit=False),
    }
    visit(org, account, 2, Kind__c="Site")
    org.load_source(write_source(tmp_path, files))
    visit(org, account, 3, Kind__c="Site")
    visit(org, account, 4)
    user = org.add_user("u@example.com")
    row = org.query("SELECT Site_Hours__c FROM Account", user=user).records[0]
    assert row["Site_Hours__c"] == 5.0
    field = next(f for f in org.describe("Account")["fields"] if f["name"] == "Site_Hours__c")
    assert (field["label"], field["type"], field["scale"]) == ("Site hours", "double", 1)


def test_amounts_are_added_up_in_the_parents_currency() -> None:
    org = Org.create(features=["MultiCurrency"])
    org.setup.add_currency("EUR", 0.5)
    base = {"sobject": "Account", "name": "Sum__c", "summaryOperation": "sum"}
    org.define_fields([{**base, "summaryForeignKey": "Opportunity.AccountId", "summarizedField": "Opportunity.Amount"}])
    account = org.create_record("Account", {"Name": "A", "CurrencyIsoCode": "EUR"})
    deal = {"Name": "D", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-10-01", "Amount": 10}
    for currency in ("EUR", "USD"):
        org.create_record("Opportunity", {**deal, "CurrencyIsoCode": currency})
    assert org.records("Account")[0]["Sum__c"] == 15
    org.update_record("Account", account, {"CurrencyIsoCode": "USD"})
    assert org.records("Account")[0]["Sum__c"] == 30


def test_a_restored_org_goes_on_counting(org: Org, account: str) -> None:
    visit(org, account)
    twin = Org.restore(org.snapshot(), clock=Clock(org.clock.now()))
    visit(twin, account)
    assert (shown(org, account)[0], shown(twin, account)[0]) == (1, 2)
