"""Faults on request.

What goes wrong between a client and Salesforce, scripted or random with a seed. The server asks at each
request.

A scripted fault names where it strikes (nth matching request, method, path, row) and how often; a random one
has a rate.
"""

import random
import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from connector.localorg.clock import Clock
from connector.localorg.errors import OrgError

Kind = Literal[
    "expired_session",
    "unauthorized",
    "request_limit",
    "concurrent_limit",
    "not_acceptable",
    "edge_page",
    "unavailable",
    "too_many_requests",
    "reset_before",
    "reset_after",
    "truncated",
    "slow",
    "query_timeout",
    "server_error",
    "kill_before_request",
    "kill_before_reply",
    "kill_after_reply",
    "maintenance",
    "row_lock",
    "row_error",
    "apex_limit",
    "job_queued",
    "job_slow",
    "job_failed",
    "job_aborted",
    "job_expired",
]
WHOLE_REQUEST: frozenset[str] = frozenset(
    {
        "expired_session",
        "unauthorized",
        "request_limit",
        "concurrent_limit",
        "not_acceptable",
        "edge_page",
        "unavailable",
        "too_many_requests",
        "query_timeout",
        "server_error",
        "kill_before_request",
    }
)
JOB_KINDS: frozenset[str] = frozenset({"job_queued", "job_slow", "job_failed", "job_aborted", "job_expired"})
ROW_KINDS: frozenset[str] = frozenset({"row_lock", "row_error", "apex_limit", "maintenance"}) | JOB_KINDS
INNER_KINDS: frozenset[str] = (ROW_KINDS - JOB_KINDS) | {"query_timeout", "server_error"}
"""What Salesforce can say to one request inside a composite or batch; the rest happens on the way to it."""
FOREVER = 10**9
_NEW_JOB = re.compile(r"/jobs/(query|ingest)\Z")
_QUERY = re.compile(r"/query(All)?/?\?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    `nth` counts matching requests from 1 and is where it starts; `times` how often it strikes then. `rate`
    makes it random instead. `path` is a regular expression searched in path and query. Row faults strike rows
    whose JSON matches `row` (a regular expression), all rows when it is not given. `code` and `message`
    override what a row fault says; `seconds` is the delay of a slow reply. Requests inside a composite or batch count
    as requests of their own for faults with a `path`, and for queries that take too long. The `kill` kinds end the
    client: the process at the other end of the connection. Job faults strike the creation of a
    Bulk job and show later: it stays queued (or slowly at work) for so many `polls`, is aborted, or expires when
    it is done; or it fails after so many of its rows, and the rest is left unprocessed.
    """

    kind: Kind
    method: str | None = None
    path: str | None = None
    nth: int = 1
    times: int = 1
    rate: float | None = None
    row: str | None = None
    code: str | None = None
    message: str | None = None
    seconds: float = 1.0
    polls: int = 3
    after_rows: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown fault {self.kind!r}; known: {', '.join(get_args(Kind))}")

    def matches(self, method: str, target: str, body: str) -> bool:
        """Tell whether the fault is about this request; row faults are about requests that write such a row."""
        if self.kind in ROW_KINDS and (method == "GET" or re.search(self.row or "", body or target) is None):
            return False
        if self.kind == "query_timeout" and (method != "GET" or _QUERY.search(target) is None):
            return False
        if self.kind in JOB_KINDS and (method != "POST" or _NEW_JOB.search(target) is None):
            return False
        return (self.method is None or self.method == method) and (
            self.path is None or re.search(self.path, target) is not None
        )

    @property
    def reaches_inside(self) -> bool:
        """Whether a request inside a composite or batch may suffer from it by itself."""
        return self.kind in INNER_KINDS and (self.path is not None or self.kind == "query_timeout")


@dataclass(slots=True)
class _Armed:
    fault: Fault
    seen: int = 0
    struck: int = 0


@dataclass(slots=True)
class Faults:
    """The faults of one org, in the order in which they were added; the first that strikes a request wins."""

    clock: Clock
    armed: list[_Armed] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    quota_left: int | None = None

    def add(self, fault: Fault) -> None:
        """Arm a fault."""
        self.armed.append(_Armed(fault))

    def add_json(self, raw: dict[str, Any]) -> None:
        """Arm a fault given by name and JSON values (admin endpoint)."""
        self.add(Fault(**raw))

    def clear(self) -> None:
        """Disarm everything; the quota too."""
        self.armed.clear()
        self.quota_left = None

    def seed(self, seed: int) -> None:
        """Make random faults repeatable."""
        self.dice = random.Random(seed)

    def as_json(self) -> list[dict[str, Any]]:
        """What is armed and how often it struck."""
        return [{**asdict(a.fault), "seen": a.seen, "struck": a.struck} for a in self.armed]

    def strike(self, method: str, target: str, body: str = "", *, inner: bool = False) -> list[Fault]:
        """Return what goes wrong with this request: at most one fault of the whole request, and any row faults.

        `inner` is a request inside a composite or batch.
        """
        struck: list[Fault] = []
        for armed in self.armed:
            if inner and not armed.fault.reaches_inside:
                continue
            if armed.fault.matches(method, target, body):
                whole = any(f.kind not in ROW_KINDS for f in struck)
                if self._strikes(armed) and not (whole and armed.fault.kind not in ROW_KINDS):
                    armed.struck += 1
                    struck.append(armed.fault)
        return struck

    def _strikes(self, armed: _Armed) -> bool:
        armed.seen += 1
        if armed.struck >= armed.fault.times:
            return False
        if armed.fault.rate is not None:
            return self.dice.random() < armed.fault.rate
        return armed.seen >= armed.fault.nth

    def spend_quota(self, calls: int) -> bool:
        """Count calls against a quota that runs out; False when it has."""
        if self.quota_left is None:
            return True
        if self.quota_left < calls:
            return False
        self.quota_left -= calls
        return True


@dataclass(frozen=True, slots=True)
class FaultReply:
    """A whole-request fault as an answer: status, content type and body."""

    status: int
    content_type: str
    body: bytes


_HTML = "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"


def fault_reply(fault: Fault) -> FaultReply | OrgError:
    """What a client sees of a fault that refuses the whole request (reference 5, 9)."""
    match fault.kind:
        case "request_limit":
            return OrgError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        case "concurrent_limit":
            return OrgError(
                403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
            )
        case "query_timeout":
            text = fault.message or "Your query request was running for too long."
            return OrgError(400, "QUERY_TIMEOUT", text)
        case "server_error":
            text = fault.message or "An unexpected error occurred. Please include this ErrorId if you contact support"
            return OrgError(500, fault.code or "UNKNOWN_EXCEPTION", text)
        case "kill_before_request":
            return FaultReply(0, "text/plain", b"")
        case "not_acceptable":
            return FaultReply(406, "text/plain", b"")
        case "too_many_requests":
            return FaultReply(429, "text/plain", b"Too Many Requests")
        case "edge_page":
            page = _HTML.format(title="We are setting things up", text="This may take a few minutes.")
            return FaultReply(420, "text/html", page.encode())
        case "unavailable":
            page = _HTML.format(title="Service Unavailable", text="We are down for maintenance.")
            return FaultReply(503, "text/html", page.encode())
    return OrgError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def row_refusal(fault: Fault, row_text: str) -> OrgError | None:
    """What a row fault says to one row, or None when the fault is about other rows."""
    if fault.row is not None and re.search(fault.row, row_text) is None:
        return None
    match fault.kind:
        case "row_lock":
            return OrgError(
                400, "UNABLE_TO_LOCK_ROW", fault.message or "unable to obtain exclusive access to this record", []
            )
        case "maintenance":
            code = "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"
            return OrgError(
                400, code, fault.message or "Cannot perform insert, update or delete during maintenance", []
            )
        case "row_error":
            code = fault.code or "FIELD_CUSTOM_VALIDATION_EXCEPTION"
            return OrgError(400, code, fault.message or "refused by a validation rule", [])
    return None


def chunk_refusal(fault: Fault, row_texts: list[str]) -> OrgError | None:
    """An Apex limit error, which takes a whole chunk of rows with it when one of them trips it (reference 4.1)."""
    if fault.kind != "apex_limit" or not any(re.search(fault.row or "", text) for text in row_texts):
        return None
    text = fault.message or "LocalTrigger: System.LimitException: Apex CPU time limit exceeded"
    return OrgError(400, fault.code or "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text, [])
