"""What a run took from the org's API allowance, and where: as JSON for the ledger, as a few lines for people.

Used by run_text and as_json, and by begin.py for runs that fail. The lines are made from the JSON, so that a run reads
the same when it ends and when the ledger is asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector.report.summary import ApiCost
from connector.report.words import count_of, plain

_NAMED = 4
"""sObjects that are told by name; the JSON has them all."""


def cost_json(cost: ApiCost) -> dict[str, Any]:
    """`sobjects` counts under '' what was for several at once."""
    return {
        "calls": dict(cost.calls), "total": cost.total, "org_used": cost.used, "org_allowed": cost.allowed,
        "steps": {step: dict(calls) for step, calls in cost.steps.items()}, "sobjects": dict(cost.sobjects),
        "predicted": dict(cost.predicted), "app": _pair(cost.app), "installation": _pair(cost.share),
    }  # fmt: skip


def _pair(pair: tuple[int, int] | None) -> dict[str, int] | None:
    return {"used": pair[0], "allowed": pair[1]} if pair else None


def cost_lines(api: Mapping[str, Any]) -> Iterator[str]:
    """How many calls of which kind; for which step and sObject; how much of the allowances that leaves used."""
    yield count_of(api["total"], "API call") + _in_brackets(api["calls"])
    if steps := _steps(api.get("steps") or {}, api.get("predicted") or {}):
        yield f"by step: {steps}"
    if sobjects := _sobjects(api.get("sobjects") or {}):
        yield f"by sObject: {sobjects}"
    if left := " · ".join(_allowances(api)):
        yield left


def _in_brackets(kinds: Mapping[str, int]) -> str:
    told = ", ".join(f"{kind} {number:,}" for kind, number in _most_first(kinds))
    return f" ({told})" if told else ""


def _steps(steps: Mapping[str, Mapping[str, int]], predicted: Mapping[str, int]) -> str:
    told = []
    for step in {**steps, **predicted}:
        expected = f" (predicted {predicted[step]:,})" if step in predicted else ""
        told.append(f"{step or 'other'} {sum(steps.get(step, {}).values()):,}{expected}")
    return ", ".join(told)


def _sobjects(sobjects: Mapping[str, int]) -> str:
    named = _most_first({name: calls for name, calls in sobjects.items() if name})
    told = [f"{plain(name)} {calls:,}" for name, calls in named[:_NAMED]]
    if more := named[_NAMED:]:
        told.append(f"{count_of(len(more), 'other sObject')} {sum(calls for _, calls in more):,}")
    if together := sobjects.get(""):
        told.append(f"several at once {together:,}")
    return ", ".join(told)


def _allowances(api: Mapping[str, Any]) -> Iterator[str]:
    if api.get("org_used") is not None and api.get("org_allowed"):
        yield f"org used {api['org_used']:,} of {api['org_allowed']:,} today"
    if app := api.get("app"):
        yield f"this app {app['used']:,} of {app['allowed']:,}"
    if ours := api.get("installation"):
        yield f"all our jobs {ours['used']:,} of {ours['allowed']:,}"


def _most_first(numbers: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(numbers.items(), key=lambda i: (-i[1], i[0]))
