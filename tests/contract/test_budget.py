"""What calls cost, over HTTP against the local org: counted as the org counts, shared through one ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.data import Needs, PullResult
from connector.errors import QuotaExhausted
from connector.localorg.faults import Fault
from connector.localorg.org import Clock, Org
from connector.localorg.server import LocalOrgServer
from connector.pull import pull
from connector.salesforce import OrgClient, connect
from connector.salesforce.budget import predict_calls
from connector.salesforce.composite import describe_request, query_request
from connector.salesforce.usage import Allowance, spent_on
from connector.settings import ApiSettings, HttpSettings, OrgSettings, PullSettings
from connector.store.ledger import Ledger
from connector.store.mirror import Mirror
from connector.store.spending import Spending

SOQL = "SELECT Id FROM Organization"
SOBJECTS = ("Account", "Contact", "Opportunity", "Task", "Event", "Case", "Lead")


@pytest.fixture
def server() -> Iterator[LocalOrgServer]:
    org = Org.create(clock=Clock(datetime(2026, 9, 1, 8, tzinfo=UTC)), seed=1)
    org.add_client("key", "secret", org.add_user("connector@example.com"))
    org.state.api_limit = 100
    with LocalOrgServer(org) as server:
        yield server
    org.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    Ledger.open(tmp_path / "ledger.sqlite").close()
    return tmp_path / "ledger.sqlite"


def client_of(server: LocalOrgServer, book: Spending | None = None, share: float = 50) -> OrgClient:
    org = OrgSettings(instance_url=server.url, client_id="key", client_secret="secret")  # type: ignore[arg-type]
    return connect(org, HttpSettings(attempts=3), ApiSettings(daily_share=share), sleep=lambda _: None, book=book)


def test_every_call_is_counted_as_the_org_counts_it(server: LocalOrgServer, tmp_path: Path) -> None:
    """Bulk jobs, replays after an expired session and attempts that failed included."""
    client = client_of(server)
    server.org.faults.add(Fault("expired_session", path="/query"))
    server.org.faults.add(Fault("unavailable", path="/describe"))
    client.query(SOQL)
    client.describe("Account")
    with spent_on("Organization"):
        job = client.bulk.create(SOQL)
        client.bulk.wait(job.id, patience=10, progress=lambda _: None)
        client.bulk.page(job.id, "", tmp_path, max_records=10)
        client.bulk.delete(job.id)
    served = server.org.ledger.api_calls()
    assert client.usage.used == served
    assert client.usage.total == served + 2, "the org turned two away before it counted them; we cannot know"
    assert client.usage.by_sobject == {"Organization": client.usage.total - 2, "Account": 2}


def test_what_a_composite_takes_is_predicted_to_the_call(server: LocalOrgServer) -> None:
    client = client_of(server)
    requests = [query_request(f"SELECT Id FROM {name}", name) for name in SOBJECTS]
    requests += [describe_request(name, f"d{name}") for name in SOBJECTS]
    client.composites(requests)
    assert client.usage.total == predict_calls(windows=len(SOBJECTS), describes=len(SOBJECTS)) == 2


def test_two_jobs_on_one_ledger_share_a_day_by_the_orgs_clock(server: LocalOrgServer, ledger: Path) -> None:
    with Spending.open(ledger, "acme", "lifecycle") as book:
        first = client_of(server, book, share=10)
        for _ in range(10):
            first.query(SOQL)
        with pytest.raises(QuotaExhausted, match=r"lifecycle 10\).*Run after 2026-09-02 08:01 UTC"):
            first.query(SOQL)
    with Spending.open(ledger, "acme", "marketing") as book:
        second = client_of(server, book, share=10)
        with pytest.raises(QuotaExhausted, match=r"Reading takes about 1 API calls, and 0 are left"):
            second.budget.afford(1, "reading")
        with pytest.raises(QuotaExhausted, match="No API call is left"):
            second.query(SOQL)
        assert server.org.ledger.api_calls() == 10
        server.org.clock.advance(timedelta(hours=24, minutes=1))
        third = client_of(server, book, share=10)
        assert third.query(SOQL)
        assert third.usage.share == Allowance(1, 10)


LARGE = ("Account", "Contact", "Opportunity")


def book_of_records(server: LocalOrgServer) -> None:
    for n in range(10):
        server.org.create_record("Account", {"Name": f"Account {n}"})
        server.org.create_record("Contact", {"LastName": f"Contact {n}"})
        server.org.create_record(
            "Opportunity", {"Name": f"Deal {n}", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
        )


def pull_large(client: OrgClient, mirror: Mirror) -> PullResult:
    needs = Needs({name: frozenset({"Name"}) for name in LARGE})
    how = PullSettings(bulk_from=5)
    return pull(client, mirror, needs, overlap=timedelta(minutes=15), progress=lambda _: None, how=how)


def test_a_pull_that_cannot_be_paid_for_stops_before_it_reads(server: LocalOrgServer) -> None:
    book_of_records(server)
    with Mirror.open(":memory:") as mirror:
        client = client_of(server, share=30)
        client.budget.step("pull")
        with pytest.raises(QuotaExhausted, match=r"Reading 4 sObjects takes about 40 API calls, and 2\d are left"):
            pull_large(client, mirror)
        asked = [e.path for e in server.org.ledger.entries if "/services/data/" in e.path]
        assert asked == [p for p in asked if p.endswith(("/composite", "/recordCount"))]
        assert [mirror.count(name) for name in LARGE if mirror.columns(name)] == [0, 0, 0]


def test_what_a_pull_spent_is_told_by_sobject_beside_what_was_predicted(server: LocalOrgServer) -> None:
    book_of_records(server)
    with Mirror.open(":memory:") as mirror:
        client = client_of(server)
        client.budget.step("pull")
        assert pull_large(client, mirror).complete
        usage = client.usage
    assert min(usage.by_sobject[name] for name in LARGE) >= 3, "a job, a look at it, a page"
    assert sum(usage.calls.values()) <= usage.predicted["pull"]


def test_another_org_has_a_share_of_its_own(server: LocalOrgServer, ledger: Path) -> None:
    for org in ("acme", "sandbox"):
        with Spending.open(ledger, org, "lifecycle") as book:
            client = client_of(server, book, share=1)
            client.query(SOQL)
            with pytest.raises(QuotaExhausted):
                client.query(SOQL)


def test_a_download_stops_between_two_pages_and_not_within_one(server: LocalOrgServer, tmp_path: Path) -> None:
    for number in range(9):
        server.org.create_record("Account", {"Name": f"Account {number}"})
    client = client_of(server, share=5)
    job = client.bulk.create("SELECT Id FROM Account")
    client.bulk.wait(job.id, patience=10, progress=lambda _: None)
    pages, locator = [], ""

    def read_on() -> None:
        nonlocal locator
        while True:
            pages.append(client.bulk.page(job.id, locator, tmp_path, max_records=1))
            locator = pages[-1].next_locator
            assert locator

    with pytest.raises(QuotaExhausted, match="daily_share"):
        read_on()
    assert sum(page.records for page in pages) == len(pages) > 0
    assert all(page.file.exists() for page in pages)


def test_an_org_that_refuses_for_the_day_ends_the_run_with_its_own_words(server: LocalOrgServer) -> None:
    client = client_of(server)
    server.org.faults.add(Fault("request_limit", path="/query"))
    with pytest.raises(QuotaExhausted, match="TotalRequests Limit exceeded") as raised:
        client.query(SOQL)
    assert raised.value.exit_code == 4
