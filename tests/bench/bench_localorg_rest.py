"""What one request costs the local org: an idle one on a kept connection, and an update of 200 records at once.

Run it as `python tests/bench/bench_localorg_rest.py`. Prints medians beside a floor measured in the same run: the same
client, with the same bytes, on a socket that answers at once. Asserts nothing.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import requests
from plain_server import serve_bytes

from connector.localorg.org import Clock, Org
from connector.localorg.server import LocalOrgServer

ACCOUNTS = 20_000
ROWS = 200
IDLE_ROUNDS, WRITE_ROUNDS = 400, 40
IDLE_AIM, WRITE_AIM = 2.0, 50.0
VERSION = "/services/data/v66.0"


def median_ms(act: Callable[[int], requests.Response], rounds: int) -> float:
    """The middle of the times that one request takes, in milliseconds, after some that are not counted."""
    times = []
    for n in range(rounds + rounds // 10):
        begun = time.perf_counter()
        act(n).raise_for_status()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times[rounds // 10 :])


def report(name: str, took: float, floor: float, aim: float) -> None:
    """Print one line."""
    sys.stdout.write(f"{name:36}{took:7.2f} ms, floor {floor:.2f} ms, {took / floor:.1f} times it (aim < {aim:g} ms)\n")
    sys.stdout.flush()


def main() -> None:
    """Make the org, serve it, measure."""
    org = Org.create(clock=Clock(datetime(2026, 9, 1, 8, tzinfo=UTC)))
    org.load("Account", ({"Name": f"Customer {n} GmbH", "Industry": "Energy"} for n in range(ACCOUNTS)))
    ids = [r["Id"] for r in org.query(f"SELECT Id FROM Account LIMIT {ROWS}").records]
    with LocalOrgServer(org) as server, requests.Session() as http:
        http.headers["Authorization"] = f"Bearer {org.issue_token()}"
        measure_idle(http, server.url)
        measure_update(http, server.url, ids)
    org.close()


def measure_idle(http: requests.Session, url: str) -> None:
    """A request that reads nothing, on a connection that is kept."""
    answer = http.get(f"{url}{VERSION}/", timeout=10)
    took = median_ms(lambda _: http.get(f"{url}{VERSION}/", timeout=10), IDLE_ROUNDS)
    with serve_bytes(answer.content) as floor:
        bare = median_ms(lambda _: http.get(f"{floor}{VERSION}/", timeout=10), IDLE_ROUNDS)
    report("an idle request, connection kept", took, bare, IDLE_AIM)


def measure_update(http: requests.Session, url: str, ids: list[str]) -> None:
    """200 records by id, three fields each, every time with other values."""

    def body(n: int) -> dict[str, object]:
        fields = {"Industry": ("Banking", "Energy")[n % 2], "AnnualRevenue": 1000.5 + n, "Description": f"round {n}"}
        return {"records": [{"attributes": {"type": "Account"}, "id": i, **fields} for i in ids]}

    path = f"{VERSION}/composite/sobjects"
    results = http.patch(url + path, json=body(-1), timeout=60)
    failed = sum(1 for r in json.loads(results.content) if not r["success"])
    if failed:
        raise SystemExit(f"{failed} of {len(ids)} rows were refused: {results.text[:300]}")
    took = median_ms(lambda n: http.patch(url + path, json=body(n), timeout=60), WRITE_ROUNDS)
    with serve_bytes(results.content) as floor:
        bare = median_ms(lambda n: http.patch(floor + path, json=body(n), timeout=60), WRITE_ROUNDS)
    report(f"a collections update of {len(ids)} rows", took, bare, WRITE_AIM)


if __name__ == "__main__":
    main()
