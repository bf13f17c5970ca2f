"""The error table: which class, whatever shape the answer has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from connector.errors import FixFirst, QuotaExhausted, RetryLater
from connector.salesforce import OrgRefused
from connector.salesforce.errors import (
    AllowanceUsed,
    BeginAgain,
    ErrorClass,
    NotNow,
    Refusal,
    classify,
    error_for,
    known_codes,
    read_refusal,
    worst,
)

SHARED = Path(__file__).resolve().parents[4] / "shared"
FIXTURES = SHARED / "fixtures"
REFERENCE = SHARED / "reference" / "salesforce-api.md"

CODES = {
    "row lock": ("UNABLE_TO_LOCK_ROW", 0, "", "retry_row"),
    "session": ("INVALID_SESSION_ID", 401, "", "auth"),
    "daily limit": ("REQUEST_LIMIT_EXCEEDED", 403, "TotalRequests Limit exceeded.", "quota"),
    "concurrency": ("REQUEST_LIMIT_EXCEEDED", 403, "ConcurrentRequests (Concurrent API Requests) Limit", "retry"),
    "storage": ("STORAGE_LIMIT_EXCEEDED", 0, "", "quota"),
    "locator": ("INVALID_QUERY_LOCATOR", 400, "", "restart"),
    "query took too long": ("QUERY_TIMEOUT", 400, "", "shrink"),
    "query too complicated": ("QUERY_TOO_COMPLICATED", 400, "", "shrink"),
    "Bulk jobs of the day": ("LIMIT_EXCEEDED", 400, "Max bulk v2 query jobs (10000) per 24 hrs", "quota"),
    "apex": ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", 0, "", "bisect"),
    "validation rule": ("FIELD_CUSTOM_VALIDATION_EXCEPTION", 0, "", "record"),
    "duplicate": ("DUPLICATE_VALUE", 0, "", "identity"),
    "hidden field": ("INVALID_FIELD", 400, "", "config"),
    "a code nobody has seen": ("SOMETHING_NEW", 400, "", "record"),
    "a code nobody has seen, server error": ("SOMETHING_NEW", 500, "", "retry"),
    "edge": ("HTTP_420", 420, "", "retry"),
    "retired version": ("HTTP_410", 410, "", "config"),
    "too long an address": ("HTTP_414", 414, "", "config"),
}


@pytest.mark.parametrize(("code", "status", "message", "kind"), CODES.values(), ids=CODES.keys())
def test_class_of_an_error(code: str, status: int, message: str, kind: str) -> None:
    assert classify(code, status=status, message=message) == kind


BODIES = {
    "REST array": ([{"errorCode": "INVALID_FIELD", "message": "m", "fields": ["A"]}], "INVALID_FIELD"),
    "collections": ([{"statusCode": "DUPLICATE_VALUE", "message": "m"}], "DUPLICATE_VALUE"),
    "OAuth object": ({"error": "invalid_grant"}, "invalid_grant"),
    "worst of two": ([{"errorCode": "REQUIRED_FIELD_MISSING"}, {"errorCode": "INVALID_FIELD"}], "INVALID_FIELD"),
    "first of equals": ([{"errorCode": "STRING_TOO_LONG"}, {"errorCode": "MALFORMED_ID"}], "STRING_TOO_LONG"),
    "HTML": ("<html/>", "HTTP_502"),
    "nothing": (None, "HTTP_502"),
    "empty list": ([], "HTTP_502"),
    "list of text": (["oops"], "HTTP_502"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "code"), BODIES.values(), ids=BODIES.keys())
def test_shapes_of_refusals(body: Any, code: str) -> None:
    assert read_refusal(502, body).code == code


@pytest.mark.parametrize(
    ("file", "code", "kind"),
    [
        ("expired_session_response.json", "INVALID_SESSION_ID", "auth"),
        ("auth_error_response.json", "invalid_grant", "config"),
        ("sobject/query_error_response.json", "INVALID_FIELD", "config"),
        ("sobject/write_error_response.json", "INVALID_FIELD", "config"),
        ("sobject/sobject_find_error_response.json", "NOT_FOUND", "identity"),
    ],
)
def test_recorded_refusals(file: str, code: str, kind: str) -> None:
    path = FIXTURES / "restforce" / file
    if not path.is_file():
        pytest.skip(f"no recorded traffic at {path}")
    refusal = read_refusal(400, json.loads(path.read_text()))
    assert (refusal.code, refusal.kind) == (code, kind)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("REQUEST_LIMIT_EXCEEDED", QuotaExhausted),
        ("LIMIT_EXCEEDED", AllowanceUsed),
        ("UNABLE_TO_LOCK_ROW", RetryLater),
        ("INVALID_QUERY_LOCATOR", BeginAgain),
        ("QUERY_TIMEOUT", NotNow),
        ("INVALID_SESSION_ID", FixFirst),
        ("INVALID_FIELD", FixFirst),
        ("REQUIRED_FIELD_MISSING", FixFirst),
    ],
)
def test_what_the_caller_should_do(code: str, error: type[Exception]) -> None:
    raised = error_for(Refusal(code, "why", 400), "reading Account")
    assert isinstance(raised, error)
    assert "while reading Account" in str(raised)
    assert code in str(raised)


@pytest.mark.parametrize("status", [414, 431])
def test_an_address_that_is_too_long_may_go_by_bulk(status: int) -> None:
    assert Refusal("HTTP", "", status).is_too_long
    assert not Refusal("MALFORMED_QUERY", "", 400).is_too_long


def test_each_error_carries_what_the_org_answered() -> None:
    for code in ("LIMIT_EXCEEDED", "QUERY_TIMEOUT", "INVALID_QUERY_LOCATOR", "INVALID_FIELD"):
        refusal = Refusal(code, "why", 400)
        raised = error_for(refusal, "reading")
        assert isinstance(raised, (AllowanceUsed, NotNow, OrgRefused))
        assert raised.refusal is refusal


ORDER: list[tuple[str, str, ErrorClass]] = [
    ("QUERY_TIMEOUT", "INVALID_QUERY_LOCATOR", "shrink"),
    ("QUERY_TIMEOUT", "SERVER_UNAVAILABLE", "retry"),
    ("QUERY_TIMEOUT", "UNABLE_TO_LOCK_ROW", "shrink"),
    ("QUERY_TIMEOUT", "INVALID_FIELD", "config"),
]


@pytest.mark.parametrize(("one", "other", "kind"), ORDER)
def test_of_two_errors_the_one_that_stops_more_counts(one: str, other: str, kind: ErrorClass) -> None:
    found = worst([Refusal(one, ""), Refusal(other, "")])
    assert found is not None
    assert found.kind == kind


def test_every_code_of_the_reference_has_a_class() -> None:
    if not REFERENCE.is_file():
        pytest.skip(f"no reference at {REFERENCE}")
    catalogue = REFERENCE.read_text().partition("## 9. Error catalogue")[2].partition("Full machine-readable enum")[0]
    rows = [line for line in catalogue.splitlines() if line.startswith("| **")]
    codes = {code for row in rows for code in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", row)}
    assert len(codes) > 60
    assert codes - known_codes() == set()
