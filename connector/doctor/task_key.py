"""The key of our Tasks, tried on a throwaway record: created, found by its key, closed, not created twice, deleted.

Called by flow.py where it is allowed to write. Whatever happens, what was made is deleted, and what an earlier, killed
doctor left behind as well; a record that cannot be deleted is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

from connector.data import Value
from connector.errors import ConnectorError
from connector.report import Check, Finding
from connector.salesforce import OrgClient

TITLE = "Task key"
SUBJECT = "Test of the lifecycle connector's doctor: is deleted at once, please ignore"
_DEPLOY = "deploy what `connector setup export` writes and assign its permission set"


_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def may_try(instance_url: str, *, for_trying: bool) -> bool:
    """Whether the key is tried without being asked for: never in an org that may be somebody's production."""
    return for_trying or urlsplit(instance_url).hostname in _LOOPBACK


@dataclass(frozen=True)
class TaskKey:
    """What is tried: the key field of our Tasks, and the status that closes them."""

    field: str
    status: str
    installation: str

    @property
    def prefix(self) -> str:
        """Of all keys that the doctor makes: no rule ever makes one like it."""
        return f"doctor:{self.installation}:"


def try_task_key(client: OrgClient, key: TaskKey) -> Check:
    """What did not work, and whether anything was left behind."""
    value = key.prefix + uuid4().hex
    made: list[str] = []
    findings = []
    try:
        findings += list(_try(client, key, value, made))
    except ConnectorError as error:
        findings.append(Finding("problem", f"The test was broken off: {error}", "look at the reason, and try again"))
    findings += _clean_up(client, key, made)
    good = "a Task can be created, found by its key, closed and deleted, and no second one with the same key created"
    return Check(TITLE, "" if findings else good, tuple(findings))


def _try(client: OrgClient, key: TaskKey, value: str, made: list[str]) -> Iterator[Finding]:
    body: dict[str, Value] = {"Subject": SUBJECT, key.field: value}
    first = client.create([("Task", body)])[0]
    if not first.success or first.id is None:
        yield Finding("problem", f"No Task can be created: {first.code} {first.message}", _DEPLOY)
        return
    made.append(first.id)
    if [row["Id"] for row in client.query(f"SELECT Id FROM Task WHERE {key.field} = '{value}'")] != [first.id]:
        yield Finding(
            "problem", f"The Task is not found by {key.field}.", f"{_DEPLOY}; the field must be an external id"
        )
    yield from _close(client, key, first.id)
    again = client.create([("Task", body)])[0]
    if again.id and again.success:
        made.append(again.id)
        yield Finding(
            "problem", f"Two Tasks with one {key.field} can be created: after a lost reply Tasks would be doubled.",
            f"make Activity.{key.field} unique; {_DEPLOY}",
        )  # fmt: skip
    elif again.code != "DUPLICATE_VALUE":
        yield Finding("problem", f"A second Task with the key is refused, but as {again.code} {again.message}", _DEPLOY)


def _close(client: OrgClient, key: TaskKey, task: str) -> Iterator[Finding]:
    remedy = f"in Setup, Task, Status, add '{key.status}' and tick Closed"
    closed = client.update([("Task", task, {"Status": key.status})])[0]
    if not closed.success:
        yield Finding("problem", f"A Task cannot be set to '{key.status}': {closed.code} {closed.message}", remedy)
    elif not client.query(f"SELECT Id FROM Task WHERE Id = '{task}' AND IsClosed = true"):
        yield Finding("problem", f"The status '{key.status}' does not close a Task.", remedy)


def _clean_up(client: OrgClient, key: TaskKey, made: list[str]) -> list[Finding]:
    """Ours by id, and by key whatever came of a lost reply or of an earlier doctor."""
    try:
        left = client.query(f"SELECT Id FROM Task WHERE {key.field} LIKE '{key.prefix}%'")
        ids = sorted({*made, *(str(row["Id"]) for row in left)})
        results = client.delete(ids) if ids else []
    except ConnectorError as error:
        if not made:
            return []
        return [_left_behind(made, str(error))]
    kept = [(i, r) for i, r in zip(ids, results, strict=True) if not r.success and r.code != "ENTITY_IS_DELETED"]
    return [_left_behind([i], f"{r.code} {r.message}") for i, r in kept]


def _left_behind(ids: list[str], why: str) -> Finding:
    return Finding("problem", f"Task {', '.join(ids)} could not be deleted: {why}", "delete it by hand; it is a test")
