"""Several reads in one call (`/composite`): up to 25, of which 5 may be queries. Shapes and limits only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from connector.salesforce.errors import Refusal, read_refusal

MAX_SUBREQUESTS = 25
MAX_QUERIES = 5
MAX_URL = 8000
"""Of one subrequest. Salesforce refuses URLs above 16,384 bytes together with the headers; whether a composite call
lifts that is not confirmed."""


@dataclass(frozen=True)
class Subrequest:
    """A GET. `url` is relative to `/services/data/vXX.X/`; `reference` names the answer within the call."""

    url: str
    reference: str

    @property
    def is_query(self) -> bool:
        return self.url.startswith(("query?", "queryAll?"))


@dataclass(frozen=True)
class SubResponse:
    reference: str
    status: int
    body: Any

    @property
    def refusal(self) -> Refusal | None:
        """Why it was not done, None when it was."""
        return None if self.status < 400 else read_refusal(self.status, self.body)


def query_request(soql: str, reference: str, *, all_rows: bool = True) -> Subrequest:
    """A query as subrequest; `all_rows` includes deleted and archived records."""
    kind = "queryAll" if all_rows else "query"
    return Subrequest(f"{kind}?q={quote(soql, safe=',()=')}", reference)


def describe_request(sobject: str, reference: str) -> Subrequest:
    return Subrequest(f"sobjects/{sobject}/describe", reference)


def composite_body(requests: Sequence[Subrequest], base_path: str) -> dict[str, Any]:
    """The body of one composite call, executed in the order given."""
    return {
        "allOrNone": False,
        "collateSubrequests": False,
        "compositeRequest": [{"method": "GET", "url": base_path + r.url, "referenceId": r.reference} for r in requests],
    }


def read_composite(body: Any) -> list[SubResponse]:
    answers = body["compositeResponse"]
    return [SubResponse(a["referenceId"], int(a["httpStatusCode"]), a.get("body")) for a in answers]


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
