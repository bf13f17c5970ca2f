"""What is wrong with a model as a whole, once its parts have their shape: keys, stages, edges, fields, texts.

Called by load.py after compiling. Each check yields its problems; none stops the others. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from connector.calendar import country_calendar
from connector.describe import Describes, ObjectDescribe, nearest
from connector.errors import Problem
from connector.files import Document, Path
from connector.mapping.compile import KINDS_OF_TYPE, Compiled, place_of
from connector.mapping.language import KEYWORDS, RESERVED
from connector.mapping.model import ModelFile, Part, Stage
from connector.mapping.shape import Shaped

OWNED_TASK_FIELDS = frozenset(
    {"Id", "Subject", "Status", "OwnerId", "WhatId", "ActivityDate", "Description", "Priority", "IsClosed"}
)
"""Task fields that have keys of their own in the mapping, or are ours alone; `set` may not name them."""


@dataclass(frozen=True)
class Whole:
    """Everything that a check may look at."""

    model: ModelFile
    document: Document
    shaped: Shaped
    compiled: Compiled
    describes: Describes
    known_values: bool = False
    """The describes are the org's own, picklists included."""

    def problem(
        self, where: Path, message: str, *, at_key: bool = False, severity: Literal["error", "warning"] = "error"
    ) -> Problem:
        place = self.document.key_at(where) if at_key else place_of(self.document, self.shaped, where)
        return place.problem(message, severity=severity)

    @property
    def subject(self) -> ObjectDescribe:
        return self.describes.get(self.model.subject, ObjectDescribe(self.model.subject))

    def is_broken(self, where: Path) -> bool:
        """Whether the value there was taken out, and its problem told already."""
        return any(path[: len(where)] == where or where[: len(path)] == path for path in self.shaped.broken)


def check_model(whole: Whole) -> list[Problem]:
    """Every problem of the model as a whole."""
    return [problem for check in _CHECKS for problem in check(whole)]


# --- names ------------------------------------------------------------------------------------------------


def check_subject(whole: Whole) -> Iterator[Problem]:
    subject = whole.model.subject
    if subject not in whole.describes:
        hint = did_you_mean(subject, whole.describes)
        yield whole.problem(("subject",), f"there is no sObject {subject!r}{hint}")
    elif subject != "Account":
        yield whole.problem(("subject",), f"the subject {subject} is not available yet in this version; use Account")


def check_unique_keys(whole: Whole) -> Iterator[Problem]:
    for name in ("segments", "stages", "ctas", "playbooks", "campaigns"):
        yield from _twice(whole, (name,), [part.key for part in getattr(whole.model, name)])
    for n, book in enumerate(whole.model.playbooks):
        yield from _twice(whole, ("playbooks", n, "steps"), [step.key for step in book.steps])
    if whole.model.health:
        yield from _twice(whole, ("health", "measures"), [m.key for m in whole.model.health.measures])
    values = [stage.api_value.lower() for stage in whole.model.stages]
    for n, value in enumerate(values):
        if value in values[:n] and whole.model.stages[n].value:
            yield whole.problem(("stages", n, "value"), f"two stages have the value {value!r}; each needs its own")


def _twice(whole: Whole, where: Path, keys: list[str]) -> Iterator[Problem]:
    for n, key in enumerate(keys):
        path = (*where, n, "key")
        if key in keys[:n] and not whole.is_broken(path):
            first = whole.document.at((*where, keys.index(key), "key"))
            yield whole.problem(path, f"the key {key!r} is used twice (first in line {first.line}); keys are for ever")


def check_names(whole: Whole) -> Iterator[Problem]:
    """A name means one thing: no reserved word, no two of fact, parameter and list; a field's name is hidden."""
    seen: dict[str, str] = {}
    for kind in ("params", "lists", "facts"):
        for name in getattr(whole.model, kind):
            where = (kind, name)
            if name in RESERVED or name in KEYWORDS:
                yield whole.problem(
                    where, f"{name!r} has a meaning of its own in rules; choose another name", at_key=True
                )
            elif name in seen:
                yield whole.problem(where, f"{name!r} is already the name of one of the {seen[name]}", at_key=True)
            elif field := whole.subject.find(name):
                yield whole.problem(
                    where, f"{name!r} hides the field {field.name} of {whole.model.subject} in rules",
                    at_key=True, severity="warning",
                )  # fmt: skip
            seen.setdefault(name, kind)


