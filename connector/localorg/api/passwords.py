"""The password of a user, which logs nobody in here: whether it has expired, a new one, a reset (REST guide).

Called by router.py. Passwords are not kept: this org lets in applications, not people.
"""

from connector.localorg import errors
from connector.localorg.api.records import find_record_id
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply

SHORTEST = 8
"""What the default policy asks for (wording from memory)."""


def show_password(visit: Visit, call: Call, key: str) -> Reply:  # noqa: ARG001 - routes share one signature
    """GET sobjects/User/ID/password"""
    _find_user(visit, key)
    return Reply(200, {"isExpired": False})


def set_password(visit: Visit, call: Call, key: str) -> Reply:
    """POST sobjects/User/ID/password {"NewPassword": ...}"""
    visit.is_write = True
    _find_user(visit, key)
    given = call.json_object().get("NewPassword")
    if not isinstance(given, str) or len(given) < SHORTEST or given.isalpha() or given.isdigit():
        text = f"Your password must be at least {SHORTEST} characters long and have a mix of letters and numbers"
        raise errors.OrgError(400, "INVALID_NEW_PASSWORD", text)
    return Reply(204)


def _find_user(visit: Visit, key: str) -> str:
    record_id = find_record_id(visit.find_object("User"), key)
    if visit.txn.find("User", record_id) is None:
        raise errors.record_missing(key)
    return record_id
