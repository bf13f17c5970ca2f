"""The main job through the command line: what it writes, when it writes nothing, and what it says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from math import ceil

from installations import STAGE, STATE, Installation


def test_the_second_run_has_nothing_to_do(installation: Installation) -> None:
    first = installation.json("run", "lifecycle")
    assert first["plan"]["counts"]["placement"] > 20
    assert set(first["outcomes"]["counts"]) == {"applied"}
    assert installation.keys()
    installation.org.ledger.clear()
    second = installation.json("run", "lifecycle")
    assert second["plan"]["changes"] == []
    assert installation.org.ledger.writes() == []
    calls = 1 + installation.org.ledger.api_calls()
    assert calls <= ceil((1 + len(second["pull"]["objects"])) / 5) + 2
    assert second["api"]["total"] == calls - 1


def test_every_account_with_a_stage_has_its_memory_and_its_reason(settled: Installation) -> None:
    for account in settled.org.records("Account"):
        assert bool(account[STAGE]) == bool(account["Lifecycle_Stage_Reason__c"]), account["Name"]
        assert not account[STAGE] or account[STATE], account["Name"]


def test_a_dry_run_shows_the_plan_and_writes_nothing(installation: Installation) -> None:
    shown = installation.run("plan", "lifecycle")
    assert shown.returncode == 0, shown.stderr
    assert "First stages:" in shown.stdout
    assert installation.org.ledger.writes() == []
    assert installation.stages() == {}
    planned = installation.json("run", "lifecycle", "--dry-run")
    assert installation.org.ledger.writes() == []
    done = installation.json("run", "lifecycle")
    assert [c["id"] for c in done["plan"]["changes"]] == [c["id"] for c in planned["plan"]["changes"]]


def test_a_run_for_one_account_touches_nobody_else(installation: Installation) -> None:
    account = next(c["subject"] for c in installation.json("plan", "lifecycle")["changes"] if c["kind"] == "placement")
    done = installation.json("run", "lifecycle", "--account", account)
    assert {c["subject"] for c in done["plan"]["changes"]} == {account}
    assert set(installation.stages()) == {account}


def test_a_job_for_some_accounts_touches_nobody_else(installation: Installation) -> None:
    installation.edit("jobs/lifecycle.toml", "# only = ", "only = ")
    installation.edit("jobs/lifecycle.toml", '"Owner.IsActive and AnnualRevenue >= 1000000"', '"won_12m >= 50000"')
    done = installation.json("run", "lifecycle")
    assert 0 < len({c["subject"] for c in done["plan"]["changes"]}) < 30


def test_a_lost_store_costs_nothing_but_a_pull(settled: Installation) -> None:
    stages, keys = settled.stages(), settled.keys()
    shutil.rmtree(settled.home / "var")
    again = settled.json("run", "lifecycle")
    assert again["plan"]["changes"] == []
    assert (settled.stages(), settled.keys()) == (stages, keys)


def test_a_second_installation_stops_before_it_fights_with_the_first(install: Callable[[str], Installation]) -> None:
    first, second = install("first"), install("second")
    first.json("run", "lifecycle")
    first.org.ledger.clear()
    stopped = second.run("run", "lifecycle")
    assert stopped.returncode == 3, stopped.stdout + stopped.stderr
    assert "first" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert first.org.ledger.writes() == []


def test_limits_refuse_the_whole_plan_and_show_it(installation: Installation) -> None:
    installation.edit("jobs/lifecycle.toml", "placements = {count = 1000}", "placements = {count = 3}")
    refused = installation.run("run", "lifecycle")
    assert refused.returncode == 3, refused.stderr
    assert "First stages:" in refused.stdout
    assert "3 allowed" in refused.stdout
    assert installation.org.ledger.writes() == []
    listed = installation.json("runs")
    assert (listed[0]["status"], listed[0]["exit_code"]) == ("refused", 3)


def test_one_changed_deal_moves_its_account_alone(settled: Installation) -> None:
    before = settled.stages()
    adopting = {i for i, stage in before.items() if stage == "adopting"}
    deals = settled.org.records("Opportunity", {"IsClosed": False})
    deal = next(d for d in deals if d["AccountId"] in adopting)
    settled.org.clock.advance(timedelta(minutes=15))
    settled.org.update_record("Opportunity", deal["Id"], {"Type": "Renewal"})
    done = settled.json("run", "lifecycle")
    moves = [c for c in done["plan"]["changes"] if c["kind"] == "move"]
    assert [(m["subject"], m["to_stage"]) for m in moves] == [(deal["AccountId"], "renewal")]
    after = settled.stages()
    assert {i for i in after if after[i] != before.get(i)} == {deal["AccountId"]}


def test_the_runs_are_listed_and_shown(installation: Installation) -> None:
    empty = installation.run("runs")
    assert (empty.returncode, "Start one with" in empty.stderr) == (2, True)
    installation.json("run", "lifecycle")
    listed = installation.run("runs")
    assert "lifecycle" in listed.stdout
    assert "done" in listed.stdout
    shown = installation.run("runs", "1")
    assert "First stages:" in shown.stdout
    assert "written:" in shown.stdout
    missing = installation.run("runs", "99")
    assert (missing.returncode, "There is no run 99" in missing.stderr) == (2, True)


def test_an_account_is_explained_by_id_and_by_name(settled: Installation) -> None:
    account = next(a for a in settled.org.records("Account") if a[STAGE] == "renewal")
    by_id = settled.run("explain", account["Id"])
    assert by_id.returncode == 0, by_id.stderr
    for words in ("Renewal", "Churned", "Onboarding", "days_to_renewal"):
        assert words in by_id.stdout
    by_name = settled.run("explain", account["Name"])
    assert by_name.stdout == by_id.stdout
    unknown = settled.run("explain", "Nobody & Sons")
    assert (unknown.returncode, "Traceback" in unknown.stderr) == (2, False)