def check_segments(whole: Whole) -> Iterator[Problem]:
    for n, segment in enumerate(whole.model.segments):
        for name in segment.params:
            if name not in whole.model.params:
                hint = did_you_mean(name, whole.model.params)
                yield whole.problem(
                    ("segments", n, "params", name), f"there is no parameter {name!r} to override{hint}", at_key=True
                )


def check_time(whole: Whole) -> Iterator[Problem]:
    zone, calendar = whole.model.zone, whole.model.calendar
    if zone is not None and not _is_zone(zone):
        yield whole.problem(("zone",), f"there is no time zone {zone!r}{did_you_mean(zone, available_timezones())}")
    if calendar != "org":
        try:
            country_calendar(calendar, (2026,))
        except ValueError as error:
            yield whole.problem(("calendar",), f"{error}, or org for the org's own")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


# --- stages -----------------------------------------------------------------------------------------------


def check_order(whole: Whole) -> Iterator[Problem]:
    if whole.is_broken(("order",)):
        return
    keys = [stage.key for stage in whole.model.stages]
    for n, key in enumerate(whole.model.order):
        if key not in keys:
            yield whole.problem(("order", n), f"there is no stage {key!r}{did_you_mean(key, keys)}")
        elif key in whole.model.order[:n]:
            yield whole.problem(("order", n), f"stage {key!r} is in the order twice")
    missing = [key for key in keys if key not in whole.model.order]
    if missing:
        yield whole.problem(("order",), f"the order must name every stage once; missing: {', '.join(missing)}")


def check_edges(whole: Whole) -> Iterator[Problem]:
    keys = [stage.key for stage in whole.model.stages]
    for n, stage in enumerate(whole.model.stages):
        targets = [edge.to for edge in stage.next]
        for m, key in enumerate(targets):
            where: Path = ("stages", n, "next", m)
            if key not in keys:
                yield whole.problem(where, f"there is no stage {key!r}{did_you_mean(key, keys)}")
            elif key == stage.key:
                yield whole.problem(where, f"stage {key!r} leads to itself; remove this edge")
            elif key in targets[:m]:
                yield whole.problem(where, f"stage {stage.key!r} leads to {key!r} twice; keep one edge")
        if stage.otherwise and stage.otherwise not in keys:
            hint = did_you_mean(stage.otherwise, keys)
            yield whole.problem(("stages", n, "otherwise"), f"there is no stage {stage.otherwise!r}{hint}")


def check_reachable(whole: Whole) -> Iterator[Problem]:
    """Every stage can be reached from the first one; the others would be entered by first placement only."""
    stages = {stage.key: stage for stage in whole.model.stages}
    reached = _reach(stages, whole.model.stages[0])
    for n, stage in enumerate(whole.model.stages):
        if stage.key not in reached:
            yield whole.problem(
                ("stages", n, "key"),
                f"stage {stage.key!r} is unreachable: no path of edges leads to it from {whole.model.stages[0].key!r}; "
                f"name it in the `next` of another stage, or set reachable_from_all: true",
            )
        if not (stage.next or stage.otherwise or stage.is_terminal):
            yield whole.problem(
                ("stages", n, "key"), f"stage {stage.key!r} has no way out; name the stages after it in `next`",
                severity="warning",
            )  # fmt: skip


def _reach(stages: Mapping[str, Stage], first: Stage) -> set[str]:
    todo = [first, *(stage for stage in stages.values() if stage.reachable_from_all)]
    reached: set[str] = set()
    while todo:
        stage = todo.pop()
        if stage.key not in reached:
            reached.add(stage.key)
            todo += [stages[key] for key in (*(e.to for e in stage.next), stage.otherwise or "") if key in stages]
    return reached


def check_stage_settings(whole: Whole) -> Iterator[Problem]:
    for n, stage in enumerate(whole.model.stages):
        at = partial(_at, ("stages", n))
        if stage.leave_for and not stage.leave_when:
            yield whole.problem(at("leave_for"), "leave_for needs a leave_when, whose time it counts")
        if stage.otherwise and not stage.leave_when:
            yield whole.problem(at("otherwise"), "otherwise needs a leave_when, which says when the stage may be left")
        if stage.approval == "person" and not whole.model.write.proposed:
            yield whole.problem(at("approval"), "approval: person needs a field for the proposal: write: proposed")
        if stage.approval == "person" and stage.reachable_from_all and stage.is_terminal:
            yield whole.problem(at("approval"), "a terminal stage cannot wait for approval", severity="warning")


