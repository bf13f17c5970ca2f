"""What the calls cost: requests by kind, and the org's own count from the Sforce-Limit-Info header."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_INFO = re.compile(r"(?:^|[;,\s])api-usage=(\d+)/(\d+)")
_KINDS = (
    (re.compile(r"/jobs/query(/|$)"), "bulk"),
    (re.compile(r"/describe$"), "describe"),
    (re.compile(r"/composite/sobjects/\w+$"), "retrieve"),
    (re.compile(r"/composite/sobjects$"), "collections"),
    (re.compile(r"/composite$"), "composite"),
    (re.compile(r"/query(All)?(/|$)"), "query"),
)


@dataclass(frozen=True)
class ApiUsage:
    """Calls of this session by kind (logins left out: they do not count), and the org's allowance."""

    calls: Mapping[str, int] = field(default_factory=dict)
    used: int | None = None
    """Of all clients of the org in the last 24 hours; None before the first answer that says so."""
    allowed: int | None = None

    @property
    def total(self) -> int:
        return sum(self.calls.values())


def read_limit_info(header: str) -> tuple[int, int] | None:
    """(used, allowed) of `api-usage=18/5000[; per-app-api-usage=17/250(appName=x)]`."""
    found = _INFO.search(header)
    return (int(found[1]), int(found[2])) if found else None


def kind_of(method: str, url: str) -> str:
    """The kind of a request: create, update, retrieve, query, bulk, describe, composite or other."""
    path = urlsplit(url).path
    kind = next((kind for pattern, kind in _KINDS if pattern.search(path)), "other")
    return (
        {"POST": "create", "PATCH": "update", "DELETE": "delete"}.get(method, kind) if kind == "collections" else kind
    )


class Meter:
    """Counts while requests go out; one per session, shared by its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._limit: tuple[int, int] | None = None

    def count(self, method: str, url: str) -> None:
        with self._lock:
            self._calls[kind_of(method, url)] += 1

    def read(self, header: str | None) -> None:
        if header and (found := read_limit_info(header)):
            self._limit = found

    @property
    def usage(self) -> ApiUsage:
        used, allowed = self._limit or (None, None)
        return ApiUsage(dict(self._calls), used, allowed)
