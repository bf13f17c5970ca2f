"""Records that the org refused, grouped by the org's own code, with what to do about each.

Used by run_text and as_json. The codes and their meaning are Salesforce's (REST API guide, error codes); what to do
is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connector.data import Change, Outcome


@dataclass(frozen=True)
class Refusal:
    """What the org refused with one code and one message."""

    code: str
    sobject: str
    message: str
    records: tuple[str, ...]
    """Names of the subjects, in the order of the plan."""
    advice: str


_VALIDATION = "A validation rule of the org said no. Fill what it asks for, or let the rule spare the integration user."
_PERMISSION = "The integration user may not do this. Assign the permission set of `connector setup export` to it."
_FIELD = (
    "The org's field is not as the mapping says. Deploy `connector setup export` again, then `connector check --org`."
)
_APEX = "Code of the org failed while saving. Give its message to the org's developer."
_BUSY = "Another process held the record. Nothing to do: the next run tries again."

ADVICE: Mapping[str, str] = {
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": _VALIDATION,
    "FIELD_FILTER_VALIDATION_EXCEPTION": "A lookup filter of the org said no. Look at the filter of the named field.",
    "REQUIRED_FIELD_MISSING": "The org requires a field that we do not set. Give it under `set:` of the CTA.",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "The picklist lacks this value. Deploy `connector setup export` again.",
    "STRING_TOO_LONG": _FIELD,
    "NUMBER_OUTSIDE_VALID_RANGE": "The number does not fit the field. Give the KPI a wider type and deploy it.",
    "INVALID_FIELD": _FIELD,
    "INVALID_FIELD_FOR_INSERT_UPDATE": _PERMISSION,
    "FIELD_NOT_UPDATABLE": _PERMISSION,
    "INSUFFICIENT_ACCESS_OR_READONLY": _PERMISSION,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": _PERMISSION,
    "INSUFFICIENT_ACCESS": _PERMISSION,
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": _APEX,
    "CANNOT_EXECUTE_FLOW_TRIGGER": "A flow of the org failed while saving. Give its message to the flow's owner.",
    "APEX_FAILED": _APEX,
    "INACTIVE_OWNER_OR_USER": "The owner is inactive. Transfer the account, or add an active fallback to `owner:`.",
    "OP_WITH_INVALID_USER_TYPE_EXCEPTION": "This owner cannot have Tasks. Add a person to `owner:` before it.",
    "UNABLE_TO_LOCK_ROW": _BUSY,
    "RECORD_IN_USE_BY_WORKFLOW": _BUSY,
    "ENTITY_IS_LOCKED": "An approval process holds the record. It is tried again once that has ended.",
    "ENTITY_IS_DELETED": "The record was deleted meanwhile. Nothing to do: the next run sees it.",
    "DUPLICATES_DETECTED": "A blocking duplicate rule said no. Let the rule spare the integration user.",
    "STORAGE_LIMIT_EXCEEDED": "The org is full. Free storage, or buy some; then run again.",
}
_OTHER = "Nothing of ours: read the org's message. The next run tries again."
LOST = "No reply came, so it may or may not be written. Nothing to do: the next run reads the org and knows."


def group_refusals(changes: Iterable[Change], outcomes: Iterable[Outcome]) -> tuple[Refusal, ...]:
    """Everything that was refused or got no answer, by code and message, most records first."""
    by_id = {c.id: c for c in changes}
    groups: dict[tuple[str, str, str], list[str]] = {}
    for outcome in outcomes:
        if outcome.status in {"rejected", "unknown"}:
            change = by_id[outcome.change]
            code = outcome.code or ("NO_REPLY" if outcome.status == "unknown" else "REFUSED")
            groups.setdefault((code, change.sobject, outcome.message), []).append(change.subject_name)
    found = [
        Refusal(code, sobject, message, tuple(names), LOST if code == "NO_REPLY" else ADVICE.get(code, _OTHER))
        for (code, sobject, message), names in groups.items()
    ]
    return tuple(sorted(found, key=lambda r: (-len(r.records), r.code, r.message)))
