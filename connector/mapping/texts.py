"""Every expression and every template of a model, with its rule key path, its place and what it may mention.

The one list that compile.py goes through, so that no rule is forgotten by a check. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from connector.files import Path
from connector.mapping.model import Cta, ModelFile, Step, TaskText

View = Literal["facts", "stage", "person"]
"""What an expression sees. facts: records, facts, parameters, lists and the clock; stage: also the visit, health and
what was done; person: like facts, where a bare name is the person's."""
Wanted = Literal["condition", "day", "text", "number", "measure", "moment", "any"]
TEAM, QUEUE = "team:", "queue:"


@dataclass(frozen=True)
class ExpressionAt:
    """One expression as written."""

    rule: str
    """Key path: `stages.renewal.enter_when`."""
    where: Path
    text: str
    view: View
    wants: Wanted


@dataclass(frozen=True)
class TemplateAt:
    """One text with names in it."""

    rule: str
    where: Path
    text: str


def facts_of(model: ModelFile) -> Iterator[ExpressionAt]:
    """The facts, in the order of the file; `dated` comes with them."""
    for key, fact in model.facts.items():
        yield ExpressionAt(f"facts.{key}", ("facts", key, "value"), fact.value, "facts", "any")


def rules_of(model: ModelFile) -> Iterator[ExpressionAt]:
    """Everything but the facts."""
    yield from _head(model)
    yield from _dates_of_facts(model)
    yield from _health(model)
    yield from _stages(model)
    yield from _ctas(model)
    yield from _playbooks(model)
    yield from _campaigns(model)


def templates_of(model: ModelFile) -> Iterator[TemplateAt]:
    for n, cta in enumerate(model.ctas):
        yield from _texts(f"ctas.{cta.key}", ("ctas", n), cta)
    for n, playbook in enumerate(model.playbooks):
        for m, step in enumerate(playbook.steps):
            yield from _texts(_step_rule(playbook.key, step), ("playbooks", n, "steps", m), step)


def is_lookup(owner: str) -> bool:
    """Whether an item of an owner chain names a team role or a queue, not an expression."""
    return owner.startswith((TEAM, QUEUE))


def _head(model: ModelFile) -> Iterator[ExpressionAt]:
    yield ExpressionAt("scope", ("scope",), model.scope, "facts", "condition")
    if model.money:
        yield ExpressionAt("money", ("money",), model.money, "facts", "number")
    for n, segment in enumerate(model.segments):
        rule, where = f"segments.{segment.key}.when", ("segments", n, "when")
        yield ExpressionAt(rule, where, segment.when, "facts", "condition")


def _dates_of_facts(model: ModelFile) -> Iterator[ExpressionAt]:
    for key, fact in model.facts.items():
        if fact.dated:
            yield ExpressionAt(f"facts.{key}.dated", ("facts", key, "dated"), fact.dated, "facts", "moment")


def _health(model: ModelFile) -> Iterator[ExpressionAt]:
    if model.health is None:
        return
    if model.health.grace_from:
        where: Path = ("health", "grace_from")
        yield ExpressionAt("health.grace_from", where, model.health.grace_from, "facts", "day")
    for n, measure in enumerate(model.health.measures):
        rule, where = f"health.measures.{measure.key}", ("health", "measures", n, "value")
        yield ExpressionAt(rule, where, measure.value, "facts", "measure")


def _stages(model: ModelFile) -> Iterator[ExpressionAt]:
    for n, stage in enumerate(model.stages):
        rule, where = f"stages.{stage.key}", ("stages", n)
        yield ExpressionAt(f"{rule}.enter_when", (*where, "enter_when"), stage.enter_when, "stage", "condition")
        if stage.leave_when:
            yield ExpressionAt(f"{rule}.leave_when", (*where, "leave_when"), stage.leave_when, "stage", "condition")
        if stage.entered_on:
            yield ExpressionAt(f"{rule}.entered_on", (*where, "entered_on"), stage.entered_on, "facts", "day")
        for m, edge in enumerate(stage.next):
            if edge.when:
                path = f"{rule}.next.{edge.to}.when"
                yield ExpressionAt(path, (*where, "next", m, "when"), edge.when, "stage", "condition")


def _ctas(model: ModelFile) -> Iterator[ExpressionAt]:
    for n, cta in enumerate(model.ctas):
        rule, where = f"ctas.{cta.key}", ("ctas", n)
        yield from _conditions(cta, rule, where)
        yield ExpressionAt(f"{rule}.due", (*where, "due"), cta.due, "stage", "day")
        yield from _owners(cta, rule, where)


def _conditions(cta: Cta, rule: str, where: Path) -> Iterator[ExpressionAt]:
    yield ExpressionAt(f"{rule}.open_when", (*where, "open_when"), cta.open_when, "stage", "condition")
    if cta.close_when:
        yield ExpressionAt(f"{rule}.close_when", (*where, "close_when"), cta.close_when, "stage", "condition")
    if cta.period:
        yield ExpressionAt(f"{rule}.period", (*where, "period"), cta.period, "stage", "any")


def _playbooks(model: ModelFile) -> Iterator[ExpressionAt]:
    for n, playbook in enumerate(model.playbooks):
        for m, step in enumerate(playbook.steps):
            rule, where = _step_rule(playbook.key, step), ("playbooks", n, "steps", m)
            yield ExpressionAt(f"{rule}.due", (*where, "due"), step.due, "stage", "day")
            if step.when:
                yield ExpressionAt(f"{rule}.when", (*where, "when"), step.when, "stage", "condition")
            yield from _owners(step, rule, where)


def _owners(task: TaskText, rule: str, where: Path) -> Iterator[ExpressionAt]:
    for n, owner in enumerate(task.owner):
        if not is_lookup(owner):
            yield ExpressionAt(f"{rule}.owner.{n}", (*where, "owner", n), owner, "facts", "text")


def _campaigns(model: ModelFile) -> Iterator[ExpressionAt]:
    for n, rule in enumerate(model.campaigns):
        path, where = f"campaigns.{rule.key}", ("campaigns", n)
        yield ExpressionAt(f"{path}.add_when", (*where, "add_when"), rule.add_when, "stage", "condition")
        if rule.people.where:
            at = (*where, "people", "where")
            yield ExpressionAt(f"{path}.people.where", at, rule.people.where, "person", "condition")


def _texts(rule: str, where: Path, task: TaskText) -> Iterator[TemplateAt]:
    yield TemplateAt(f"{rule}.subject", (*where, "subject"), task.subject)
    if task.body:
        yield TemplateAt(f"{rule}.body", (*where, "body"), task.body)
    for field, text in task.set.items():
        yield TemplateAt(f"{rule}.set.{field}", (*where, "set", field), text)


def _step_rule(playbook: str, step: Step) -> str:
    return f"playbooks.{playbook}.steps.{step.key}"
