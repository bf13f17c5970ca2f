"""What an example came to against what its author expects, as problems at the lines of the expectation. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from connector.data import Value
from connector.errors import Problem
from connector.files import Path
from connector.mapping import Mapping as Model

_SIGNIFICANT = Decimal("0.000001")


@dataclass(frozen=True)
class Came:
    """What became of the example's account."""

    stage: str = ""
    proposed: str = ""
    facts: Mapping[str, Value] = field(default_factory=dict)
    health: Value = None
    ctas: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    """As playbook.step."""
    campaigns: frozenset[str] = frozenset()
    closes: frozenset[str] = frozenset()
    why: str = ""
    """The sentence of the last move."""
    problems: tuple[str, ...] = ()


def compare(mapping: Model, number: int, came: Came) -> tuple[Problem, ...]:
    """The differences between the example with this number and what became of it."""
    return tuple(
        mapping.at(("examples", number, "expect", *path)).problem(
            f"example {mapping.model.examples[number].name!r}: {message}"
        )
        for path, message in _differences(mapping, number, came)
    )


def _differences(mapping: Model, number: int, came: Came) -> Iterator[tuple[Path, str]]:
    expect = mapping.model.examples[number].expect
    if expect.unstaged and came.stage:
        yield ("unstaged",), f"expected no stage, found {came.stage}{_because(came)}"
    if expect.stage is not None and came.stage != expect.stage:
        yield ("stage",), f"expected stage {expect.stage}, found {came.stage or 'none'}{_because(came)}"
    if expect.proposed is not None and came.proposed != expect.proposed:
        yield ("proposed",), f"expected {expect.proposed} to be proposed, found {came.proposed or 'nothing'}"
    for key, wanted in expect.facts.items():
        if not same_value(wanted, came.facts.get(key)):
            yield ("facts", key), f"expected {key} = {_shown(wanted)}, found {_shown(came.facts.get(key))}"
    if expect.health is not None and (came.health or "unknown") != expect.health:
        yield ("health",), f"expected health {expect.health}, found {came.health or 'unknown'}"
    steps = {_whole(step, mapping) for step in expect.steps} if expect.steps is not None else None
    closes = {_whole(name, mapping) for name in expect.closes} if expect.closes is not None else None
    yield from _sets("ctas", "open CTAs", expect.ctas, came.ctas, came.problems)
    yield from _sets("steps", "open playbook steps", steps, came.steps, came.problems)
    yield from _sets("campaigns", "memberships in", expect.campaigns, came.campaigns, came.problems)
    yield from _sets("closes", "Tasks to be closed", closes, came.closes, ())


def _sets(
    key: str, what: str, wanted: Collection[str] | None, found: frozenset[str], problems: tuple[str, ...]
) -> Iterator[tuple[Path, str]]:
    if wanted is not None and set(wanted) != found:
        told = "; " + "; ".join(problems) if problems and set(wanted) - found else ""
        yield (key,), f"expected {what}: {_listed(wanted)}; found: {_listed(found)}{told}"


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _because(came: Came) -> str:
    return f" ({came.why})" if came.why else ""


def _whole(step: str, mapping: Model) -> str:
    """A step with its playbook, where the author left that out."""
    if "." in step or any(cta.key == step for cta in mapping.model.ctas):
        return step
    books = [book.key for book in mapping.model.playbooks if any(s.key == step for s in book.steps)]
    return f"{books[0]}.{step}" if books else step


def same_value(wanted: Any, found: Value) -> bool:
    """Whether a value in a file means the same as a value of a fact; null in a file is unknown."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if isinstance(wanted, (int, Decimal)) and isinstance(found, (int, Decimal)):
        return abs(Decimal(wanted) - Decimal(found)) < _SIGNIFICANT
    if isinstance(wanted, datetime) and isinstance(found, datetime):
        return wanted.timestamp() == found.timestamp()
    if isinstance(wanted, date) and isinstance(found, datetime):
        return wanted == found.date()
    return bool(wanted == found)


def _shown(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.isoformat() if isinstance(value, date) else repr(value) if isinstance(value, str) else str(value)
