"""`connector doctor` on orgs that lack one thing each, and runs of a user that does not see everything."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import lay_out
from installations import NOW, Installation

from connector.localorg.clock import Clock
from connector.localorg.faults import Fault
from connector.localorg.org import Org
from connector.localorg.server import LocalOrgServer
from connector.store.ledger import Ledger

SET, ROBOT = "Lifecycle_Connector", "robot@example.com"
ASKED_FOR = (
    "Asset.AccountId", "Contract.EndDate", "Contract.StartDate", "Task.ActivityDate", "Task.Description", "Task.WhatId",
    "Task.WhoId",
)  # fmt: skip
"""Fields that the exported permission set leaves to the admin, because nothing says that they can be hidden."""
KNOWN = {
    "Clock": "warning",  # the local org's stands still
    "All records": "warning",  # events that people mark as private
    "Activity": "not provable",  # before the first run
}
"""What is to be said of every org here."""


@pytest.fixture(scope="module")
def robots_org(prepared_org: bytes) -> bytes:
    """The prepared org with an integration user that has what the doctor asked for, and no more."""
    with closing(Org.restore(prepared_org, clock=Clock(NOW))) as org:
        user = org.add_user(ROBOT, minimum_access=True)
        org.assign_permission_set(user, SET)
        parent = org.records("PermissionSet", {"Name": SET})[0]["Id"]
        for name in ASKED_FOR:
            sobject = name.partition(".")[0]
            rights = {"PermissionsRead": True, "PermissionsEdit": sobject == "Task"}
            org.create_record("FieldPermissions", {"ParentId": parent, "SobjectType": sobject, "Field": name, **rights})
        org.add_client("system-client", "system-secret", user)
        return org.snapshot()


@pytest.fixture
def robot(robots_org: bytes, tmp_path: Path) -> Iterator[Installation]:
    with closing(Org.restore(robots_org, clock=Clock(NOW))) as org, LocalOrgServer(org) as server:
        lay_out(tmp_path, server.url, "connector")
        shutil.rmtree(tmp_path / "mappings" / "post_sale" / "examples")  # they hold, and take a second each time
        yield Installation(tmp_path, server)


def examine(installation: Installation, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Check -> what was found, of those that are not as in every org here."""
    said = installation.json("doctor", "lifecycle", *arguments, code=code)
    assert said["healthy"] is (code == 0)
    return {c["check"]: c for c in said["checks"] if c["verdict"] != KNOWN.get(c["check"], "ok")}


def told(check: dict[str, Any]) -> str:
    return " ".join(f"{f['text']} -> {f['remedy']}" for f in check["findings"])


def permission_set(installation: Installation) -> str:
    return str(installation.org.records("PermissionSet", {"Name": SET})[0]["Id"])


def user(installation: Installation) -> str:
    return str(installation.org.records("User", {"Username": ROBOT})[0]["Id"])


# --- healthy ------------------------------------------------------------------------------------------------------


def test_an_org_with_everything_is_healthy_and_left_as_it_was(robot: Installation) -> None:
    before = robot.org.records("Task")
    assert examine(robot) == {}
    assert robot.org.records("Task") == before


def test_after_a_run_activity_is_told_from_the_mirror(settled: Installation) -> None:
    said = {c["check"]: c for c in settled.json("doctor")["checks"]}
    assert said["Activity"]["known"].startswith("in 90 days ")
    assert said["All records"] == {"check": "All records", "verdict": "ok", "known": "View All Data", "findings": []}
    assert {v["verdict"] for k, v in said.items() if k not in ("Clock", "Activity")} == {"ok"}


def test_the_text_has_a_line_per_check_and_fits_a_page(robot: Installation) -> None:
    done = robot.run("doctor")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert max(map(len, lines)) <= 100
    assert [line.split("  ")[0] for line in lines if line.startswith("ok")]
    assert lines[-1] == "Nothing keeps the connector from working: 2 warnings, 1 not provable."


# --- one thing broken ---------------------------------------------------------------------------------------------

Break = Callable[[Installation], object]


def hide_opportunities(installation: Installation) -> None:
    row = installation.org.records("ObjectPermissions", {"SobjectType": "Opportunity"})[0]
    installation.org.update_record("ObjectPermissions", row["Id"], {"PermissionsViewAllRecords": False})
    installation.org.setup.set_sharing_model("Opportunity", "Private")


