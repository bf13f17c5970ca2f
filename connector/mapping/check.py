"""What is wrong with a model as a whole, once its parts have their shape.

Called by load.py after compiling. Each check yields its problems; none stops the others. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo, available_timezones

from connector.calendar import country_calendar
from connector.errors import Problem
from connector.files import Path
from connector.mapping.check_created import (
    check_campaigns,
    check_cta_names,
    check_fields,
    check_playbooks,
    check_tasks,
)
from connector.mapping.check_examples import check_examples
from connector.mapping.check_sources import check_sources
from connector.mapping.check_stages import (
    check_edges,
    check_facts,
    check_health,
    check_order,
    check_reachable,
    check_stage_settings,
)
from connector.mapping.language import KEYWORDS, RESERVED
from connector.mapping.whole import Whole, did_you_mean


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


_CHECKS: tuple[Callable[[Whole], Iterator[Problem]], ...] = (
    check_subject, check_unique_keys, check_names, check_segments, check_time, check_order, check_edges,
    check_reachable, check_stage_settings, check_facts, check_sources, check_health, check_tasks, check_playbooks,
    check_cta_names, check_campaigns, check_fields, check_examples,
)  # fmt: skip
