"""The admin endpoints below /__local__/.

Ledger, faults, clock, what a person does, the passing of days. Loopback, no token, not in the ledger.

For tests and demos; no Salesforce client knows them.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from connector.localorg import sessions
from connector.localorg.api.wire import Call, Reply
from connector.localorg.conversion import Wish
from connector.localorg.errors import body_unreadable, method_not_allowed, resource_missing
from connector.localorg.life import live_days

if TYPE_CHECKING:
    from connector.localorg.org import Org

Endpoint = Callable[["Org", Call], Any]


def answer_admin(org: "Org", call: Call) -> Reply:
    """Run an admin endpoint."""
    methods = _ENDPOINTS.get("/".join(call.parts[1:]))
    if methods is None:
        raise resource_missing()
    endpoint = methods.get(call.method)
    if endpoint is None:
        raise method_not_allowed(call.method, list(methods))
    try:
        return Reply(200, endpoint(org, call))
    except (KeyError, TypeError, ValueError) as error:
        raise body_unreadable(f"{call.path}: {error}") from error


def _show_ledger(org: "Org", call: Call) -> Any:  # noqa: ARG001 - endpoints share one signature
    entries = [e.as_json() for e in org.ledger.entries]
    usage = org.ledger.api_usage(org.clock.now())
    return {
        "entries": entries,
        "apiCalls": org.ledger.api_calls(),
        "writes": len(org.ledger.writes()),
        "apiUsage": usage,
    }


def _clear_ledger(org: "Org", call: Call) -> Any:  # noqa: ARG001 - endpoints share one signature
    org.ledger.clear()
    return {"entries": []}


def _add_fault(org: "Org", call: Call) -> Any:
    body = call.json_object()
    if "quota" in body:
        org.faults.quota_left = body["quota"]
    elif "seed" in body:
        org.faults.seed(int(body["seed"]))
    else:
        org.faults.add_json(body)
    return _show_faults(org, call)


def _show_faults(org: "Org", call: Call) -> Any:  # noqa: ARG001 - endpoints share one signature
    return {"faults": org.faults.as_json(), "quota": org.faults.quota_left}


def _clear_faults(org: "Org", call: Call) -> Any:
    org.faults.clear()
    return _show_faults(org, call)


def _show_clock(org: "Org", call: Call) -> Any:  # noqa: ARG001 - endpoints share one signature
    return {"now": org.clock.now().isoformat()}


def _move_clock(org: "Org", call: Call) -> Any:
    body = call.json_object()
    if "set" in body:
        org.clock.set(datetime.fromisoformat(body["set"]))
    elif "advance_seconds" in body:
        org.clock.advance(timedelta(seconds=float(body["advance_seconds"])))
    else:
        raise ValueError("give set (an ISO moment) or advance_seconds")
    return _show_clock(org, call)


def _act_as_person(org: "Org", call: Call) -> Any:
    """A person's edit: creates without an id, deletes with fields null, changes otherwise.

    With visible_in_seconds it is stamped now and committed later.
    """
    body = call.json_object()
    sobject, record_id, fields, user = body["sobject"], body.get("id"), body.get("fields"), body.get("user")
    if "visible_in_seconds" in body:
        wait = timedelta(seconds=float(body["visible_in_seconds"]))
        org.write_late(sobject, fields or {}, visible_in=wait, record_id=record_id, user=user)
        return {"id": record_id}
    if record_id is None:
        return {"id": org.create_record(sobject, fields or {}, user=user)}
    if fields is None:
        org.delete_record(sobject, record_id, user=user)
    else:
        org.update_record(sobject, record_id, fields, user=user)
    return {"id": record_id}


def _merge(org: "Org", call: Call) -> Any:
    body = call.json_object()
    org.merge(body["sobject"], body["master"], body["losers"], body.get("fields"), user=body.get("user"))
    return {"id": body["master"]}


def _convert(org: "Org", call: Call) -> Any:
    body = call.json_object()
    wish = Wish(**{k: v for k, v in body.items() if k not in ("lead", "user")})
    return asdict(org.convert_lead(body["lead"], wish, user=body.get("user")))


def _undelete(org: "Org", call: Call) -> Any:
    body = call.json_object()
    org.undelete_record(body["sobject"], body["id"], user=body.get("user"))
    return {"id": body["id"]}


def _purge(org: "Org", call: Call) -> Any:
    body = call.json_object()
    org.purge(body["sobject"], body["id"], user=body.get("user"))
    return {"id": body["id"]}


def _expire_sessions(org: "Org", call: Call) -> Any:  # noqa: ARG001 - endpoints share one signature
    sessions.end_sessions(org.state)
    return {"sessions": 0}


def _log_in(org: "Org", call: Call) -> Any:
    """A refresh token, as the end of a login in a browser would bring one."""
    return {"refresh_token": org.issue_refresh_token(str(call.json_object()["client_id"]))}


def _tick(org: "Org", call: Call) -> Any:
    """Live days: each moves the clock on by one; the same org on the same day lives the same."""
    days = int(call.query.get("days", "1"))
    dice = Random(f"{org.state.seed}:{org.clock.today()}")
    happenings = live_days(org, dice, days)
    counts = Counter(h.what for h in happenings if h.refused is None)
    return {"now": org.clock.now().isoformat(), "happened": dict(sorted(counts.items()))}


_ENDPOINTS: dict[str, dict[str, Endpoint]] = {
    "ledger": {"GET": _show_ledger, "DELETE": _clear_ledger},
    "ledger/clear": {"POST": _clear_ledger},
    "faults": {"GET": _show_faults, "POST": _add_fault, "DELETE": _clear_faults},
    "clock": {"GET": _show_clock, "POST": _move_clock},
    "person": {"POST": _act_as_person},
    "merge": {"POST": _merge},
    "convert": {"POST": _convert},
    "undelete": {"POST": _undelete},
    "purge": {"POST": _purge},
    "sessions/expire": {"POST": _expire_sessions},
    "refresh-token": {"POST": _log_in},
    "tick": {"POST": _tick},
}
