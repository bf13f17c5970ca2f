"""What the doctor makes of what it is told: each case one org, and the one finding that it deserves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.data import Needs
from connector.describe import FieldDescribe, ObjectDescribe
from connector.doctor.login import (
    Allowances,
    Who,
    judge_bulk,
    judge_clock,
    judge_login,
    judge_quota,
    judge_version,
)
from connector.doctor.place import judge_space
from connector.doctor.rights import Written, judge_rights
from connector.doctor.rules import OrgRules, judge_rules
from connector.doctor.seeing import Coverage, judge_coverage, judge_sight
from connector.doctor.task_key import may_try
from connector.pull.sight import Sight
from connector.report import Check, Verdict
from connector.settings import ApiSettings, OrgSettings

VERSIONS = [f"{n}.0" for n in range(31, 67)]
PROD = Who(
    {"Name": "Robot", "Username": "robot@acme.com"}, {"Name": "Acme", "OrganizationType": "Unlimited Edition"}, {}
)


def told(check: Check) -> str:
    return " | ".join(f"{f.verdict}: {f.text} {f.remedy}" for f in check.findings)


# --- login, version, clock, calls ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("organization", "kind", "for_trying"),
    [
        ({"IsSandbox": True, "OrganizationType": "Unlimited Edition"}, "sandbox", True),
        ({"OrganizationType": "Developer Edition"}, "Developer Edition", True),
        ({"OrganizationType": "Enterprise Edition", "TrialExpirationDate": "2026-10-01"}, "Enterprise Edition", True),
        ({"OrganizationType": "Enterprise Edition"}, "production (Enterprise Edition)", False),
        ({}, "production", False),
    ],
)
def test_an_org_that_does_not_say_so_is_taken_for_production(
    organization: dict[str, Any], kind: str, for_trying: bool
) -> None:
    who = Who({}, organization, {})
    assert (who.kind, who.is_for_trying) == (kind, for_trying)


@pytest.mark.parametrize(
    ("url", "for_trying", "tried"),
    [
        ("https://acme.my.salesforce.com", False, False),
        ("https://acme--uat.sandbox.my.salesforce.com", True, True),
        ("http://127.0.0.1:8080", False, True),
        ("https://localhost.evil.example", False, False),
    ],
)
def test_nothing_is_written_to_production_unasked(url: str, for_trying: bool, tried: bool) -> None:
    assert may_try(url, for_trying=for_trying) is tried


def test_a_login_says_who_and_where() -> None:
    check = judge_login(OrgSettings(), PROD)
    assert check.verdict == "ok"
    assert "Robot (robot@acme.com) in Acme, production (Unlimited Edition)" in check.good


def test_a_token_by_hand_is_no_way_to_run_a_schedule() -> None:
    check = judge_login(OrgSettings(auth="access_token"), PROD)
    assert (check.verdict, "client_credentials" in told(check)) == ("warning", True)


def test_an_org_under_maintenance_takes_nothing() -> None:
    who = Who({}, {"IsReadOnly": True}, {})
    assert judge_login(OrgSettings(), who).verdict == "problem"


@pytest.mark.parametrize(
    ("ours", "verdict", "part"),
    [
        ("66.0", "ok", ""),
        ("58.0", "ok", ""),
        ("57.0", "warning", "9 releases old"),
        ("30.0", "problem", "31.0 to 66.0"),
        ("70.0", "problem", 'api_version = "66.0"'),
    ],
)
def test_api_version(ours: str, verdict: Verdict, part: str) -> None:
    check = judge_version(ours, VERSIONS)
    assert (check.verdict, part in told(check)) == (verdict, True)


@pytest.mark.parametrize(
    ("ahead", "auth", "verdict"),
    [
        (timedelta(seconds=2), "client_credentials", "ok"),
        (timedelta(minutes=-4), "client_credentials", "ok"),
        (timedelta(minutes=6), "client_credentials", "warning"),
        (timedelta(hours=-5), "client_credentials", "warning"),
        (timedelta(minutes=4), "jwt", "problem"),
        (timedelta(seconds=90), "jwt", "ok"),
    ],
)
def test_clock(ahead: timedelta, auth: str, verdict: Verdict) -> None:
    assert judge_clock(ahead, auth).verdict == verdict


@pytest.mark.parametrize(
    ("calls", "verdict", "part"),
    [
        (Allowances(100_000, 10_000, 500, {"lifecycle": 600}), "ok", ""),
        (Allowances(100_000, 80_000, 500, {"lifecycle": 100}), "problem", "leaves 20,000 to others"),
        (Allowances(1_000, 10, 0, {"lifecycle": 501}), "problem", "daily_share allows 500"),
        (Allowances(100_000, 79_900, 0, {"lifecycle": 600}), "warning", "come into the reserve"),
        (None, "not provable", "Company Information"),
    ],
)
def test_calls(calls: Allowances | None, verdict: Verdict, part: str) -> None:
    check = judge_quota(calls, ApiSettings())
    assert (check.verdict, part in told(check)) == (verdict, True)


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ({"DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 9}}, "ok"),
        ({"DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 0}}, "warning"),
        ({}, "not provable"),
        (None, "not provable"),
    ],
)
def test_bulk(limits: dict[str, Any] | None, verdict: Verdict) -> None:
    assert judge_bulk(limits).verdict == verdict


@pytest.mark.parametrize(("free", "verdict"), [(10**10, "ok"), (10**9, "warning"), (10**8, "problem")])
def test_disk_space(free: int, verdict: Verdict) -> None:
    assert Check("Store", findings=tuple(judge_space(free, Path("var")))).verdict == verdict


# --- rights -------------------------------------------------------------------------------------------------------

ACCOUNT = ObjectDescribe("Account", fields={n: FieldDescribe(n, "string") for n in ("Id", "Name", "Stage__c")})
TASK_FIELDS = [{"name": n, "createable": True, "updateable": True} for n in ("Subject", "Status", "Key__c")]
BODIES = {
    "Account": {"updateable": True, "fields": [{"name": "Stage__c", "createable": True, "updateable": True}]},
    "Task": {"createable": True, "updateable": True, "fields": TASK_FIELDS},
}
WRITES = {"Account": Written(update={"Stage__c"}), "Task": Written({"Subject", "Key__c"}, {"Status"})}
NEEDS = Needs({"Account": frozenset({"Name", "Stage__c"})})
MAY = {"PermissionsEditTask": True}


def rights(
    needs: Needs = NEEDS, bodies: dict[str, Any] = BODIES, may: dict[str, Any] = MAY,
    hidden: dict[str, str] | None = None, describes: dict[str, ObjectDescribe] | None = None,
) -> Check:  # fmt: skip
    shown = {"Account": ACCOUNT} if describes is None else describes
    return judge_rights(needs, shown, hidden or {}, WRITES, bodies, may, {"Account.Stage__c", "Account.Other__c"})


def changed(sobject: str, **values: Any) -> dict[str, Any]:
    return {**BODIES, sobject: {**BODIES[sobject], **values}}


def test_all_rights_are_there() -> None:
    assert rights().verdict == "ok"


LACKING = {
    "an object that is hidden": (
        rights(Needs({"Case": frozenset()}), hidden={"Case": "no"}),
        "objectPermissions Case: allowRead, viewAllRecords",
    ),
    "a field of theirs that is hidden": (
        rights(Needs({"Account": frozenset({"Industry"})})),
        "add to a permission set of the connector's user: fieldPermissions Account.Industry: readable",
    ),
    "a field of ours that is not deployed": (
        rights(Needs({"Account": frozenset({"Other__c"})})),
        "`connector setup export` writes and assign its permission set: fieldPermissions Account.Other__c: readable",
    ),
    "an object that may not be changed": (
        rights(bodies=changed("Account", updateable=False)),
        "objectPermissions Account: allowEdit",
    ),
    "a field that may not be changed": (
        rights(bodies=changed("Account", fields=[{"name": "Stage__c", "updateable": False}])),
        "fieldPermissions Account.Stage__c: editable",
    ),
    "a field that may not be set": (
        rights(bodies=changed("Task", fields=[*TASK_FIELDS[:2], {"name": "Key__c", "createable": False}])),
        "fieldPermissions Task.Key__c: editable",
    ),
    "Edit Tasks is missing": (rights(may={"PermissionsEditTask": False}), "userPermissions EditTask"),
}


@pytest.mark.parametrize("case", LACKING)
def test_a_right_that_is_missing_is_named_with_the_line_to_add(case: str) -> None:
    check, line = LACKING[case]
    assert [f.verdict for f in check.findings] == ["problem"]
    assert line in check.findings[0].remedy


def test_tasks_that_may_not_be_created_or_changed_are_two_findings_with_one_remedy() -> None:
    check = rights(bodies=changed("Task", createable=False, updateable=False), may={"PermissionsEditTask": False})
    assert {f.remedy.rpartition(": ")[2] for f in check.findings} == {"userPermissions EditTask"}
    assert len(check.findings) == 2


def test_rights_that_are_not_told_are_not_provable() -> None:
    assert rights(may={}).verdict == "not provable"


# --- rules --------------------------------------------------------------------------------------------------------

NONE = OrgRules([], [], [], [])
VALIDATION = [{"ValidationName": "Needs_Type", "EntityDefinition": {"QualifiedApiName": "Task"}}]
FLOWS = [{"ApiName": "Router", "TriggerObjectOrEvent": {"QualifiedApiName": "Task"}}]


def test_an_org_without_rules_of_its_own() -> None:
    assert judge_rules(NONE, WRITES, BODIES).verdict == "ok"


@pytest.mark.parametrize(
    ("rules", "verdict", "part"),
    [
        (OrgRules(VALIDATION, [], [], []), "warning", "1 active validation rule: Task.Needs_Type"),
        (OrgRules([], [{"SobjectType": "Account", "DeveloperName": "Same"}], [], []), "warning", "Account.Same"),
        (OrgRules([], [], FLOWS, []), "warning", "1 active flow: Task.Router"),
        (OrgRules([], [], [], [{"TableEnumOrId": "Task", "Name": "T"}] * 7), "warning", "7 active Apex triggers"),
        (OrgRules(None, [], [], []), "not provable", "does not tell its validation rules"),
    ],
)
def test_rules_of_the_org(rules: OrgRules, verdict: Verdict, part: str) -> None:
    check = judge_rules(rules, WRITES, BODIES)
    assert (check.verdict, len(check.findings), part in told(check)) == (verdict, 1, True)


REQUIRED = {"name": "Region__c", "type": "string", "createable": True, "nillable": False, "defaultedOnCreate": False}


@pytest.mark.parametrize(
    ("field", "verdict"),
    [
        (REQUIRED, "problem"),
        (REQUIRED | {"defaultedOnCreate": True}, "ok"),
        (REQUIRED | {"name": "key__c"}, "ok"),
        (REQUIRED | {"type": "boolean"}, "ok"),
        (REQUIRED | {"createable": False}, "ok"),
    ],
)
def test_required_fields_that_nobody_sets(field: dict[str, Any], verdict: Verdict) -> None:
    assert judge_rules(NONE, WRITES, changed("Task", fields=[*TASK_FIELDS, field])).verdict == verdict


def test_record_types_of_what_is_created_are_told() -> None:
    types = [
        {"name": "Master", "available": True},
        {"name": "Call", "available": True, "defaultRecordTypeMapping": True},
    ]
    check = judge_rules(NONE, WRITES, changed("Task", recordTypeInfos=types))
    assert (check.verdict, "default of the connector's user: Call" in told(check)) == ("warning", True)


# --- seeing -------------------------------------------------------------------------------------------------------


def test_all_is_seen() -> None:
    assert judge_sight(Sight("005"), {}, required=True, reads_events=False).verdict == "ok"


def test_what_is_not_seen_is_told_once_with_what_to_grant() -> None:
    sight = Sight("005", models={"Opportunity": "Private"})
    unseen = {name: frozenset({"Opportunity"}) for name in ("Opportunity", "Task")}
    check = judge_sight(sight, unseen, required=True, reads_events=False)
    assert [f.verdict for f in check.findings] == ["problem"]
    assert "the org-wide default is Private" in check.findings[0].text
    assert "The same goes for Task" in check.findings[0].text
    assert "grant View All Records on Opportunity; if" in check.findings[0].remedy


@pytest.mark.parametrize(
    ("sight", "may_all", "verdict"),
    [
        (Sight("005", models={"Account": "Private"}, granted=frozenset({"Account"})), False, "not provable"),
        (Sight("005", models={"Account": "Read"}), False, "not provable"),
        (Sight("005", models={"Account": "ReadWrite"}), False, "ok"),
        (Sight("005", models={"Account": "Edit"}), False, "ok"),
        (Sight("005", models={"Account": "Private"}, changeable=frozenset({"Account"})), False, "ok"),
        (Sight("005", models={"Account": "Private"}), True, "ok"),
    ],
)
def test_to_see_accounts_is_not_to_change_them(sight: Sight, may_all: bool, verdict: Verdict) -> None:
    check = judge_sight(sight, {}, required=True, reads_events=False, changed=["Account"], may_all=may_all)
    assert check.verdict == verdict


def test_who_decides_otherwise_is_warned() -> None:
    check = judge_sight(Sight("005"), {}, required=False, reads_events=False)
    assert check.verdict == "warning"


@pytest.mark.parametrize(("all_data", "verdict"), [(True, "ok"), (False, "warning")])
def test_private_events_are_seen_with_view_all_data_only(all_data: bool, verdict: Verdict) -> None:
    assert judge_sight(Sight("005", all_data=all_data), {}, required=True, reads_events=True).verdict == verdict


@pytest.mark.parametrize(
    ("found", "verdict", "part"),
    [
        (Coverage(100, 50, 10, 5), "ok", ""),
        (Coverage(100, 49, 10, 9), "warning", "Most customers have no activity"),
        (Coverage(100, 90, 10, 4), "warning", "Most owners have no activity"),
        (Coverage(0, 0, 0, 0), "ok", ""),
        (None, "not provable", "empty"),
    ],
)
def test_silence_that_is_everywhere_is_more_likely_mail_that_is_kept_elsewhere(
    found: Coverage | None, verdict: Verdict, part: str
) -> None:
    check = judge_coverage(found, "empty")
    assert (check.verdict, part in told(check)) == (verdict, True)
