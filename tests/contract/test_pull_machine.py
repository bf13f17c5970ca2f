"""Whatever people do in an org between two pulls, and whatever a pull is cut off by: in the end the mirror is the org.

Hypothesis makes up the lives; the same ones in every run. PULL_MACHINE_LIVES and PULL_MACHINE_STEPS make it look
further, at random: `PULL_MACHINE_LIVES=2000 PULL_MACHINE_STEPS=60 pytest tests/contract/test_pull_machine.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from mirror_equals import differences
from pulling import Pulled

from connector.data import Needs
from connector.errors import QuotaExhausted
from connector.localorg.api import queries
from connector.localorg.faults import FOREVER, Fault
from connector.localorg.org import Clock, Org, OrgError, Wish
from connector.localorg.server import LocalOrgServer
from connector.settings import PullSettings

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
NEEDS = Needs(
    {
        "Account": frozenset({"Name", "AnnualRevenue", "ParentId", "OwnerId", "Age__c", "Mother__c", "Pipeline__c"}),
        "Contact": frozenset({"LastName", "Email", "AccountId", "Employer__c"}),
        "Lead": frozenset({"LastName", "Status", "IsConverted", "ConvertedAccountId"}),
        "Opportunity": frozenset({"Name", "AccountId", "Amount", "StageName", "IsWon", "CloseDate", "DaysLeft__c"}),
        "Task": frozenset({"Subject", "WhatId", "WhoId", "AccountId", "Status", "IsClosed", "ActivityDate"}),
        "Case": frozenset({"Subject", "AccountId", "ContactId", "Status", "IsClosed"}),
        "CampaignMember": frozenset({"CampaignId", "ContactId", "LeadId", "Status", "HasResponded"}),
        "User": frozenset({"Name", "IsActive"}),
        "TaskStatus": frozenset({"ApiName", "IsClosed"}),
        "AccountHistory": frozenset({"AccountId", "Field", "NewValue"}),
        "Group": frozenset({"DeveloperName", "Type"}),
    }
)
LATER_NEEDS = {
    "Account": ("Industry", "Rating", "NumberOfEmployees"), "Contact": ("Title", "Department"),
    "Opportunity": ("NextStep", "Probability"), "Task": ("Priority", "CompletedDateTime"), "Case": ("Priority",),
}  # fmt: skip
FORMULAS = [
    ("Account", "Age__c", "double", "TODAY() - DATEVALUE(CreatedDate)"),
    ("Account", "Mother__c", "string", "Parent.Name"),
    ("Contact", "Employer__c", "string", "Account.Name"),
    ("Opportunity", "DaysLeft__c", "double", "CloseDate - TODAY()"),
]
PIPELINE = {
    "sobject": "Account", "name": "Pipeline__c", "type": "currency", "precision": 18, "scale": 2, "calculated": True,
    "summaryOperation": "sum", "summaryForeignKey": "Opportunity.AccountId", "summarizedField": "Opportunity.Amount",
}  # fmt: skip
MERGEABLE = ("Account", "Contact", "Lead", "Case")
DELETABLE = ("Account", "Contact", "Lead", "Opportunity", "Task", "Case", "CampaignMember")

which = st.integers(0, 997)
"""Chooses one of however many there are."""


def make_org() -> bytes:
    """An org in which every kind of record that is pulled occurs."""
    org = Org.create(clock=Clock(START), seed=1)
    org.add_client("key", "secret", org.add_user("connector@example.com"))
    for sobject, name, kind, text in FORMULAS:
        shape = {"precision": 18, "scale": 2} if kind == "double" else {}
        org.define_fields([{"sobject": sobject, "name": name, "type": kind, "calculated": True,
                            "calculatedFormula": text, **shape}])  # fmt: skip
    org.define_fields([PIPELINE])
    org.track_fields(["Account.Name"])
    accounts = [org.create_record("Account", {"Name": f"Account {n}", "AnnualRevenue": n * 100}) for n in range(4)]
    org.update_record("Account", accounts[1], {"ParentId": accounts[0], "Name": "Daughter"})
    contacts = [org.create_record("Contact", {"LastName": f"P {n}", "AccountId": accounts[n % 4]}) for n in range(5)]
    leads = [org.create_record("Lead", {"LastName": f"L {n}", "Company": f"C {n}"}) for n in range(3)]
    campaign = org.create_record("Campaign", {"Name": "Welcome", "IsActive": True})
    for n in range(3):
        org.create_record("Opportunity", deal(n, accounts[n]))
        org.create_record("Task", {"Subject": f"T {n}", "WhatId": accounts[n], "WhoId": contacts[n]})
        org.create_record("Case", {"Subject": f"S {n}", "AccountId": accounts[n], "ContactId": contacts[n]})
        org.create_record("CampaignMember", {"CampaignId": campaign, "ContactId": contacts[n]})
        org.create_record("CampaignMember", {"CampaignId": campaign, "LeadId": leads[n]})
    return org.snapshot()


def deal(n: int, account: str) -> dict[str, Any]:
    return {"Name": f"Deal {n}", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-12-01",
            "Amount": n * 1000 + 5}  # fmt: skip


class OrgLife(RuleBasedStateMachine):
    """People edit, the org does what it does by itself, and we pull now and then."""

    snapshot = b""

    def __init__(self) -> None:
        super().__init__()
        self.org = Org.restore(self.snapshot, clock=Clock(START))
        self.server = LocalOrgServer(self.org)
        self.server.start()
        self.here = Pulled(self.server, NEEDS)
        self.connector = self.org.records("User", {"Username": "connector@example.com"})[0]["Id"]
        self.hidden: set[tuple[str, str]] = set()
        self.n = 0

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            queries.LARGEST_PAGE = 2000
            self.here.mirror.close()
            self.server.stop()
            self.org.close()

    # --- what can differ from org to org

    @initialize(
        stamps=st.fixed_dictionaries({
            name: st.booleans()
            for name in ("delete_stamps", "merge_stamps_losers", "merge_stamps_children", "archive_stamps")
        }),
        activity=st.sampled_from(["always", "when_date_changes"]),
        early=st.sampled_from(["empty", "refused"]),
        rest_page=st.integers(2, 9), bulk_from=st.integers(1, 9), bulk_page=st.integers(1, 5),
        refresh=st.sampled_from([0, 24]),
    )  # fmt: skip
    def choose(
        self, stamps: dict[str, bool], activity: str, early: str, rest_page: int, bulk_from: int, bulk_page: int,
        refresh: int,
    ) -> None:  # fmt: skip
        self.org.set_switches(**stamps, activity_stamps_account=activity, bulk_early_results=early)
        queries.LARGEST_PAGE = rest_page
        self.here.how = PullSettings(bulk_from=bulk_from, bulk_page=bulk_page, refresh_hours=refresh)

    # --- people

    def ids(self, sobject: str, **where: Any) -> list[str]:
        return [row["Id"] for row in self.org.records(sobject, where)]

    def pick(self, sobject: str, which: int, **where: Any) -> str | None:
        found = self.ids(sobject, **where)
        return found[which % len(found)] if found else None

    def attempt(self, act: Callable[[], object]) -> None:
        """People try; the org may refuse."""
        with suppress(OrgError):
            act()

    def name(self) -> str:
        self.n += 1
        return f'N {self.n}, "quoted"\nand\r\nbroken' if self.n % 3 == 0 else f"N {self.n}"

    @rule(which=which, kind=st.sampled_from(["Account", "Contact", "Lead", "Opportunity", "Task", "Case"]))
    def create(self, which: int, kind: str) -> None:
        self.attempt(lambda: self.org.create_record(kind, self.fields_of(kind, which)))

    def fields_of(self, kind: str, which: int) -> dict[str, Any]:
        account, contact = self.pick("Account", which), self.pick("Contact", which)
        match kind:
            case "Account":
                return {"Name": self.name(), "ParentId": account if which % 2 else None}
            case "Contact":
                return {"LastName": self.name().replace("\n", " "), "AccountId": account}
            case "Lead":
                return {"LastName": "Lead", "Company": self.name()}
            case "Opportunity":
                return deal(which, account) if account else {}
            case "Task":
                long_ago = which % 3 == 0  # such a Task is archived on the next day
                return {"Subject": self.name(), "WhatId": account, "WhoId": contact,
                        "ActivityDate": "2025-01-15" if long_ago else "2026-09-15",
                        "Status": "Completed" if long_ago else "Not Started"}  # fmt: skip
        return {"Subject": self.name(), "AccountId": account, "ContactId": contact}

    @rule(which=which, contact=which)
    def join(self, which: int, contact: int) -> None:
        campaign, person = self.pick("Campaign", which), self.pick("Contact", contact)
        self.attempt(lambda: self.org.create_record("CampaignMember", {"CampaignId": campaign, "ContactId": person}))

    @rule(which=which, kind=st.sampled_from(DELETABLE))
    def edit(self, which: int, kind: str) -> None:
        if found := self.pick(kind, which):
            self.attempt(lambda: self.org.update_record(kind, found, self.edit_of(kind, which)))

    def edit_of(self, kind: str, which: int) -> dict[str, Any]:
        return {
            "Account": {"Name": self.name(), "AnnualRevenue": which, "Industry": "Energy"},
            "Contact": {"Email": f"p{which}@example.com", "AccountId": self.pick("Account", which), "Title": "CEO"},
            "Lead": {"Status": "Working - Contacted"},
            "Opportunity": {"Amount": which * 10, "StageName": "Closed Won" if which % 2 else "Prospecting"},
            "Task": {"Status": "Completed" if which % 2 else "Not Started", "Priority": "High"},
            "Case": {"Status": "Closed" if which % 2 else "New", "AccountId": self.pick("Account", which)},
            "CampaignMember": {"Status": "Responded" if which % 2 else "Sent"},
        }[kind]

    @rule(which=which)
    def rename_user(self, which: int) -> None:
        if found := self.pick("User", which):
            self.attempt(lambda: self.org.update_record("User", found, {"LastName": self.name()}))

    @rule(which=which, kind=st.sampled_from(DELETABLE))
    def delete(self, which: int, kind: str) -> None:
        if found := self.pick(kind, which):
            self.attempt(lambda: self.org.delete_record(kind, found))

    @rule(which=which, kind=st.sampled_from(DELETABLE[:-1]))
    def undelete(self, which: int, kind: str) -> None:
        gone = [r["Id"] for r in self.org.records(kind, {"IsDeleted": True}, include_deleted=True)]
        if gone:
            self.attempt(lambda: self.org.undelete_record(kind, gone[which % len(gone)]))

    @rule(which=which, kind=st.sampled_from(DELETABLE))
    def purge(self, which: int, kind: str) -> None:
        everything = [r["Id"] for r in self.org.records(kind, include_deleted=True)]
        if everything:
            self.attempt(lambda: self.org.purge(kind, everything[which % len(everything)]))

    @rule(one=which, other=which, kind=st.sampled_from(MERGEABLE))
    def merge(self, one: int, other: int, kind: str) -> None:
        where = {"IsConverted": False} if kind == "Lead" else {}
        master, loser = self.pick(kind, one, **where), self.pick(kind, other, **where)
        if master and loser and master != loser:
            self.attempt(lambda: self.org.merge(kind, master, [loser]))

    @rule(which=which, account=which)
    def convert(self, which: int, account: int) -> None:
        if lead := self.pick("Lead", which, IsConverted=False):
            wish = Wish(account_id=self.pick("Account", account)) if account % 2 else Wish()
            self.attempt(lambda: self.org.convert_lead(lead, wish))

    @rule(which=which, kind=st.sampled_from(["Account", "Opportunity", "Case"]), minutes=st.integers(1, 14))
    def commit_late(self, which: int, kind: str, minutes: int) -> None:
        found, wait = self.pick(kind, which), timedelta(minutes=minutes)
        if which % 2:
            self.org.write_late(kind, self.fields_of(kind, which), visible_in=wait)
        elif found:
            self.org.write_late(kind, self.edit_of(kind, which), visible_in=wait, record_id=found)

    # --- time and administrators

    @rule(minutes=st.integers(0, 90))
    def some_minutes(self, minutes: int) -> None:
        self.org.clock.advance(timedelta(minutes=minutes))

    @rule(days=st.sampled_from([1, 1, 2, 6, 13, 16, 30]), hours=st.integers(0, 23))
    def some_days(self, days: int, hours: int) -> None:
        self.org.clock.advance(timedelta(days=days, hours=hours))

    @rule(field=st.sampled_from([("Account", "AnnualRevenue"), ("Contact", "Email"), ("Task", "Status")]))
    def hide_or_show(self, field: tuple[str, str]) -> None:
        self.org.clock.advance(timedelta(minutes=1))  # within a minute nobody looks again
        if field in self.hidden:
            self.org.show_field(self.connector, *field)
        else:
            self.org.hide_field(self.connector, *field)
        self.hidden ^= {field}

    @rule(kind=st.sampled_from(sorted(LATER_NEEDS)), which=which)
    def need_more(self, kind: str, which: int) -> None:
        name = LATER_NEEDS[kind][which % len(LATER_NEEDS[kind])]
        self.here.needs |= Needs({kind: frozenset({name})})

    @rule(kind=st.sampled_from(["Account", "Opportunity", "CampaignMember"]))
    def need_less(self, kind: str) -> None:
        fewer = {n: f for n, f in self.here.needs.fields.items() if n != kind}
        self.here.needs = replace(self.here.needs, fields=fewer)

    @rule(kind=st.sampled_from(["Account", "Opportunity", "CampaignMember"]))
    def need_again(self, kind: str) -> None:
        self.here.needs |= Needs({kind: NEEDS.fields[kind]})

    # --- we

    @rule(scope=st.sampled_from(["changes", "changes", "changes", "verify", "full"]))
    def pull(self, scope: Any) -> None:
        result = self.here.pull(scope=scope)
        unread = {p.sobject: p.reason for p in result.objects.values() if not p.complete}
        assert not unread
        assert {(p.sobject, f) for p in result.objects.values() for f in p.hidden} == {
            (s, f) for s, f in self.hidden if f in self.here.needs.fields.get(s, ())
        }

    @rule(calls=st.integers(1, 14), scope=st.sampled_from(["changes", "verify", "full"]))
    def pull_until_the_allowance_is_used_up(self, calls: int, scope: Any) -> None:
        self.org.faults.quota_left = calls
        with suppress(QuotaExhausted):
            self.here.pull(scope=scope)
        self.org.faults.clear()

    @rule(kind=st.sampled_from(["reset_before", "truncated", "unavailable", "job_failed", "job_expired"]), nth=which)
    def pull_through_trouble(self, kind: Any, nth: int) -> None:
        self.org.faults.add(Fault(kind, path="/services/data/v", nth=1 + nth % 12, times=1 + nth % 2))
        assert all(p.complete for p in self.here.pull().objects.values())
        self.org.faults.clear()

    @rule(nth=st.integers(3, 15))
    def pull_while_the_org_goes_down(self, nth: int) -> None:
        self.org.faults.add(Fault("unavailable", path="/services/data/v", method="GET", nth=nth, times=FOREVER))
        with suppress(Exception):
            self.here.pull()
        self.org.faults.clear()

    @rule()
    def lose_mirror(self) -> None:
        self.here.mirror.close()
        self.here = Pulled(self.server, self.here.needs, self.here.how)

    # --- what is true

    @invariant()
    def no_record_is_there_twice(self) -> None:
        tables = self.here.sql("SELECT DISTINCT table_name FROM duckdb_tables() WHERE schema_name = 'org'")
        for (table,) in tables:
            if "~" not in table:
                assert self.here.sql(f'SELECT count(*) = count(DISTINCT "Id") FROM org."{table}"') == [(True,)]

    @rule()
    def settle(self) -> None:
        """What was on its way has arrived; one thorough pull, and the mirror is the org."""
        self.org.clock.advance(timedelta(minutes=16))
        self.pull("verify")
        shown = {s: f - {h for o, h in self.hidden if o == s} for s, f in self.here.needs.fields.items()}
        found = [d for s, f in shown.items() for d in differences(self.here.mirror, self.org, s, f)]
        assert found == []
        assert self.here.sql("SELECT * FROM meta.readings WHERE purpose IN ('whole', 'window') AND sobject IN "
                             "(SELECT unnest(?))", list(self.here.needs.fields)) == []  # fmt: skip
        assert self.here.sql("SELECT * FROM meta.spent_jobs") == []
        assert self.here.sql("SELECT * FROM meta.moves") == []


PHASES = [Phase.generate] if os.environ.get("PULL_MACHINE_NOSHRINK") else list(Phase)
LIVES, STEPS = (int(os.environ.get(f"PULL_MACHINE_{name}", 0)) for name in ("LIVES", "STEPS"))


@pytest.mark.slow
def test_in_the_end_the_mirror_is_the_org() -> None:
    OrgLife.snapshot = make_org()
    run_state_machine_as_test(
        OrgLife,
        settings=settings(
            max_examples=LIVES or 10, stateful_step_count=STEPS or 20, deadline=None, derandomize=not LIVES,
            database=None, phases=PHASES, suppress_health_check=list(HealthCheck), print_blob=bool(LIVES),
        ),
    )  # fmt: skip
