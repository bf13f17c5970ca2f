"""What no stamp tells: records gone without a trace or lost on our side, children of merged records, archived Tasks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from pulling import BULK, REST, Pulled, pulled

from connector.data import Needs
from connector.localorg.api import queries
from connector.localorg.ids import make_id
from connector.localorg.org import Clock, Org, OrgError, Wish
from connector.localorg.server import LocalOrgServer
from connector.pull import kin, proof, windows
from connector.settings import PullSettings

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
NEEDS = Needs(
    {
        "Account": frozenset({"Name"}),
        "Contact": frozenset({"LastName", "AccountId"}),
        "Opportunity": frozenset({"Name", "AccountId"}),
        "Task": frozenset({"Subject", "WhatId", "WhoId", "AccountId", "Status"}),
        "Case": frozenset({"Subject", "AccountId", "ContactId"}),
        "Lead": frozenset({"LastName", "IsConverted"}),
        "CampaignMember": frozenset({"CampaignId", "LeadId", "ContactId"}),
    }
)
WAYS = {"REST": REST, "Bulk": BULK}
ways = pytest.mark.parametrize("how", WAYS.values(), ids=WAYS.keys())


@pytest.fixture
def here() -> Iterator[Pulled]:
    org = Org.create(clock=Clock(START), seed=1)
    org.add_client("key", "secret", org.add_user("connector@example.com"))
    with LocalOrgServer(org) as server, pulled(server, NEEDS) as found:
        yield found
    org.close()


def people(here: Pulled, count: int) -> list[str]:
    """Contacts, an hour old: no window will reach back to them."""
    ids = here.org.load("Contact", [{"LastName": f"Person {n}"} for n in range(count)])
    here.later(hours=1)
    return ids


def asked_by_id(here: Pulled, sobject: str) -> int:
    """Queries for records of an object by their ids, since the ledger was cleared."""
    paths = [s.path for e in here.org.ledger.entries for s in e.subrequests]
    return sum(f"FROM%20{sobject}" in p and "Id%20IN" in p for p in paths)


# --- gone without a trace --------------------------------------------------------------------------------------


@ways
def test_what_was_deleted_for_good_is_found_and_taken_out(here: Pulled, how: PullSettings) -> None:
    here.how = how
    ids = people(here, 9)
    here.pull()
    for gone in ids[2:4]:
        here.org.purge("Contact", gone)
    here.later(hours=2)
    assert here.pull().objects["Contact"].notices == ()  # nobody has looked
    assert set(ids[2:4]) <= here.live("Contact")
    here.org.ledger.clear()
    found = here.pull(scope="verify").objects["Contact"]
    assert found.complete
    (notice,) = found.notices
    assert notice.startswith("Contact: 2 gone from the org without a trace")
    assert all(gone in notice for gone in ids[2:4])
    assert asked_by_id(here, "Contact") == 1
    here.assert_equal()


def test_more_than_anybody_would_believe_is_left_to_a_person(here: Pulled) -> None:
    ids = people(here, 120)
    here.pull()
    for gone in ids[:60]:
        here.org.purge("Contact", gone)
    here.later(hours=2)
    refused = here.pull(scope="verify").objects["Contact"]
    assert not refused.complete
    assert "60 of 120 Contact records" in refused.reason
    assert "[pull] removals" in refused.reason
    assert "connector verify --believe-removals Contact" in refused.reason
    assert ids[0] in refused.reason
    assert "40 more" in refused.reason
    assert len(here.live("Contact")) == 120
    assert not here.pull(scope="verify", believe=["Account"]).objects["Contact"].complete
    assert here.pull(scope="verify", believe=["Contact"]).objects["Contact"].complete
    here.assert_equal()


@pytest.mark.parametrize(("percent", "complete"), [(49, False), (50, True)])
def test_how_much_is_believed_is_a_setting(here: Pulled, percent: int, complete: bool) -> None:
    ids = people(here, 120)
    here.pull()
    for gone in ids[:60]:
        here.org.purge("Contact", gone)
    here.later(hours=2)
    here.how = PullSettings(removals=percent)
    assert here.pull(scope="verify").objects["Contact"].complete == complete


@pytest.mark.parametrize(("count", "complete"), [(10, True), (11, False)])
def test_that_all_are_gone_is_hardly_believed(here: Pulled, count: int, complete: bool) -> None:
    """A lost permission takes all of an object, however small it is."""
    ids = people(here, count)
    here.pull()
    for gone in ids:
        here.org.purge("Contact", gone)
    here.later(hours=2)
    assert here.pull(scope="verify").objects["Contact"].complete == complete


REFUSED = {
    "the ids": ("SELECT Id,SystemModstamp,IsDeleted FROM Contact", "could not be compared"),
    "those that are missing": ("WHERE Id IN", "MALFORMED_QUERY"),
}


@pytest.mark.parametrize(("query", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_org_cannot_be_asked_for_is_not_taken_out(
    here: Pulled, monkeypatch: pytest.MonkeyPatch, query: str, said: str
) -> None:
    ids, answer = people(here, 3), queries.run_soql
    here.pull()
    here.org.purge("Contact", ids[0])
    here.later(hours=2)

    def refuse(txn: Any, text: str, **options: Any) -> Any:
        if query in text:
            raise OrgError(400, "MALFORMED_QUERY", "unexpected token")
        return answer(txn, text, **options)

    with monkeypatch.context() as patched:
        patched.setattr(queries, "run_soql", refuse)
        found = here.pull(scope="verify").objects["Contact"]
    assert not found.complete
    assert said in found.reason
    assert ids[0] in here.live("Contact")
    assert here.pull(scope="verify").complete
    here.assert_equal()


# --- lost on our side ------------------------------------------------------------------------------------------


@ways
def test_records_that_the_mirror_lost_are_read_again(here: Pulled, how: PullSettings) -> None:
    here.how = how
    ids = people(here, 450)
    here.pull()
    here.later(hours=2)
    here.sql('DELETE FROM org."Contact" WHERE "Id" <> ?', ids[7])
    found = here.pull(scope="verify").objects["Contact"]
    assert found.complete
    (notice,) = found.notices
    assert notice.startswith("Contact: 449 missing from the mirror")
    assert ids[0] in notice
    here.assert_equal()


def test_records_that_changed_unnoticed_are_read_again(here: Pulled) -> None:
    ids = people(here, 3)
    here.pull()
    here.later(hours=2)
    here.sql('UPDATE org."Contact" SET "LastName" = \'Old\', "SystemModstamp" = \'2026-08-01\' WHERE "Id" = ?', ids[1])
    (notice,) = here.pull(scope="verify").objects["Contact"].notices
    assert notice == f"Contact: 1 changed unnoticed and now read: {ids[1]}."
    here.assert_equal()


def test_where_too_much_differs_everything_is_read_again(here: Pulled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "MOST_BY_ID", 2)
    people(here, 4)
    here.pull()
    here.later(hours=2)
    here.sql('DELETE FROM org."Contact"')
    refused = here.pull(scope="verify").objects["Contact"]
    assert not refused.complete
    assert "read by the next run" in refused.reason
    assert here.pull().complete
    here.assert_equal()


def test_what_is_on_its_way_is_no_difference(here: Pulled) -> None:
    people(here, 3)
    here.pull()
    here.later(hours=2)
    here.org.load("Contact", [{"LastName": "New"}])
    assert here.pull(scope="verify").objects["Contact"].notices == ()
    here.assert_equal()


# --- objects that lack something -------------------------------------------------------------------------------


def test_an_object_without_deleted_records_is_counted(here: Pulled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "ONE_PAGE", 1)
    here.needs = Needs({"Group": frozenset({"DeveloperName", "Type"})})
    for n in range(4):
        here.org.create_record("Group", {"Name": f"Queue {n}", "DeveloperName": f"Queue_{n}", "Type": "Queue"})
    here.later(hours=1)
    here.pull()
    here.later(hours=2)
    gone = make_id("00G", "xx", 99)
    here.sql('INSERT INTO org."Group" ("Id", "SystemModstamp") VALUES (?, ?)', gone, START - timedelta(days=30))
    (notice,) = here.pull().objects["Group"].notices
    assert gone in notice
    here.assert_equal()


@pytest.mark.parametrize("scope", ["changes", "verify"])
def test_an_object_that_only_knows_when_it_was_created(here: Pulled, scope: str) -> None:
    here.org.track_fields(["Account.Name"])
    here.needs = Needs({"AccountHistory": frozenset({"AccountId", "Field", "NewValue"})})
    account = here.org.create_record("Account", {"Name": "One"})
    for name in ("Two", "Three", "Four"):
        here.org.update_record("Account", account, {"Name": name})
        here.later(hours=1)
        assert here.pull(scope=scope).complete
        here.assert_equal()
    here.org.purge("Account", account)
    here.later(hours=1)
    assert here.pull(scope=scope).complete
    here.assert_equal()


# --- merged, converted, archived -------------------------------------------------------------------------------


def family(here: Pulled, name: str) -> str:
    """An Account with a child of every kind."""
    account = here.org.create_record("Account", {"Name": name})
    person = here.org.create_record("Contact", {"LastName": name, "AccountId": account})
    deal = {"Name": name, "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-12-01"}
    here.org.create_record("Opportunity", deal)
    here.org.create_record("Task", {"Subject": name, "WhatId": account, "WhoId": person})
    here.org.create_record("Task", {"Subject": f"{name} 2", "WhoId": person})
    here.org.create_record("Case", {"Subject": name, "AccountId": account, "ContactId": person})
    return account


STAMPS = {
    f"losers {'' if losers else 'un'}stamped, children {'' if children else 'un'}stamped": (losers, children)
    for losers, children in product([True, False], repeat=2)
}
stamped = pytest.mark.parametrize(("losers", "children"), STAMPS.values(), ids=STAMPS.keys())


@stamped
@pytest.mark.parametrize("between", [False, True], ids=["at once", "one by one"])
def test_children_follow_merges_of_merged_accounts(here: Pulled, losers: bool, children: bool, between: bool) -> None:
    here.org.set_switches(merge_stamps_losers=losers, merge_stamps_children=children)
    scope = "changes" if losers else "verify"
    first, second, third = (family(here, name) for name in ("First", "Second", "Third"))
    here.pull()
    for master, loser in ((second, first), (third, second)):
        here.later(hours=2)
        here.org.merge("Account", master, [loser])
        if between:
            assert here.pull(scope=scope).complete
            here.assert_equal()
    here.later(hours=2)
    assert here.pull(scope=scope).complete
    here.assert_equal()
    assert {row["AccountId"] for row in here.rows("Contact").values()} == {third}
    assert here.mirror.moves() == {}


@stamped
def test_children_follow_merged_contacts_and_leads(here: Pulled, losers: bool, children: bool) -> None:
    here.org.set_switches(merge_stamps_losers=losers, merge_stamps_children=children)
    family(here, "One")
    family(here, "Two")
    one, two = (row["Id"] for row in here.org.records("Contact"))
    leads = [here.org.create_record("Lead", {"LastName": f"L {n}", "Company": "C"}) for n in range(2)]
    campaign = here.org.create_record("Campaign", {"Name": "Welcome", "IsActive": True})
    here.org.create_record("CampaignMember", {"CampaignId": campaign, "LeadId": leads[1]})
    here.pull()
    here.later(hours=2)
    here.org.merge("Contact", one, [two])
    here.org.merge("Lead", leads[0], [leads[1]])
    here.later(hours=2)
    assert here.pull(scope="changes" if losers else "verify").complete
    here.assert_equal()


@pytest.mark.parametrize("children", [True, False])
@pytest.mark.parametrize("into", ["a new account", "a known one"])
def test_children_follow_a_converted_lead(here: Pulled, children: bool, into: str) -> None:
    here.org.set_switches(merge_stamps_children=children)
    account = family(here, "Known")
    lead = here.org.create_record("Lead", {"LastName": "Lead", "Company": "C"})
    here.org.create_record("Task", {"Subject": "Call", "WhoId": lead})
    campaign = here.org.create_record("Campaign", {"Name": "Welcome", "IsActive": True})
    here.org.create_record("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    here.pull()
    here.later(hours=2)
    here.org.convert_lead(lead, Wish(account_id=account) if into == "a known one" else None)
    here.later(hours=2)
    assert here.pull().complete
    here.assert_equal()


def unstamped_merge(here: Pulled) -> None:
    """A merge that only the losers' stamps show, of an account with children."""
    here.org.set_switches(merge_stamps_children=False)
    first, second = family(here, "First"), family(here, "Second")
    here.pull()
    here.later(hours=2)
    here.org.merge("Account", second, [first])
    here.later(hours=2)


