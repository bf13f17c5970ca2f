"""Reasons name the conditions that decided, and nothing that was true beside an alternative that failed."""

from __future__ import annotations

import pytest
from mirrored import TODAY
from test_wording import expression

from connector.data import Truth
from connector.evaluate.evidence import Seen
from connector.evaluate.leaves import leaves_of
from connector.evaluate.reasons import say_why
from connector.evaluate.wording import Words
from connector.mapping import Mapping


@pytest.fixture(scope="module")
def words(model: Mapping) -> Words:
    return Words(model.model, model.describes, TODAY)


WHY: list[tuple[str, dict[str, Truth], str]] = [
    ("paying and trained", {"paying": True, "trained": True}, "paying; trained"),
    ("paying or trained", {"paying": False, "trained": True}, "trained"),
    ("paying or trained", {"paying": None, "trained": True}, "trained"),
    ("partner or (paying and trained)", {"paying": True, "trained": False}, "partner"),
    ("partner or (paying and trained)", {"paying": True, "trained": None}, "partner"),
    ("partner and (owner_active or (paying and trained))", {"paying": True, "trained": False}, "partner; owner active"),
    ("partner and not (paying and trained)", {"paying": True, "trained": False}, "partner; not trained"),
    ("partner or not (paying or trained)", {"paying": False, "trained": True}, "partner"),
    ("partner and not (paying or trained)", {"paying": False, "trained": False}, "partner; not paying; not trained"),
]


@pytest.mark.parametrize(("rule", "truths", "said"), WHY)
def test_only_what_decided_is_told(
    model: Mapping, words: Words, rule: str, truths: dict[str, Truth], said: str
) -> None:
    seen = [Seen(leaf, truths.get(leaf.text, True), ()) for leaf in leaves_of(expression(model, rule))]
    assert say_why(seen, words) == said


@pytest.mark.parametrize(("impatient", "said"), [(True, "days left is 10 days (at most 30 days)"), (False, "paying")])
def test_a_fact_that_is_not_true_does_not_speak(model: Mapping, words: Words, impatient: bool, said: str) -> None:
    facts = {"impatient": model.expressions["facts.impatient"]}
    truths = {"impatient": impatient, "days_left <= patience": True, "paying": not impatient}
    leaves = leaves_of(expression(model, "impatient or paying"), facts)
    assert say_why([Seen(leaf, truths[leaf.text], (10, 30)[: len(leaf.operands)]) for leaf in leaves], words) == said
