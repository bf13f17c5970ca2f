"""What may be spent, who is told before it is, and how many calls things take."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.errors import QuotaExhausted
from connector.salesforce.budget import CALLS_AROUND_BULK, Budget, predict_calls
from connector.settings import ApiSettings

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
QUERY = "https://acme.my.salesforce.com/services/data/v66.0/query?q=SELECT+Id+FROM+Task"

# --- prediction -----------------------------------------------------------------------------------------------

CALLS = {
    "nothing": ({}, 0),
    "one window": ({"windows": 1}, 1),
    "an idle job: five windows to a call": ({"windows": 13}, 3),
    "describes go into the free places": ({"windows": 13, "describes": 30}, 3),
    "describes that find no free place": ({"windows": 5, "describes": 46}, 3),
    "describes alone": ({"describes": 26}, 2),
    "a first page is asked with the windows": ({"windows": 4, "by_rest": {"Task": 2000}}, 1),
    "further pages are a call each": ({"windows": 4, "by_rest": {"Task": 2001, "Event": 6000}}, 2 + 1 + 2),
    "an empty object is asked all the same": ({"by_rest": {"Task": 0}}, 1),
    "a page of wide records": ({"by_rest": {"Task": 1000}, "rest_page": 200}, 5),
    "a Bulk job has calls around its pages": ({"by_bulk": {"Task": 500_001}}, 3 + CALLS_AROUND_BULK),
    "an empty Bulk job has a page too": ({"by_bulk": {"Task": 0}}, 1 + CALLS_AROUND_BULK),
    "pages of another size": ({"by_bulk": {"Task": 250_000}, "bulk_page": 50_000}, 5 + CALLS_AROUND_BULK),
    "writes are read again first": ({"writes": 201}, 4),
}


@pytest.mark.parametrize(("asked", "calls"), CALLS.values(), ids=CALLS.keys())
def test_how_many_calls_things_take(asked: dict[str, Any], calls: int) -> None:
    assert predict_calls(**asked) == calls


# --- limits ---------------------------------------------------------------------------------------------------


class Book:
    """A ledger's book in memory."""

    def __init__(self, allowed: int | None = None, **others: int) -> None:
        self.allowed = allowed
        self.notes: list[tuple[datetime, str, int]] = [(NOW - timedelta(hours=1), j, n) for j, n in others.items()]

    def note(self, at: datetime, calls: int) -> None:
        self.notes.append((at, "ours", calls))

    def spent_since(self, at: datetime) -> Mapping[str, int]:
        jobs = {job for made, job, _ in self.notes if made > at}
        return {j: sum(n for made, job, n in self.notes if job == j and made > at) for j in jobs}

    def spent_until(self, since: datetime, calls: int) -> datetime | None:
        return NOW - timedelta(minutes=59) if sum(self.spent_since(since).values()) >= calls else None

    def remember_allowed(self, calls: int) -> None:
        self.allowed = calls


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def budget(book: Book | None = None, clock: Clock | None = None, reserve: float = 20, share: float = 50) -> Budget:
    return Budget(ApiSettings(reserve=reserve, daily_share=share), clock or Clock(), book)


LEFT = {
    "nothing was heard": ("", 20, 50, None),
    "the reserve is the tightest": ("api-usage=700/1000", 20, 50, 100),
    "the share is the tightest": ("api-usage=0/1000", 20, 5, 50),
    "the app's limit is the tightest": ("api-usage=0/1000; per-app-api-usage=240/250(appName=x)", 20, 50, 10),
    "only the app's limit is told": ("per-app-api-usage=240/250(appName=x)", 20, 50, 10),
    "others have used up the reserve": ("api-usage=990/1000", 20, 50, 0),
    "no reserve": ("api-usage=700/1000", 0, 100, 300),
    "an org that counts without a limit": ("api-usage=700/0", 20, 50, None),
}


@pytest.mark.parametrize(("header", "reserve", "share", "left"), LEFT.values(), ids=LEFT.keys())
def test_the_tightest_limit_says_how_much_is_left(header: str, reserve: float, share: float, left: int | None) -> None:
    ours = budget(reserve=reserve, share=share)
    ours.hear(header)
    assert ours.left == left


