"""Several reads in one call (`/composite`): up to 25, of which 5 may be queries. Shapes and limits only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from connector.salesforce.errors import Refusal, read_refusal

MAX_SUBREQUESTS = 25
MAX_QUERIES = 5
MAX_URL = 8000
"""Of one subrequest. Salesforce refuses URLs above 16,384 bytes together with the headers; whether a composite call
lifts that is not confirmed."""
DEPLOYED_WITHIN = timedelta(hours=1)
"""A change of the schema may carry an earlier date than the moment at which others can see it."""


@dataclass(frozen=True)
class Subrequest:
    """A GET. `url` is relative to `/services/data/vXX.X/`; `reference` names the answer within the call."""

    url: str
    reference: str
    since: datetime | None = None
    """Only when it has changed since then; describes alone know that."""

    @property
    def is_query(self) -> bool:
        return self.url.startswith(("query?", "queryAll?"))


@dataclass(frozen=True)
class SubResponse:
    reference: str
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_unchanged(self) -> bool:
        """Whether there is nothing newer than the request's `since`, and so no body."""
        return self.status == 304

    def last_modified(self, asked: datetime) -> datetime:
        """The `since` of the next request for the same: the answer's own date, else safely before we `asked`."""
        for name, value in self.headers.items():
            if name.lower() == "last-modified":
                try:
                    return parsedate_to_datetime(value).astimezone(UTC)
                except ValueError:
                    break
        return asked - DEPLOYED_WITHIN

    @property
    def refusal(self) -> Refusal | None:
        """Why it was not done, None when it was."""
        return None if self.status < 400 else read_refusal(self.status, self.body)


def query_request(soql: str, reference: str, *, all_rows: bool = True) -> Subrequest:
    """A query as subrequest; `all_rows` includes deleted and archived records."""
    kind = "queryAll" if all_rows else "query"
    return Subrequest(f"{kind}?q={quote(soql, safe=',()=')}", reference)


def describe_request(sobject: str, reference: str, since: datetime | None = None) -> Subrequest:
    """The describe of one sObject, or only if it was changed after `since`.

    The date is the schema's: that a permission now shows or hides a field does not count as a change. Where that is
    what one waits for, ask without `since`.
    """
    return Subrequest(f"sobjects/{sobject}/describe", reference, since)


def composite_body(requests: Sequence[Subrequest], base_path: str) -> dict[str, Any]:
    """The body of one composite call, executed in the order given."""
    return {
        "allOrNone": False,
        "collateSubrequests": False,
        "compositeRequest": [_request_body(r, base_path) for r in requests],
    }


def _request_body(request: Subrequest, base_path: str) -> dict[str, Any]:
    body: dict[str, Any] = {"method": "GET", "url": base_path + request.url, "referenceId": request.reference}
    if request.since:
        body["httpHeaders"] = {"If-Modified-Since": format_datetime(request.since.astimezone(UTC), usegmt=True)}
    return body


def read_composite(body: Any) -> list[SubResponse]:
    answers = body["compositeResponse"]
    return [
        SubResponse(a["referenceId"], int(a["httpStatusCode"]), a.get("body"), a.get("httpHeaders") or {})
        for a in answers
    ]


def packed(requests: Sequence[Subrequest]) -> list[tuple[Subrequest, ...]]:
    """`requests` in as few composite calls as possible: 5 queries each, other requests in the free places."""
    queries = [r for r in requests if r.is_query]
    others = [r for r in requests if not r.is_query]
    calls: list[tuple[Subrequest, ...]] = []
    while queries or others:
        first, queries = queries[:MAX_QUERIES], queries[MAX_QUERIES:]
        room = MAX_SUBREQUESTS - len(first)
        calls.append((*others[:room], *first))
        others = others[room:]
    return calls
