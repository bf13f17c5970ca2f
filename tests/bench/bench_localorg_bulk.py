"""How fast the local org serves Bulk 2.0: rendering, pages over a socket plain and packed, and rows written.

Run it as `python tests/bench/bench_localorg_bulk.py [accounts]`; a million, the default, takes a minute. Prints medians
beside a floor measured in the same run, the same client on a socket that only sends, and asserts nothing. The client
only counts bytes, so that the figures are the server's.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median
from typing import Any

import requests
from plain_server import serve_bytes

from connector.localorg.org import Clock, Org
from connector.localorg.server import LocalOrgServer

FIELDS = (
    "Id, Name, OwnerId, Type, Industry, AnnualRevenue, NumberOfEmployees, Phone, Website, BillingCity, BillingCountry, "
    "CreatedDate, LastModifiedDate, SystemModstamp, LastActivityDate"
)
JOBS = "/services/data/v66.0/jobs"
BLOCK = 1 << 20
LOADED = 2000
ROUNDS = 5
FLOOR_BYTES = 64 << 20
AIM = 150


def say(text: str) -> None:
    """Print one line of the report at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Seconds since the block began."""
    begun = time.perf_counter()
    yield lambda: time.perf_counter() - begun


def account(n: int) -> dict[str, Any]:
    """One account; every tenth has quotes in its name."""
    return {
        "Name": f'"Nr {n}" Holdings' if n % 10 == 0 else f"Customer {n} GmbH",
        "Type": "Customer - Direct",
        "Industry": "Energy",
        "AnnualRevenue": 1000.0 * n,
        "NumberOfEmployees": n % 5000,
        "Phone": f"+49 30 {n:09}",
        "Website": f"https://customer-{n}.example.com",
        "BillingCity": "Zürich",
        "BillingCountry": "Switzerland",
        "LastActivityDate": "2026-08-01",
    }


def make_org(accounts: int) -> Org:
    """An org with so many accounts."""
    org = Org.create(clock=Clock(datetime(2026, 9, 1, 8, tzinfo=UTC)))
    for start in range(0, accounts, 50_000):
        org.load("Account", (account(n) for n in range(start, min(start + 50_000, accounts))))
    return org


def read_pages(http: requests.Session, results: str, encoding: str) -> tuple[int, int]:
    """Read a whole result page by page; returns bytes on the wire and pages."""
    size, pages, locator = 0, 0, ""
    while locator != "null":
        params = {"locator": locator} if locator else {}
        with http.get(results, params=params, headers={"Accept-Encoding": encoding}, stream=True, timeout=600) as page:
            locator = page.headers["Sforce-Locator"]
            while block := page.raw.read(BLOCK, decode_content=False):
                size += len(block)
        pages += 1
    return size, pages


def bench_query(http: requests.Session, url: str, accounts: int) -> None:
    """Render a query of all accounts once, then read it three times each way."""
    body = {"operation": "query", "query": f"SELECT {FIELDS} FROM Account"}
    job = http.post(f"{url}{JOBS}/query", json=body, timeout=60).json()["id"]
    with stopwatch() as seconds:
        polled = http.get(f"{url}{JOBS}/query/{job}", timeout=600).json()
        rendering = seconds()
    plain, _ = read_pages(http, f"{url}{JOBS}/query/{job}/results", "identity")
    fields = FIELDS.count(",") + 1
    say(f"rendered      {polled['numberRecordsProcessed']:,} accounts x {fields} fields, {plain / 1e6:.0f} MB: ")
    say(f"              {rendering:.1f} s, {plain / 1e6 / rendering:.0f} MB/s, {accounts / rendering:,.0f} rows/s")
    floor = bench_floor(http)
    for encoding in ("identity", "gzip"):
        took = median(timed_read(http, f"{url}{JOBS}/query/{job}/results", encoding) for _ in range(ROUNDS))
        size, pages = read_pages(http, f"{url}{JOBS}/query/{job}/results", encoding)
        rate = plain / 1e6 / took
        say(
            f"served {encoding:8}{rate:6.0f} MB/s of CSV ({size / 1e6:.0f} MB on the wire, {pages} pages, {took:.2f} s)"
        )
        say(f"              floor {floor:.0f} MB/s, {rate / floor:.2f} of it (aim >= {AIM} MB/s)")


def bench_floor(http: requests.Session) -> float:
    """MB a second of one page from a socket that only sends."""
    with serve_bytes(b"x" * FLOOR_BYTES) as floor:
        took = median(timed_get(http, floor) for _ in range(ROUNDS))
    return FLOOR_BYTES / 1e6 / took


def timed_get(http: requests.Session, url: str) -> float:
    """Seconds that one answer takes."""
    with stopwatch() as seconds, http.get(url, stream=True, timeout=600) as page:
        while page.raw.read(BLOCK, decode_content=False):
            pass
        return seconds()


def timed_read(http: requests.Session, results: str, encoding: str) -> float:
    """Seconds that one whole read takes."""
    with stopwatch() as seconds:
        read_pages(http, results, encoding)
        return seconds()


def bench_ingest(http: requests.Session, url: str, org: Org) -> None:
    """Insert some accounts and update them again."""
    header = "Name,Industry,AnnualRevenue,NumberOfEmployees,BillingCity\n"
    rows = "".join(f'"Loaded {n}, Inc",Energy,{n}.5,{n},Berlin\n' for n in range(LOADED))
    report_load(http, url, "insert", header + rows)
    ids = [r["Id"] for r in org.query(f"SELECT Id FROM Account ORDER BY Id DESC LIMIT {LOADED}").records]
    report_load(http, url, "update", "Id,Industry\n" + "".join(f"{i},Banking\n" for i in ids))


def report_load(http: requests.Session, url: str, operation: str, data: str) -> None:
    """Run one ingest job and say how fast it was."""
    body = {"object": "Account", "operation": operation}
    job = f"{url}{JOBS}/ingest/" + http.post(f"{url}{JOBS}/ingest", json=body, timeout=60).json()["id"]
    http.put(f"{job}/batches", data=data.encode(), headers={"Content-Type": "text/csv"}, timeout=60)
    with stopwatch() as seconds:
        http.patch(job, json={"state": "UploadComplete"}, timeout=600)
        took = seconds()
    failed = http.get(job, timeout=60).json()["numberRecordsFailed"]
    say(
        f"{operation:14}{LOADED / took:,.0f} rows/s ({1000 * took * 200 / LOADED:.0f} ms per 200 rows, {failed} failed)"
    )


def main() -> None:
    """Make the org, serve it, measure."""
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else int(os.environ.get("BENCH_ACCOUNTS", "1000000"))
    with stopwatch() as seconds:
        org = make_org(accounts)
        say(f"made          {accounts:,} accounts in {seconds():.1f} s")
    with LocalOrgServer(org) as server, requests.Session() as http:
        http.headers["Authorization"] = f"Bearer {org.issue_token()}"
        bench_query(http, server.url, accounts)
        bench_ingest(http, server.url, org)
    org.close()


if __name__ == "__main__":
    main()
