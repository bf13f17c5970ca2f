"""SOQL text. Names are checked, values are quoted by simple-salesforce; nothing else ever builds a query."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from simple_salesforce.format import format_soql

_NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*")


def select(sobject: str, fields: Sequence[str], *, since: datetime | None = None) -> str:
    """Every record of `sobject`, or those stamped at `since` (org time, to the second) or later."""
    query = f"SELECT {','.join(_name(f) for f in fields)} FROM {_name(sobject)}"
    return query + (f" WHERE SystemModstamp >= {_time(since)}" if since else "")


def select_ids(sobject: str, fields: Sequence[str], ids: Iterable[str]) -> str:
    """The records with these ids; keep it to a few hundred, a longer URL is refused."""
    return str(format_soql(f"{select(sobject, fields)} WHERE Id IN {{ids}}", ids=list(ids)))


def select_where(sobject: str, fields: Sequence[str], field: str, values: Iterable[str]) -> str:
    """The records whose `field` is one of `values`."""
    return str(format_soql(f"{select(sobject, fields)} WHERE {_name(field)} IN {{values}}", values=list(values)))


def count(sobject: str) -> str:
    """How many records of `sobject` there are; the answer's totalSize."""
    return f"SELECT COUNT() FROM {_name(sobject)}"


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no API name")
    return name


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
