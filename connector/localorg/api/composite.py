"""Routes of composite and batch: several requests in one, with references from one to the next (reference 4.3)."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from connector.localorg import errors
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply, make_call, refusal
from connector.localorg.ledger import Subrequest

MOST_SUBREQUESTS = 25
MOST_EXPENSIVE = 5
COLLATED_SINCE = 49.0
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)([^}]*)\}")
_REFERENCE_ID = re.compile(r"[A-Za-z0-9_]+\Z")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+)\]")
_EXPENSIVE = re.compile(r"/v[\d.]+/(query|queryAll|composite/sobjects)(/|\?|$)")
_SOBJECT = re.compile(r"/sobjects/([A-Za-z0-9_]+)")
_FORBIDDEN_HEADERS = frozenset({"accept", "authorization", "content-type"})


class _AbortedError(Exception):
    """Undoes an allOrNone composite; carries the failed answer."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        self.answer = answer


def run_composite(visit: Visit, call: Call) -> Reply:
    """POST composite"""
    body = call.json_object()
    answers = run_requests(
        visit,
        call,
        body.get("compositeRequest"),
        all_or_none=body.get("allOrNone") is True,
        collate=body.get("collateSubrequests", float(visit.version) >= COLLATED_SINCE) is True,
        most=MOST_SUBREQUESTS,
    )
    return Reply(200, {"compositeResponse": answers})


def run_requests(
    visit: Visit, call: Call, given: Any, *, all_or_none: bool, collate: bool, most: int
) -> list[dict[str, Any]]:
    """Run subrequests and return their answers in the order in which they were given."""
    requests = _read_requests(given, most)
    answers: list[dict[str, Any]] = []
    try:
        with visit.txn.savepoint():
            for request in _in_order(requests, collate=collate):
                answers.append(_answer(visit, call, request, answers))
                if all_or_none and answers[-1]["httpStatusCode"] >= 400:
                    raise _AbortedError(answers[-1])
    except _AbortedError as aborted:
        return _undone(requests, aborted.answer)
    by_reference = {a["referenceId"]: a for a in answers}
    return [by_reference[r["referenceId"]] for r in requests]


def _in_order(requests: list[dict[str, Any]], *, collate: bool) -> Iterator[dict[str, Any]]:
    """The order of execution.

    Collated subrequests (the default since 49.0) run kind by kind, method and object, as far as references between
    them allow; headers of a subrequest switch collation off (4.3).
    """
    if not collate or any(r.get("httpHeaders") for r in requests):
        yield from requests
        return
    waiting, done = list(requests), set[str]()
    while waiting:
        ready = [r for r in waiting if _needs(r).isdisjoint({w["referenceId"] for w in waiting})] or waiting[:1]
        batch = [r for r in ready if _kind(r) == _kind(ready[0])]
        yield from batch
        done |= {r["referenceId"] for r in batch}
        waiting = [r for r in waiting if r["referenceId"] not in done]


def _needs(request: Mapping[str, Any]) -> set[str]:
    text = json.dumps([request.get("url"), request.get("body")])
    return {found[1] for found in _REFERENCE.finditer(text)}


def _kind(request: Mapping[str, Any]) -> tuple[str, ...]:
    found = _SOBJECT.search(request["url"])
    return (request["method"].upper(), found[1] if found else request["url"])


def _read_requests(requests: Any, most: int) -> list[dict[str, Any]]:
    """Check the shape and the limits of a composite body (limits 4.3; wordings UNVERIFIED)."""
    if not isinstance(requests, list) or not requests or not all(isinstance(r, dict) for r in requests):
        raise errors.body_unreadable("compositeRequest must be a list of subrequests")
    if len(requests) > most:
        raise errors.OrgError(400, "LIMIT_EXCEEDED", f"composite requests are limited to {most} subrequests")
    if sum(1 for r in requests if _EXPENSIVE.search(str(r.get("url")))) > MOST_EXPENSIVE:
        text = f"composite requests are limited to {MOST_EXPENSIVE} query and sObject collection subrequests"
        raise errors.OrgError(400, "LIMIT_EXCEEDED", text)
    seen: set[str] = set()
    for request in requests:
        _check_request(request, seen)
    return requests


def _check_request(request: Mapping[str, Any], seen: set[str]) -> None:
    reference = request.get("referenceId")
    if not isinstance(reference, str) or not _REFERENCE_ID.match(reference):
        raise errors.body_unreadable("each subrequest needs a referenceId of letters, digits and underscores")
    if reference in seen:
        raise errors.body_unreadable(f"referenceId {reference} is used twice")
    seen.add(reference)
    if not isinstance(request.get("url"), str) or not isinstance(request.get("method"), str):
        raise errors.body_unreadable(f"subrequest {reference} needs method and url")
    headers = request.get("httpHeaders") or {}
    if not isinstance(headers, dict) or not all(isinstance(v, str) for v in headers.values()):
        raise errors.body_unreadable(f"httpHeaders of subrequest {reference} must be an object of texts")
    forbidden = [h for h in headers if h.lower() in _FORBIDDEN_HEADERS]
    if forbidden:
        raise errors.body_unreadable(f"subrequest {reference} may not set header {forbidden[0]}")


