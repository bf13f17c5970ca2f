"""Twin orgs: whatever a run dies of, two equal orgs stay equal.

One twin lives undisturbed. The other loses its whole store between two runs, or one of its runs is killed (kill -9)
at a request boundary: before a request, after it and before its reply, after the reply; every request of that run, as
the org's own ledger lists them. Then both live through simulated days of runs and of people's edits, and must end
with the same stages, entry times, memory, Tasks and memberships.

`make test` tries every request of the first run, those that write at all three moments and the others at one of them,
each with the run that heals it, and lives some days after the most delicate ones; `make soak` tries every moment of
every request and lives forty days after each (TWIN_DAYS, TWIN_DAYS_EACH).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from twins import Twin, make_org, portrait, run_and_kill, serve_twin

Portrait = dict[str, Any]
Disturb = Callable[[Twin], None]

DAYS = int(os.environ.get("TWIN_DAYS", "2"))
DAYS_EACH = int(os.environ.get("TWIN_DAYS_EACH", "0"))
EVERYTHING = bool(DAYS_EACH)
SIZE = 44
SHARES = 5
MOMENTS = ("before_request", "before_reply", "after_reply")


@pytest.fixture(scope="module")
def snapshot() -> bytes:
    return make_org(SIZE).snapshot()


class Lives:
    """The undisturbed twin's portraits, day by day: index 0 is after the run that follows the first one."""

    def __init__(self, snapshot: bytes, home: Path) -> None:
        self.portraits: list[Portrait] = []
        with serve_twin(snapshot, home) as twin:
            run_once(twin)
            self.requests = len(twin.org.ledger.entries)
            self.writes = [n for n, e in enumerate(twin.org.ledger.entries, 1) if e.rows_written]
            live(twin, DAYS, lambda day, of: self.portraits.append(portrait(of.org)))


@pytest.fixture(scope="module")
def lives(snapshot: bytes, tmp_path_factory: pytest.TempPathFactory) -> Lives:
    return Lives(snapshot, tmp_path_factory.mktemp("lives") / "undisturbed")


def run_once(twin: Twin) -> None:
    assert twin.run() == 0


def live(twin: Twin, days: int, look: Callable[[int, Twin], None]) -> None:
    """The run a quarter of an hour later, then days of people and runs; `look` is called after every run."""
    twin.org.clock.advance(timedelta(minutes=15))
    run_once(twin)
    look(0, twin)
    for day in range(1, days + 1):
        twin.live_a_day(day)
        run_once(twin)
        look(day, twin)


def assert_twins(snapshot: bytes, lives: Lives, home: Path, disturb: Disturb, days: int) -> None:
    """Disturbed, then alive for `days`: the same as the undisturbed twin after every single run."""
    with serve_twin(snapshot, home) as twin:
        disturb(twin)
        live(twin, days, lambda day, of: assert_same(portrait(of.org), lives.portraits[day], day))


def assert_same(left: Portrait, right: Portrait, day: int) -> None:
    for part in ("accounts", "tasks", "members"):
        assert left[part] == right[part], f"{part} differ on day {day}"


def boundaries_of(lives: Lives) -> list[tuple[int, str]]:
    found = [(n, when) for n in range(1, lives.requests + 1) for when in MOMENTS]
    return [(n, when) for n, when in found if EVERYTHING or n in lives.writes or when == MOMENTS[n % len(MOMENTS)]]


def kill_at(boundary: int, when: str) -> Disturb:
    return lambda twin: run_and_kill(twin, boundary, when)


def lose_store(twin: Twin) -> None:
    run_once(twin)
    twin.lose_store()


def test_the_undisturbed_twin_has_a_life_worth_comparing(lives: Lives) -> None:
    first, last = lives.portraits[0], lives.portraits[-1]
    assert first != last
    moved = {a["account"] for a in last["accounts"] if a["state"].get("via") == "moved"}
    by_hand = {a["account"] for a in last["accounts"] if a["state"].get("via") == "manual"}
    assert DAYS < 10 or moved, "nobody moved"
    assert DAYS < 40 or by_hand, "no person set a stage"
    assert last["tasks"] != first["tasks"]
    assert last["members"]


def test_a_lost_store_changes_nothing(snapshot: bytes, lives: Lives, tmp_path: Path) -> None:
    assert_twins(snapshot, lives, tmp_path / "twin", lose_store, DAYS)


@pytest.mark.parametrize("write", [0, 1, 2], ids=["accounts", "tasks", "members"])
def test_a_lost_reply_to_a_write_changes_nothing(snapshot: bytes, lives: Lives, tmp_path: Path, write: int) -> None:
    """The org has written, the run was killed before it heard of it: the worst moment there is."""
    assert_twins(snapshot, lives, tmp_path / "twin", kill_at(lives.writes[write], "before_reply"), DAYS)


@pytest.mark.parametrize("share", range(SHARES))
def test_a_run_may_die_at_any_request(snapshot: bytes, lives: Lives, tmp_path: Path, share: int) -> None:
    for n, when in boundaries_of(lives)[share::SHARES]:
        assert_twins(snapshot, lives, tmp_path / f"{n}-{when}", kill_at(n, when), DAYS_EACH)


def test_what_a_killed_run_had_written_is_known_after_the_next(snapshot: bytes, lives: Lives, tmp_path: Path) -> None:
    """The ledger of a run that died before its reply says "sent"; the next pull tells what became of it."""
    with serve_twin(snapshot, tmp_path / "twin") as twin:
        run_and_kill(twin, lives.writes[0], "before_reply")
        assert twin.unsettled()
        run_once(twin)
        assert not twin.unsettled()
