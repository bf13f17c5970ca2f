"""Reports: what they say, in which order, and that they stay readable whatever the org's names contain."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console, RenderableType

from connector.data import Breach, Change, ChangeKind, ObjectPull, Outcome, Plan, PullResult, Reason
from connector.report import ApiCost, ModelSummary, RunReport, StageLine, conclude, render_plan, render_run, run_json
from connector.report.cost import cost_json, cost_lines
from connector.report.refusals import LOST, group_refusals
from connector.report.words import plain

AS_OF = datetime(2026, 9, 1, 8, tzinfo=UTC)
LABELS = {"adopting": "Adopting", "renewal": "Renewal", "onboarding": "Onboarding"}


def text_of(renderable: RenderableType) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(renderable)
    return out.getvalue()


def change(
    number: int, kind: ChangeKind, *, name: str = "", start: str = "", end: str = "", rule: str = "stages.x.enter_when",
    money: int | None = None,
) -> Change:  # fmt: skip
    subject = f"001{number:015d}"
    return Change(
        id=f"Account:{subject}:{kind}", kind=kind, model="post_sale", sobject="Account", record=subject,
        subject=subject, subject_name=name or f"Account {number}", before={"Won_12M__c": None, "Health__c": "green"},
        after={"Won_12M__c": Decimal(5), "Health__c": "green"}, because=Reason(rule, f"reason {number}"),
        from_stage=start, to_stage=end, money=None if money is None else Decimal(money),
    )  # fmt: skip


def pull(**objects: ObjectPull) -> PullResult:
    return PullResult(AS_OF, "00D000000000001AAA", "UTC", objects or {"Account": ObjectPull("Account", True, read=7)})


def report(plan: Plan, *outcomes: Outcome) -> RunReport:
    stages = (StageLine("adopting", "Adopting", 4, Decimal(1234567)), StageLine("renewal", "Renewal", 2, Decimal(5)))
    model = ModelSummary("post_sale", "Customer lifecycle", "abc", 6, stages)
    return RunReport(
        run=12, job="lifecycle", org="00D000000000001AAA", as_of=AS_OF, status="done", exit_code=0, pull=pull(),
        plan=plan, outcomes=outcomes, models=(model,), cost=ApiCost({"query": 2, "token": 1}, 30, 15000), seconds=1.25,
    )  # fmt: skip


def test_a_plan_tells_moves_first_and_the_widest_group_first() -> None:
    changes = [
        change(1, "kpi"),
        change(2, "move", start="onboarding", end="adopting", money=10),
        change(3, "move", start="adopting", end="renewal", money=1000),
        change(4, "move", start="adopting", end="renewal"),
        change(5, "task_open", rule="ctas.renewal_unowned.open_when"),
    ]
    told = text_of(render_plan(Plan(tuple(changes)), LABELS))
    assert "Plan: 5 changes on 5 accounts: 3 moves, 1 KPI update, 1 new Task" in told
    order = ["Stage moves: 3", "Adopting → Renewal", "1,000", "reason 3", "Onboarding → Adopting", "KPI updates: 1",
             "Won_12M__c 1", "Tasks to open: 1", "renewal_unowned"]  # fmt: skip
    places = [told.index(words) for words in order]
    assert places == sorted(places)
    assert "Health__c" not in told, "a field that keeps its value is no update"


def test_a_group_shows_a_few_examples_and_counts_the_rest() -> None:
    plan = Plan(tuple(change(n, "placement", end="adopting") for n in range(1, 8)))
    short, whole = text_of(render_plan(plan, LABELS, examples=2)), text_of(render_plan(plan, LABELS, examples=None))
    assert "reason 2" in short
    assert "reason 3" not in short
    assert "and 5 more" in short
    assert "reason 7" in whole
    assert "more" not in whole


def test_an_empty_plan_says_that_nothing_is_to_do() -> None:
    assert text_of(render_plan(Plan(), LABELS)).startswith("Nothing to do")


def test_waiting_problems_and_breaches_are_said_even_without_changes() -> None:
    plan = Plan(
        waiting={"post_sale.welcome": 12}, problems=("no active owner for renewal_unowned on Acme",),
        breaches=(Breach("moves", "10 % of the subjects", 70, "stage moves"),),
    )  # fmt: skip
    told = text_of(render_plan(plan, LABELS))
    for words in ("post_sale.welcome 12", "no active owner", "stage moves: 70 found, 10 % of the subjects allowed"):
        assert words in told


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("[bold]Acme[/bold]", "[bold]Acme[/bold]", id="markup stays text"),
        pytest.param("Acme\nGmbH", "Acme GmbH", id="line breaks"),
        pytest.param("Ac\x1b[2Jme", "Ac [2Jme", id="terminal escapes"),
        pytest.param("Müller 🚀 & Söhne", "Müller 🚀 & Söhne", id="any script"),
    ],
)
def test_a_name_never_breaks_the_report(name: str, shown: str) -> None:
    assert plain(name) == shown
    assert shown in text_of(render_plan(Plan((change(1, "placement", name=name, end="adopting"),)), LABELS))


def test_every_line_fits_a_hundred_columns() -> None:
    long = change(1, "move", name="A" * 80, start="adopting", end="renewal")
    long = replace(long, because=Reason("stages.renewal.enter_when", "because " * 40))
    assert max(len(line.rstrip()) for line in text_of(render_run(report(Plan((long,))))).splitlines()) <= 100


def test_a_run_says_what_became_of_the_plan_and_what_it_cost() -> None:
    changes = tuple(change(n, "placement", end="adopting") for n in (1, 2, 3))
    outcomes = (
        Outcome(changes[0].id, "applied", changes[0].record),
        Outcome(changes[1].id, "skipped", message="somebody changed it after it was read"),
        Outcome(changes[2].id, "rejected", code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="Region is needed"),
    )
    told = text_of(render_run(report(Plan(changes), *outcomes)))
    for words in (
        "written: 1 placement", "left for the next run: 1 placement", "somebody changed it", "refused by the org: 1",
        "1 × Account: FIELD_CUSTOM_VALIDATION_EXCEPTION", "Region is needed", "A validation rule of the org said no",
        "Adopting", "1,234,567", "3 API calls (query 2, token 1)", "org used 30 of 15,000 today", "7 records read",
        "Run 12 · job lifecycle · done · as of 2026-09-01 08:00 UTC · 1.2 s",
    ):  # fmt: skip
        assert words in told, words


def test_what_could_not_be_read_is_said_with_its_reason() -> None:
    objects = {
        "Opportunity": ObjectPull("Opportunity", False, "the org answered 500 five times"),
        "Account": ObjectPull("Account", True, hidden={"AnnualRevenue": "hidden from the integration user"}),
    }
    told = text_of(render_run(replace(report(Plan()), pull=pull(**objects))))
    assert "Opportunity: the org answered 500 five times" in told
    assert "Account.AnnualRevenue: hidden from the integration user" in told
    assert "nobody moved because of it" in " ".join(told.split())


def test_refusals_are_grouped_by_code_and_message_most_records_first() -> None:
    changes = [change(n, "kpi") for n in range(4)]
    outcomes = [
        Outcome(changes[0].id, "rejected", code="UNABLE_TO_LOCK_ROW", message="busy"),
        Outcome(changes[1].id, "rejected", code="ODD", message="odd"),
        Outcome(changes[2].id, "rejected", code="ODD", message="odd"),
        Outcome(changes[3].id, "unknown"),
    ]
    groups = group_refusals(changes, outcomes)
    assert [(g.code, len(g.records)) for g in groups] == [("ODD", 2), ("NO_REPLY", 1), ("UNABLE_TO_LOCK_ROW", 1)]
    assert groups[1].advice == LOST
    assert all(g.advice.endswith((".", "knows.")) for g in groups)


BREACHED = Plan(breaches=(Breach("moves", "10", 11, "moves"),))
INCOMPLETE = pull(Task=ObjectPull("Task", False, "no answer"))


@pytest.mark.parametrize(
    ("pulled", "plan", "outcomes", "stopped", "verdict"),
    [
        pytest.param(pull(), Plan(), (), False, ("done", 0), id="nothing to do"),
        pytest.param(pull(), Plan(), (Outcome("a", "skipped"),), False, ("done", 0), id="a person was faster"),
        pytest.param(pull(), Plan(), (Outcome("a", "exists"),), False, ("done", 0), id="it was there already"),
        pytest.param(pull(), Plan(), (Outcome("a", "rejected"),), False, ("failed", 1), id="the org refused a record"),
        pytest.param(pull(), Plan(), (Outcome("a", "unknown"),), False, ("failed", 1), id="no reply came"),
        pytest.param(pull(), BREACHED, (), False, ("refused", 3), id="limits"),
        pytest.param(INCOMPLETE, BREACHED, (), False, ("refused", 3), id="limits and not all read: a person decides"),
        pytest.param(INCOMPLETE, Plan(), (), False, ("failed", 1), id="not everything was read"),
        pytest.param(pull(), Plan(), (), True, ("stopped", 1), id="asked to stop"),
        pytest.param(
            pull(Account=ObjectPull("Account", True, hidden={"Name": "x"})), Plan(), (), False, ("failed", 1),
            id="a field is hidden",
        ),
    ],
)  # fmt: skip
def test_the_verdict_on_a_run(
    pulled: PullResult, plan: Plan, outcomes: tuple[Outcome, ...], stopped: bool, verdict: tuple[str, int]
) -> None:
    assert conclude(pulled, plan, outcomes, stopped=stopped) == verdict


def test_the_json_of_a_run_holds_everything_in_plain_types() -> None:
    placed = replace(
        change(1, "placement", end="adopting"), after={"Entered__c": date(2026, 9, 1), "Won__c": Decimal("1.50")}
    )
    found = json.loads(json.dumps(run_json(report(Plan((placed,)), Outcome(placed.id, "applied", placed.record)))))
    assert found["plan"]["changes"][0]["after"] == {"Entered__c": "2026-09-01", "Won__c": "1.50"}
    assert found["plan"]["counts"] == {"placement": 1}
    assert found["outcomes"] == {"counts": {"applied": 1}, "rows": []}
    assert found["api"]["total"] == 3
    assert found["models"][0]["stages"][0]["money"] == "1234567"


# --- cost -----------------------------------------------------------------------------------------------------

COST = ApiCost(
    {"composite": 4, "bulk": 1200, "create": 1}, 1300, 15000,
    steps={"pull": {"composite": 4, "bulk": 1200}, "apply": {"create": 1}},
    sobjects={"": 4, "Task": 900, "Account": 200, "Opportunity": 90, "Case": 6, "Event": 4, "User": 1},
    predicted={"pull": 1190, "apply": 1}, app=(1205, 5000), share=(1250, 7500),
)  # fmt: skip


def test_the_cost_is_told_by_kind_step_and_sobject_in_lines_that_fit() -> None:
    lines = list(cost_lines(cost_json(COST)))
    assert lines == [
        "1,205 API calls (bulk 1,200, composite 4, create 1)",
        "by step: pull 1,204 (predicted 1,190), apply 1 (predicted 1)",
        "by sObject: Task 900, Account 200, Opportunity 90, Case 6, 2 other sObjects 5, several at once 4",
        "org used 1,300 of 15,000 today · this app 1,205 of 5,000 · all our jobs 1,250 of 7,500",
    ]
    told = text_of(render_run(replace(report(Plan()), cost=COST)))
    assert all(line in told for line in lines[1:])
    assert max(map(len, told.splitlines())) <= 100


SILENT = {
    "nothing was called": (ApiCost(), ["0 API calls"]),
    "a run of before, whose JSON tells kinds only": ({"calls": {"query": 1}, "total": 1}, ["1 API call (query 1)"]),
    "an org that hides its allowance": (
        ApiCost({"query": 1}, steps={"": {"query": 1}}, sobjects={"Task": 1}),
        ["1 API call (query 1)", "by step: other 1", "by sObject: Task 1"],
    ),
}


@pytest.mark.parametrize(("cost", "lines"), SILENT.values(), ids=SILENT.keys())
def test_what_is_not_known_is_left_out(cost: ApiCost | dict[str, Any], lines: list[str]) -> None:
    assert list(cost_lines(cost_json(cost) if isinstance(cost, ApiCost) else cost)) == lines
