"""A plan is written in batches: what moved on is left alone, what fails is dealt with by what it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from org_in_memory import KEY, OrgInMemory, refused

from connector.apply import apply_plan, calls_needed, holds
from connector.data import Breach, Change, Guard, Outcome, Plan, Reason
from connector.errors import FixFirst, NeedsApproval, QuotaExhausted, RetryLater
from connector.salesforce import RowResult
from connector.salesforce.errors import LostReply
from connector.store.ledger import Ledger

ORG = "00D000000000001EAA"
ANNA = "005000000000001AAA"
LOCKED, POISON = refused("UNABLE_TO_LOCK_ROW"), refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CPU time")
SLOW = refused("QUERY_TIMEOUT")


def account(number: int) -> str:
    return f"001{number:012d}AAA"


def update(number: int, *, kind="move", before=None, after=None, **more) -> Change:
    values = {"before": before or {"Stage__c": "a"}, "after": after or {"Stage__c": "b"}, "because": Reason("r", "why")}
    record = account(number)
    return Change(f"Account:{record}", kind, "m", "Account", record, record, f"Customer {number}", **values, **more)


def creation(key: str, *, number: int = 1, kind="task_open", sobject="Task", **more) -> Change:
    values = {"before": {}, "after": {KEY: key}, "because": Reason("r", "why"), "key_field": KEY}
    return Change(key, kind, "m", sobject, None, account(number), f"Customer {number}", **{**values, **more})


class Bench:
    """An org, a ledger, a lease and a plan that is recorded."""

    def __init__(self, path: Path) -> None:
        self.ledger = Ledger.open(path / "ledger.sqlite")
        self.lease = self.ledger.acquire(ORG, "test")
        self.run = self.ledger.start_run("job", org=ORG, held=self.lease)
        self.org = OrgInMemory()
        self.pauses: list[float] = []
        self.told: list[str] = []
        self.stop = lambda: False

    def apply(self, *changes: Change) -> dict[str, Outcome]:
        self.ledger.record_plan(self.run, Plan(changes))
        outcomes = apply_plan(
            Plan(changes), self.org, self.ledger, self.run, self.lease, stop=lambda: self.stop(),
            progress=self.told.append, pause=self.pauses.append,
        )  # fmt: skip
        kept = {o.change: o for o in self.recorded.values() if o.status != "planned"}
        assert {o.change: o for o in outcomes} == kept
        assert [o.change for o in outcomes] == [c.id for c in changes if c.id in kept]
        return kept

    def accounts(self, count: int) -> list[Change]:
        for number in range(1, count + 1):
            self.org.records["Account", account(number)] = {"Stage__c": "a"}
        return [update(n) for n in range(1, count + 1)]

    @property
    def recorded(self) -> dict[str, Outcome]:
        return {row.change.id: row.outcome for row in self.ledger.changes(self.run)}


@pytest.fixture
def bench(tmp_path: Path) -> Iterable[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.ledger.close()


def statuses(outcomes: dict[str, Outcome]) -> list[str]:
    return [o.status for o in outcomes.values()]


# --- the plain case ---------------------------------------------------------------------------------------


def test_what_is_planned_is_written_and_recorded(bench: Bench) -> None:
    (change,) = bench.accounts(1)
    task = creation("m:cta:x::1")
    outcomes = bench.apply(change, task)
    assert outcomes[change.id] == Outcome(change.id, "applied", account(1))
    assert outcomes[task.id].status == "applied"
    assert bench.org.records["Account", account(1)]["Stage__c"] == "b"
    assert bench.org.records["Task", str(outcomes[task.id].record)] == {KEY: "m:cta:x::1"}
    assert bench.told[-1] == "applied 2 of 2"


def test_an_empty_plan_asks_nothing(bench: Bench) -> None:
    assert bench.apply() == {}
    assert bench.org.log == []


def test_the_calls_of_a_plan_are_known_before_it_is_written(bench: Bench) -> None:
    bench.org.records["User", ANNA] = {"IsActive": True}
    active = (Guard("User", ANNA, "IsActive", True, "the owner is active"),)
    changes = (*bench.accounts(401), *(creation(f"k{n}", guards=active) for n in range(201)), creation("x"))
    bench.apply(*changes)
    assert calls_needed(Plan(changes)) == len(bench.org.log) == 3 * 2 + 2 * 2
    assert calls_needed(Plan()) == 0


def test_batches_hold_200_rows_of_one_sobject_and_sort(bench: Bench) -> None:
    changes = [*bench.accounts(201), creation("k1"), creation("k2"), creation("k3", sobject="CampaignMember")]
    bench.apply(*changes)
    assert [len(w) for w in bench.org.writes] == [200, 1, 2, 1]
    assert [(s, len(i)) for s, i, _ in bench.org.reads] == [("Account", 200), ("Account", 1)]
    assert bench.told[0] == "applied 200 of 204"


def test_two_models_write_to_one_record_in_calls_of_their_own(bench: Bench) -> None:
    (first,) = bench.accounts(1)
    bench.org.records["Account", account(1)]["Other__c"] = "x"
    second = replace(first, id="n:" + first.id, model="n", before={"Other__c": "x"}, after={"Other__c": "y"})
    assert statuses(bench.apply(first, second)) == ["applied", "applied"]
    assert [len(w) for w in bench.org.writes] == [1, 1]


def test_a_batch_is_read_again_in_one_call_for_each_sobject(bench: Bench) -> None:
    guards = (Guard("User", ANNA, "IsActive", True, "active"), Guard("Account", account(1), "Stage__c", "a", "stage"))
    more = (Guard("User", ANNA, "Name", "Anna", "name"), Guard("Account", account(2), "Stage__c", None, "stage"))
    bench.org.records["User", ANNA] = {"IsActive": True, "Name": "Anna"}
    bench.org.records["Account", account(1)] = {"Stage__c": "a"}
    bench.org.records["Account", account(2)] = {"Stage__c": None}
    outcomes = bench.apply(creation("k1", guards=guards), creation("k2", guards=more))
    assert statuses(outcomes) == ["applied", "applied"]
    assert bench.org.reads == [
        ("Account", [account(1), account(2)], ["Stage__c"]), ("User", [ANNA], ["IsActive", "Name"])]  # fmt: skip


def test_a_plan_beyond_its_limits_is_never_applied(bench: Bench) -> None:
    plan = Plan((update(1),), (Breach("moves", "1", 2, "stages would change"),))
    with pytest.raises(NeedsApproval):
        apply_plan(plan, bench.org, bench.ledger, bench.run, bench.lease, stop=bool, progress=print)
    assert bench.org.log == []


# --- what moved on ----------------------------------------------------------------------------------------


def test_a_record_that_a_person_changed_meanwhile_is_left_alone(bench: Bench) -> None:
    one, two = bench.accounts(2)
    bench.org.records["Account", account(1)]["Stage__c"] = "by hand"
    outcomes = bench.apply(one, two)
    assert statuses(outcomes) == ["skipped", "applied"]
    assert outcomes[one.id] == Outcome(
        one.id, "skipped", account(1), "",
        "Stage__c changed after it was read: somebody else was faster. Planned anew next time.",
    )  # fmt: skip
    assert bench.org.records["Account", account(1)]["Stage__c"] == "by hand"
    assert bench.org.writes == [[account(2)]]


def test_every_field_of_before_is_a_condition(bench: Bench) -> None:
    bench.org.records["Account", account(1)] = {"Stage__c": "a", "State__c": "x", "Won__c": 7}
    outcomes = bench.apply(update(1, before={"Stage__c": "a", "State__c": "y", "Won__c": Decimal(8)}))
    assert "State__c, Won__c changed" in outcomes[f"Account:{account(1)}"].message
    assert bench.org.writes == []


def test_a_record_that_is_gone_or_merged_is_left_alone(bench: Bench) -> None:
    outcomes = bench.apply(update(1))
    assert statuses(outcomes) == ["skipped"]
    words = "The record is gone: deleted, merged, or hidden from our user."
    assert outcomes[f"Account:{account(1)}"].message == words


GUARDS = {
    "the owner has left": {"IsActive": False},
    "the owner cannot be seen": None,
}


@pytest.mark.parametrize("case", GUARDS)
def test_a_task_is_not_created_when(bench: Bench, case: str) -> None:
    if GUARDS[case]:
        bench.org.records["User", ANNA] = GUARDS[case]
    outcomes = bench.apply(creation("k", guards=(Guard("User", ANNA, "IsActive", True, "its owner is active"),)))
    assert outcomes["k"].status == "skipped"
    assert outcomes["k"].message == "No longer true: its owner is active."


def test_guards_of_an_update_count_too(bench: Bench) -> None:
    bench.accounts(1)
    bench.org.records["User", ANNA] = {"IsActive": False}
    guarded = update(1, guards=(Guard("User", ANNA, "IsActive", True, "active"),))
    assert statuses(bench.apply(guarded)) == ["skipped"]


HOLDS = {
    "text": ("a", "a", True),
    "other text": ("a", "A", False),
    "text that is gone": ("a", None, False),
    "blank and null": (None, None, True),
    "blank and empty": (None, "", True),
    "blank and unchecked": (None, False, True),
    "empty and null": ("", None, True),
    "blank and zero": (None, 0, False),
    "blank and something": (None, "x", False),
    "checked": (True, True, True),
    "unchecked": (False, False, True),
    "unchecked and null": (False, None, True),
    "checked and unchecked": (True, False, False),
    "money with other zeros": (Decimal("5.50"), 5.5, True),
    "money as Decimal": (Decimal("5.50"), Decimal("5.5"), True),
    "other money": (Decimal("5.50"), 5.51, False),
    "money that is gone": (Decimal("5.50"), None, False),
    "zero and null": (Decimal(0), None, False),
    "a whole number": (3, 3.0, True),
    "a day": (date(2026, 9, 1), "2026-09-01", True),
    "another day": (date(2026, 9, 1), "2026-09-02", False),
    "a moment": (datetime(2026, 9, 1, 8, tzinfo=UTC), "2026-09-01T08:00:00.000+0000", True),
    "a moment in another zone": (datetime(2026, 9, 1, 8, tzinfo=UTC), "2026-09-01T10:00:00.000+0200", True),
    "another moment": (datetime(2026, 9, 1, 8, tzinfo=UTC), "2026-09-01T08:00:01.000+0000", False),
}


@pytest.mark.parametrize("case", HOLDS)
def test_still_holds(case: str) -> None:
    value, raw, expected = HOLDS[case]
    assert holds(value, raw) is expected


# --- what depends on what ---------------------------------------------------------------------------------


def test_what_depends_on_a_refused_change_waits(bench: Bench) -> None:
    (move,) = bench.accounts(1)
    bench.org.faults = [lambda _: refused("FIELD_CUSTOM_VALIDATION_EXCEPTION")]
    task = creation("k", depends_on=(move.id,))
    last = creation("m", depends_on=("k",), kind="member_add", sobject="CampaignMember")
    outcomes = bench.apply(move, task, last)
    assert statuses(outcomes) == ["rejected", "skipped", "skipped"]
    assert outcomes["k"].message == f"It waits for {move.id}, which was not written."
    assert len(bench.org.writes) == 1


@pytest.mark.parametrize("fault", [LostReply("?"), None])
def test_what_depends_on_a_change_of_unknown_fate_waits(bench: Bench, fault) -> None:
    (move,) = bench.accounts(1)
    bench.org.faults = [lambda _: fault]
    outcomes = bench.apply(move, creation("k", depends_on=(move.id,)))
    assert statuses(outcomes) == (["unknown", "skipped"] if fault else ["applied", "applied"])


def test_what_depends_on_a_key_that_exists_goes_on(bench: Bench) -> None:
    bench.org.records["Task", "00T000000000009AAA"] = {KEY: "k1"}
    outcomes = bench.apply(creation("k1"), creation("k2", depends_on=("k1",), sobject="CampaignMember"))
    assert statuses(outcomes) == ["exists", "applied"]


def test_what_depends_on_something_outside_the_plan_waits(bench: Bench) -> None:
    assert statuses(bench.apply(creation("k", depends_on=("Account:elsewhere",)))) == ["skipped"]


# --- keys that exist --------------------------------------------------------------------------------------


def test_a_key_that_exists_is_looked_up_not_repeated(bench: Bench) -> None:
    bench.org.records["Task", "00T000000000009AAA"] = {KEY: "k"}
    outcomes = bench.apply(creation("k"))
    assert (outcomes["k"].status, outcomes["k"].record) == ("exists", "00T000000000009AAA")


DUPLICATES = {
    "the key, by field": (("Lifecycle_Key__c",), "duplicate value found", "exists"),
    "the key, by message": ((), "duplicate value found: Lifecycle_Key__c duplicates value on record", "exists"),
    "a member of the campaign already": ((), "Already a campaign member.", "exists"),
    "the key of a record with small letters in its id": (
        (),
        "duplicate value found: Lifecycle_Key__c duplicates value on record with id: 00Tgk00000abcde",
        "exists",
    ),
    "another unique field, by field": (("Other__c",), "duplicate value found", "rejected"),
    "another unique field, by message": ((), "duplicate value found: Other__c duplicates value", "rejected"),
}


@pytest.mark.parametrize("case", DUPLICATES)
def test_a_duplicate_is(bench: Bench, case: str) -> None:
    fields, message, status = DUPLICATES[case]
    bench.org.faults = [lambda _: refused("DUPLICATE_VALUE", message, fields)]
    outcome = bench.apply(creation("k"))["k"]
    assert (outcome.status, outcome.code, outcome.message) == (status, "DUPLICATE_VALUE", message)
    assert outcome.record == ("00Tgk00000abcde" if "00Tgk" in message else None)


def test_a_refused_create_does_not_exist(bench: Bench) -> None:
    bench.org.faults = [lambda _: refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [Subject]")]
    outcome = bench.apply(creation("k"))["k"]
    assert outcome == Outcome("k", "rejected", None, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Subject]")


def test_an_org_that_answers_for_fewer_records_than_asked_is_not_trusted(bench: Bench) -> None:
    bench.org.retrieve = lambda *_: []
    with pytest.raises(ValueError, match="shorter"):
        bench.apply(*bench.accounts(1))
    assert bench.org.writes == []


def test_a_duplicate_on_an_update_is_a_refusal(bench: Bench) -> None:
    (change,) = bench.accounts(1)
    bench.org.faults = [lambda _: refused("DUPLICATE_VALUE", "duplicate value found")]
    assert statuses(bench.apply(change)) == ["rejected"]


def test_a_membership_that_a_person_removed_is_not_offered_again(bench: Bench) -> None:
    member = creation("m:welcome:p:d", kind="member_add", sobject="CampaignMember")
    assert statuses(bench.apply(member)) == ["applied"]
    bench.org.records.clear()
    bench.run = bench.ledger.start_run("job", org=ORG)
    outcomes = bench.apply(member)
    assert outcomes[member.id].status == "skipped"
    assert "A person removed this membership" in outcomes[member.id].message


def test_a_task_may_be_created_again(bench: Bench) -> None:
    assert statuses(bench.apply(creation("k"))) == ["applied"]
    bench.org.records.clear()
    bench.run = bench.ledger.start_run("job", org=ORG)
    assert statuses(bench.apply(creation("k"))) == ["applied"]


# --- refusals ---------------------------------------------------------------------------------------------


def test_a_refusal_keeps_the_org_s_own_code_and_words_and_stops_nobody_else(bench: Bench) -> None:
    changes = bench.accounts(3)
    bench.org.faults = [lambda _: {account(2): refused("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Churn needs a reason")}]
    outcomes = bench.apply(*changes)
    assert statuses(outcomes) == ["applied", "rejected", "applied"]
    assert outcomes[changes[1].id] == Outcome(
        changes[1].id, "rejected", account(2), "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Churn needs a reason"
    )


@pytest.mark.parametrize("refusal", [LOCKED, SLOW], ids=["locked", "its trigger queried for too long"])
def test_a_row_that_may_yet_pass_is_tried_again_in_smaller_sorted_batches(bench: Bench, refusal: RowResult) -> None:
    changes = bench.accounts(120)
    locked = {account(n) for n in range(1, 61)}
    bench.org.faults = [lambda names: {n: refusal for n in names if n in locked}]
    outcomes = bench.apply(*changes)
    assert set(statuses(outcomes)) == {"applied"}
    assert [len(w) for w in bench.org.writes] == [120, 50, 10]
    assert bench.org.writes[1] == [account(n) for n in range(1, 51)]
    assert bench.pauses == [2.0]


def test_a_row_that_stays_locked_is_given_up_after_five_tries(bench: Bench) -> None:
    one, two = bench.accounts(2)
    bench.org.always = lambda names: {account(1): LOCKED}
    outcomes = bench.apply(one, two)
    assert statuses(outcomes) == ["rejected", "applied"]
    assert outcomes[one.id] == Outcome(one.id, "rejected", account(1), "UNABLE_TO_LOCK_ROW", "no")
    assert bench.org.writes == [[account(1), account(2)], *[[account(1)]] * 4]
    assert bench.pauses == [2.0, 4.0, 8.0, 16.0]


def test_a_locked_row_is_read_again_before_it_is_tried_again(bench: Bench) -> None:
    (change,) = bench.accounts(1)

    def lock_and_edit(names):
        bench.org.records["Account", account(1)]["Stage__c"] = "by hand"
        return LOCKED

    bench.org.faults = [lock_and_edit]
    assert statuses(bench.apply(change)) == ["skipped"]
    assert bench.org.records["Account", account(1)]["Stage__c"] == "by hand"


def test_rows_that_the_org_did_not_come_to_are_sent_again(bench: Bench) -> None:
    changes = bench.accounts(2)
    bench.org.faults = [lambda _: {account(1): refused("PROCESSING_HALTED")}]
    assert statuses(bench.apply(*changes)) == ["applied", "applied"]


def test_later_sobjects_wait_until_locked_parents_were_tried_again(bench: Bench) -> None:
    (move,) = bench.accounts(1)
    bench.org.faults = [lambda _: LOCKED]
    assert statuses(bench.apply(move, creation("k", depends_on=(move.id,)))) == ["applied", "applied"]
    assert [kind for kind, _ in bench.org.log] == ["retrieve", "update", "retrieve", "update", "create"]


def test_one_poison_row_is_found_and_all_others_written(bench: Bench) -> None:
    changes = bench.accounts(200)
    bench.org.always = lambda names: POISON if account(77) in names else None
    outcomes = bench.apply(*changes)
    assert [c for c, o in outcomes.items() if o.status == "rejected"] == [f"Account:{account(77)}"]
    assert list(outcomes.values()).count(outcomes[f"Account:{account(77)}"]) == 1
    assert outcomes[f"Account:{account(77)}"].code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert sum(o.status == "applied" for o in outcomes.values()) == 199
    assert len(bench.org.writes) <= 17
    assert bench.pauses == []


def test_halves_are_written_in_order(bench: Bench) -> None:
    bench.org.faults = [lambda _: POISON]
    bench.apply(*bench.accounts(5))
    assert bench.org.writes[1:] == [[account(1), account(2), account(3)], [account(4), account(5)]]


def test_several_poison_rows_are_found(bench: Bench) -> None:
    changes = bench.accounts(9)
    bad = {account(2), account(3), account(9)}
    bench.org.always = lambda names: POISON if bad & set(names) else None
    outcomes = bench.apply(*changes)
    assert {o.record for o in outcomes.values() if o.status == "rejected"} == bad


def test_a_poison_row_among_rows_that_were_written_is_tried_alone_and_refused(bench: Bench) -> None:
    changes = bench.accounts(3)
    bench.org.always = lambda names: {account(2): POISON}
    assert statuses(bench.apply(*changes)) == ["applied", "rejected", "applied"]
    assert bench.org.writes == [[account(1), account(2), account(3)], [account(2)]]


# --- lost replies -----------------------------------------------------------------------------------------


def test_a_lost_reply_leaves_the_rows_unknown_and_the_rest_goes_on(bench: Bench) -> None:
    changes = bench.accounts(201)
    bench.org.faults = [lambda _: LostReply("no answer")]
    outcomes = bench.apply(*changes)
    assert statuses(outcomes) == ["unknown"] * 200 + ["applied"]
    assert outcomes[changes[0].id] == Outcome(changes[0].id, "unknown", account(1), "", "no answer")
    assert len(bench.org.writes) == 2
    assert len(bench.ledger.unsettled(ORG)) == 200


def test_a_lost_reply_is_never_sent_twice_in_one_run(bench: Bench) -> None:
    bench.org.faults = [lambda _: LostReply("no answer")]
    bench.org.writes_before_fault = True
    assert statuses(bench.apply(creation("k"))) == ["unknown"]
    assert bench.org.writes == [["k"]]
    bench.run = bench.ledger.start_run("job", org=ORG)
    assert statuses(bench.apply(creation("k"))) == ["exists"]


def test_after_three_lost_replies_the_run_ends(bench: Bench) -> None:
    changes = bench.accounts(900)
    bench.org.always = lambda _: LostReply("no answer")
    with pytest.raises(RetryLater, match="3 writes got no answer"):
        bench.apply(*changes)
    assert len(bench.org.writes) == 3
    assert [o.status for o in bench.recorded.values()].count("unknown") == 600


def test_two_lost_replies_do_not_end_it(bench: Bench) -> None:
    bench.org.faults = [lambda _: LostReply("no answer")] * 2
    outcomes = bench.apply(*bench.accounts(401))
    assert statuses(outcomes).count("unknown") == 400


# --- stops ------------------------------------------------------------------------------------------------


def test_asked_to_stop_it_ends_after_the_current_batch(bench: Bench) -> None:
    changes = [*bench.accounts(300), creation("k")]
    bench.stop = lambda: len(bench.org.writes) >= 1
    outcomes = bench.apply(*changes)
    assert statuses(outcomes) == ["applied"] * 200
    assert {o.status for o in bench.recorded.values()} == {"applied", "planned"}
    assert len(bench.org.writes) == 1


def test_asked_to_stop_before_the_start_nothing_is_done(bench: Bench) -> None:
    bench.stop = lambda: True
    assert bench.apply(*bench.accounts(1)) == {}
    assert bench.org.log == []


def test_asked_to_stop_there_is_no_waiting_for_locks(bench: Bench) -> None:
    bench.org.always = lambda _: LOCKED
    bench.stop = lambda: len(bench.org.writes) >= 1
    bench.apply(*bench.accounts(1))
    assert bench.pauses == []


def test_suspects_not_yet_tried_alone_when_asked_to_stop_are_told_as_refused(bench: Bench) -> None:
    bench.org.always = lambda _: POISON
    bench.stop = lambda: len(bench.org.writes) >= 2
    outcomes = bench.apply(*bench.accounts(4))
    assert statuses(outcomes) == ["rejected"] * 4
    assert {o.code for o in outcomes.values()} == {POISON.code}


def test_rows_still_locked_when_the_run_ends_otherwise_are_told_as_refused(bench: Bench) -> None:
    changes = bench.accounts(201)
    bench.org.faults = [lambda _: LOCKED, lambda _: RetryLater("maintenance")]
    with pytest.raises(RetryLater):
        bench.apply(*changes)
    assert [o.status for o in bench.recorded.values()] == ["rejected"] * 200 + ["skipped"]


def test_rows_still_locked_when_asked_to_stop_are_told_as_refused(bench: Bench) -> None:
    bench.org.always = lambda _: LOCKED
    bench.stop = lambda: len(bench.org.writes) >= 1
    assert statuses(bench.apply(*bench.accounts(2))) == ["rejected", "rejected"]


ENDS = [QuotaExhausted("used up"), RetryLater("maintenance"), FixFirst("no access")]


@pytest.mark.parametrize("error", ENDS, ids=lambda e: type(e).__name__)
def test_an_org_that_takes_nothing_more_ends_the_run_with_everything_recorded(bench: Bench, error) -> None:
    changes = bench.accounts(300)
    bench.org.faults = [lambda _: None, lambda _: error]
    with pytest.raises(type(error), match=str(error)):
        bench.apply(*changes)
    recorded = [o.status for o in bench.recorded.values()]
    assert (recorded.count("applied"), recorded.count("skipped")) == (200, 100)
    last = changes[-1]
    assert bench.recorded[last.id] == Outcome(last.id, "skipped", last.record, "", str(error))


def test_a_full_org_ends_the_run_after_recording_what_it_did_take(bench: Bench) -> None:
    changes = bench.accounts(3)
    bench.org.faults = [lambda _: {account(2): refused("STORAGE_LIMIT_EXCEEDED", "full")}]
    with pytest.raises(QuotaExhausted, match="STORAGE_LIMIT_EXCEEDED: full"):
        bench.apply(*changes, creation("k"))
    assert [o.status for o in bench.recorded.values()] == ["applied", "rejected", "applied", "planned"]


def test_a_lease_that_was_taken_over_stops_before_the_next_write(bench: Bench) -> None:
    changes = bench.accounts(201)

    def take_over() -> None:
        bench.ledger.release(bench.lease)
        bench.ledger.acquire(ORG, "somebody else")

    bench.org.before_write = take_over
    with pytest.raises(RetryLater, match="to somebody else"):
        bench.apply(*changes)
    assert [len(w) for w in bench.org.writes] == [200]
    assert [o.status for o in bench.recorded.values()] == ["applied"] * 200 + ["planned"]


def test_rows_are_recorded_as_sent_before_their_request_leaves(bench: Bench) -> None:
    changes = bench.accounts(2)
    seen: list[list[str]] = []
    bench.org.before_write = lambda: seen.append([o.status for o in bench.recorded.values()])
    bench.org.records["Account", account(2)]["Stage__c"] = "by hand"
    bench.apply(*changes)
    assert seen == [["sent", "skipped"]]


def test_killed_during_a_request_the_rows_stay_sent(bench: Bench) -> None:
    changes = bench.accounts(2)
    bench.org.faults = [lambda _: MemoryError()]
    with pytest.raises(MemoryError):
        bench.apply(*changes)
    assert [r.outcome.status for r in bench.ledger.unsettled(ORG)] == ["sent", "sent"]
