"""The error table: which class, whatever shape the answer has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connector.errors import FixFirst, QuotaExhausted, RetryLater
from connector.salesforce.errors import Refusal, classify, error_for, read_refusal

FIXTURES = Path(__file__).resolve().parents[4] / "shared" / "fixtures"

CODES = {
    "row lock": ("UNABLE_TO_LOCK_ROW", 0, "", "retry_row"),
    "session": ("INVALID_SESSION_ID", 401, "", "auth"),
    "daily limit": ("REQUEST_LIMIT_EXCEEDED", 403, "TotalRequests Limit exceeded.", "quota"),
    "concurrency": ("REQUEST_LIMIT_EXCEEDED", 403, "ConcurrentRequests (Concurrent API Requests) Limit", "retry"),
    "storage": ("STORAGE_LIMIT_EXCEEDED", 0, "", "quota"),
    "locator": ("INVALID_QUERY_LOCATOR", 400, "", "restart"),
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
        ("auth_error_response.json", "invalid_grant", "record"),
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
        ("UNABLE_TO_LOCK_ROW", RetryLater),
        ("INVALID_QUERY_LOCATOR", RetryLater),
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