def _at(where: Path, key: str) -> Path:
    return (*where, key)


# --- facts and health ---------------------------------------------------------------------------------------


def check_facts(whole: Whole) -> Iterator[Problem]:
    for key, fact in whole.model.facts.items():
        where = ("facts", key)
        expression = whole.compiled.expressions.get(f"facts.{key}")
        if fact.write and not fact.type and not whole.is_broken((*where, "type")):
            kinds = ", ".join(KINDS_OF_TYPE)
            yield whole.problem(where, f"fact {key!r} is written, so it needs a type ({kinds})", at_key=True)
        if fact.write and not fact.write_once and expression is not None and expression.counter:
            yield whole.problem(
                (*where, "write"),
                f"fact {key!r} is another value every day, so it is not written; write the date that it counts from",
            )
        if fact.write_once and not fact.write:
            yield whole.problem((*where, "write_once"), "write_once needs a field: write")
        if fact.stale_after and not fact.dated:
            yield whole.problem((*where, "stale_after"), "stale_after needs `dated`: the date that the value is from")
        if fact.dated and not fact.stale_after and not whole.is_broken((*where, "stale_after")):
            yield whole.problem((*where, "dated"), "dated does nothing without stale_after", severity="warning")


def check_health(whole: Whole) -> Iterator[Problem]:
    health = whole.model.health
    if health is None:
        for key in ("health_score", "health_band"):
            if getattr(whole.model.write, key):
                yield whole.problem(("write", key), "the model has no health to write")
        return
    if not health.bands.green > health.bands.yellow > health.bands.red:
        yield whole.problem(("health", "bands"), "the bounds must fall: green above yellow above red")
    if health.grace and not health.grace_from:
        yield whole.problem(("health", "grace"), "grace needs grace_from: the date that it is counted from")
    if health.min_coverage > 100:
        yield whole.problem(("health", "min_coverage"), "at most 100 %")
    for n, measure in enumerate(health.measures):
        low, high = sorted((measure.green, measure.yellow))
        wrong = measure.green != (high if measure.better == "high" else low) or low == high
        if wrong and not whole.is_broken(("health", "measures", n)):
            word = "above" if measure.better == "high" else "below"
            message = f"with better: {measure.better}, green must lie {word} yellow"
            yield whole.problem(("health", "measures", n, "green"), message)


# --- what is created ----------------------------------------------------------------------------------------


def check_tasks(whole: Whole) -> Iterator[Problem]:
    task = whole.describes.get("Task")
    for where, text in _task_texts(whole.model):
        for n, owner in enumerate(getattr(text, "owner", ())):
            if re.match(r"^(team|queue):\s*$", owner):
                yield whole.problem(
                    (*where, "owner", n), f"{owner!r} lacks its name; write team:<role> or queue:<name>"
                )
        if task is not None:
            yield from _task_fields(whole, task, where, text)


def _task_texts(model: ModelFile) -> Iterator[tuple[Path, Part]]:
    for n, cta in enumerate(model.ctas):
        yield ("ctas", n), cta
    for n, book in enumerate(model.playbooks):
        for m, step in enumerate(book.steps):
            yield ("playbooks", n, "steps", m), step


def _task_fields(whole: Whole, task: ObjectDescribe, where: Path, text: Part) -> Iterator[Problem]:
    settings: Mapping[str, str] = getattr(text, "set", {})
    for name, value in settings.items():
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
    yield from _picklist_value(whole, task, "Priority", str(getattr(text, "priority", "")), (*where, "priority"))


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


def did_you_mean(name: str, known: Collection[str]) -> str:
    """'; did you mean ...?' where something is near, else what there is, when that is short."""
    meant = nearest(name, known)
    if meant:
        return f"; did you mean {meant!r}?"
    return f"; there are: {', '.join(sorted(known))}" if 0 < len(known) <= 12 else ""


_CHECKS: tuple[Callable[[Whole], Iterator[Problem]], ...] = (
    check_subject, check_unique_keys, check_names, check_segments, check_time, check_order, check_edges,
    check_reachable, check_stage_settings, check_facts, check_health, check_tasks, check_playbooks, check_cta_names,
    check_campaigns, check_fields,
)  # fmt: skip
