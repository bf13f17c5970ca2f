"""Desired values against live ones: equal, as Salesforce would store them, means no change.

Called by the planners for every record. Fails closed: a field that the org does not have, that may not be written,
or that was not read, is not written, and the trouble says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from connector.data import Value
from connector.describe import FieldDescribe, ObjectDescribe, normalise, same


@dataclass(frozen=True)
class Difference:
    """What would have to be sent, in normalised values, and what cannot be."""

    after: Mapping[str, Value] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()


def find_difference(
    desired: Mapping[str, Value], live: Mapping[str, Value], describe: ObjectDescribe
) -> Difference:  # fmt: skip
    """The fields of `desired` whose live value differs."""
    after: dict[str, Value] = {}
    troubles: list[str] = []
    for name, value in desired.items():
        known = describe.find(name)
        trouble = _why_not(name, known, describe.name, live)
        if trouble:
            troubles.append(trouble)
        elif known and not same(value, live[name], known):
            after[name] = normalise(value, known)
    return Difference(after, tuple(troubles))


def _why_not(name: str, known: FieldDescribe | None, sobject: str, live: Mapping[str, Value]) -> str:
    if known is None:
        return f"{sobject}.{name} does not exist in the org; create it (connector setup), then run again"
    if not known.updateable or known.calculated:
        return f"{sobject}.{name} may not be written by our user; give edit rights with the permission set"
    if name not in live:
        return f"{sobject}.{name} could not be read, so it was not written; give read rights with the permission set"
    return ""


def new_record(desired: Mapping[str, Value], describe: ObjectDescribe) -> Difference:
    """The fields of a record to create: normalised, blanks left out."""
    after: dict[str, Value] = {}
    troubles: list[str] = []
    for name, value in desired.items():
        known = describe.find(name)
        if known is None or not known.createable:
            what = "does not exist in the org" if known is None else "may not be written by our user"
            troubles.append(f"{describe.name}.{name} {what}; create it or give edit rights (connector setup)")
            continue
        stored = normalise(value, known)
        if stored is not None:
            after[name] = stored
    return Difference(after, tuple(troubles))


def read_text(text: str, known: FieldDescribe | None) -> Value:
    """A text that a template rendered, as the value that a field of that type takes. ValueError when it is none."""
    if known is None or known.is_text or text == "":
        return text
    if known.type == "boolean":
        return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else _refuse(text)
    if known.type == "date":
        return date.fromisoformat(text)
    try:
        return Decimal(text)
    except InvalidOperation:
        return _refuse(text)


def _refuse(text: str) -> Value:
    raise ValueError(text)
