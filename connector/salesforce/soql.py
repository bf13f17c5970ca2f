"""SOQL text. Names are checked; a value from outside goes through simple-salesforce's quoting, none does so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

_NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*")


def select(sobject: str, fields: Sequence[str], *, since: datetime | None = None) -> str:
    """Every record of `sobject`, or those stamped at `since` (org time, to the second) or later."""
    query = f"SELECT {','.join(_name(f) for f in fields)} FROM {_name(sobject)}"
    return query + (f" WHERE SystemModstamp >= {_time(since)}" if since else "")


def count(sobject: str) -> str:
    """How many records of `sobject` there are; the answer's totalSize."""
    return f"SELECT COUNT() FROM {_name(sobject)}"


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no API name")
    return name


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
