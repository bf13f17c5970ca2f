"""What goes wrong, and what the command line makes of it: nobody is moved by what could not be read."""

from __future__ import annotations

import pytest
from installations import Installation

from connector.localorg.faults import FOREVER, Fault


def moves(report: dict) -> list[dict]:  # type: ignore[type-arg]
    return [c for c in report["plan"]["changes"] if c["kind"] == "move"]


def test_an_object_taken_away_moves_nobody_and_is_said(settled: Installation) -> None:
    before = settled.stages()
    settled.org.hide_object(settled.org.admin_id, "Opportunity")
    report = settled.json("run", "lifecycle", code=1)
    assert report["pull"]["objects"]["Opportunity"]["complete"] is False
    assert moves(report) == []
    assert settled.stages() == before
    said = settled.run("run", "lifecycle")
    assert "Opportunity" in said.stdout
    assert "nobody moved because of it" in " ".join(said.stdout.split())


@pytest.mark.parametrize("name", ["Opportunity.IsWon", "Opportunity.CloseDate", "Opportunity.Type",
                                  "CampaignMember.LeadId", "CampaignMember.ContactId"])  # fmt: skip
def test_a_field_taken_away_moves_nobody_and_is_said(settled: Installation, name: str) -> None:
    before = settled.stages()
    sobject, field = name.split(".")
    settled.org.hide_field(settled.org.admin_id, sobject, field)
    report = settled.json("run", "lifecycle", code=1)
    assert field in report["pull"]["objects"][sobject]["hidden"]
    assert moves(report) == []
    assert settled.stages() == before


def test_four_slips_in_a_mapping_come_at_once_and_nothing_is_written(installation: Installation) -> None:
    model = "mappings/post_sale/model.yaml"
    installation.edit(model, "sum(Opportunity.Amount where IsWon", "sum(Opportunity.Amout where IsWon")
    installation.edit(model, "days_to_renewal: next_end - today", "days_to_renewal: next_end - 'today'")
    parked = "  - key: parked\n    label: Parked\n    enter_when: paying\n    next: [adopting]\n"
    installation.edit(model, "  - key: churned\n", f"{parked}  - key: churned\n")
    installation.edit(model, "order: [churned, ", "order: [churned, parked, ")
    installation.edit(model, "renewal_covered: not in_renewal or", "renewal_covered: 'no' = # not in_renewal or")
    for arguments in (("check",), ("run", "lifecycle")):
        done = installation.run(*arguments)
        assert done.returncode == 2, done.stdout + done.stderr
        told = done.stdout + done.stderr
        assert "did you mean 'Amount'" in told
        assert "Traceback" not in told
        places = {line.split(": ")[0] for line in told.splitlines() if line.startswith("mappings/")}
        assert len(places) >= 4, told
    assert installation.org.ledger.writes() == []


def test_removals_are_believed_only_of_what_is_read(installation: Installation) -> None:
    done = installation.run("verify", "--believe-removals", "Contcat")
    assert done.returncode == 2
    assert "Contcat is not read by these mappings" in done.stderr.replace("\n", " ")
    assert "Contact" in done.stderr


def test_verify_names_what_differs_and_puts_it_right(settled: Installation) -> None:
    gone = settled.org.records("EmailMessage")[0]["Id"]
    settled.org.purge("EmailMessage", gone)
    done = settled.run("verify")
    assert done.returncode == 1
    assert gone in done.stdout
    assert "put right" in done.stdout
    assert settled.run("verify").returncode == 0


def test_a_refused_login_says_what_to_do(installation: Installation) -> None:
    installation.edit("config.toml", "system-client", "another-client")
    done = installation.run("run", "lifecycle")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "system-secret" not in done.stderr + done.stdout


def test_an_org_that_is_down_is_worth_another_run(installation: Installation) -> None:
    installation.org.faults.add(Fault("unavailable", times=FOREVER))
    done = installation.run("run", "lifecycle")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (listed,) = installation.json("runs")
    assert (listed["status"], listed["exit_code"]) == ("failed", 1)
    assert done.stderr.strip().splitlines()[-1] in installation.run("runs", "1").stdout.replace("\n", " ")


def test_no_calls_left_ends_with_exit_code_four(installation: Installation) -> None:
    installation.org.faults.add(Fault("request_limit", times=FOREVER))
    done = installation.run("run", "lifecycle")
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr


def test_a_record_that_the_org_refuses_is_said_and_the_rest_is_written(installation: Installation) -> None:
    code = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    first = next(c for c in installation.json("plan", "lifecycle")["changes"] if c["kind"] == "placement")
    installation.org.faults.add(
        Fault("row_error", row=first["record"], times=FOREVER, code=code, message="Region is needed")
    )
    report = installation.json("run", "lifecycle", code=1)
    assert [(r["code"], r["records"]) for r in report["refused"]] == [(code, [first["subject_name"]])]
    assert first["subject"] not in installation.stages()
    assert len(installation.stages()) > 20


def test_a_task_status_that_does_not_close_stops_the_run_before_it_writes(installation: Installation) -> None:
    """Else every run would "close" the same Tasks, and they would stay open."""
    model = "mappings/post_sale/model.yaml"
    installation.edit(model, "subject: Account\n", "subject: Account\nkeys:\n  not_needed: Deferred\n")
    installation.edit(model, "Status != 'Not needed'", "Status != 'Deferred'")
    done = installation.run("run", "lifecycle")
    assert done.returncode == 2
    assert "no closed Task status 'Deferred'" in done.stderr.replace("\n", " ")
    assert not installation.org.ledger.writes()
