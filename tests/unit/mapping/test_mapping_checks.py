"""What is wrong with a model as a whole: one row per mistake, with its line and what the author is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_mapping import MODEL, loaded, problems

from connector.mapping.check_created import find_circle

Change = tuple[str, str]
STAGES = "stages:\n"
HEALTH = """\
health:
  grace: 30 days
  grace_from: first_won
  measures:
    - {key: spend, weight: 2, value: amount, green: 100, yellow: 50}
    - {key: age, weight: 1, value: age, green: 30, yellow: 60, better: low}
"""


def with_health(change: Change = ("", "")) -> Change:
    return STAGES, HEALTH.replace(*change) + STAGES if change[0] else HEALTH + STAGES


CASES: list[tuple[str, Change, str, str]] = [
    (
        "an sObject that is none",
        ("label: Small\n", "label: Small\nsubject: Acount\n"),
        "subject: Acount",
        "did you mean 'Account'",
    ),
    (
        "a subject of later versions",
        ("label: Small\n", "label: Small\nsubject: Lead\n"),
        "subject: Lead",
        "not available yet",
    ),
    ("a stage key twice", ("key: settled", "key: fresh"), "  - key: fresh", "used twice"),
    (
        "two stages of one value",
        ("label: Settled\n", "label: Settled\n    value: fresh\n"),
        "    value: fresh",
        "each needs its own",
    ),
    ("a fact with a reserved name", ("  age: today", "  stage: 1\n  age: today"), "  stage: 1", "meaning of its own"),
    (
        "a fact with a word of the language",
        ("  age: today", "  where: 1\n  age: today"),
        "  where: 1",
        "meaning of its own",
    ),
    (
        "a fact and a parameter of one name",
        ("  patience:", "  won: 1\n  patience:"),
        "  won: count(",
        "already the name",
    ),
    (
        "a fact that hides a field",
        ("  age: today", "  industry: 1\n  age: today"),
        "  industry: 1",
        "hides the field Industry",
    ),
    (
        "a segment that overrides nothing",
        ("facts:\n", "segments:\n  - {key: big, when: won > 9, params: {patients: 1}}\nfacts:\n"),
        "  - {key: big",
        "did you mean 'patience'",
    ),
    ("an unknown zone", ("label: Small\n", "label: Small\nzone: Europe/Lundon\n"), "zone:", "Europe/London"),
    (
        "an unknown calendar",
        ("label: Small\n", "label: Small\ncalendar: Narnia\n"),
        "calendar:",
        "org for the org's own",
    ),
    ("a stage missing in the order", ("[gone, settled, fresh]", "[gone, fresh]"), "order:", "missing: settled"),
    (
        "a stage twice in the order",
        ("[gone, settled, fresh]", "[gone, settled, fresh, gone]"),
        "order:",
        "in the order twice",
    ),
    (
        "an unknown stage in the order",
        ("[gone, settled, fresh]", "[gone, setled, fresh]"),
        "order:",
        "did you mean 'settled'",
    ),
    (
        "an edge to nowhere",
        ("next: [settled]", "next: [setled, settled]"),
        "    next: [setled",
        "did you mean 'settled'",
    ),
    (
        "an edge to itself",
        ("next: [settled]", "next: [fresh, settled]"),
        "    next: [fresh, settled]",
        "leads to itself",
    ),
    ("an edge twice", ("next: [settled]", "next: [settled, settled]"), "    next: [settled, settled]", "twice"),
    ("a stage that no edge leads to", ("next: [gone]", "next: [fresh]"), "  - key: gone", "unreachable"),
    ("an unreachable pair", ("next: [settled]", "next: []"), "  - key: settled", "unreachable"),
    ("a stage without a way out", ("next: [gone]", "reachable_from_all: true"), "  - key: settled", "no way out"),
    (
        "leave_for alone",
        ("label: Settled\n", "label: Settled\n    leave_for: 3 days\n"),
        "    leave_for",
        "needs a leave_when",
    ),
    (
        "otherwise alone",
        ("label: Settled\n", "label: Settled\n    otherwise: gone\n"),
        "    otherwise",
        "needs a leave_when",
    ),
    (
        "otherwise to nowhere",
        ("label: Settled\n", "label: Settled\n    leave_when: won = 1\n    otherwise: gon\n"),
        "    otherwise",
        "did you mean 'gone'",
    ),
    (
        "approval without a field",
        ("label: Settled\n", "label: Settled\n    approval: person\n"),
        "    approval",
        "write: proposed",
    ),
    ("a written fact without a type", ("    type: currency(16, 2)\n", ""), "  amount:", "needs a type"),
    (
        "a written counter",
        ("value: sum(Opportunity.Amount where IsWon)\n    type: currency(16, 2)", "value: age\n    type: number(5, 0)"),
        "    write: Won__c",
        "another value every day",
    ),
    ("a fact of another type", ("currency(16, 2)", "date"), "    value: sum(", "date"),
    ("write_once without a field", ("    write: Won__c", "    write_once: true"), "    write_once", "needs a field"),
    (
        "stale_after without a date",
        ("    write: Won__c", "    write: Won__c\n    stale_after: 3 days"),
        "    stale_after",
        "`dated`",
    ),
    (
        "dated without an age",
        ("    write: Won__c", "    write: Won__c\n    dated: first_won"),
        "    dated",
        "stale_after",
    ),
    (
        "health fields without health",
        ("  state: State__c\n", "  state: State__c\n  health_band: Health__c\n"),
        "  health_band",
        "no health",
    ),
    (
        "bounds of bands that do not fall",
        with_health(("  measures:", "  bands: {green: 50, yellow: 75}\n  measures:")),
        "  bands",
        "must fall",
    ),
    ("grace from nothing", with_health(("  grace_from: first_won\n", "")), "  grace:", "grace_from"),
    (
        "coverage above all",
        with_health(("  measures:", "  min_coverage: 120 %\n  measures:")),
        "  min_coverage",
        "at most 100",
    ),
    (
        "green below yellow",
        with_health(("green: 100", "green: 10")),
        "    - {key: spend",
        "green must lie above yellow",
    ),
    (
        "green above yellow where low is better",
        with_health(("green: 30", "green: 90")),
        "    - {key: age",
        "must lie below",
    ),
    ("a measure twice", with_health(("key: age", "key: spend")), "    - {key: spend", "used twice"),
    ("a measure that is no number", with_health(("value: amount", "value: Name")), "    - {key: spend", "number"),
    (
        "a role without a name",
        ("    subject: Say", '    owner: ["team:"]\n    subject: Say'),
        "    owner",
        "lacks its name",
    ),
    ("an owner that is no person", ("    subject: Say", "    owner: [won]\n    subject: Say"), "    owner", "text"),
    (
        "an unknown Task field",
        ("    subject: Say", "    set: {Typ: Call}\n    subject: Say"),
        "    set",
        "did you mean 'Type'",
    ),
    (
        "a Task field that is ours",
        ("    subject: Say", "    set: {Status: New}\n    subject: Say"),
        "    set",
        "may not write Status",
    ),
    (
        "an unknown priority",
        ("    subject: Say", "    priority: Urgent\n    subject: Say"),
        "    priority",
        "High, Normal, Low",
    ),
    (
        "an unknown Task type",
        ("    subject: Say", "    set: {Type: Cal}\n    subject: Say"),
        "    set",
        "no value of Task.Type",
    ),
    ("an unknown name in a text", ("to {Name}", "to {Nmae}"), "    subject", "did you mean 'Name'"),
    ("an open brace", ("to {Name}", "to {Name"), "    subject", "partner"),
    ("a playbook on no stage", ("on_enter: fresh", "on_enter: fersh"), "    on_enter:", "did you mean 'fresh'"),
    ("a step after no step", ("after: [one]", "after: [on]"), "      - {key: two", "did you mean 'one'"),
    (
        "steps that wait for each other",
        ("due: entered + 3 days", "due: entered + 3 days, after: [two]"),
        "      - {key: one",
        "one -> two -> one",
    ),
    (
        "cta_done of nothing",
        ("enter_when: won = 0", "enter_when: cta_done('helo')"),
        "    enter_when: cta_done",
        "did you mean 'hello'",
    ),
    ("two writers of one field", ("  state: State__c", "  state: Won__c"), "    write: Won__c", "one writer"),
    ("a standard field that is not there", ("write: Won__c", "write: Won"), "    write: Won", "end in __c"),
    (
        "a standard field that nobody writes",
        ("write: Won__c", "write: LastActivityDate"),
        "    write: Last",
        "cannot be written",
    ),
    (
        "a rule that reads records",
        ("enter_when: won = 0", "enter_when: count(Case) = 0"),
        "    enter_when: count(Case)",
        "fact",
    ),
    ("a fact that knows the stage", ("  age: today - first_won", "  age: time_in_stage"), "  age:", "time_in_stage"),
    ("a condition that is none", ("enter_when: won = 0", "enter_when: won"), "    enter_when: won", "condition"),
    ("a due date that is none", ("due: today + 5 business days", "due: won"), "    due: won", "date"),
]


@pytest.mark.parametrize(("change", "line", "told"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_mistake_is_told_where_it_is(tmp_path: Path, change: Change, line: str, told: str) -> None:
    found = problems(tmp_path, change)
    assert any(p.source.startswith(line) and told in p.message for p in found), "\n".join(map(str, found))


def test_the_small_model_itself_is_right(tmp_path: Path) -> None:
    assert problems(tmp_path) == ()
    assert problems(tmp_path, with_health()) == ()
    assert MODEL


def test_facts_that_need_one_another_are_named_in_a_circle(tmp_path: Path) -> None:
    change = ("  age: today - first_won\n", "  age: IF(b > 1, 1, 2)\n  b: c + 1\n  c: age + 1\n")
    (problem,) = problems(tmp_path, change)
    assert "age -> b -> c -> age" in problem.message or "b -> c -> age" in problem.message
    assert problem.source.startswith("  age:")


@pytest.mark.parametrize(
    ("after", "circle"),
    [
        ({"a": (), "b": ("a",), "c": ("a", "b")}, []),
        ({"a": ("a",)}, ["a"]),
        ({"a": ("b",), "b": ("c",), "c": ("b",)}, ["b", "c"]),
        ({"a": ("nowhere",)}, []),
    ],
)
def test_circles_of_waiting(after: dict[str, tuple[str, ...]], circle: list[str]) -> None:
    assert find_circle(after) == circle


def test_a_step_named_like_another_must_be_named_with_its_playbook(tmp_path: Path) -> None:
    more = "  - key: again\n    on_enter: settled\n    steps:\n      - {key: one, subject: X, due: entered}\n"
    text_end = "after: [one]}\n"
    asking = ("enter_when: won = 0", "enter_when: cta_done('one')")
    told = problems(tmp_path, (text_end, text_end + more), asking)
    assert {p.message for p in told if "cta_done" in p.message}
    clear = ("enter_when: won = 0", "enter_when: cta_done('start.one')")
    assert problems(tmp_path, (text_end, text_end + more), clear) == ()


def test_an_example_names_what_exists(tmp_path: Path) -> None:
    examples = """\
examples:
  - name: A
    as_of: 2026-09-01
    given:
      Account: {Nmae: Acme}
      stage: {key: frish, since: 2026-01-01}
      Oportunity: []
      Case: {Subject: x}
    expect:
      stage: setled
      facts: {wom: 1}
      ctas: [helo]
      steps: [start.on]
      campaigns: [none]
"""
    found = problems(tmp_path, ("format: 1\n", "format: 1\n" + examples))
    assert [p.line for p in found] == [6, 7, 8, 9, 11, 12, 13, 14, 15]


def test_circles_leave_the_rest_checked(tmp_path: Path) -> None:
    mapping = loaded(tmp_path)
    assert mapping.fact_order.index("first_won") < mapping.fact_order.index("age")
