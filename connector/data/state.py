"""The engine's own memory on a subject: what the state field holds, and its text form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any


class Via(StrEnum):
    """How a visit came about."""

    PLACED = "placed"
    ADOPTED = "adopted"
    MOVED = "moved"
    MANUAL = "manual"
    APPROVED = "approved"
    OVERRIDE = "override"


STATE_FORMAT = 1


@dataclass(frozen=True)
class State:
    """What the state field holds: everything that the next run must remember about a subject.

    Text form: compact JSON with the keys of `_KEYS`, sorted, absent when empty. A text that does not parse, or
    that carries another record's or org's id, is no state at all (the subject is adopted anew).
    """

    stage: str = ""
    since: date | None = None
    via: Via = Via.PLACED
    previous: str = ""
    timers: Mapping[str, date] = field(default_factory=dict)
    """One per pending condition: `enter:<stage>` or `leave:<stage>` -> the day it was first seen true."""
    hold: date | None = None
    """A person's stage is obeyed until this day."""
    proposed: str = ""
    quiet: Mapping[str, date] = field(default_factory=dict)
    """Declined proposals: stage -> not proposed again before this day."""
    outside: date | None = None
    """First day the subject was seen out of scope."""
    left: str = ""
    """The stage that was left when the subject went out of scope (resumed within 30 days)."""
    segment: str = ""
    playbooks: Mapping[str, int] = field(default_factory=dict)
    """Playbook -> version pinned for this visit."""
    override: date | None = None
    """First day the present override was seen."""
    override_stage: str = ""
    """The stage that the override named when it was first seen; another one is a new override."""
    inferred: bool = False
    """The visit's start was inferred (placement, adoption), not seen."""
    kpi_day: date | None = None
    record: str = ""
    org: str = ""
    installation: str = ""

    def to_text(self) -> str:
        return json.dumps(_state_to_json(self), separators=(",", ":"), sort_keys=True, ensure_ascii=True)

    @staticmethod
    def from_text(text: str | None) -> State | None:
        """The state in `text`, or None when there is none that this version can read."""
        return _state_from_json(text) if text else None


_KEYS = {
    "stage": "stage", "since": "since", "via": "via", "previous": "prev", "timers": "timers", "hold": "hold",
    "proposed": "prop", "quiet": "quiet", "outside": "out", "left": "left", "segment": "seg",
    "playbooks": "books", "override": "ovr", "override_stage": "ovs", "inferred": "inf", "kpi_day": "kpi",
    "record": "rec",
    "org": "org", "installation": "by",
}  # fmt: skip
_DATES = {"since", "hold", "outside", "override", "kpi_day"}
_DATE_MAPS = {"timers", "quiet"}


def _state_to_json(state: State) -> dict[str, Any]:
    out: dict[str, Any] = {"v": STATE_FORMAT}
    for name, key in _KEYS.items():
        value = getattr(state, name)
        if not value:
            continue
        if name in _DATES:
            value = value.isoformat()
        elif name in _DATE_MAPS:
            value = {k: v.isoformat() for k, v in value.items()}
        elif name == "playbooks":
            value = dict(value)
        out[key] = str(value) if isinstance(value, Via) else value
    return out


def _state_from_json(text: str) -> State | None:
    try:
        raw = json.loads(text)
        if not isinstance(raw, dict) or raw.get("v") != STATE_FORMAT:
            return None
        values: dict[str, Any] = {n: raw[k] for n, k in _KEYS.items() if k in raw}
        for name in _DATES & values.keys():
            values[name] = date.fromisoformat(values[name])
        for name in _DATE_MAPS & values.keys():
            values[name] = {k: date.fromisoformat(v) for k, v in values[name].items()}
        if "via" in values:
            values["via"] = Via(values["via"])
        return State(**values)
    except (ValueError, TypeError, AttributeError):
        return None
