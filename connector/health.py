"""What `connector serve` tells a supervisor: /healthz for people and probes, /metrics for Prometheus.

Filled by schedule.py after each run, served by a small HTTP server of its own. Holds numbers only: no record, no
secret, nothing that would need a password.
"""

from __future__ import annotations

import json
import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from connector.errors import FixFirst
from connector.report import RunReport


@dataclass(frozen=True)
class LastRun:
    """How a job's latest run in this process ended."""

    status: str
    exit_code: int
    started: datetime
    ended: datetime


class Health:
    """The state of one serving process. Written by the scheduler's thread, read by the server's."""

    def __init__(self) -> None:
        self.alive: Callable[[], bool] = lambda: True
        self.registry = CollectorRegistry()
        self._schedules: dict[str, str] = {}
        self._last: dict[str, LastRun] = {}
        self._lock = threading.Lock()
        self._runs = Counter("connector_runs", "Runs by how they ended", ["job", "status"], registry=self.registry)
        self._seconds = Histogram(
            "connector_run_seconds", "How long runs take", ["job"], registry=self.registry,
            buckets=(1, 2, 5, 10, 30, 60, 120, 300, 600, 1800),
        )  # fmt: skip
        self._changes = Counter(
            "connector_changes", "Changes by kind and outcome", ["job", "kind", "status"], registry=self.registry
        )
        self._calls = Counter("connector_api_calls", "Salesforce API calls spent", ["job"], registry=self.registry)
        self._used = Gauge("connector_org_api_used", "The org's API calls in 24 h", registry=self.registry)
        self._allowed = Gauge("connector_org_api_allowed", "The org's API allowance", registry=self.registry)
        self._success = Gauge(
            "connector_last_success_timestamp_seconds", "When a run last ended well", ["job"], registry=self.registry
        )

    def expect(self, job: str, schedule: str | None) -> None:
        """Says that this process runs `job`, so that it shows before its first run."""
        with self._lock:
            self._schedules[job] = schedule or "by hand"

    def ended(self, report: RunReport, started: datetime, now: datetime) -> None:
        self._note(report.job, report.status, report.exit_code, started, now)
        self._calls.labels(report.job).inc(report.cost.total)
        kinds = {c.id: c.kind for c in report.plan.changes}
        for (kind, status), number in Tally((kinds[o.change], o.status) for o in report.outcomes).items():
            self._changes.labels(report.job, kind, status).inc(number)
        if report.cost.used is not None and report.cost.allowed is not None:
            self._used.set(report.cost.used)
            self._allowed.set(report.cost.allowed)

    def failed(self, job: str, exit_code: int, started: datetime, now: datetime) -> None:
        self._note(job, "error", exit_code, started, now)

    def _note(self, job: str, status: str, exit_code: int, started: datetime, now: datetime) -> None:
        with self._lock:
            self._last[job] = LastRun(status, exit_code, started, now)
        self._runs.labels(job, status).inc()
        self._seconds.labels(job).observe((now - started).total_seconds())
        if exit_code == 0:
            self._success.labels(job).set(now.timestamp())

    def as_json(self) -> dict[str, object]:
        with self._lock:
            jobs = {name: _job_json(schedule, self._last.get(name)) for name, schedule in self._schedules.items()}
        return {"status": "ok" if self.alive() else "stopping", "jobs": jobs}

    def respond(self, request: Request) -> Response:
        """The answer to any path but /metrics. A failing job is shown, but is no reason to restart the process."""
        if request.path != "/healthz":
            return Response("There are /healthz and /metrics here.\n", status=404, mimetype="text/plain")
        body = json.dumps(self.as_json(), indent=1) + "\n"
        return Response(body, status=200 if self.alive() else 503, mimetype="application/json")


def _job_json(schedule: str, last: LastRun | None) -> dict[str, object]:
    if last is None:
        return {"schedule": schedule, "last": None}
    return {
        "schedule": schedule,
        "last": {
            "status": last.status, "exit_code": last.exit_code,
            "started": last.started.isoformat(), "ended": last.ended.isoformat(),
        },
    }  # fmt: skip


@contextmanager
def health_server(health: Health, host: str, port: int) -> Iterator[int]:
    """Serves `health` in a thread for as long as the block runs; yields the port (a free one when asked for 0)."""
    app = DispatcherMiddleware(Request.application(health.respond), {"/metrics": make_wsgi_app(health.registry)})
    try:
        server = make_server(host, port, app, threaded=True)
    except (OSError, SystemExit) as error:
        raise FixFirst(
            f"{host}:{port} cannot be listened on ({error}). Choose another [serve] port, or stop what uses it."
        ) from None
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
