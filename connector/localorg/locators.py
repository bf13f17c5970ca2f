"""Query locators: the pages of a result that did not fit into one answer. Called by the query routes.

A result is evaluated once; its pages can be asked for again, in any order, for two days (reference 2.1).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from connector.localorg.errors import locator_invalid
from connector.localorg.ids import make_id

LIFETIME = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Result:
    """One evaluated query, or one child subquery of it, with the page size that its first request asked for."""

    records: list[dict[str, Any]]
    page: int
    user_id: str
    at: datetime
    nested: bool = False
    """Whether its records have children of their own, which count toward the page."""


@dataclass(slots=True)
class Locators:
    """The open results of an org."""

    results: dict[str, Result] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def keep(self, result: Result) -> str:
        """Remember a result and return its locator without offset."""
        for key in [k for k, r in self.results.items() if result.at - r.at > LIFETIME]:
            del self.results[key]
        locator = make_id("0r8", "xx", next(self.numbers))
        self.results[locator] = result
        return locator

    def find(self, locator: str, user_id: str, at: datetime) -> Result:
        """Return the result of a locator, or refuse: unknown, expired, or another user's."""
        found = self.results.get(locator)
        if found is None or found.user_id != user_id or at - found.at > LIFETIME:
            raise locator_invalid()
        return found
