"""The answer to "why?": what it says first, how conditions under a `not` read, and that unknown stays unknown."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from rich.console import Console

from connector.data import Decision, Evaluation, Move, Reason, State, Truth, Via
from connector.report import explanation_json, render_explanation

AS_OF = datetime(2026, 9, 1, 8, tzinfo=UTC)
REASON = Reason("stages.renewal.enter_when", "Renewal: days to renewal is 45 days (at most 120).")


@dataclass(frozen=True)
class Condition:
    text: str
    truth: Truth
    wanted: bool = True
    said: str = ""
    depth: int = 0


@dataclass(frozen=True)
class Stage:
    key: str = "renewal"
    label: str = "Renewal"
    here: bool = True
    rule: str = "stages.renewal.enter_when"
    holds: Truth = True
    conditions: tuple[Condition, ...] = ()
    edge: bool = True
    verdict: str = "the present stage"
    until: date | None = None


@dataclass(frozen=True)
class FactLine:
    key: str
    text: str = ""
    why_unknown: str = ""
    source: str = ""
    label: str = ""
    value: Any = None


@dataclass(frozen=True)
class Explanation:
    evaluation: Evaluation
    stages: tuple[Stage, ...] = (Stage(),)
    facts: tuple[FactLine, ...] = ()
    scope: Truth = True
    scope_conditions: tuple[Condition, ...] = ()
    leaving: tuple[Condition, ...] = ()
    stage_label: str = "Renewal"
    reason: Reason = field(default=REASON)

    @property
    def decision(self) -> Decision:
        return self.evaluation.decision


def evaluation(**state: Any) -> Evaluation:
    decision = Decision("renewal", State(stage="renewal", since=date(2026, 8, 14), via=Via.MOVED, **state))
    return Evaluation("post_sale", "001000000000001AAA", "Acme\nGmbH", decision, {}, {}, {}, next_text="renew")


def text_of(found: Explanation) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(render_explanation(found, "Customer lifecycle", AS_OF))
    return out.getvalue()


def test_the_stage_its_reason_and_its_rule_come_first() -> None:
    lines = text_of(Explanation(evaluation())).splitlines()
    assert lines[0].rstrip() == "Acme GmbH  001000000000001AAA"
    assert lines[1].startswith("Customer lifecycle: Renewal, since 2026-08-14 (moved), as of 2026-09-01 08:00 UTC")
    assert lines[2].strip() == f"because: {REASON.sentence}"
    assert lines[3].strip() == "rule:    stages.renewal.enter_when"
    assert lines[4].strip() == "next:    renew"


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        pytest.param(Condition("paying", True), "true     paying", id="holds"),
        pytest.param(Condition("paying", False), "false    paying", id="does not hold"),
        pytest.param(Condition("nps > 6", None, said="nps is unknown"), "unknown  nps > 6", id="unknown"),
        pytest.param(Condition("paying", False, wanted=False), "true     not paying", id="under a not, and it is not"),
        pytest.param(Condition("a > 1", True, wanted=False), "false    not (a > 1)", id="under a not, but it is"),
        pytest.param(Condition("nps > 6", None, wanted=False), "unknown  not (nps > 6)", id="not unknown is unknown"),
        pytest.param(Condition("b", False, wanted=False, depth=1), "false      b", id="inside a fact: as it is"),
    ],
)
def test_a_condition_is_told_with_its_value(condition: Condition, told: str) -> None:
    assert told in text_of(Explanation(evaluation(), stages=(Stage(conditions=(condition,)),)))


def test_what_a_condition_says_in_words_is_not_said_twice() -> None:
    conditions = (Condition("in_renewal", True, said="in renewal"), Condition("days <= 9", True, said="days is 4"))
    told = text_of(Explanation(evaluation(), stages=(Stage(conditions=conditions),)))
    assert "in renewal" not in told
    assert "days is 4" in told


def test_other_stages_say_why_not_and_until_when() -> None:
    other = Stage("will_churn", "Will churn", here=False, verdict="waiting", until=date(2026, 9, 5), conditions=())
    assert "○ Will churn: waiting until 2026-09-05" in text_of(Explanation(evaluation(), stages=(Stage(), other)))


def test_a_move_that_a_run_would_make_is_said() -> None:
    move = Move("adopting", "renewal", Via.MOVED, date(2026, 9, 1), REASON)
    moved = replace(evaluation(), decision=replace(evaluation().decision, moves=(move,)))
    assert "a run would move it from adopting → renewal" in text_of(Explanation(moved))


def test_a_hold_by_a_person_is_said() -> None:
    assert "kept until 2026-10-01" in text_of(Explanation(evaluation(hold=date(2026, 10, 1))))


def test_whoever_is_out_of_scope_is_told_why() -> None:
    outside = Explanation(evaluation(), scope=False, scope_conditions=(Condition("won_count > 0", False),))
    assert "In scope?" in text_of(outside)
    assert "In scope?" not in text_of(Explanation(evaluation()))


def test_unknown_facts_say_why() -> None:
    told = text_of(
        Explanation(evaluation(), facts=(FactLine("nps", why_unknown="Task was not read"), FactLine("x", "7")))
    )
    assert "unknown: Task was not read" in told
    assert "x                     7" in told


def test_the_json_has_every_stage_and_condition() -> None:
    found = Explanation(evaluation(), stages=(Stage(conditions=(Condition("nps > 6", None),)),))
    told = json.loads(json.dumps(explanation_json(found, AS_OF)))
    assert told["stage"] == "renewal"
    assert told["stages"][0]["conditions"] == [
        {"text": "nps > 6", "value": None, "wanted": True, "said": "", "depth": 0}
    ]
