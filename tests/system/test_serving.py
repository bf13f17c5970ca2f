"""`connector serve`, stopping, and two processes at once."""

from __future__ import annotations

import json
import re
import signal
import time
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

from installations import Installation

from connector.localorg.faults import FOREVER, Fault
from connector.localorg.server import BoundaryEvent
from connector.store.ledger import Ledger


def test_serve_makes_up_for_a_missed_tick_and_ends_on_sigterm(installation: Installation) -> None:
    (installation.home / "jobs/nightly.toml").unlink()
    with Ledger.open(installation.home / "var/ledger.sqlite") as ledger:
        ledger.claim_tick("lifecycle", datetime.now(UTC) - timedelta(days=2))
    process = installation.start("serve")
    try:
        assert process.stderr is not None
        address = re.search(r"http://\S+/healthz", process.stderr.readline())
        assert address
        health = wait_for_run(address[0])
        assert health["jobs"]["lifecycle"]["last"]["status"] == "done"
        with urlopen(address[0].replace("/healthz", "/metrics"), timeout=5) as reply:
            assert 'connector_runs_total{job="lifecycle",status="done"} 1.0' in reply.read().decode()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()
    assert installation.stages()


def wait_for_run(address: str) -> dict:  # type: ignore[type-arg]
    for _ in range(300):
        with urlopen(address, timeout=5) as reply:
            found = json.load(reply)
        if found["jobs"].get("lifecycle", {}).get("last"):
            return dict(found)
        time.sleep(0.1)
    raise AssertionError("the missed run did not happen")


def test_a_stopped_run_ends_after_its_batch_and_the_next_one_carries_on(installation: Installation) -> None:
    process = installation.start("run", "lifecycle")
    sent = []

    def on_boundary(event: BoundaryEvent) -> None:
        if event.when == "before_reply" and event.method == "PATCH" and not sent:
            sent.append(event.n)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.2)

    installation.server.on_boundary = on_boundary
    out, err = process.communicate(timeout=60)
    installation.server.on_boundary = None
    assert process.returncode == 1, out + err
    assert "Stopping after the current batch" in err
    assert "stopped" in out
    assert installation.stages(), "the batch under way was written"
    after = installation.json("run", "lifecycle")
    assert after["status"] == "done"
    assert installation.json("run", "lifecycle")["plan"]["changes"] == []


def test_two_runs_at_once_do_not_write_together(installation: Installation) -> None:
    installation.org.faults.add(Fault("slow", path="composite", times=FOREVER, seconds=0.4))
    slow = installation.start("run", "lifecycle")
    while not installation.org.ledger.entries:
        time.sleep(0.02)
    time.sleep(0.5)
    second = installation.run("run", "lifecycle")
    out, err = slow.communicate(timeout=60)
    assert slow.returncode == 0, out + err
    assert second.returncode == 1
    assert "Another run is writing" in second.stderr
    assert len(installation.keys()) == len(set(installation.keys()))
