"""SOQL text. Names and ids are checked; a value from outside goes through simple-salesforce's quoting, none does so
far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

MAX_STATEMENT = 100_000
"""Characters that Salesforce takes; by REST the length of the address ends much earlier."""

_NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*")
_ID = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")


def select(
    sobject: str,
    fields: Sequence[str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    stamp: str = "SystemModstamp",
    ids: Sequence[str] | None = None,
    id_field: str = "Id",
) -> str:
    """Every record of `sobject`, or those of a window, or those whose `id_field` is one of `ids`.

    The window is `[since, until)` of `stamp` in org time, to the second: what ends one window begins the next.
    """
    query = f"SELECT {','.join(_name(f) for f in fields)} FROM {_name(sobject)}"
    return _checked(query + _where([*_window(stamp, since, until), *_among(id_field, ids)]))


def count(
    sobject: str,
    *,
    live_only: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    stamp: str = "SystemModstamp",
) -> str:
    """How many records of `sobject` (in a window) there are; the answer's totalSize.

    `live_only`: asked with queryAll it leaves deleted records out and counts archived activities, which query never
    sees. For objects that have IsDeleted.
    """
    live = ["IsDeleted = false"] if live_only else []
    return _checked(f"SELECT COUNT() FROM {_name(sobject)}{_where([*live, *_window(stamp, since, until)])}")


def name_list(names: Sequence[str]) -> str:
    """API names as texts to compare a field with: `('Account','Task')`."""
    quoted = (f"'{_name(name)}'" for name in names)
    return f"({','.join(quoted)})"


def _window(stamp: str, since: datetime | None, until: datetime | None) -> list[str]:
    ends = ((">=", since), ("<", until))
    return [f"{_name(stamp)} {operator} {_time(at)}" for operator, at in ends if at]


def _among(id_field: str, ids: Sequence[str] | None) -> list[str]:
    if ids is None:
        return []
    if not ids:
        raise ValueError(f"no {id_field} to ask for")
    return [f"{_name(id_field)} IN ({','.join(_id(i) for i in ids)})"]


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _checked(query: str) -> str:
    if len(query) >= MAX_STATEMENT:
        raise ValueError(f"a statement of {len(query)} characters; Salesforce takes less than {MAX_STATEMENT}")
    return query


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no API name")
    return name


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r} is no record id")
    return f"'{text}'"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
