"""One org that is served, one mirror, and a pull whenever a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from mirror_equals import assert_equal, read_rows

from connector.data import Needs, PullResult
from connector.localorg.faults import Kind
from connector.localorg.ledger import Entry
from connector.localorg.server import LocalOrgServer
from connector.pull import pull
from connector.salesforce import OrgClient, connect
from connector.settings import HttpSettings, OrgSettings, PullSettings
from connector.store.mirror import Mirror
from connector.store.readings import Readings

OVERLAP = timedelta(minutes=15)
PASSING: dict[str, Kind] = {
    "session expired": "expired_session",
    "406 without a body": "not_acceptable",
    "420 page of the edge": "edge_page",
    "429": "too_many_requests",
    "503 page": "unavailable",
    "too many long requests at once": "concurrent_limit",
    "reset before it was handled": "reset_before",
    "reset after it was handled": "reset_after",
    "body cut off": "truncated",
    "too slow": "slow",
}
"""Faults after which the same request succeeds."""
BULK = PullSettings(bulk_from=5, bulk_page=3)
"""Bulk jobs from five records on, in pages of three."""
REST = PullSettings()


class Pulled:
    """A mirror beside an org, and the client that fills it."""

    def __init__(self, server: LocalOrgServer, needs: Needs, how: PullSettings = REST, *, store: Path | None = None):
        self.server, self.org, self.needs, self.how = server, server.org, needs, how
        self.mirror = Mirror.open(store or ":memory:")
        self.said: list[str] = []
        self.http: dict[str, Any] = {"attempts": 3}
        self.version = "66.0"

    def client(self) -> OrgClient:
        settings = OrgSettings(
            instance_url=self.server.url, client_id="key", client_secret="secret", api_version=self.version
        )
        return connect(settings, HttpSettings(**self.http), sleep=lambda _: None)

    def pull(self, needs: Needs | None = None, **options: Any) -> PullResult:
        given = {"overlap": OVERLAP, "how": self.how, "progress": self.said.append} | options
        return pull(self.client(), self.mirror, needs or self.needs, **given)

    def later(self, **by: float) -> None:
        self.org.clock.advance(timedelta(**by))

    def rows(self, sobject: str) -> dict[str, dict[str, Any]]:
        return read_rows(self.mirror, sobject)

    def live(self, sobject: str) -> set[str]:
        return {id for id, row in self.rows(sobject).items() if not row["IsDeleted"]}

    def sql(self, text: str, *given: Any) -> list[tuple[Any, ...]]:
        return self.mirror.connection.execute(text, list(given)).fetchall()

    def assert_equal(self) -> None:
        """The mirror says what the org says, and nothing is left half read."""
        assert_equal(self.mirror, self.org, self.needs)
        assert Readings(self.mirror).all() == []
        assert self.sql("SELECT * FROM meta.spent_jobs") == []


@contextmanager
def pulled(
    server: LocalOrgServer, needs: Needs, how: PullSettings = REST, *, store: Path | None = None
) -> Iterator[Pulled]:
    """A `Pulled` that is closed in the end."""
    found = Pulled(server, needs, how, store=store)
    try:
        yield found
    finally:
        found.mirror.close()


def pages_of(entries: list[Entry]) -> list[str]:
    """The pages of results that were handed out, by their addresses: of locators and of Bulk jobs."""
    return [
        f"{e.path.split('/services/data/')[1]} {e.query.get('locator', '')}".strip()
        for e in entries
        if e.method == "GET" and e.status == 200 and ("/query/0r8" in e.path or e.path.endswith("/results"))
    ]
