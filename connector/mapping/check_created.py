"""Checks of what a model creates and writes: Tasks, playbooks, memberships, fields. Called by check.py. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from connector.describe import ObjectDescribe
from connector.errors import Problem
from connector.files import Path
from connector.mapping.model import ModelFile, TaskText
from connector.mapping.whole import Whole, did_you_mean

OWNED_TASK_FIELDS = frozenset(
    {"Id", "Subject", "Status", "OwnerId", "WhatId", "ActivityDate", "Description", "Priority", "IsClosed"}
)
"""Task fields that have keys of their own in the mapping, or are ours alone; `set` may not name them."""


# --- what is created ----------------------------------------------------------------------------------------


def check_tasks(whole: Whole) -> Iterator[Problem]:
    task = whole.describes.get("Task")
    for where, text in _task_texts(whole.model):
        for n, owner in enumerate(text.owner):
            if re.match(r"^(team|queue):\s*$", owner):
                yield whole.problem(
                    (*where, "owner", n), f"{owner!r} lacks its name; write team:<role> or queue:<name>"
                )
        if task is not None:
            yield from _task_fields(whole, task, where, text)


def _task_texts(model: ModelFile) -> Iterator[tuple[Path, TaskText]]:
    for n, cta in enumerate(model.ctas):
        yield ("ctas", n), cta
    for n, book in enumerate(model.playbooks):
        for m, step in enumerate(book.steps):
            yield ("playbooks", n, "steps", m), step


def _task_fields(whole: Whole, task: ObjectDescribe, where: Path, text: TaskText) -> Iterator[Problem]:
    for name, value in text.set.items():
        path = (*where, "set", name)
        field = task.find(name)
        if field is None:
            hint = did_you_mean(name, task.fields)
            yield whole.problem(path, f"Task has no field {name!r}{hint}", at_key=True)
        elif field.name in (*OWNED_TASK_FIELDS, whole.model.keys.task) or not field.createable:
            yield whole.problem(
                path, f"`set` may not write {field.name}; it has a key of its own, or is not ours", at_key=True
            )
        else:
            yield from _picklist_value(whole, task, field.name, value, path)
    yield from _picklist_value(whole, task, "Priority", text.priority, (*where, "priority"))


def _picklist_value(whole: Whole, task: ObjectDescribe, name: str, value: str, where: Path) -> Iterator[Problem]:
    """Values of an open picklist of the shipped describes are only a guess at the org's own."""
    field = task.fields.get(name)
    if field is None or not field.picklist or "{" in value or value in field.picklist:
        return
    certain = whole.known_values or field.restricted
    message = f"{value!r} is no value of {task.name}.{name}; values: {', '.join(field.picklist)}"
    yield whole.problem(where, message, severity="error" if certain else "warning")


def check_playbooks(whole: Whole) -> Iterator[Problem]:
    stages = [stage.key for stage in whole.model.stages]
    for n, book in enumerate(whole.model.playbooks):
        where: Path = ("playbooks", n)
        if book.on_enter not in stages and not whole.is_broken((*where, "on_enter")):
            hint = did_you_mean(book.on_enter, stages)
            yield whole.problem((*where, "on_enter"), f"there is no stage {book.on_enter!r}{hint}")
        after = {step.key: step.after for step in book.steps}
        for m, step in enumerate(book.steps):
            for k, name in enumerate(step.after):
                if name not in after:
                    hint = did_you_mean(name, after)
                    path = (*where, "steps", m, "after", k)
                    yield whole.problem(path, f"playbook {book.key!r} has no step {name!r}{hint}")
        circle = find_circle(after)
        if circle:
            m = [step.key for step in book.steps].index(circle[0])
            chain = " -> ".join([*circle, circle[0]])
            yield whole.problem((*where, "steps", m, "after"), f"these steps wait for one another: {chain}")


def find_circle(after: Mapping[str, Collection[str]]) -> list[str]:
    """A circle of steps that wait for one another, in the order of waiting; empty when there is none."""

    def search(key: str, path: list[str]) -> list[str]:
        if key in path:
            return path[path.index(key) :]
        found = (search(name, [*path, key]) for name in after[key] if name in after)
        return next((circle for circle in found if circle), [])

    return next((circle for key in after if (circle := search(key, []))), [])


def check_cta_names(whole: Whole) -> Iterator[Problem]:
    """`cta_done('x')` must mean one thing."""
    model = whole.model
    counts = Counter([cta.key for cta in model.ctas] + [s.key for book in model.playbooks for s in book.steps])
    used = {key for expression in whole.compiled.expressions.values() for key in expression.cta_keys}
    for n, book in enumerate(model.playbooks):
        for m, step in enumerate(book.steps):
            if counts[step.key] > 1 and step.key in used:
                yield whole.problem(
                    ("playbooks", n, "steps", m, "key"),
                    f"cta_done({step.key!r}) may mean several; write cta_done('{book.key}.{step.key}')",
                )


def check_campaigns(whole: Whole) -> Iterator[Problem]:
    for n, rule in enumerate(whole.model.campaigns):
        where: Path = ("campaigns", n)
        campaign = whole.describes.get("Campaign")
        if rule.campaign.field and campaign and not campaign.find(rule.campaign.field):
            hint = did_you_mean(rule.campaign.field, campaign.fields)
            yield whole.problem((*where, "campaign"), f"Campaign has no field {rule.campaign.field!r}{hint}")
        people = rule.people
        source = whole.describes.get(people.roles_from or people.who)
        if people.order_by and source and not source.find(people.order_by):
            hint = did_you_mean(people.order_by, source.fields)
            yield whole.problem((*where, "people", "order_by"), f"{source.name} has no field {people.order_by!r}{hint}")


# --- fields -------------------------------------------------------------------------------------------------


def check_fields(whole: Whole) -> Iterator[Problem]:
    """Every field that is written has one writer, is ours or exists, and may be written."""
    seen: dict[str, str] = {}
    for name, where in written_fields(whole.model):
        if whole.is_broken(where):
            continue
        first = seen.setdefault(name.lower(), ".".join(map(str, where)))
        if first != ".".join(map(str, where)):
            yield whole.problem(where, f"{name} is already used by {first}; a field has one writer")
        field = whole.subject.find(name)
        if name.endswith("__c"):
            continue
        if field is None:
            hint = did_you_mean(name, whole.subject.fields)
            yield whole.problem(where, f"{whole.model.subject} has no field {name!r}{hint}; fields of ours end in __c")
        elif not field.updateable:
            yield whole.problem(where, f"{field.name} cannot be written; name a field of our own, ending in __c")


def written_fields(model: ModelFile) -> Iterator[tuple[str, Path]]:
    """The subject's fields that the model writes or reads as override, and where the mapping says so."""
    for section in ("write", "override"):
        part = getattr(model, section)
        for key in type(part).model_fields if part is not None else ():
            value = getattr(part, key)
            if isinstance(value, str):
                yield value, (section, key)
    for key, fact in model.facts.items():
        if fact.write:
            yield fact.write, ("facts", key, "write")
