"""Bulk 2.0 as a test wants to say it, over the client without a socket."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from local_client import Client

from connector.localorg.api.wire import Reply, make_call

Rows = list[dict[str, str]]


def rows_of(reply: Reply, delimiter: str = ",") -> Rows:
    """A CSV answer as records."""
    assert reply.status == 200, reply.body
    return list(csv.DictReader(io.StringIO(reply.encode().decode(), newline=""), delimiter=delimiter))


@dataclass
class Bulk:
    """Creates, feeds and reads jobs."""

    client: Client

    def query(self, soql: str, **properties: Any) -> Reply:
        """Create a query job."""
        return self.client.send("POST", "jobs/query", {"operation": "query", "query": soql, **properties})

    def queried(self, soql: str, **properties: Any) -> str:
        """Create a query job and let it run; returns its id."""
        job: str = self.query(soql, **properties).body["id"]
        assert self.poll("query", job)["state"] == "JobComplete"
        return job

    def results(self, job: str, headers: dict[str, str] | None = None, **query: str) -> Reply:
        """Read one page of a result."""
        return self.client.send("GET", f"jobs/query/{job}/results", headers=headers, **query)

    def create(self, operation: str, sobject: str = "Account", **properties: Any) -> Reply:
        """Create an ingest job."""
        return self.client.send("POST", "jobs/ingest", {"object": sobject, "operation": operation, **properties})

    def upload(self, job: str, data: str | bytes, content_type: str = "text/csv; charset=UTF-8") -> Reply:
        """Upload rows."""
        return self.send_raw("PUT", f"/services/data/v66.0/jobs/ingest/{job}/batches", content_type, data)

    def post_raw(self, path: str, content_type: str, data: str | bytes) -> Reply:
        """Post something that is not JSON."""
        return self.send_raw("POST", path, content_type, data)

    def send_raw(self, method: str, path: str, content_type: str, data: str | bytes) -> Reply:
        """Send a body as it is."""
        raw = data.encode() if isinstance(data, str) else data
        headers = {"authorization": f"Bearer {self.client.token}", "content-type": content_type}
        self.client.sent += 1
        return self.client.app.answer(make_call(method, path, headers, raw), self.client.sent, "http://local").reply

    def change(self, job: str, state: str, kind: str = "ingest") -> Reply:
        """Close or abort a job."""
        return self.client.send("PATCH", f"jobs/{kind}/{job}", {"state": state})

    def loaded(self, operation: str, data: str | bytes, sobject: str = "Account", **properties: Any) -> str:
        """Create, upload and close; returns the id."""
        job: str = self.create(operation, sobject, **properties).body["id"]
        assert self.upload(job, data).status == 201
        assert self.change(job, "UploadComplete").status == 200
        return job

    def poll(self, kind: str, job: str) -> dict[str, Any]:
        """Look at a job."""
        found: dict[str, Any] = self.client.send("GET", f"jobs/{kind}/{job}").body
        return found

    def file(self, job: str, name: str, delimiter: str = ",") -> Rows:
        """A result file of an ingest job."""
        return rows_of(self.client.send("GET", f"jobs/ingest/{job}/{name}"), delimiter)

    def errors(self, job: str) -> list[str]:
        """What failedResults say."""
        return [r["sf__Error"] for r in self.file(job, "failedResults")]
