"""What the calls cost: requests by step, kind and sObject, and the org's own count from the Sforce-Limit-Info header.

Filled by budget.py, which sees every request of a session; read by run.py for the report. Logins do not count.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

_INFO = re.compile(
    r"(?<![\w-])(?P<app>per-app-)?api-usage\s*=\s*(?P<used>\d+)\s*/\s*(?P<allowed>\d+)(?:\s*\(\s*appName\s*=(?P<name>[^)]*)\))?",
    re.IGNORECASE,
)
_KINDS = (
    (re.compile(r"/jobs/(query|ingest)(/|$)"), "bulk"),
    (re.compile(r"/describe$"), "describe"),
    (re.compile(r"/composite/sobjects/\w+$"), "retrieve"),
    (re.compile(r"/composite/sobjects$"), "collections"),
    (re.compile(r"/composite$"), "composite"),
    (re.compile(r"/query(All)?(/|$)"), "query"),
)
_OF_SOBJECT = re.compile(r"(?:^|/)sobjects/(\w+)")
_PARENTHESES = re.compile(r"\([^()]*\)")
_FROM = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)

_about: ContextVar[str] = ContextVar("sObject that calls are counted for", default="")


@contextmanager
def spent_on(sobject: str) -> Iterator[None]:
    """Calls that this thread makes meanwhile are counted for `sobject`; '' leaves it to who said so before."""
    before = _about.set(sobject or _about.get())
    try:
        yield
    finally:
        _about.reset(before)


@dataclass(frozen=True)
class Allowance:
    """Calls of the last 24 hours and how many there may be, as the org counts them."""

    used: int
    allowed: int
    app: str = ""
    """The name of the app that this allowance is for; '' where the org does not say, and for the org's own."""


@dataclass(frozen=True)
class LimitInfo:
    """What one Sforce-Limit-Info header says; None where it is silent."""

    org: Allowance | None = None
    app: Allowance | None = None


@dataclass(frozen=True)
class Spent:
    """Calls of one kind that one step made for one sObject ('' where a call was for several, or it is not known)."""

    step: str
    kind: str
    sobject: str
    calls: int


@dataclass(frozen=True)
class ApiUsage:
    """Calls of this session, and the allowances as the org told them last."""

    spent: tuple[Spent, ...] = ()
    org: Allowance | None = None
    app: Allowance | None = None
    share: Allowance | None = None
    """What all jobs of this installation spent in 24 hours, and may; None before the org's allowance is known."""
    predicted: Mapping[str, int] = field(default_factory=dict)
    """step -> calls that it was expected to take."""

    @property
    def calls(self) -> Mapping[str, int]:
        """By kind."""
        return self._sums("kind")

    @property
    def by_sobject(self) -> Mapping[str, int]:
        return self._sums("sobject")

    @property
    def by_step(self) -> Mapping[str, Mapping[str, int]]:
        """step -> kind -> calls, in the order in which the steps began to spend."""
        steps = dict.fromkeys(s.step for s in self.spent)
        return {step: ApiUsage(tuple(s for s in self.spent if s.step == step)).calls for step in steps}

    @property
    def total(self) -> int:
        return sum(s.calls for s in self.spent)

    @property
    def used(self) -> int | None:
        return self.org.used if self.org else None

    @property
    def allowed(self) -> int | None:
        return self.org.allowed if self.org else None

    def _sums(self, attribute: str) -> Mapping[str, int]:
        sums: Counter[str] = Counter()
        for spent in self.spent:
            sums[getattr(spent, attribute)] += spent.calls
        return dict(sums)


def read_limit_info(header: str) -> LimitInfo:
    """`api-usage=18/5000`, `per-app-api-usage=17/250(appName=x)`, or both, in any order and case."""
    found: dict[str, Allowance] = {}
    for match in _INFO.finditer(header):
        which = "app" if match["app"] else "org"
        found.setdefault(which, Allowance(int(match["used"]), int(match["allowed"]), (match["name"] or "").strip()))
    return LimitInfo(found.get("org"), found.get("app"))


def kind_of(method: str, url: str) -> str:
    """What a request is counted as: create, update, retrieve, query, bulk, describe, composite or other."""
    path = urlsplit(url).path
    kind = next((kind for pattern, kind in _KINDS if pattern.search(path)), "other")
    return (
        {"POST": "create", "PATCH": "update", "DELETE": "delete"}.get(method, kind) if kind == "collections" else kind
    )


def sobject_of(url: str) -> str:
    """The sObject that an address speaks of; '' where it does not tell."""
    parts = urlsplit(url)
    if found := _OF_SOBJECT.search(parts.path):
        return found[1]
    outer = parse_qs(parts.query).get("q", [""])[0]
    while (shorter := _PARENTHESES.sub("", outer)) != outer:
        outer = shorter
    from_what = _FROM.search(outer)
    return from_what[1] if from_what else ""


def only_sobject(urls: Iterable[str]) -> str:
    """The sObject that all of these addresses speak of; '' where they are of several."""
    found = {sobject_of(url) for url in urls}
    return found.pop() if len(found) == 1 else ""


@dataclass
class Meter:
    """Counts while requests go out; one per session, shared by its threads. `step` is what they are made for."""

    step: str = ""
    org: Allowance | None = None
    app: Allowance | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _calls: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def count(self, method: str, url: str) -> None:
        with self._lock:
            self._calls[self.step, kind_of(method, url), _about.get() or sobject_of(url)] += 1

    def read(self, header: str | None) -> None:
        """What the org said with its last answer; what it does not mention stays as it was."""
        said = read_limit_info(header or "")
        self.org, self.app = said.org or self.org, said.app or self.app

    @property
    def usage(self) -> ApiUsage:
        with self._lock:
            spent = tuple(Spent(*key, calls) for key, calls in self._calls.items())
        return ApiUsage(spent, self.org, self.app)