def _answer(visit: Visit, call: Call, request: Mapping[str, Any], before: list[dict[str, Any]]) -> dict[str, Any]:
    reference = request["referenceId"]
    try:
        resolved = {k: resolve_references(request.get(k), before) for k in ("url", "body")}
        reply = run_subrequest(
            visit, call, request["method"], resolved["url"], request.get("httpHeaders"), resolved["body"]
        )
    except errors.OrgError as error:
        reply = refusal(error)
    return {"body": reply.body, "httpHeaders": reply.headers, "httpStatusCode": reply.status, "referenceId": reference}


def run_subrequest(
    visit: Visit, outer: Call, method: str, url: str, headers: Mapping[str, str] | None, body: Any
) -> Reply:
    """Run one request inside another through the same router; it succeeds or fails for itself."""
    merged = {**outer.headers, **{k.lower(): v for k, v in (headers or {}).items()}}
    call = make_call(method.upper(), url, merged, parsed=body)
    read, written = visit.txn.rows_read, visit.txn.rows_written
    try:
        with visit.inside(call), visit.txn.savepoint():
            reply = visit.dispatch(visit, call)
    except errors.OrgError as error:
        reply = refusal(error)
    spent = (visit.txn.rows_read - read, visit.txn.rows_written - written)
    visit.subrequests.append(Subrequest(call.method, url, reply.status, *spent))
    return reply


def _undone(requests: list[dict[str, Any]], failed: dict[str, Any]) -> list[dict[str, Any]]:
    halted = errors.processing_halted().as_rest()
    return [
        failed
        if r["referenceId"] == failed["referenceId"]
        else {"body": halted, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": r["referenceId"]}
        for r in requests
    ]


def resolve_references(value: Any, answers: list[dict[str, Any]]) -> Any:
    """Replace `@{ref.path}` by what an earlier subrequest answered.

    A text that is nothing else takes the value's own type.
    """
    if isinstance(value, dict):
        return {k: resolve_references(v, answers) for k, v in value.items()}
    if isinstance(value, list):
        return [resolve_references(v, answers) for v in value]
    if not isinstance(value, str) or "@{" not in value:
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole is not None:
        return _look_up(whole, answers)
    return _REFERENCE.sub(lambda m: str(_look_up(m, answers)), value)


def _look_up(found: re.Match[str], answers: list[dict[str, Any]]) -> Any:
    name, path = found[1], found[2]
    value: Any = next((a["body"] for a in answers if a["referenceId"] == name and a["httpStatusCode"] < 400), None)
    for step in _STEP.finditer(path):
        key, index = step[1], step[2]
        if key is not None and isinstance(value, dict) and key in value:
            value = value[key]
        elif index is not None and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            value = None
            break
    if value is None:
        raise errors.processing_halted(f"Invalid reference specified. No value for {name}{path} found in {name}")
    return value


def run_batch(visit: Visit, call: Call) -> Reply:
    """POST composite/batch: independent requests, each counted against the API limit"""
    body = call.json_object()
    requests = body.get("batchRequests")
    if not isinstance(requests, list) or not requests or not all(isinstance(r, dict) for r in requests):
        raise errors.body_unreadable("batchRequests must be a list of subrequests")
    if len(requests) > MOST_SUBREQUESTS:
        raise errors.OrgError(400, "LIMIT_EXCEEDED", f"batch requests are limited to {MOST_SUBREQUESTS} subrequests")
    visit.api_calls = len(requests)
    results: list[dict[str, Any]] = []
    for request in requests:
        failed = any(r["statusCode"] >= 400 for r in results)
        results.append(
            _halted_result() if failed and body.get("haltOnError") is True else _batch_result(visit, call, request)
        )
    return Reply(200, {"hasErrors": any(r["statusCode"] >= 400 for r in results), "results": results})


def _batch_result(visit: Visit, call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        raise errors.body_unreadable("each subrequest needs method and url")
    target = url if url.startswith("/services/") else f"/services/data/{url.lstrip('/')}"
    reply = run_subrequest(visit, call, method, target, None, request.get("richInput"))
    return {"statusCode": reply.status, "result": reply.body}


def _halted_result() -> dict[str, Any]:
    error = errors.OrgError(412, "BATCH_PROCESSING_HALTED", "Batch processing halted per request")
    return {"statusCode": 412, "result": error.as_rest()}
