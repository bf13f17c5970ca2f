"""Conditions in words: what held with its values, what is still wanted, and what must not be told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from mirrored import TODAY

from connector.data import Value
from connector.evaluate.leaves import leaves_of
from connector.evaluate.next_stage import given
from connector.evaluate.reasons import shorten
from connector.evaluate.values import key_text, read_value
from connector.evaluate.wording import Words, show
from connector.mapping import Mapping
from connector.mapping.compile import type_of_param
from connector.mapping.language import Expression, Kind, Position, Scope, parse
from connector.mapping.language.tree import Literal


@pytest.fixture(scope="module")
def words(model: Mapping) -> Words:
    return Words(model.model, model.describes, TODAY)


def expression(model: Mapping, text: str) -> Expression:
    scope = Scope(
        describes=model.describes,
        facts={k: model.expressions[f"facts.{k}"].type for k in model.fact_order},
        params={k: type_of_param(v) for k, v in model.model.params.items()},
        lists=model.model.lists,
        stages=tuple(s.key for s in model.model.stages),
        segments=("big",),
        cta_keys=frozenset({"risk", "start.hello"}),
        health=True,
        aggregates=False,
        known_values=False,
    )
    return parse(text, Position("x", 1, 1), scope, want=Kind.BOOLEAN)


HELD: dict[str, tuple[tuple[Value, ...], str]] = {
    "days_left <= 60": ((28, 60), "days left is 28 days (at most 60 days)"),
    "60 >= days_left": ((60, 28), "days left is 28 days (at most 60 days)"),
    "not (days_left > 60)": ((28, 60), "days left is 28 days (at most 60 days)"),
    "won = 0": ((Decimal(0), Decimal(0)), "won is 0"),
    "won != 2": ((Decimal(3), Decimal(2)), "won is 3 (other than 2)"),
    "won_amount > 1000": ((Decimal("90000.50"), Decimal(1000)), "won amount is 90,000.5 (above 1,000)"),
    "next_end >= today": ((date(2026, 9, 29), TODAY), "next contract end is 2026-09-29, in 28 days (from 2026-09-01)"),
    "next_end < today": ((date(2026, 8, 31), TODAY), "next contract end is 2026-08-31, yesterday (before 2026-09-01)"),
    "next_end = DATE(2030, 1, 1)": ((date(2030, 1, 1), date(2030, 1, 1)), "next contract end is 2030-01-01"),
    "stage = 'fresh'": (("fresh", "fresh"), "stage is Fresh"),
    "stage != 'gone'": (("fresh", "gone"), "stage is Fresh"),
    "stage != 'settled'": (("", "settled"), "stage is not set"),
    "health.band = 'red'": (("red", "red"), "health is red"),
    "time_in_stage >= patience": ((61, 60), "time in stage is 61 days (at least 60 days)"),
    "won between 1 and 5": ((Decimal(3), Decimal(1), Decimal(5)), "won is 3 (between 1 and 5)"),
    "not (won between 1 and 5)": ((Decimal(9), Decimal(1), Decimal(5)), "won is 9 (outside 1 and 5)"),
    "Type in partners": (("Partner", "Partner"), "account type is Partner"),
    "not (Type in partners)": (("Other", "Partner"), "account type is Other (other than Partner)"),
    "next_end is null": ((None,), "next contract end is blank"),
    "next_end is not null": ((date(2026, 9, 2),), "next contract end is filled"),
    "paying": ((), "paying"),
    "not paying": ((), "not paying"),
    "Owner.IsActive": ((), "active of the user"),
    "cta_done('start.hello')": ((), "start: hello done"),
    "1 < 2": ((1, 2), "1 < 2"),
    "not (1 > 2)": ((1, 2), "not (1 > 2)"),
    "BLANKVALUE(won, 0) > 1": ((2, 1), "BLANKVALUE(won, 0) > 1"),
}  # fmt: skip


@pytest.mark.parametrize("text", HELD)
def test_what_held(model: Mapping, words: Words, text: str) -> None:
    values, said = HELD[text]
    (leaf,) = leaves_of(expression(model, text))
    assert len(leaf.operands) == len(values)
    assert words.say_held(leaf, values) == said


WANTED = {
    "days_left <= 60": "days left: at most 60 days",
    "not (days_left > 60)": "days left: at most 60 days",
    "next_end <= today": "next contract end: by today",
    "days_left <= patience": "days left: at most patience",
    "won > silence": "won: above silence",
    "days_left <= 2 * won": "days left: at most a computed value",
    "won between 1 and 5": "won: between 1 and 5",
    "Type in partners": "account type: Partner",
    "next_end is null": "next contract end: blank",
    "next_end is not null": "next contract end: filled",
    "time_in_stage >= 90 days": "time in stage: at least 90 days",
    "paying": "paying",
    "not paying": "not paying",
    "1 < 2": "1 < 2",
    "trained or days_left < 5": "trained or days left: below 5 days",
    "trained and (paying or won = 1)": "trained and (paying or won: 1)",
    "not (trained and paying)": "not trained or not paying",
    "secret_score > 5": "something confidential",
}


@pytest.mark.parametrize("text", WANTED)
def test_what_is_wanted(model: Mapping, words: Words, text: str) -> None:
    found = expression(model, text)
    assert words.say_node(found, found.tree) == WANTED[text]


def test_a_value_that_is_not_known_is_not_said(model: Mapping, words: Words) -> None:
    (leaf,) = leaves_of(expression(model, "days_left <= 60"))
    assert words.say_held(leaf, (None, 60)) == "days_left <= 60"
    assert words.say_value(leaf, (None, 60)) == "days left is unknown"


def test_what_is_sensitive_may_not_be_told(model: Mapping, words: Words) -> None:
    told = [
        words.is_told(leaf)
        for leaf in leaves_of(expression(model, "won > 1 and secret_score > 5 and 3 > secret_score"))
    ]
    assert told == [True, False, False]


def test_a_rule_is_taken_apart_down_to_the_conditions_of_its_facts(model: Mapping) -> None:
    facts = {k: model.expressions[f"facts.{k}"] for k in model.fact_order}
    found = leaves_of(expression(model, "not (impatient or paying) and not (won > 1)"), facts)
    assert [(leaf.text, leaf.wanted, leaf.depth, leaf.opened) for leaf in found] == [
        ("impatient", False, 0, True),
        ("days_left <= patience", False, 1, False),
        ("paying", False, 0, False),
        ("won > 1", False, 0, False),
    ]


FOLDED = {
    "stage = 'fresh'": "true",
    "stage != 'fresh'": "false",
    "not (stage = 'fresh')": "false",
    "stage = 'fresh' and paying": "paying",
    "stage = 'gone' and paying": "false",
    "stage = 'gone' or paying": "paying",
    "stage = 'fresh' or paying": "true",
    "(stage = 'fresh' and trained) or (stage = 'gone' and paying)": "trained",
    "stage = 'gone' or stage = 'settled'": "false",
    "paying and trained": "paying and trained",
}


@pytest.mark.parametrize("text", FOLDED)
def test_what_a_rule_says_of_the_present_stage_is_worked_out(model: Mapping, words: Words, text: str) -> None:
    found = expression(model, text)
    rest = given(found.tree, "fresh")
    said = str(rest.value).lower() if isinstance(rest, Literal) else words.say_node(found, rest)
    assert said == FOLDED[text]


SHOWN: list[tuple[Value, Kind | None, str]] = [
    (None, None, ""),
    (True, None, "yes"),
    (False, None, "no"),
    (Decimal("90000.00"), None, "90,000"),
    (Decimal("0.50"), None, "0.5"),
    (Decimal("1E+3"), None, "1,000"),
    (1, Kind.DAYS, "1 day"),
    (28, Kind.DAYS, "28 days"),
    (date(2026, 9, 1), None, "2026-09-01"),
    (datetime(2026, 9, 1, 8, 5, tzinfo=UTC), None, "2026-09-01 08:05"),
    (81_060_000, Kind.TIME, "22:31 UTC"),
    ("Acme", None, "Acme"),
]


@pytest.mark.parametrize(("value", "kind", "text"), SHOWN)
def test_values_as_people_write_them(value: Value, kind: Kind | None, text: str) -> None:
    assert show(value, kind) == text


KEYS: list[tuple[Value, str]] = [
    (None, ""), (date(2026, 9, 1), "2026-09-01"), (Decimal("5.00"), "5"), (Decimal("100"), "100"), (7, "7"), ("x", "x"),
    (datetime(2026, 9, 1, tzinfo=UTC), "2026-09-01T00:00:00+00:00"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), KEYS)
def test_values_in_keys(value: Value, text: str) -> None:
    assert key_text(value) == text


def test_values_from_the_engine() -> None:
    assert read_value(0.1 + 0.2) == Decimal("0.3")
    assert read_value(datetime(2026, 9, 1)) == datetime(2026, 9, 1, tzinfo=UTC)  # noqa: DTZ001
    assert read_value(True) is True


def test_a_sentence_is_cut_at_a_word() -> None:
    long = "word " * 80
    assert shorten("short") == "short"
    assert len(shorten("x" * 255)) == 255
    assert shorten(long) == "word " * 49 + "word…"
    assert len(shorten("x" * 400)) == 255
