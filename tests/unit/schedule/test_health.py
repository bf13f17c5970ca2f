"""What a supervisor and Prometheus are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prometheus_client import generate_latest
from werkzeug.test import Client
from werkzeug.wrappers import Request

from connector.data import Change, Outcome, Plan, PullResult, Reason
from connector.health import Health
from connector.report import ApiCost, RunReport

NOW = datetime(2026, 9, 1, 10, 7, tzinfo=UTC)


def report() -> RunReport:
    pull = PullResult(NOW, "00D000000000001AAA", "UTC", {})
    change = Change("t1", "task_open", "m", "Task", None, "001", "Acme", {}, {}, Reason("ctas.x.open_when", "because"))
    return RunReport(
        run=3, job="lifecycle", org=pull.org_id, as_of=NOW, status="done", exit_code=0, pull=pull,
        plan=Plan((change,)), outcomes=(Outcome("t1", "applied"),), cost=ApiCost({"query": 4}, 40, 15000),
    )  # fmt: skip


def test_healthz_shows_each_job_and_how_it_last_ended() -> None:
    health = Health()
    health.expect("lifecycle", "*/15 * * * *")
    client = Client(Request.application(health.respond))
    assert client.get("/healthz").json == {
        "status": "ok", "jobs": {"lifecycle": {"schedule": "*/15 * * * *", "last": None}}
    }  # fmt: skip
    health.ended(report(), NOW, NOW + timedelta(seconds=2))
    assert client.get("/healthz").json["jobs"]["lifecycle"]["last"]["status"] == "done"


def test_a_process_that_is_stopping_is_not_healthy() -> None:
    health = Health()
    health.alive = lambda: False
    answer = Client(Request.application(health.respond)).get("/healthz")
    assert (answer.status_code, answer.json["status"]) == (503, "stopping")


def test_any_other_path_says_what_there_is() -> None:
    answer = Client(Request.application(Health().respond)).get("/")
    assert (answer.status_code, answer.text) == (404, "There are /healthz and /metrics here.\n")


def test_metrics_count_runs_changes_and_calls() -> None:
    health = Health()
    health.ended(report(), NOW, NOW + timedelta(seconds=2))
    health.failed("lifecycle", 4, NOW, NOW)
    told = generate_latest(health.registry).decode()
    for line in (
        'connector_runs_total{job="lifecycle",status="done"} 1.0',
        'connector_runs_total{job="lifecycle",status="error"} 1.0',
        'connector_changes_total{job="lifecycle",kind="task_open",status="applied"} 1.0',
        'connector_api_calls_total{job="lifecycle"} 4.0',
        "connector_org_api_allowed 15000.0",
        f'connector_last_success_timestamp_seconds{{job="lifecycle"}} {(NOW + timedelta(seconds=2)).timestamp():.10g}',
    ):
        assert line.split()[0] in told, line
