"""Turns stored values into what a page shows: labels, dates, money, links. Called by the page readers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]

STAGE_FIELD = "Lifecycle_Stage__c"
HEALTH_FIELD = "Health__c"


@dataclass(frozen=True, slots=True)
class Shown:
    """One field on a page. `tone` colours a chip, `href` makes a link; both are optional."""

    label: str
    text: str
    help: str = ""
    tone: str = ""
    href: str = ""
    name: str = ""
    is_long: bool = False


def show_value(value: Any, field: Row | None = None) -> str:
    """A value as a person reads it; nothing is an empty text."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if field is not None and field["type"] in ("boolean", "currency", "percent", "double", "int"):
        return _show_number(value, str(field["type"]), int(field["scale"] or 0))
    if field is not None and field["picklistValues"]:
        return next((str(v["label"]) for v in field["picklistValues"] if v["value"] == value), str(value))
    return str(value)


def _show_number(value: Any, kind: str, scale: int) -> str:
    if kind == "boolean":
        return "Yes" if value else "No"
    number = Decimal(str(value))
    digits = 0 if number == number.to_integral_value() else min(max(scale, 1), 4)
    return f"{number:,.{digits}f}" + (" %" if kind == "percent" else "")


def show_money(value: Any) -> str:
    """An amount in whole units with thousands marked; nothing for nothing."""
    return "" if not value else f"{Decimal(str(value)):,.0f}"


def stage_tone(value: Any) -> str:
    """A colour for a stage, by what kind of word it is; unknown words are neutral."""
    word = str(value or "").lower()
    for tone, marks in _STAGE_TONES:
        if any(mark in word for mark in marks):
            return tone
    return "plain"


_STAGE_TONES = (
    ("bad", ("churned", "lost", "former")),
    ("warn", ("risk", "will_churn", "will churn", "renewal")),
    ("good", ("adopt", "loyal", "advoc")),
    ("info", ("onboard", "launch", "new")),
)


def health_tone(value: Any) -> str:
    """A colour for a health band."""
    return {"green": "good", "yellow": "warn", "red": "bad"}.get(str(value or "").lower(), "plain")


def safe_link(value: Any) -> str:
    """The value as a link when it is a web address, else nothing: no script ever hides behind a link."""
    text = str(value or "")
    return text if text.startswith(("https://", "http://")) else ""
