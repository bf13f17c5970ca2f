"""Lays over a mapping what settings say differs in this org: lists, parameters, campaigns, owners.

Called by load.py. Items of a list go by their key: `campaigns.welcome.campaign`. Anything else may not be overridden:
rules are the same in a sandbox and in production.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from connector.describe import nearest
from connector.errors import Problem
from connector.files import Document

ALLOWED = ("zone", "calendar", "params.*", "lists.*", "budgets.*", "campaigns.*", "ctas.*.owner",
           "playbooks.*.steps.*.owner")  # fmt: skip
"""`campaigns.welcome` is short for `campaigns.welcome.campaign`."""
_SETTINGS = "config.toml"


def override(document: Document, overrides: Mapping[str, Any]) -> Document:
    """The document with the overrides in place, and a problem for each that fits nowhere."""
    if not overrides or not isinstance(document.data, dict):
        return document
    data = _copied(document.data)
    problems = [
        Problem(_SETTINGS, 0, 0, f"overrides.{document.data.get('model')}.{'.'.join(path)}: {wrong}")
        for path, value in _settings(overrides, ())
        if (wrong := _put(data, path, value))
    ]
    return replace(document, data=data, problems=(*document.problems, *problems))


def _settings(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The overrides one by one: down to a path that may be overridden, or to something that is no table."""
    if isinstance(value, Mapping) and not _is_allowed(path):
        for key, inner in value.items():
            yield from _settings(inner, (*path, str(key)))
    else:
        yield path, value


def _is_allowed(path: tuple[str, ...]) -> bool:
    return any(_matches(path, tuple(pattern.split("."))) for pattern in ALLOWED)


def _matches(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    return len(path) == len(pattern) and all(p in ("*", part) for part, p in zip(path, pattern, strict=True))


def _put(data: Any, path: tuple[str, ...], value: Any) -> str:
    """Puts `value` at `path`; returns what is wrong with that, or ''."""
    if not _is_allowed(path):
        return f"may not be overridden; allowed: {', '.join(ALLOWED)}"
    for part in path[:-1]:
        if isinstance(data, dict) and part in ("params", "lists", "budgets"):
            data.setdefault(part, {})
        items = _items(data)
        if part not in items:
            meant = nearest(part, items)
            return f"the mapping has no {part!r}" + (f"; did you mean {meant!r}?" if meant else "")
        data = items[part]
    if path[0] != "campaigns":
        data[path[-1]] = value
        return ""
    return _put_campaign(_items(data).get(path[-1]), path[-1], value)


def _put_campaign(rule: Any, key: str, value: Any) -> str:
    if not isinstance(rule, dict):
        return f"the mapping has no campaign {key!r}"
    rule["campaign"] = value["campaign"] if isinstance(value, Mapping) and "campaign" in value else value
    return ""


def _items(data: Any) -> dict[str, Any]:
    if isinstance(data, list):
        return {str(item.get("key")): item for item in data if isinstance(item, dict)}
    return data if isinstance(data, dict) else {}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value