def test_children_that_cannot_be_read_now_are_read_by_the_next_run(here: Pulled) -> None:
    unstamped_merge(here)
    here.org.hide_object(here.org.records("User", {"Username": "connector@example.com"})[0]["Id"], "Opportunity")
    assert not here.pull().objects["Opportunity"].complete
    here.org.state.rules.hidden_objects.clear()
    here.later(hours=1)
    assert here.pull().complete
    here.assert_equal()


def test_children_that_nobody_needs_now_are_read_anew_when_somebody_does(here: Pulled) -> None:
    unstamped_merge(here)
    everything = here.needs
    here.needs = Needs({n: f for n, f in everything.fields.items() if n != "Opportunity"})
    assert here.pull().complete
    here.needs = everything
    here.later(hours=1)
    assert here.pull().complete
    here.assert_equal()


def test_children_of_too_many_are_read_with_all_others(here: Pulled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kin, "MOST", 0)
    unstamped_merge(here)
    refused = here.pull().objects["Contact"]
    assert not refused.complete
    assert "read by the next run" in refused.reason
    here.later(hours=1)
    assert here.pull().complete
    here.assert_equal()


@pytest.mark.parametrize("archive_stamps", [True, False])
def test_archived_tasks_stay(here: Pulled, archive_stamps: bool) -> None:
    here.org.set_switches(archive_stamps=archive_stamps)
    for n in range(3):
        task = {"Subject": f"Old {n}", "Status": "Completed", "ActivityDate": "2025-09-01"}
        here.org.create_record("Task", task)
    here.pull()
    here.later(days=2)
    assert all(row["IsArchived"] for row in here.org.records("Task"))
    for scope in ("changes", "verify", "full"):
        result = here.pull(scope=scope).objects["Task"]
        assert (result.complete, result.notices) == (True, ())
        here.assert_equal()


# --- what is not what it was -----------------------------------------------------------------------------------


@ways
def test_a_field_that_changed_its_type_is_read_anew(here: Pulled, how: PullSettings) -> None:
    """Between two looks at describes; its new values do not fit where the old ones are."""
    here.how = how
    number = {"sobject": "Account", "name": "Grade__c", "type": "double", "precision": 4, "scale": 0}
    here.org.define_fields([number])
    ids = here.org.load("Account", [{"Name": f"A {n}", "Grade__c": n} for n in range(7)])
    here.needs = Needs({"Account": frozenset({"Name", "Grade__c"})})
    here.pull()
    here.later(minutes=30)
    here.org.define_fields([{"sobject": "Account", "name": "Grade__c", "type": "string", "length": 20}])
    for n in ids:
        here.org.update_record("Account", n, {"Grade__c": f"grade {n[-6:]}"})
    here.later(minutes=20)
    assert here.pull().complete
    here.assert_equal()
