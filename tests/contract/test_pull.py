"""Pull against the local org over HTTP: the mirror ends up saying what the org says, or says what it could not read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import pytest

from connector.data import Needs, PullResult
from connector.errors import FixFirst, QuotaExhausted, RetryLater
from connector.localorg.faults import Fault
from connector.localorg.org import Clock, Org
from connector.localorg.server import LocalOrgServer
from connector.pull import pull
from connector.salesforce import OrgClient, connect
from connector.settings import ApiSettings, HttpSettings, OrgSettings
from connector.store.mirror import Mirror

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
OVERLAP = timedelta(minutes=15)
NEEDS = Needs(
    {
        "Account": frozenset({"Name", "AnnualRevenue", "NumberOfEmployees", "OwnerId"}),
        "Opportunity": frozenset({"AccountId", "Amount", "StageName", "IsWon", "CloseDate"}),
        "Task": frozenset({"WhatId", "Status", "IsClosed", "ActivityDate", "CompletedDateTime"}),
        "User": frozenset({"IsActive", "Name"}),
        "TaskStatus": frozenset({"ApiName", "IsClosed"}),
        "CampaignMember": frozenset({"CampaignId", "ContactId", "Status"}),
    }
)


class Loop:
    """One org that is served, one mirror, and a pull whenever asked."""

    def __init__(self, org: Org, server: LocalOrgServer) -> None:
        self.org, self.server = org, server
        self.user = org.add_user("connector@example.com")
        org.add_client("key", "secret", self.user)
        self.mirror = Mirror.open(":memory:")
        self.said: list[str] = []

    def client(self, reserve: float = 20) -> OrgClient:
        settings = OrgSettings(instance_url=self.server.url, client_id="key", client_secret="secret")
        return connect(settings, HttpSettings(attempts=3), ApiSettings(reserve=reserve), sleep=lambda _: None)

    def pull(self, needs: Needs = NEEDS, **options: Any) -> PullResult:
        return pull(self.client(), self.mirror, needs, overlap=OVERLAP, progress=self.said.append, **options)

    def later(self, **by: float) -> None:
        self.org.clock.advance(timedelta(**by))

    def rows(self, sobject: str, *fields: str) -> dict[str, tuple[Any, ...]]:
        names = ", ".join(f'"{f}"' for f in ("Id", *fields))
        found = self.mirror.connection.execute(f'SELECT {names} FROM org."{sobject}" WHERE NOT "IsDeleted"').fetchall()
        return {row[0]: row[1:] for row in found}

    def calls(self) -> int:
        """API calls since the last time; the login is none."""
        count = self.org.ledger.api_calls()
        self.org.ledger.clear()
        return count


@pytest.fixture
def loop() -> Iterator[Loop]:
    org = Org.create(clock=Clock(START), seed=1)
    with LocalOrgServer(org) as server:
        loop = Loop(org, server)
        yield loop
        loop.mirror.close()
    org.close()


@pytest.fixture
def account(loop: Loop) -> str:
    return loop.org.create_record("Account", {"Name": "Acme", "AnnualRevenue": 1200, "NumberOfEmployees": 7})


def test_a_first_pull_reads_everything_that_is_needed(loop: Loop, account: str) -> None:
    result = loop.pull()
    assert result.complete
    assert result.as_of == START
    assert result.org_id == loop.org.state.org_id
    assert result.zone == loop.org.records("Organization")[0]["TimeZoneSidKey"]
    assert set(result.objects) == set(NEEDS.fields)
    assert [str(v) for v in loop.rows("Account", "Name", "AnnualRevenue", "NumberOfEmployees")[account]] == [
        "Acme",
        "1200",
        "7",
    ]
    assert loop.mirror.cursor("Account") == START


def test_only_the_fields_of_the_mapping_are_read(loop: Loop) -> None:
    loop.pull()
    assert loop.mirror.columns("Account") == NEEDS.fields["Account"] | {
        "Id", "SystemModstamp", "IsDeleted", "MasterRecordId"
    }  # fmt: skip


# --- as time goes on -------------------------------------------------------------------------------------------

CHANGES: dict[str, Callable[[Loop, str], object]] = {
    "a new record": lambda loop, _: loop.org.create_record("Account", {"Name": "New"}),
    "a changed record": lambda loop, account: loop.org.update_record("Account", account, {"Name": "Acme 2"}),
    "a deleted record": lambda loop, account: loop.org.delete_record("Account", account),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_later_pull_notices(loop: Loop, account: str, change: Callable[[Loop, str], object]) -> None:
    loop.pull()
    loop.later(hours=2)
    change(loop, account)
    loop.later(minutes=1)
    assert loop.pull().complete
    assert loop.rows("Account", "Name") == {r["Id"]: (r["Name"],) for r in loop.org.records("Account")}


def test_an_undeleted_record_comes_back(loop: Loop, account: str) -> None:
    loop.org.delete_record("Account", account)
    loop.pull()
    assert account not in loop.rows("Account")
    loop.later(hours=2)
    loop.org.undelete_record("Account", account)
    loop.pull()
    assert account in loop.rows("Account")


def test_records_committed_late_with_an_older_stamp_are_found(loop: Loop, account: str) -> None:
    loop.later(hours=1)
    loop.pull()
    loop.org.load("Account", [{"Name": "Late", "SystemModstamp": "2026-09-01T08:50:00.000+0000"}])
    loop.later(minutes=15)
    loop.pull()
    assert "Late" in {name for (name,) in loop.rows("Account", "Name").values()}


def test_a_second_pull_reads_only_the_window(loop: Loop, account: str) -> None:
    loop.later(hours=1)
    loop.pull()
    loop.later(hours=2)
    result = loop.pull()
    assert result.objects["Account"].read == 0


def test_after_a_long_pause_everything_is_read_again(loop: Loop, account: str) -> None:
    loop.pull()
    loop.later(days=15)
    assert loop.pull().objects["Account"].read == 1


def test_a_whole_pull_was_asked_for(loop: Loop, account: str) -> None:
    loop.pull()
    loop.mirror.connection.execute('UPDATE org."Account" SET "Id" = \'001000000000GONAAA\'')
    loop.later(hours=2)
    loop.pull(scope="full")
    assert set(loop.rows("Account")) == {account}


def test_a_field_that_the_mapping_begins_to_mention_is_read_for_all_records(loop: Loop, account: str) -> None:
    loop.org.update_record("Account", account, {"Industry": "Retail"})
    loop.later(hours=1)
    loop.pull()
    loop.later(hours=2)
    more = NEEDS | Needs({"Account": frozenset({"Industry"})})
    result = loop.pull(more)
    assert result.complete
    assert loop.rows("Account", "Industry") == {account: ("Retail",)}
    assert loop.mirror.pending("Account") == frozenset()
    assert result.objects["Account"].read == 0  # no window had to be read again
    loop.later(hours=2)
    assert loop.pull().objects["Account"].read == 0
    assert "Industry" in loop.mirror.columns("Account")


@pytest.mark.parametrize("members", [1, 3])
def test_a_removed_campaign_member_leaves_no_trace_and_is_noticed(loop: Loop, account: str, members: int) -> None:
    campaign = loop.org.create_record("Campaign", {"Name": "Welcome", "IsActive": True})
    ids = []
    for n in range(members):
        contact = loop.org.create_record("Contact", {"LastName": f"Person {n}", "AccountId": account})
        ids.append(loop.org.create_record("CampaignMember", {"CampaignId": campaign, "ContactId": contact}))
    loop.pull()
    assert set(loop.rows("CampaignMember")) == set(ids)
    loop.later(hours=2)
    loop.org.delete_record("CampaignMember", ids[0])
    assert loop.pull().complete
    assert set(loop.rows("CampaignMember")) == set(ids[1:])


def test_a_removed_queue_is_noticed(loop: Loop) -> None:
    needs = Needs({"Group": frozenset({"DeveloperName", "Type"})})
    loop.pull(needs)
    loop.mirror.connection.execute('INSERT INTO org."Group" ("Id") VALUES (\'00G000000000GONAAA\')')
    loop.later(hours=2)
    loop.pull(needs)
    assert "00G000000000GONAAA" not in loop.rows("Group")


def test_many_records_come_page_by_page(loop: Loop) -> None:
    loop.org.load("Account", [{"Name": f"Account {n}"} for n in range(4321)])
    result = loop.pull(Needs({"Account": frozenset({"Name"})}))
    assert result.objects["Account"].read == 4321
    assert len(loop.rows("Account")) == 4321
    assert loop.calls() == 1 + 1 + 1 + 2 + 1  # describes, sizes, queries, two further pages, count


# --- what it costs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 4, 5, 6])
def test_an_idle_pull_stays_in_its_budget(loop: Loop, count: int) -> None:
    names = ["CampaignMember", *sorted(NEEDS.fields.keys() - {"CampaignMember"})][:count]
    needs = Needs({name: NEEDS.fields[name] for name in names})
    loop.pull(needs)
    for hours in (2, 23):  # the second time the describes are a day old
        loop.later(hours=hours)
        loop.calls()
        loop.pull(needs)
        assert loop.calls() <= ceil(count / 5) + 2


def test_an_idle_pull_of_nine_objects_is_two_calls(loop: Loop) -> None:
    more = {"Contact": frozenset({"Email"}), "Lead": frozenset({"Email"}), "Case": frozenset({"Status"})}
    needs = NEEDS | Needs(more)
    loop.pull(needs)
    loop.later(minutes=30)
    loop.calls()
    loop.pull(needs)
    assert loop.calls() == ceil((len(needs.fields) + 2) / 5)  # the organization, and the members' count


# --- what cannot be read ---------------------------------------------------------------------------------------


def test_a_hidden_field_is_named_and_the_rest_goes_on(loop: Loop, account: str) -> None:
    loop.org.hide_field(loop.user, "Account", "AnnualRevenue")
    result = loop.pull()
    pulled = result.objects["Account"]
    assert pulled.complete
    assert not result.complete
    assert set(pulled.hidden) == {"AnnualRevenue"}
    assert "permission set" in pulled.hidden["AnnualRevenue"]
    assert loop.rows("Account", "Name") == {account: ("Acme",)}


def test_a_field_that_is_hidden_between_two_pulls_is_dropped_at_once(loop: Loop, account: str) -> None:
    loop.pull()
    loop.org.hide_field(loop.user, "Account", "AnnualRevenue")
    loop.later(hours=1)
    result = loop.pull()
    assert set(result.objects["Account"].hidden) == {"AnnualRevenue"}
    assert result.objects["Account"].complete
    assert result.objects["Opportunity"].complete
    assert "AnnualRevenue" not in loop.mirror.columns("Account")


def test_a_field_that_is_shown_again_is_read_for_all_records_by_the_next_pull(loop: Loop, account: str) -> None:
    loop.org.hide_field(loop.user, "Account", "AnnualRevenue")
    loop.pull()
    loop.org.show_field(loop.user, "Account", "AnnualRevenue")
    loop.later(minutes=15)
    result = loop.pull()
    assert result.complete
    assert loop.rows("Account", "AnnualRevenue")[account][0] == 1200


def test_a_field_that_does_not_exist_is_named(loop: Loop) -> None:
    result = loop.pull(Needs({"Account": frozenset({"Nope__c"})}))
    assert set(result.objects["Account"].hidden) == {"Nope__c"}


@pytest.mark.parametrize("hidden_at", ["first", "later"])
def test_a_hidden_object_is_not_complete_and_the_others_are(loop: Loop, account: str, hidden_at: str) -> None:
    if hidden_at == "later":
        loop.pull()
        loop.later(hours=2)
    cursor = loop.mirror.cursor("Opportunity")
    loop.org.hide_object(loop.user, "Opportunity")
    result = loop.pull()
    assert not result.objects["Opportunity"].complete
    assert "Opportunity" in result.objects["Opportunity"].reason
    assert result.objects["Account"].complete
    assert loop.mirror.cursor("Opportunity") == cursor


@pytest.mark.parametrize("hidden", ["object", "field"])
@pytest.mark.parametrize("pulled_before", [False, True])
def test_without_the_organization_nothing_is_stored(loop: Loop, account: str, hidden: str, pulled_before: bool) -> None:
    if pulled_before:
        loop.pull()
        loop.later(hours=25)
    cursor = loop.mirror.cursor("Account")
    if hidden == "object":
        loop.org.hide_object(loop.user, "Organization")
    else:
        loop.org.hide_field(loop.user, "Organization", "TimeZoneSidKey")
    with pytest.raises(FixFirst, match="Organization"):
        loop.pull()
    assert loop.mirror.cursor("Account") == cursor


def test_an_object_with_more_fields_than_an_address_holds_goes_by_bulk(loop: Loop) -> None:
    names = [f"A_Field_With_A_Long_Name_{n}__c" for n in range(300)]
    loop.org.define_fields([{"sobject": "Account", "name": n, "label": n, "type": "boolean"} for n in names])
    account = loop.org.create_record("Account", {"Name": "Wide", names[7]: True})
    needs = NEEDS | Needs({"Account": frozenset(names)})
    for _ in range(2):
        assert loop.pull(needs).complete
        assert loop.rows("Account", *names[6:8]) == {account: (False, True)}
        loop.later(hours=2)
    assert [r.path for r in loop.org.ledger.entries if r.method == "DELETE"]  # the job does not linger


def test_a_page_that_never_comes_leaves_the_object_as_it_was(loop: Loop, account: str) -> None:
    needs = Needs({"Account": frozenset({"Name"}), "User": frozenset({"Name"})})
    loop.pull(needs)
    loop.later(hours=2)
    loop.org.load("Account", [{"Name": f"Account {n}"} for n in range(2500)])
    loop.org.faults.add(Fault("unavailable", method="GET", path=r"/query/", times=10**6))
    result = loop.pull(needs)
    assert not result.objects["Account"].complete
    assert result.objects["User"].complete
    assert set(loop.rows("Account")) == {account}
    assert loop.mirror.cursor("Account") == START
    loop.org.faults.clear()
    assert loop.pull(needs).complete
    assert len(loop.rows("Account")) == 2501


FAULTS = {
    "session expired": Fault("expired_session"),
    "maintenance page": Fault("unavailable"),
    "406": Fault("not_acceptable"),
    "edge page": Fault("edge_page"),
    "429": Fault("too_many_requests"),
    "too many at once": Fault("concurrent_limit"),
    "reset before": Fault("reset_before"),
    "reset after": Fault("reset_after"),
    "cut off": Fault("truncated"),
}


@pytest.mark.parametrize("nth", [1, 2, 3], ids=["describes", "first page", "last page"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_passing_fault_changes_nothing(loop: Loop, fault: Fault, nth: int) -> None:
    loop.org.load("Account", [{"Name": f"Account {n}"} for n in range(2100)])
    loop.org.faults.add(Fault(fault.kind, path="/services/data/", nth=nth))
    result = loop.pull(Needs({"Account": frozenset({"Name"})}))
    assert result.complete
    assert set(loop.rows("Account")) == {r["Id"] for r in loop.org.records("Account")}
    assert loop.org.faults.as_json()[0]["struck"] == 1


def test_an_org_that_is_down_is_for_later(loop: Loop) -> None:
    loop.org.faults.add(Fault("unavailable", path="/services/data/", times=10**6))
    with pytest.raises(RetryLater, match="next run"):
        loop.pull()


def test_the_daily_limit_stops_the_pull(loop: Loop) -> None:
    loop.org.faults.add(Fault("request_limit", path="/services/data/", nth=2))
    with pytest.raises(QuotaExhausted):
        loop.pull()


def test_another_org_is_not_mixed_in(loop: Loop, account: str) -> None:
    loop.pull()
    loop.mirror.set_meta("org_id", "00D000000000999AAA")
    loop.org.update_record("Account", account, {"Name": "Foreign"})
    loop.later(hours=1)
    with pytest.raises(FixFirst, match="00D000000000999AAA"):
        loop.pull()
    assert loop.rows("Account", "Name") == {account: ("Acme",)}
