"""The ledger keeps what we did: types survive, one writer per org, a killed run is seen as such."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from connector.data import Change, Guard, Outcome, Plan, Reason
from connector.errors import FixFirst, RetryLater
from connector.store import process
from connector.store.ledger import Ledger

ROOT = Path(__file__).parents[3]
ORG = "00D000000000001EAA"
START = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock):
    with Ledger.open(tmp_path / "ledger.sqlite", clock=clock) as opened:
        yield opened


def change(name: str = "Account:001000000000001AAA", **more) -> Change:
    values = {
        "id": name, "kind": "move", "model": "post_sale", "sobject": "Account", "record": "001000000000001AAA",
        "subject": "001000000000001AAA", "subject_name": 'Ac"me, Ünlimited \n Ltd', "money": Decimal("90000.50"),
        "before": {"Stage__c": "adopting", "Entered__c": date(2026, 1, 10), "Score__c": Decimal("3.50"), "X__c": None},
        "after": {"Stage__c": "renewal", "Seen__c": datetime(2026, 9, 1, 8, tzinfo=UTC), "Flag__c": True, "N__c": 3},
        "because": Reason("stages.renewal.enter_when", "28 days left", (("days_to_renewal <= 60", "28"),)),
        "guards": (Guard("User", "005000000000001AAA", "IsActive", True, "the owner is active"),),
        "depends_on": ("Account:1", "Account:2"), "from_stage": "adopting", "to_stage": "renewal",
        "owner": "005000000000001AAA", "key_field": "Key__c",
    }  # fmt: skip
    return Change(**{**values, **more})


def test_a_change_comes_back_exactly_as_it_was_planned(ledger: Ledger) -> None:
    run = ledger.start_run("lifecycle", org=ORG)
    planned = (change("b"), change("a", record=None, money=None))
    ledger.record_plan(run, Plan(planned))
    rows = ledger.changes(run)
    assert tuple(r.change for r in rows) == planned
    assert [r.outcome.status for r in rows] == ["planned", "planned"]


def test_outcomes_are_kept_with_code_record_and_time(ledger: Ledger, clock: Clock) -> None:
    run = ledger.start_run("lifecycle", org=ORG)
    held = ledger.acquire(ORG, "me")
    ledger.record_plan(run, Plan((change("a"), change("b"), change("c"))))
    ledger.mark_sent(run, ["a", "b"], held)
    clock.pass_(seconds=2)
    ledger.record_outcomes(run, [Outcome("a", "applied", "001X"), Outcome("b", "rejected", None, "CODE", "why")])
    a, b, c = ledger.changes(run)
    assert (a.outcome, a.sent, a.settled) == (Outcome("a", "applied", "001X"), START, START + timedelta(seconds=2))
    assert b.outcome == Outcome("b", "rejected", None, "CODE", "why")
    assert (c.outcome.status, c.sent, c.settled) == ("planned", None, None)


def test_what_was_sent_and_never_answered_is_found_by_the_next_run(ledger: Ledger) -> None:
    run, other = ledger.start_run("lifecycle", org=ORG), ledger.start_run("lifecycle", org="another org")
    ledger.record_plan(run, Plan((change("a"), change("b"), change("c"), change("d"))))
    ledger.record_plan(other, Plan((change("a"),)))
    held = ledger.acquire(ORG, "me")
    ledger.mark_sent(run, ["a", "b", "c"], held)
    ledger.mark_sent(other, ["a"], held)
    ledger.record_outcomes(run, [Outcome("a", "applied"), Outcome("b", "unknown")])
    assert [(r.run, r.change.id, r.outcome.status) for r in ledger.unsettled(ORG)] == [
        (run, "b", "unknown"), (run, "c", "sent")]  # fmt: skip


def test_keys_that_an_earlier_run_created_are_known(ledger: Ledger) -> None:
    run = ledger.start_run("lifecycle", org=ORG)
    creates = [change(k, record=None) for k in ("applied", "exists", "rejected", "planned")]
    ledger.record_plan(run, Plan((*creates, change("an update"))))
    ledger.record_outcomes(
        run, [Outcome(k, k) for k in ("applied", "exists", "rejected")] + [Outcome("an update", "applied")]
    )
    asked = ["applied", "exists", "rejected", "planned", "an update", "never heard of"]
    assert ledger.created_before(asked) == {"applied", "exists"}


def test_the_first_writer_keeps_the_second_out_and_is_named(ledger: Ledger) -> None:
    ledger.acquire(ORG, "nightly on host-1", timedelta(minutes=5))
    with pytest.raises(RetryLater, match=r"nightly on host-1, until 2026-09-01 08:05:00 UTC"):
        ledger.acquire(ORG, "lifecycle")
    assert ledger.acquire("another org", "lifecycle").token == 1


def test_an_expired_lease_is_taken_over_and_its_old_holder_cannot_write_any_more(ledger: Ledger, clock: Clock) -> None:
    slept = ledger.acquire(ORG, "first", timedelta(minutes=5))
    run = ledger.start_run("lifecycle", org=ORG, held=slept)
    ledger.record_plan(run, Plan((change("a"),)))
    clock.pass_(minutes=5)
    taken = ledger.acquire(ORG, "second")
    assert taken.token > slept.token
    with pytest.raises(RetryLater, match="to second"):
        ledger.check(slept)
    with pytest.raises(RetryLater):
        ledger.mark_sent(run, ["a"], slept)
    assert ledger.changes(run)[0].outcome.status == "planned"
    ledger.release(slept)
    assert ledger.check(taken).token == taken.token


def test_a_lease_that_nobody_took_meanwhile_goes_on(ledger: Ledger, clock: Clock) -> None:
    held = ledger.acquire(ORG, "me", timedelta(minutes=5))
    clock.pass_(hours=3)
    assert ledger.check(held).until == clock.now + timedelta(minutes=5)
    with pytest.raises(RetryLater):
        ledger.acquire(ORG, "other")


def test_sending_renews_the_lease(ledger: Ledger, clock: Clock) -> None:
    held = ledger.acquire(ORG, "me", timedelta(minutes=5))
    clock.pass_(minutes=4)
    ledger.mark_sent(ledger.start_run("lifecycle", org=ORG), [], held)
    clock.pass_(minutes=4)
    with pytest.raises(RetryLater):
        ledger.acquire(ORG, "other")


def test_a_released_lease_is_free_at_once_and_tokens_never_come_back(ledger: Ledger) -> None:
    first = ledger.acquire(ORG, "me")
    ledger.release(first)
    assert ledger.acquire(ORG, "you").token == first.token + 1


def test_a_lease_of_a_killed_process_is_taken_over_at_once(tmp_path: Path) -> None:
    killed = _run_and_die(tmp_path / "ledger.sqlite")
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.run(killed).status == "interrupted"
        assert [r.outcome.status for r in ledger.unsettled(ORG)] == ["sent"]
        assert ledger.acquire(ORG, "next").token == 2


def _run_and_die(path: Path) -> int:
    script = (
        "import os, sys; from connector.store.ledger import *; from tests.unit.store.test_ledger import *\n"
        f"ledger = Ledger.open({str(path)!r})\n"
        "held = ledger.acquire(ORG, 'me'); run = ledger.start_run('lifecycle', org=ORG, held=held)\n"
        "ledger.record_plan(run, Plan((change('a'),))); ledger.mark_sent(run, ['a'], held)\n"
        "print(run, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == -9, done.stderr
    return int(done.stdout)


def test_a_run_on_another_machine_is_interrupted_when_its_lease_has_ended(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "identity", lambda: "elsewhere|boot|pid:[1]|42|7")
    run = ledger.start_run("lifecycle", org=ORG, held=ledger.acquire(ORG, "me", timedelta(minutes=5)))
    assert ledger.run(run).status == "running"
    clock.pass_(minutes=5)
    assert ledger.run(run).status == "interrupted"


def test_a_run_whose_lease_was_taken_over_is_interrupted(ledger: Ledger, clock: Clock) -> None:
    run = ledger.start_run("lifecycle", org=ORG, held=ledger.acquire(ORG, "me", timedelta(minutes=5)))
    clock.pass_(minutes=5)
    assert ledger.run(run).status == "running"
    ledger.acquire(ORG, "next")
    assert ledger.run(run).status == "interrupted"


def test_runs_are_listed_newest_first_with_report_and_cost(ledger: Ledger, clock: Clock) -> None:
    first = ledger.start_run("lifecycle", org=ORG, policy="sync", dry_run=True)
    ledger.describe_run(first, as_of=START, mapping_digest="abc")
    clock.pass_(seconds=9)
    ledger.finish_run(first, "refused", 3, {"moves": 4, "arr": Decimal("1.5")}, {"query": 2, "update": 1})
    second = ledger.start_run("nightly", org=ORG)
    newest, oldest = ledger.runs()
    assert (newest.id, newest.status, newest.report, newest.finished) == (second, "running", None, None)
    assert (oldest.status, oldest.exit_code, oldest.dry_run, oldest.policy) == ("refused", 3, True, "sync")
    assert (oldest.as_of, oldest.mapping_digest) == (START, "abc")
    assert (oldest.started, oldest.finished) == (START, START + timedelta(seconds=9))
    assert oldest.report == {"moves": 4, "arr": "1.5"}
    assert oldest.api_calls == {"query": 2, "update": 1}
    assert [r.id for r in ledger.runs(limit=1)] == [second]
    assert ledger.run(99) is None


def test_only_one_scheduler_gets_a_tick(ledger: Ledger) -> None:
    assert ledger.last_tick("lifecycle") is None
    assert ledger.claim_tick("lifecycle", START)
    assert not ledger.claim_tick("lifecycle", START)
    assert ledger.claim_tick("nightly", START)
    assert ledger.claim_tick("lifecycle", START + timedelta(minutes=15))
    assert ledger.last_tick("lifecycle") == START + timedelta(minutes=15)


def test_facts_hold_until_they_change_and_the_last_run_of_a_day_wins(ledger: Ledger) -> None:
    monday = date(2026, 9, 7)
    ledger.record_facts("m", monday, [("001A", "won", 2), ("001A", "end", date(2026, 9, 29)), ("001B", "won", 7)])
    assert ledger.record_facts("m", monday, [("001A", "won", 3)]) == 1
    ledger.record_facts("m", monday + timedelta(days=2), [("001A", "won", None), ("001A", "arr", Decimal("1.50"))])
    ledger.record_facts("other", monday, [("001A", "won", 99)])
    tuesday, wednesday = monday + timedelta(days=1), monday + timedelta(days=2)
    assert ledger.facts("m", "001A", tuesday) == {"won": "3", "end": "2026-09-29"}
    assert ledger.facts("m", "001A", wednesday) == {"won": None, "end": "2026-09-29", "arr": "1.50"}
    assert ledger.facts("m", "001A", monday - timedelta(days=1)) == {}


def test_readers_see_the_last_commit_while_a_run_writes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as writer, Ledger.open(path) as reader:
        run = writer.start_run("lifecycle", org=ORG)
        with writer._write() as db:
            db.execute("UPDATE runs SET job = 'half-written'")
            assert reader.run(run).job == "lifecycle"


def test_a_write_that_fails_leaves_nothing_behind(ledger: Ledger) -> None:
    run = ledger.start_run("lifecycle", org=ORG)
    with pytest.raises(sqlite3.IntegrityError):
        ledger.record_plan(run, Plan((change("a"), change("a"))))
    assert ledger.changes(run) == ()
    ledger.record_plan(run, Plan((change("a"),)))


def test_the_file_and_its_side_files_are_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        ledger.start_run("lifecycle", org=ORG)
        files = sorted(path.parent.iterdir())
        assert len(files) == 3
        assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}


def test_opening_again_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        run = ledger.start_run("lifecycle", org=ORG)
    with Ledger.open(path) as ledger:
        assert ledger.run(run).job == "lifecycle"


def test_a_ledger_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger.open(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(FixFirst, match=r"format 99, this one knows \d+.*Install that version"):
        Ledger.open(path)


def test_a_damaged_ledger_and_a_folder_that_is_none_are_for_a_person_to_fix(tmp_path: Path) -> None:
    damaged = tmp_path / "ledger.sqlite"
    damaged.write_text("not a database " * 1000)
    for path in (damaged, damaged / "below" / "ledger.sqlite"):
        with pytest.raises(FixFirst, match=r"cannot be used .*owner, rights and free space"):
            Ledger.open(path)
