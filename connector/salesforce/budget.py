"""How many calls the connector may still make, and how many something will take.

One Budget per session, which asks it before every request and tells it every answer. What all jobs of an installation
spent together is in a book that outlives the run (the ledger); a budget without one knows its own session only.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Protocol

from connector.errors import QuotaExhausted
from connector.salesforce.collections import MAX_ROWS
from connector.salesforce.composite import MAX_QUERIES, MAX_SUBREQUESTS
from connector.salesforce.usage import Allowance, ApiUsage, Meter
from connector.settings import ApiSettings

DAY = timedelta(hours=24)
ROWS_OF_A_QUERY = 2000
"""Records of one page by REST, at most; with several long text fields an org gives 200."""
ROWS_OF_A_BULK_PAGE = 250_000
CALLS_AROUND_BULK = 12
"""To make a job, to look at it until it is over, to delete it: a job of a minute, with growing pauses."""


def predict_calls(
    *, windows: int = 0, describes: int = 0, by_rest: Mapping[str, int] | None = None,
    by_bulk: Mapping[str, int] | None = None, writes: int = 0,
    rest_page: int = ROWS_OF_A_QUERY, bulk_page: int = ROWS_OF_A_BULK_PAGE,
) -> int:  # fmt: skip
    """The calls that a run will take, if nothing has to be asked twice.

    Asked together in composite calls: `windows`, queries whose answers fit on one page (counts among them); the first
    pages of `by_rest` (sObject -> records expected), whose further pages are a call each; `describes`, in the places
    that those leave free. `by_bulk`: sObject -> records expected of a Bulk job. `writes`: records, re-read and written
    200 to a call.
    """
    rest, bulk = by_rest or {}, by_bulk or {}
    further = sum(_pages(rows, rest_page) - 1 for rows in rest.values())
    jobs = sum(_pages(rows, bulk_page) + CALLS_AROUND_BULK for rows in bulk.values())
    return _composites(windows + len(rest), describes) + further + jobs + 2 * ceil(writes / MAX_ROWS)


def _pages(rows: int, page: int) -> int:
    """An empty answer is a page too."""
    return max(1, ceil(rows / page))


def _composites(queries: int, others: int) -> int:
    calls = ceil(queries / MAX_QUERIES)
    room = calls * MAX_SUBREQUESTS - queries
    return calls + ceil(max(0, others - room) / MAX_SUBREQUESTS)


class SpendingBook(Protocol):
    """What all jobs of the installation spent on one org, by the org's clock; the ledger has it."""

    def note(self, at: datetime, calls: int) -> None: ...
    def spent_since(self, at: datetime) -> Mapping[str, int]: ...
    def spent_until(self, since: datetime, calls: int) -> datetime | None: ...
    @property
    def allowed(self) -> int | None: ...
    def remember_allowed(self, calls: int) -> None: ...


@dataclass(frozen=True)
class Room:
    """One of the limits that a run keeps: how many calls of 24 hours it allows, why, and what lifts it."""

    limit: int
    used: int
    why: Callable[[], str]
    remedy: str
    free_from: Callable[[int], datetime | None] = lambda _: None
    """When so many calls will have room, where that can be told."""

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)

    def advice(self, calls: int) -> str:
        if calls > self.limit:
            return f"A whole day has no room for that: let it read or write less at once, or {self.remedy}."
        from_when = self.free_from(calls)
        return f"Run {f'after {from_when:%Y-%m-%d %H:%M} UTC' if from_when else 'later'}, or {self.remedy}."