REFUSED = {
    "reserve": ("api-usage=700/1000", r"Reading 12 sObjects takes about 101 API calls, and 100 are left: 700 of the "
                r"org's 1,000 calls .*\[api\] reserve leaves 20 % to others.*Nothing of it was begun.*lower \[api\]"),
    "app": ("api-usage=0/1000; per-app-api-usage=150/250(appName=Lifecycle)",
            r"100 are left: 150 of the 250 calls .*allows Lifecycle.*administrator"),
    "share": ("api-usage=0/200", r"100 are left: this installation's jobs spent 0 calls .*of the 100 .*\(50 % of the "
              r"org's 200\).*A whole day has no room for that.*raise \[api\] daily_share"),
}  # fmt: skip


@pytest.mark.parametrize(("header", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_afforded_is_not_begun_and_said_why(header: str, message: str) -> None:
    ours = budget()
    ours.hear(header)
    ours.afford(100, "reading 12 sObjects")
    with pytest.raises(QuotaExhausted, match=message) as raised:
        ours.afford(101, "reading 12 sObjects")
    assert raised.value.exit_code == 4
    assert ours.usage.total == 0


def test_nothing_can_be_afforded_when_others_used_everything_and_nothing_costs_nothing() -> None:
    ours = budget()
    ours.hear("api-usage=999/1000")
    ours.afford(0, "writing 0 changes")
    with pytest.raises(QuotaExhausted, match="0 are left"):
        ours.afford(1, "writing 1 change")


def test_before_the_org_has_said_anything_the_first_call_is_made_and_its_answer_tells() -> None:
    ours = budget()
    ours.afford(10**6, "reading everything")
    ours.spend("GET", QUERY)
    ours.hear("api-usage=800/1000")
    with pytest.raises(QuotaExhausted, match="800 of the org's 1,000"):
        ours.spend("GET", QUERY)
    assert ours.usage.total == 1, "a call that is refused is not counted"


def test_predictions_are_told_beside_what_was_spent() -> None:
    ours = budget()
    ours.step("pull")
    ours.afford(3, "reading")
    ours.afford(2, "reading again")
    ours.spend("GET", QUERY)
    assert (ours.usage.predicted, ours.usage.by_step) == ({"pull": 5}, {"pull": {"query": 1}})


# --- the share of all jobs ------------------------------------------------------------------------------------


def test_what_other_jobs_spent_counts_and_they_are_named() -> None:
    ours = budget(Book(100, lifecycle=30, marketing=20))
    with pytest.raises(QuotaExhausted, match=r"spent 50 calls .*\(lifecycle 30, marketing 20\) of the 50"):
        ours.spend("GET", QUERY)


def test_it_is_said_from_when_on_there_is_room_again() -> None:
    ours = budget(Book(100, lifecycle=45))
    ours.afford(5, "reading")
    with pytest.raises(QuotaExhausted, match=r"Run after 2026-09-02 07:01 UTC"):
        ours.afford(6, "reading")


def test_after_a_day_the_calls_of_the_day_before_are_forgotten() -> None:
    clock = Clock()
    ours = budget(Book(100, lifecycle=50), clock)
    assert ours.left == 0
    clock.now += timedelta(hours=22, minutes=58)
    assert ours.left == 0
    clock.now += timedelta(minutes=3)
    assert ours.left == 50


def test_the_book_is_written_before_the_call_is_made_so_that_a_kill_forgets_nothing() -> None:
    book = Book(100)
    ours = budget(book)
    ours.spend("GET", QUERY)
    assert book.notes == [(NOW, "ours", 1)]
    assert budget(book).usage.share == ours.usage.share


def test_an_allowance_that_grew_is_remembered() -> None:
    book = Book(100, lifecycle=49)
    ours = budget(book)
    ours.hear("api-usage=49/1000")
    assert book.allowed == 1000
    assert budget(book).left == 451


def test_threads_are_counted_every_one() -> None:
    book = Book()
    ours = budget(book)

    def work(_: int) -> None:
        for _ in range(100):
            ours.spend("GET", QUERY)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert ours.usage.total == len(book.notes) == 400
