"""From a request to a reply.

Admin, tokens, versions, the API behind a token, and otherwise the pages. Called by server.py and by tests.

Order for an API request: faults that strike before it, the session, the quota, the route in one transaction,
the ledger.
"""

import logging
from dataclasses import dataclass, field
from email.utils import format_datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from connector.localorg import errors, sessions
from connector.localorg.api import oauth, resources
from connector.localorg.api.admin import answer_admin
from connector.localorg.api.router import dispatch_call
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply, refusal
from connector.localorg.faults import ROW_KINDS, Fault, FaultReply, fault_reply
from connector.localorg.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.localorg.org import Org

_log = logging.getLogger(__name__)

API_ROOT = ("services", "data")
LONGEST_URI = 16_384
_KEPT_HEADERS = ("sforce-auto-assign", "sforce-duplicate-rule-header", "sforce-query-options", "sforce-call-options")
_EXPIRING = frozenset({"expired_session"})
_SERVED = frozenset({"reset_after", "truncated", "slow", "kill_before_reply", "kill_after_reply"})
"""Faults that let a request be served, and spoil its answer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A reply and what is to be done to it on its way out."""

    reply: Reply
    spoiled: Literal["no", "drop", "truncate", "kill", "kill_after"] = "no"
    delay: float = 0.0


@dataclass(slots=True)
class _Facts:
    """What the ledger will say about a request."""

    api_calls: int = 0
    rows_read: int = 0
    rows_written: int = 0
    is_write: bool = False
    user_id: str | None = None
    subrequests: tuple[Any, ...] = ()
    fault: str | None = None


@dataclass(slots=True)
class LocalOrgApp:
    """One org behind HTTP, without sockets."""

    org: "Org"
    numbers: "Iterator[int]" = field(default_factory=lambda: count(1))

    def is_recorded(self, call: Call) -> bool:
        """Whether a request is a client's: in the ledger, at the boundaries, exposed to faults."""
        return call.parts[:1] in (("services",), ("id",))

    def answer(self, call: Call, n: int, origin: str) -> Outcome:
        """Serve a client's request and write it down; never raises. One at a time, so that runs can be repeated."""
        with self.org.lock:
            return self._answer(call, n, origin)

    def _answer(self, call: Call, n: int, origin: str) -> Outcome:
        org, facts = self.org, _Facts()
        struck = org.faults.strike(call.method, call.described_target, call.raw.decode("utf-8", "replace"))
        whole = next((f for f in struck if f.kind not in ROW_KINDS), None)
        facts.fault = struck[0].kind if struck else None
        reply = self._before(call, whole)
        if reply is None:
            reply = self._serve(call, origin, facts, [f for f in struck if f.kind in ROW_KINDS])
        self._finish(call, reply, facts, n)
        return _on_the_way_out(reply, whole)

    def _before(self, call: Call, fault: Fault | None) -> Reply | None:
        """What a fault says instead of serving the request; None lets it be served."""
        if fault is None or fault.kind in _SERVED:
            return None
        if fault.kind == "reset_before":
            return Reply(0)
        if fault.kind in _EXPIRING:
            sessions.end_sessions(self.org.state, _token(call))
        answer = fault_reply(fault)
        return (
            Reply(answer.status, answer.body, {}, answer.content_type)
            if isinstance(answer, FaultReply)
            else refusal(answer)
        )

    def _serve(self, call: Call, origin: str, facts: _Facts, row_faults: list[Fault]) -> Reply:
        try:
            _check_size(call)
            if call.parts == API_ROOT and call.method == "GET":
                return Reply(200, resources.list_versions())
            if call.parts[:2] == API_ROOT:
                return self._serve_api(call, facts, row_faults)
            if call.parts == ("services", "oauth2", "token"):
                return oauth.answer_token(self.org, call, origin)
            if call.parts == ("services", "oauth2", "userinfo") or call.parts[:1] == ("id",):
                return oauth.answer_identity(self.org, call, origin)
            raise errors.resource_missing()
        except errors.OrgError as error:
            return refusal(error)
        except Exception:
            _log.exception("%s %s", call.method, call.target)
            return refusal(errors.OrgError(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred in the local org"))

    def _serve_api(self, call: Call, facts: _Facts, row_faults: list[Fault]) -> Reply:
        org = self.org
        session = sessions.find_session(org.state, _token(call), org.clock.now())
        if session is None:
            raise errors.session_invalid()
        facts.user_id = session.user_id
        used = org.ledger.api_usage(org.clock.now())
        if used >= org.state.api_limit or not org.faults.spend_quota(1):
            raise errors.OrgError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        facts.api_calls = 1
        with org.transaction(session.user_id) as txn:
            visit = Visit(org, txn, "", session.user_id, dispatch_call, row_faults)
            try:
                return dispatch_call(visit, call)
            finally:
                facts.api_calls, facts.is_write = visit.api_calls, visit.is_write
                facts.rows_read, facts.rows_written = txn.rows_read, txn.rows_written
                facts.subrequests = tuple(visit.subrequests)
                facts.fault = facts.fault or visit.inner_fault

    def _finish(self, call: Call, reply: Reply, facts: _Facts, n: int) -> None:
        """Write the request down and add what every reply carries."""
        org, now = self.org, self.org.clock.now()
        written = facts.rows_written if reply.status < 400 else 0
        entry = Entry(
            n=n,
            at=now,
            method=call.method,
            path=call.path,
            status=reply.status,
            api_calls=facts.api_calls,
            rows_read=facts.rows_read,
            rows_written=written,
            is_write=facts.is_write,
            user_id=facts.user_id,
            query=dict(call.query),
            headers={h: call.headers[h] for h in _KEPT_HEADERS if h in call.headers},
            subrequests=facts.subrequests,
            fault=facts.fault,
        )
        org.ledger.add(entry)
        usage = org.ledger.api_usage(now)
        reply.headers["Date"] = format_datetime(now, usegmt=True)
        if call.parts[:2] == API_ROOT and len(call.parts) > 2:
            reply.headers["Sforce-Limit-Info"] = f"api-usage={usage}/{org.state.api_limit}"

    def answer_other(self, call: Call) -> Reply:
        """Serve an admin endpoint, or say that there is nothing."""
        if call.parts[:1] != ("__local__",):
            return Reply(404, b"not found", {}, "text/plain")
        try:
            return answer_admin(self.org, call)
        except errors.OrgError as error:
            return refusal(error)


def _on_the_way_out(reply: Reply, fault: Fault | None) -> Outcome:
    match None if fault is None else fault.kind:
        case "reset_before" | "reset_after":
            return Outcome(reply, "drop")
        case "truncated":
            return Outcome(reply, "truncate")
        case "kill_before_request" | "kill_before_reply":
            return Outcome(reply, "kill")
        case "kill_after_reply":
            return Outcome(reply, "kill_after")
        case "slow":
            return Outcome(reply, delay=fault.seconds if fault else 0.0)
    return Outcome(reply)


def _check_size(call: Call) -> None:
    """A URI, or a URI with headers, of more than 16,384 bytes is refused (reference 2.1, 5; bodies UNVERIFIED)."""
    if len(call.target) > LONGEST_URI:
        raise errors.OrgError(414, "URI_TOO_LONG", f"The URI exceeds {LONGEST_URI} bytes")
    if len(call.target) + sum(len(n) + len(v) + 4 for n, v in call.headers.items()) > LONGEST_URI:
        raise errors.OrgError(431, "HEADERS_TOO_LONG", f"URI and headers exceed {LONGEST_URI} bytes")


def _token(call: Call) -> str | None:
    scheme, _, token = call.header("authorization").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "oauth") else None
