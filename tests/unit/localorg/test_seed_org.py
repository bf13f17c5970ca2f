"""Seeds inside an org: same bytes for the same seed and clock, nothing lost on the way, hostile texts included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.localorg.clock import Clock
from connector.localorg.org import Org
from connector.localorg.seeds import WELCOME_CAMPAIGN, load_seed
from connector.localorg.seeds.book import LOAD_ORDER, Book, Ref, load_book
from connector.localorg.seeds.words import HOSTILE_NAMES

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)


def make_org(name: str, *, now: datetime = NOW, seed: int = 1) -> Org:
    org = Org.create(clock=Clock(now), seed=seed)
    load_seed(org, name, seed=seed)
    return org


def dump(org: Org) -> dict[str, list[dict[str, object]]]:
    return {sobject: org.records(sobject, include_deleted=True) for sobject in LOAD_ORDER}


@pytest.fixture(scope="module")
def small() -> Org:
    return make_org("small")


def test_same_seed_and_clock_give_the_same_org(small: Org) -> None:
    assert dump(make_org("small")) == dump(small)


def test_another_clock_gives_another_org(small: Org) -> None:
    assert dump(make_org("small", now=NOW + timedelta(days=1))) != dump(small)


def test_an_unknown_seed_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no seed 'demmo'; choose one of demo, small, hostile"):
        load_seed(Org.create(clock=Clock(NOW)), "demmo")


def test_the_welcome_campaign_waits_for_members_with_its_statuses(small: Org) -> None:
    (campaign,) = small.records("Campaign", {"Name": WELCOME_CAMPAIGN})
    statuses = small.records("CampaignMemberStatus", {"CampaignId": campaign["Id"]})
    assert [s["Label"] for s in statuses] == ["Planned", "Sent", "Responded", "Exited"]
    assert [s["Label"] for s in statuses if s["HasResponded"]] == ["Responded"]
    assert small.records("CampaignMember", {"CampaignId": campaign["Id"]}) == []


def test_customers_have_the_fields_of_their_own_admin(small: Org) -> None:
    used = [a for a in small.records("Account") if a["Licensed_Users__c"]]
    assert used
    assert all(a["Active_Users__c"] is not None and a["Usage_Updated__c"] and a["CSM__c"] for a in used)


def test_soql_finds_seeded_records_by_their_derived_fields(small: Org) -> None:
    found = small.query("SELECT Id, Account.Name FROM Opportunity WHERE IsWon = TRUE AND Type = 'Renewal'").records
    assert found
    assert all(row["Account"]["Name"] for row in found)


def test_no_reference_points_into_the_void(small: Org) -> None:
    ids = {row["Id"] for sobject in LOAD_ORDER for row in small.records(sobject)}
    for sobject in ("Opportunity", "Contract", "Task", "Contact", "Case", "Asset"):
        assert {row["AccountId"] for row in small.records(sobject)} <= ids


def test_hostile_texts_come_back_unchanged() -> None:
    org = make_org("hostile")
    assert {a["Name"] for a in org.records("Account")} == {text[:255] for text in HOSTILE_NAMES}
    wired = {r["Name"] for r in org.query("SELECT Name FROM Account").records}
    assert wired == {text[:255] for text in HOSTILE_NAMES}


def test_rows_that_wait_for_each_other_for_ever_are_refused() -> None:
    book = Book()
    book.add("Account", Name="A", ParentId=Ref("Account", 1))
    book.add("Account", Name="B", ParentId=Ref("Account", 0))
    with pytest.raises(ValueError, match="Account: rows refer to each other in a circle"):
        load_book(Org.create(clock=Clock(NOW)), book)


def test_an_object_outside_the_load_order_is_refused() -> None:
    book = Book()
    book.add("Acount", Name="A")
    with pytest.raises(ValueError, match=r"\['Acount'\]: not in LOAD_ORDER"):
        load_book(Org.create(clock=Clock(NOW)), book)
