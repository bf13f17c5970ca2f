"""Checks of the worked examples' form: stages, facts and CTAs that exist, records with fields that exist.

Called by check.py. Whether an example comes out as expected is for connector/examples.py to run. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from connector.errors import Problem
from connector.files import Path
from connector.mapping.model import Example, Fact, GivenStage
from connector.mapping.sources import GIVEN_FACTS, source_name
from connector.mapping.whole import Whole, did_you_mean

STAGE = "stage"
"""The key of `given` that is no sObject: the stage that the subject is in beforehand."""
OURS = {"Task": ("cta", "step", "period"), "CampaignMember": ("campaign",)}
"""Keys that say of a given record that we created it: for which CTA or step, or for which campaign of the model."""


def check_examples(whole: Whole) -> Iterator[Problem]:
    for n, example in enumerate(whole.model.examples):
        yield from _given(whole, ("examples", n, "given"), example)
        yield from _expected(whole, ("examples", n, "expect"), example)


def _given(whole: Whole, where: Path, example: Example) -> Iterator[Problem]:
    for name, value in example.given.items():
        path = (*where, name)
        if name == STAGE:
            yield from _stage(whole, path, value)
        elif name == GIVEN_FACTS:
            yield from _facts(whole, path, value)
        elif name not in whole.describes:
            hint = did_you_mean(name, [*whole.describes, STAGE, GIVEN_FACTS])
            yield whole.problem(path, f"there is no sObject {name!r}{hint}", at_key=True)
        elif name == whole.model.subject:
            yield from _record(whole, path, name, value)
        elif not isinstance(value, list):
            yield whole.problem(path, f"records of {name} are a list: one per line, each after a dash")
        else:
            for m, record in enumerate(value):
                yield from _record(whole, (*path, m), name, record)


def _stage(whole: Whole, where: Path, value: Any) -> Iterator[Problem]:
    try:
        given = GivenStage.model_validate(value)
    except ValidationError:
        yield whole.problem(
            where, "a stage is given as {key: adopting, since: 2026-01-10}; via, segment, waiting may follow"
        )
        return
    for key in (given.key, *given.waiting):
        if whole.model.stage(key) is None:
            yield _no_stage(whole, (*where, "key"), key)
    segments = [segment.key for segment in whole.model.segments]
    if given.segment and given.segment not in segments:
        hint = did_you_mean(given.segment, segments)
        yield whole.problem((*where, "segment"), f"there is no segment {given.segment!r}{hint}")


def _facts(whole: Whole, where: Path, value: Any) -> Iterator[Problem]:
    """Values of facts that read files and databases; the others come from the records given."""
    beside = {key: fact for key, fact in whole.model.facts.items() if source_name(fact)}
    if not isinstance(value, dict):
        yield whole.problem(where, "facts of files and queries are given as {nps: 9}")
        return
    for key, given in value.items():
        path = (*where, key)
        if key not in beside:
            why = "comes from records; give those" if key in whole.model.facts else "does not exist"
            yield whole.problem(path, f"the fact {key!r} {why}{did_you_mean(key, beside)}", at_key=True)
        elif isinstance(given, dict):
            yield from _columns(whole, path, beside[key], given)
        elif not (_is_name(beside[key].value) and _is_name(beside[key].dated or "day")):
            message = f"the fact {key!r} is computed from columns; give those: {{{key}: {{column: value}}}}"
            yield whole.problem(path, message)


def _columns(whole: Whole, where: Path, fact: Fact, given: dict[str, Any]) -> Iterator[Problem]:
    """Of the columns that facts over the same file or query mention."""
    fields = [e.fields.get(source_name(fact), ()) for e in whole.compiled.expressions.values()]
    known = sorted({name for names in fields for name in names})
    for column in given:
        if known and column.lower() not in {name.lower() for name in known}:
            hint = did_you_mean(column, known)
            yield whole.problem((*where, column), f"no fact reads the column {column!r}{hint}", at_key=True)


def _is_name(text: str) -> bool:
    return text.strip().isidentifier()


def _record(whole: Whole, where: Path, sobject: str, record: Any) -> Iterator[Problem]:
    if not isinstance(record, dict):
        yield whole.problem(where, f"a record is given as fields and values: {{Name: Acme}}, not {record!r}")
        return
    describe = whole.describes[sobject]
    yield from _ours(whole, where, record)
    for name in record:
        if describe.find(name) is None and name not in OURS.get(sobject, ()):
            hint = did_you_mean(name, describe.fields)
            yield whole.problem((*where, name), f"{sobject} has no field {name!r}{hint}", at_key=True)


def _ours(whole: Whole, where: Path, record: dict[str, Any]) -> Iterator[Problem]:
    for name, known, what in (
        ("cta", [cta.key for cta in whole.model.ctas], "CTA"),
        ("step", _steps(whole), "playbook step"),
        ("campaign", [rule.key for rule in whole.model.campaigns], "campaign"),
    ):
        if name in record and str(record[name]) not in known:
            hint = did_you_mean(str(record[name]), known)
            yield whole.problem((*where, name), f"there is no {what} {record[name]!r}{hint}")


def _steps(whole: Whole) -> list[str]:
    """Every step with its playbook, and by its own key."""
    steps = [f"{book.key}.{step.key}" for book in whole.model.playbooks for step in book.steps]
    return [*steps, *(step.rpartition(".")[2] for step in steps)]


def _expected(whole: Whole, where: Path, example: Example) -> Iterator[Problem]:
    expect, model = example.expect, whole.model
    for name in ("stage", "proposed"):
        key = getattr(expect, name)
        if key is not None and model.stage(key) is None:
            yield _no_stage(whole, (*where, name), key)
    for key in expect.facts:
        if key not in model.facts:
            hint = did_you_mean(key, model.facts)
            yield whole.problem((*where, "facts", key), f"there is no fact {key!r}{hint}", at_key=True)
    steps, ctas = _steps(whole), [cta.key for cta in model.ctas]
    yield from _known(whole, (*where, "ctas"), expect.ctas, ctas, "CTA")
    yield from _known(whole, (*where, "steps"), expect.steps, steps, "playbook step")
    yield from _known(whole, (*where, "closes"), expect.closes, [*ctas, *steps], "CTA or playbook step")
    yield from _known(whole, (*where, "campaigns"), expect.campaigns, [c.key for c in model.campaigns], "campaign")


def _known(whole: Whole, where: Path, keys: Iterable[str] | None, known: list[str], what: str) -> Iterator[Problem]:
    for n, key in enumerate(keys or ()):
        if key not in known:
            yield whole.problem((*where, n), f"there is no {what} {key!r}{did_you_mean(key, known)}")


def _no_stage(whole: Whole, where: Path, key: str) -> Problem:
    return whole.problem(where, f"there is no stage {key!r}{did_you_mean(key, [s.key for s in whole.model.stages])}")