class Budget:
    """The calls of one session: counted, and refused when a limit leaves none. Shared between threads."""

    def __init__(self, api: ApiSettings, clock: Callable[[], datetime], book: SpendingBook | None = None) -> None:
        self._api, self._clock, self._book = api, clock, book
        self._meter = Meter()
        self._lock = threading.Lock()
        self._minute: datetime | None = None
        self._spent = 0
        self._allowed = book.allowed if book else None
        self._predicted: Counter[str] = Counter()

    @property
    def usage(self) -> ApiUsage:
        return replace(self._meter.usage, share=self._share(), predicted=dict(self._predicted))

    @property
    def left(self) -> int | None:
        """Calls that may still be made by the tightest limit; None before the org has said what it allows."""
        room = self._tightest()
        return room.left if room else None

    def step(self, name: str) -> None:
        """From now on calls are counted for this step of the run."""
        self._meter.step = name

    def afford(self, predicted: int, what: str) -> None:
        """QuotaExhausted when `what` ("reading 12 sObjects") will take more calls than are left; spends nothing.

        Says nothing before the org has told its allowance: then the first answer tells, and every call is checked.
        """
        self._predicted[self._meter.step] += predicted
        room = self._tightest()
        if room and predicted > room.left:
            raise QuotaExhausted(
                f"{what[:1].upper()}{what[1:]} takes about {predicted:,} API calls, and {room.left:,} are left: "
                f"{room.why()}. Nothing of it was begun. {room.advice(predicted)}"
            )

    def spend(self, method: str, url: str) -> None:
        """Counts a call that is about to be made; QuotaExhausted when none is left."""
        room = self._tightest()
        if room and not room.left:
            raise QuotaExhausted(f"No API call is left: {room.why()}. {room.advice(1)}")
        self._meter.count(method, url)
        with self._lock:
            self._spent += 1
            if self._book:
                self._book.note(self._clock(), 1)

    def hear(self, header: str | None) -> None:
        """What the org said about its allowances with an answer."""
        self._meter.read(header)
        org = self._meter.org
        if org and org.allowed != self._allowed:
            self._allowed = org.allowed
            if self._book:
                self._book.remember_allowed(org.allowed)

    # --- limits -------------------------------------------------------------------------------------------

    def _tightest(self) -> Room | None:
        return min(self._rooms(), key=lambda room: room.left, default=None)

    def _rooms(self) -> Iterator[Room]:
        if (org := self._meter.org) and org.allowed:
            kept = self._percent(org.allowed, 100 - self._api.reserve)
            yield Room(kept, org.used, lambda: self._about_reserve(org), "lower [api] reserve in config.toml")
        if (app := self._meter.app) and app.allowed:
            remedy = "ask an administrator to raise the app's limit"
            yield Room(app.allowed, app.used, lambda: self._about_app(app), remedy)
        if share := self._share():
            yield Room(
                share.allowed, share.used, lambda: self._about_share(share), "raise [api] daily_share in config.toml",
                lambda calls: self._room_from(share.used + calls - share.allowed),
            )  # fmt: skip

    def _about_reserve(self, org: Allowance) -> str:
        return (
            f"{org.used:,} of the org's {org.allowed:,} calls of the last 24 hours are used, and [api] reserve leaves "
            f"{self._api.reserve:g} % to others"
        )

    def _about_app(self, app: Allowance) -> str:
        return (
            f"{app.used:,} of the {app.allowed:,} calls in 24 hours are used that the org allows {app.app or 'our app'}"
        )

    def _about_share(self, share: Allowance) -> str:
        told = ", ".join(f"{job} {calls:,}" for job, calls in sorted(self._today().items()))
        return (
            f"this installation's jobs spent {share.used:,} calls in the last 24 hours"
            + (f" ({told})" if told else "")
            + f" of the {share.allowed:,} that [api] daily_share allows them ({self._api.daily_share:g} % of the org's "
            f"{self._allowed:,})"
        )

    def _room_from(self, too_many: int) -> datetime | None:
        """The calls of the day before drop out in their order."""
        last = self._book.spent_until(self._clock() - DAY, too_many) if self._book else None
        return last + DAY if last else None

    @staticmethod
    def _percent(whole: int, percent: float) -> int:
        return int(whole * percent // 100)

    def _share(self) -> Allowance | None:
        if not self._allowed:
            return None
        return Allowance(self._spent_today(), self._percent(self._allowed, self._api.daily_share))

    def _spent_today(self) -> int:
        """Read again every minute of the org's clock: the oldest calls drop out, other jobs' come in."""
        if self._book:
            minute = self._clock().replace(second=0, microsecond=0)
            with self._lock:
                if minute != self._minute:
                    self._spent, self._minute = sum(self._today().values()), minute
        return self._spent

    def _today(self) -> Mapping[str, int]:
        return self._book.spent_since(self._clock() - DAY) if self._book else {}
