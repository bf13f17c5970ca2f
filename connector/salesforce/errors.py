"""The one table that says what to do about an error of an org: code (or HTTP status) -> class.

Called by everything in this package, by pull and by apply (which classes a record's refusal). Messages are localised
and never matched, but for the two flavours of REQUEST_LIMIT_EXCEEDED. Source: reference section 9; the assignment of
codes to classes is partly from memory and not confirmed against a live org.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from connector.errors import ConnectorError, FixFirst, QuotaExhausted, RetryLater

ErrorClass = Literal[
    "record", "identity", "retry_row", "bisect", "restart", "shrink", "retry", "config", "auth", "quota"
]
"""In rising order of how much they stop; of several errors of one record the last class counts.

record: this record will be refused again, tell people; identity: another record has the key, or this one is gone;
retry_row: try the record again in a smaller batch; bisect: the batch may have been refused for one record;
restart: begin this query again; shrink: ask for less at once (a shorter window); retry: the same request again;
config: a person corrects a name or a permission; auth: log in again; quota: stop for today.
"""

_TABLE: dict[ErrorClass, str] = {
    "retry": """
        SERVER_UNAVAILABLE SERVICE_UNAVAILABLE BAD_GATEWAY REQUEST_RUNNING_TOO_LONG UNKNOWN_EXCEPTION
        INTERNAL_ERROR TOO_MANY_APEX_REQUESTS INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE PROCESSING_HALTED
        ALL_OR_NONE_OPERATION_ROLLED_BACK OPERATION_CONFLICT TXN_SECURITY_METERING_ERROR""",
    "retry_row": "UNABLE_TO_LOCK_ROW UNABLE_TO_LOCK_RECORD RECORD_IN_USE_BY_WORKFLOW COLLISION_DETECTED",
    "auth": "INVALID_SESSION_ID SESSION_EXPIRED INVALID_AUTH_HEADER INVALID_ACCESS_TOKEN",
    "quota": """
        REQUEST_LIMIT_EXCEEDED LIMIT_EXCEEDED STORAGE_LIMIT_EXCEEDED API_DISABLED_FOR_ORG API_CURRENTLY_DISABLED""",
    "restart": "INVALID_QUERY_LOCATOR EXCEEDED_ID_LIMIT",
    "shrink": "QUERY_TIMEOUT QUERY_TOO_COMPLICATED",
    "bisect": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER APEX_FAILED",
    "identity": "DUPLICATE_VALUE DUPLICATES_DETECTED DUPLICATE_EXTERNAL_ID ENTITY_IS_DELETED NOT_FOUND",
    "config": """
        INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE FIELD_NOT_UPDATABLE INVALID_TYPE MALFORMED_QUERY
        INVALID_EXTERNAL_ID_FIELD_NAME INVALID_ENTITY_FOR_UPSERT INSUFFICIENT_ACCESS FUNCTIONALITY_NOT_ENABLED
        UNSUPPORTED_API_VERSION API_DISABLED FEATURENOTENABLED INVALIDENTITY
        invalid_grant invalid_client inactive_user app_not_found""",
    "record": """
        FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_FILTER_VALIDATION_EXCEPTION REQUIRED_FIELD_MISSING STRING_TOO_LONG
        NUMBER_OUTSIDE_VALID_RANGE INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST INVALID_TYPE_ON_FIELD_IN_RECORD
        JSON_PARSER_ERROR INVALID_EMAIL_ADDRESS FIELD_INTEGRITY_EXCEPTION INVALID_CROSS_REFERENCE_KEY
        INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY INSUFFICIENT_ACCESS_OR_READONLY ENTITY_IS_LOCKED
        ENTITY_IS_ARCHIVED MALFORMED_ID INACTIVE_OWNER_OR_USER TRANSFER_REQUIRES_READ CANNOT_UPDATE_CONVERTED_LEAD
        DELETE_FAILED DEPENDENCY_EXISTS CIRCULAR_DEPENDENCY TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET INVALID_CURRENCY_ISO
        DATE_OUT_OF_RANGE""",
}
_BY_CODE: dict[str, ErrorClass] = {code: kind for kind, codes in _TABLE.items() for code in codes.split()}

_BY_STATUS: dict[int, ErrorClass] = {
    401: "auth", 404: "identity", 406: "retry", 409: "restart", 410: "config", 414: "config", 420: "retry",
    429: "retry", 431: "config", 500: "retry", 502: "retry", 503: "retry", 504: "retry",
}  # fmt: skip

_NOTHING_WRITTEN = frozenset({
    "REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE", "SERVICE_UNAVAILABLE",
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
})  # fmt: skip


def classify(code: str, *, status: int = 0, message: str = "") -> ErrorClass:
    """What to do about an error code; the HTTP status decides where the code is unknown or absent.

    A code of no class that concerns one record only ("record") is the safe reading of what a customer's org invents.
    """
    if code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" in message.lower():
        return "retry"
    return _BY_CODE.get(code) or _BY_STATUS.get(status, "record")


def known_codes() -> frozenset[str]:
    """The codes that have a class of their own."""
    return frozenset(_BY_CODE)


@dataclass(frozen=True)
class Refusal:
    """What an org answered instead of what was asked."""

    code: str
    message: str
    status: int = 0
    fields: tuple[str, ...] = ()

    @property
    def kind(self) -> ErrorClass:
        return classify(self.code, status=self.status, message=self.message)

    @property
    def is_too_long(self) -> bool:
        """Whether the address was too long: the same query may go by Bulk, in the body of a POST."""
        return self.status in {414, 431}

    @property
    def wrote_nothing(self) -> bool:
        """Whether the answer proves that the request was turned away before anything was written."""
        return self.status in {401, 420, 429} or self.code in _NOTHING_WRITTEN

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


def read_refusal(status: int, body: Any) -> Refusal:
    """The refusal in a parsed body of any of the shapes that Salesforce and the proxies before it use."""
    found = [_one(status, error) for error in body if isinstance(error, dict)] if isinstance(body, list) else []
    if isinstance(body, dict):
        found = [_one(status, body)]
    return worst(found) or Refusal(f"HTTP_{status}", "an answer that is not Salesforce's JSON", status)


def worst(refusals: Iterable[Refusal]) -> Refusal | None:
    """The refusal that stops most, the first of equals; None when there are none."""
    order = get_args(ErrorClass)
    return max(refusals, key=lambda r: order.index(r.kind), default=None)


def _one(status: int, error: dict[str, Any]) -> Refusal:
    code = error.get("errorCode") or error.get("statusCode") or error.get("error") or f"HTTP_{status}"
    message = error.get("message") or error.get("error_description") or ""
    return Refusal(str(code), str(message), status, tuple(error.get("fields") or ()))


class LostReply(RetryLater):
    """No answer came to a write that may have been carried out: only the next pull can tell."""


class NotNow(RetryLater):
    """The org could not do it now; `refusal` says what it answered, its kind whether asking differently helps."""

    def __init__(self, message: str, refusal: Refusal) -> None:
        super().__init__(message)
        self.refusal = refusal


class BeginAgain(NotNow):
    """What was half read is gone (a locator, a job): the same question from its start."""


class AllowanceUsed(QuotaExhausted):
    """The org refuses for today; `refusal` says which of its allowances is used up."""

    def __init__(self, message: str, refusal: Refusal) -> None:
        super().__init__(message)
        self.refusal = refusal


class OrgRefused(FixFirst):
    """The org will not do this until a person has changed something; `refusal` says what it answered."""

    def __init__(self, message: str, refusal: Refusal) -> None:
        super().__init__(message)
        self.refusal = refusal


def error_for(refusal: Refusal, doing: str) -> ConnectorError:
    """The exception to raise when `refusal` ends what was being done."""
    if refusal.kind == "quota":
        return AllowanceUsed(
            f"The org's API allowance is used up ({refusal}) while {doing}. "
            "Run again tomorrow, lower the schedule, or raise the allowance (Setup, Company Information).",
            refusal,
        )
    if refusal.kind in {"retry", "retry_row", "restart", "shrink", "bisect"}:
        kind = BeginAgain if refusal.kind == "restart" else NotNow
        message = f"The org could not do it now ({refusal}) while {doing}. The next run goes on from here."
        return kind(message, refusal)
    return OrgRefused(f"The org refused ({refusal}) while {doing}. {_ADVICE.get(refusal.kind, _ADVICE_ELSE)}", refusal)


_ADVICE = {
    "auth": "Check the External Client App's policies and session settings, then run `connector check`.",
    "config": "Check the name, and that the integration user may see and edit it (permission set).",
}
_ADVICE_ELSE = "Correct what it names, then run again."
