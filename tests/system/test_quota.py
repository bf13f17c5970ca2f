"""The API allowance through the command line: two jobs share a day, and nobody begins what cannot be paid for."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest
from installations import Installation

from connector.localorg.server import BoundaryEvent, DropConnectionError


def second_job(installation: Installation, name: str = "evening") -> None:
    """The same work under another name, as a second schedule has it."""
    jobs = installation.home / "jobs"
    shutil.copy(jobs / "lifecycle.toml", jobs / f"{name}.toml")
    installation.edit(f"jobs/{name}.toml", 'job = "lifecycle"', f'job = "{name}"')


def limit(installation: Installation, **settings: float) -> None:
    lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
    file = installation.home / "config.toml"
    file.write_text(file.read_text() + f"[api]\n{lines}")


def api_calls(installation: Installation) -> int:
    return installation.org.ledger.api_calls()


def test_two_jobs_share_a_day_and_go_on_the_next(installation: Installation) -> None:
    """The second job stops before its first query when the first has used the day up, until the org's next day."""
    second_job(installation)
    share = installation.json("run", "lifecycle")["api"]["installation"]["used"]
    assert share == api_calls(installation) > 0
    limit(installation, daily_share=100 * share / installation.org.state.api_limit)
    installation.org.ledger.clear()

    refused = installation.run("run", "evening")
    assert refused.returncode == 4
    assert f"of the {share:,} that [api] daily_share allows them" in " ".join(refused.stderr.split())
    assert f"(lifecycle {share:,})" in " ".join(refused.stderr.split())
    assert api_calls(installation) == 0, "a login, and nothing else"

    installation.org.clock.advance(timedelta(hours=23))
    assert installation.run("run", "evening").returncode == 4
    installation.org.clock.advance(timedelta(hours=1, minutes=2))
    evening = installation.json("run", "evening")["api"]
    lifecycle = installation.json("run", "lifecycle")["api"]
    assert evening["installation"] == {"used": evening["total"], "allowed": share}
    assert lifecycle["installation"] == {"used": evening["total"] + lifecycle["total"], "allowed": share}

    listed = installation.json("runs")
    assert [(r["job"], r["exit_code"]) for r in listed][:5] == [
        ("lifecycle", 0), ("evening", 0), ("evening", 4), ("evening", 4), ("lifecycle", 0),
    ]  # fmt: skip


def test_calls_of_a_run_that_was_killed_are_counted_too(settled: Installation) -> None:
    second_job(settled)
    started = settled.start("run", "lifecycle")

    def kill(event: BoundaryEvent) -> None:
        if event.when == "after_reply" and "/services/data/" in event.path:
            started.kill()

    settled.server.on_boundary = kill
    started.wait(60)
    settled.server.on_boundary = None
    limit(settled, daily_share=100 / settled.org.state.api_limit)
    assert settled.run("run", "evening").returncode == 4


def test_a_plan_that_cannot_be_paid_for_is_not_begun(installation: Installation) -> None:
    """What was planned is kept in the ledger; nothing of it was sent."""
    read = sum(installation.json("run", "lifecycle", "--dry-run")["api"]["calls"].values())
    shutil.rmtree(installation.home / "var")
    installation.org.ledger.clear()
    limit(installation, daily_share=100 * (read + 1) / installation.org.state.api_limit)
    refused = installation.run("run", "lifecycle")
    assert refused.returncode == 4
    said = " ".join(refused.stderr.split())
    assert "Writing" in said
    assert "Nothing of it was begun" in said
    assert installation.org.ledger.writes() == []
    shown = installation.run("runs", "1")
    assert "not begun" not in shown.stdout
    assert "API call" in shown.stdout


def test_a_run_tells_what_it_spent_where_and_so_does_the_ledger(installation: Installation) -> None:
    done = installation.run("run", "lifecycle")
    assert done.returncode == 0, done.stderr
    report = installation.json("runs", "1")["report"]["api"]
    steps = report["steps"]
    assert set(steps) == {"pull", "apply"}
    assert sum(sum(kinds.values()) for kinds in steps.values()) == report["total"] == api_calls(installation)
    assert report["predicted"]["apply"] == sum(steps["apply"].values())
    assert report["installation"] == {"used": report["total"], "allowed": installation.org.state.api_limit // 2}
    assert report["sobjects"]["Task"] > 0
    again = installation.run("runs", "1").stdout
    for text in (done.stdout, again):
        assert f"{report['total']} API calls (" in " ".join(text.split())
        assert f"by step: pull {sum(steps['pull'].values())}" in " ".join(text.split())
        assert "apply" in text
        assert f"all our jobs {report['total']:,} of " in " ".join(text.split())
        assert max(map(len, text.splitlines())) <= 100


def test_a_run_that_fails_tells_what_it_spent(installation: Installation) -> None:
    def cut(event: BoundaryEvent) -> None:
        if "/composite/sobjects" in event.path:
            raise DropConnectionError

    installation.server.on_boundary = cut
    assert installation.run("run", "lifecycle").returncode == 1
    installation.server.on_boundary = None
    api = installation.json("runs", "1")["report"]["api"]
    assert api["steps"]["pull"]
    assert api["total"] == sum(json.loads(json.dumps(api["calls"])).values()) > 0


@pytest.mark.parametrize("share", [50, 100], ids=["as delivered", "everything"])
def test_the_reserve_stands_whatever_the_share(settled: Installation, share: float) -> None:
    limit(settled, daily_share=share, reserve=20)
    settled.org.state.api_limit = 10
    kept = 8
    codes = [settled.run("run", "lifecycle").returncode for _ in range(5)]
    assert codes[-1] == 4
    assert api_calls(settled) <= kept + codes.count(4), "at most one call each, to hear that there is none left"