def take(permission: str) -> Break:
    def breaking(on: Installation) -> None:
        on.org.update_record("PermissionSet", permission_set(on), {permission: False})

    return breaking


def redefine_key(on: Installation) -> None:
    field = next(d for d in on.org.state.definitions if (d["sobject"], d.get("name")) == ("Task", "Lifecycle_Key__c"))
    on.org.define_fields([{**field, "unique": False}])


def require_region(on: Installation) -> None:
    on.org.define_fields([{"sobject": "Task", "name": "Region__c", "type": "string", "nillable": False}])


NEEDS_TYPE = ("Task", "Needs_Type", "ISBLANK(Subject)", "Say what it is")
WARNINGS: dict[str, tuple[Break, str]] = {
    "a validation rule": (lambda on: on.org.setup.add_validation_rule(*NEEDS_TYPE), "Task.Needs_Type"),
    "a duplicate rule": (lambda on: on.org.setup.add_duplicate_rule("Account", "Same", ["Name"]), "Account.Same"),
    "a flow": (lambda on: on.org.setup.add_automation("flow", "Task", "Router"), "1 active flow: Task.Router"),
    "a trigger": (lambda on: on.org.setup.add_automation("trigger", "Account", "T"), "Apex trigger: Account.T"),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_rules_of_the_org_are_named_and_warned_of(robot: Installation, case: str) -> None:
    breaking, part = WARNINGS[case]
    breaking(robot)
    found = examine(robot)
    assert {name: c["verdict"] for name, c in found.items()} == {"Rules of the org": "warning"}
    assert part in told(found["Rules of the org"])


def test_rules_that_do_not_run_are_no_matter(robot: Installation) -> None:
    robot.org.setup.add_automation("flow", "Task", "Router", active=False)
    robot.org.setup.add_automation("trigger", "Lead", "Elsewhere")
    assert examine(robot) == {}


PROBLEMS: dict[str, tuple[Break, dict[str, str]]] = {
    "opportunities are not all seen": (hide_opportunities, {"All records": "View All Records on Opportunity"}),
    "a field is hidden": (
        lambda on: on.org.hide_field(user(on), "Opportunity", "Amount"),
        {"Permissions": "fieldPermissions Opportunity.Amount: readable"},
    ),
    "an object is hidden": (
        lambda on: on.org.hide_object(user(on), "Case"),
        {"Permissions": "objectPermissions Case: allowRead, viewAllRecords"},
    ),
    "a field of ours is read-only": (
        lambda on: on.org.make_field_read_only(user(on), "Account", "Lifecycle_Stage__c"),
        {"Permissions": "fieldPermissions Account.Lifecycle_Stage__c: editable"},
    ),
    "Tasks may not be edited": (
        take("PermissionsEditTask"),
        {"Permissions": "userPermissions EditTask", "Task key": "No Task can be created"},
    ),
    "a required field": (
        require_region,
        {"Rules of the org": "Task: Region__c must be filled in", "Task key": "REQUIRED_FIELD_MISSING"},
    ),
    "the status does not close": (
        lambda on: on.org.add_status("Not needed", closed=False),
        {"Task key": "add 'Not needed' and tick Closed"},
    ),
    "the key is not unique": (redefine_key, {"Task key": "make Activity.Lifecycle_Key__c unique"}),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_what_is_broken_is_found_with_its_remedy_and_nothing_else(robot: Installation, case: str) -> None:
    breaking, expected = PROBLEMS[case]
    breaking(robot)
    before = robot.org.records("Task")
    found = examine(robot, code=1)
    assert {name: c["verdict"] for name, c in found.items()} == dict.fromkeys(expected, "problem")
    for name, part in expected.items():
        assert part in told(found[name])
    assert robot.org.records("Task") == before


def test_without_the_right_to_view_the_setup_little_can_be_proved(robot: Installation) -> None:
    take("PermissionsViewSetup")(robot)
    found = examine(robot)
    assert {name: c["verdict"] for name, c in found.items()} == {
        "Bulk API": "not provable", "Rules of the org": "not provable",
    }  # fmt: skip


# --- before the org -----------------------------------------------------------------------------------------------


def test_a_login_that_is_refused_ends_the_questions(robot: Installation) -> None:
    robot.org.add_client("system-client", "another-secret", user(robot))
    found = examine(robot, code=1)
    assert list(found) == ["Login"]
    assert "CONNECTOR_ORG__CLIENT_SECRET" in told(found["Login"])


def test_a_version_that_the_org_does_not_have(robot: Installation) -> None:
    robot.edit("config.toml", "[org]\n", '[org]\napi_version = "30.0"\n')
    found = examine(robot, code=1)
    assert 'api_version = "66.0"' in told(found["API version"])


def test_a_mapping_that_is_wrong(robot: Installation) -> None:
    robot.edit("mappings/post_sale/model.yaml", "won_count > 0", "wun_count > 0")
    found = examine(robot, code=1)
    assert "wun_count" in told(found["Mappings and jobs"])


def test_another_run_at_work_leaves_the_mirror_alone(robot: Installation) -> None:
    robot.run("runs")
    (robot.home / "var").mkdir(exist_ok=True)
    with Ledger.open(robot.home / "var" / "ledger.sqlite") as ledger:
        host = robot.server.url.removeprefix("http://")
        lease = ledger.acquire(host, "job nightly of installation connector")
        found = examine(robot)
        ledger.release(lease)
    assert {name: c["verdict"] for name, c in found.items()} == {"Store": "warning"}
    assert "job nightly" in told(found["Store"])


# --- the throwaway record -----------------------------------------------------------------------------------------


def test_the_key_is_not_tried_where_one_says_so(robot: Installation) -> None:
    robot.org.ledger.clear()
    found = examine(robot, "--no-write-test")
    assert "--write-test" in told(found["Task key"])
    assert not robot.org.ledger.writes()


def test_what_a_killed_doctor_left_is_taken_away(robot: Installation) -> None:
    robot.org.create_record("Task", {"Subject": "Test", "Lifecycle_Key__c": "doctor:connector:0"}, user=user(robot))
    assert examine(robot) == {}
    assert not robot.org.records("Task", {"Lifecycle_Key__c": "doctor:connector:0"})


def test_a_reply_that_was_lost_leaves_no_record(robot: Installation) -> None:
    before = len(robot.org.records("Task"))
    robot.org.faults.add(Fault("reset_after", method="POST", path=r"composite/sobjects$"))
    found = examine(robot, code=1)
    assert "broken off" in told(found["Task key"])
    assert len(robot.org.records("Task")) == before


# --- the run ------------------------------------------------------------------------------------------------------


def questions(installation: Installation) -> int:
    """How often the org was asked what our user sees."""
    entries = installation.org.ledger.entries
    return sum("ObjectPermissions" in s.path for e in entries for s in e.subrequests)


def test_nobody_moves_by_what_is_not_seen_whole(robot: Installation) -> None:
    hide_opportunities(robot)
    report = robot.json("run", "lifecycle", code=1)
    opportunity = report["pull"]["objects"]["Opportunity"]
    assert not opportunity["complete"]
    assert "View All Records on Opportunity" in opportunity["reason"]
    assert "won_count" in report["models"][0]["unknown"]
    assert robot.stages() == {}
    assert robot.keys() == []


def test_who_knows_better_says_so_in_the_settings(robot: Installation) -> None:
    hide_opportunities(robot)
    robot.edit("config.toml", "[http]", "[pull]\nrequire_view_all = false\n[http]")
    assert robot.json("run", "lifecycle")["pull"]["complete"]
    assert robot.stages()
    assert questions(robot) == 0
    found = examine(robot)
    assert "require_view_all is false" in told({c["check"]: c for c in robot.json("doctor")["checks"]}["All records"])
    assert "Permissions" not in found


def test_the_proof_is_asked_for_once_a_day(robot: Installation) -> None:
    robot.json("run", "lifecycle")
    assert questions(robot) == 1
    robot.org.clock.advance(timedelta(hours=23))
    robot.json("run", "lifecycle")
    assert questions(robot) == 1
    robot.org.clock.advance(timedelta(hours=2))
    robot.json("run", "lifecycle")
    assert questions(robot) == 2


def test_a_grant_counts_at_once(robot: Installation) -> None:
    hide_opportunities(robot)
    robot.json("run", "lifecycle", code=1)
    robot.org.setup.set_sharing_model("Opportunity", "Read")
    assert robot.json("run", "lifecycle")["pull"]["complete"]
