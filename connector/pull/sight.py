"""Whether our user sees all records of what it reads. Records that are hidden from it look like records that are not.

Called by run.py after the pull, and by the doctor. Asks once a day (by the org's clock; the answer is kept in the
mirror), and in every run as long as something is not proved, so that a grant counts at once. What is not proved is
not complete: facts over it are unknown, with what to grant as the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connector.data import PullResult
from connector.describe import Describes
from connector.salesforce import OrgClient, SubResponse
from connector.salesforce.composite import query_request
from connector.salesforce.errors import error_for
from connector.salesforce.soql import name_list
from connector.settings import PullSettings
from connector.sharing import EDITED_BY_ALL, PUBLIC, hangs_on_others, is_secured, parents_of, with_parents
from connector.store.mirror import Mirror

GOOD_FOR = timedelta(hours=24)
_META = "sight"
_DEFAULTS = {
    f"Default{name}Access": sobject
    for name, sobject in {
        "Account": "Account", "Campaign": "Campaign", "Case": "Case", "Contact": "Contact", "Lead": "Lead",
        "Opportunity": "Opportunity", "Pricebook": "Pricebook2",
    }.items()
}  # fmt: skip
"""Field of Organization -> the sObject whose org-wide default it holds."""
_SET_IN = {"ControlledByParent", "ControlledByCampaign", "ControlledByLeadOrContact"}


@dataclass(frozen=True)
class Sight:
    """What the org said about our user's rights and its own defaults."""

    user: str
    asked: frozenset[str] = frozenset()
    """sObjects whose default was asked for."""
    all_data: bool = False
    """View All Data."""
    all_users: bool = False
    granted: frozenset[str] = frozenset()
    """sObjects with View All Records, by profile or permission sets."""
    changeable: frozenset[str] = frozenset()
    """sObjects with Modify All Records."""
    models: Mapping[str, str] = field(default_factory=dict)
    """sObject -> org-wide default; missing where the org has none, or did not say."""
    unanswered: str = ""
    """What could not be asked, and why."""


def keep_in_sight(client: OrgClient, mirror: Mirror, pulled: PullResult, how: PullSettings) -> PullResult:
    """The pull, with every sObject of which it is not proved that all its records are seen as not complete."""
    if not how.require_view_all:
        return pulled
    describes = mirror.describes()
    read = [name for name, found in pulled.objects.items() if found.complete]
    wanted = with_parents(read, describes)
    sight = _remembered(mirror, client.user_id, wanted, pulled.as_of)
    if sight is None or find_unseen(sight, read, describes):
        sight = look(client, wanted)
        remember(mirror, sight, pulled.as_of)
    blind = {
        name: replace(pulled.objects[name], complete=False, reason=say_unseen(name, ends))
        for name, ends in find_unseen(sight, read, describes).items()
    }
    return replace(pulled, objects={**pulled.objects, **blind})


# --- judging --------------------------------------------------------------------------------------------------


def find_unseen(sight: Sight, sobjects: Iterable[str], describes: Describes) -> dict[str, frozenset[str]]:
    """Those of `sobjects` of which it is not proved that all records are seen, each with the objects to be granted for
    that: itself, or those that its records belong to."""
    ends = {name: _open_ends(sight, name, describes, frozenset()) for name in sobjects}
    return {name: found for name, found in ends.items() if found}


def changes_all(sight: Sight, sobject: str) -> bool:
    """Whether it is proved that our user may change all records of `sobject`, where it may change any."""
    return sobject in sight.changeable or sight.models.get(sobject) in EDITED_BY_ALL


def say_unseen(sobject: str, ends: Iterable[str]) -> str:
    """Why nothing over `sobject` can be known."""
    return (
        f"it is not proved that our user sees all {sobject} records; grant it {name_grant(ends)} (`connector doctor` "
        "tells more)"
    )


def name_grant(ends: Iterable[str]) -> str:
    """The rights that would be proof."""
    names = sorted(ends)
    secured = ", ".join(name for name in names if name != "User")
    rights = ([f"View All Records on {secured}"] if secured else []) + (["View All Users"] if "User" in names else [])
    return " and ".join(rights)


def _open_ends(sight: Sight, sobject: str, describes: Describes, below: frozenset[str]) -> frozenset[str]:
    """The objects that `sobject` depends on (itself, where it depends on no other) and that are not proved."""
    model = sight.models.get(sobject, "")
    if sight.all_data or sobject in sight.granted or model in PUBLIC or sobject in below:
        return frozenset()
    parents = parents_of(sobject, describes.get(sobject))
    if parents and (hangs_on_others(sobject) or model in _SET_IN):
        ends = (_open_ends(sight, parent, describes, below | {sobject}) for parent in parents)
        return frozenset().union(*ends)
    if sobject == "User":
        return frozenset() if sight.all_users or model != "Private" else frozenset({sobject})
    return frozenset({sobject}) if is_secured(sobject) or model == "Private" else frozenset()


# --- asking ---------------------------------------------------------------------------------------------------


def look(client: OrgClient, sobjects: Iterable[str]) -> Sight:
    """Ask for our user's rights and the org's defaults, in one call. What the org refuses is left unproved."""
    user, names = client.ask_user_id(), sorted(sobjects)
    mine = f"(SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '{user}')"
    answers = client.composite([
        query_request(
            "SELECT PermissionsViewAllData, PermissionsViewAllUsers FROM UserPermissionAccess", "user", all_rows=False
        ),
        query_request(
            "SELECT SobjectType, PermissionsModifyAllRecords FROM ObjectPermissions WHERE PermissionsRead = true AND "
            f"PermissionsViewAllRecords = true AND ParentId IN {mine}", "objects", all_rows=False,
        ),
        query_request(
            "SELECT QualifiedApiName, InternalSharingModel FROM EntityDefinition WHERE QualifiedApiName IN "
            f"{name_list(names)}", "models", all_rows=False,
        ),
        query_request(f"SELECT {', '.join(_DEFAULTS)} FROM Organization", "defaults", all_rows=False),
    ])  # fmt: skip
    return read_sight(user, names, [_whole(client, answer) for answer in answers])


def _whole(client: OrgClient, answer: SubResponse) -> SubResponse:
    """The answer with its further pages, where a user has thousands of rights."""
    if answer.refusal or answer.body["done"]:
        return answer
    page = client.get_page(answer.body["nextRecordsUrl"])
    body = {**page, "records": [*answer.body["records"], *page["records"]]}
    return _whole(client, replace(answer, body=body))


def read_sight(user: str, asked: Iterable[str], answers: Iterable[SubResponse]) -> Sight:
    """A Sight from the answers to `look`."""
    by_name = {a.reference: a for a in answers}
    rows = {name: _records(answer) for name, answer in by_name.items()}
    rights = rows["user"][0] if rows["user"] else {}
    models = {_DEFAULTS[k]: v for row in rows["defaults"] for k, v in row.items() if k in _DEFAULTS and v}
    models |= {row["QualifiedApiName"]: m for row in rows["models"] if (m := row.get("InternalSharingModel"))}
    return Sight(
        user, frozenset(asked), bool(rights.get("PermissionsViewAllData")), bool(rights.get("PermissionsViewAllUsers")),
        frozenset(row["SobjectType"] for row in rows["objects"]),
        frozenset(row["SobjectType"] for row in rows["objects"] if row.get("PermissionsModifyAllRecords")),
        models, _unanswered(by_name),
    )  # fmt: skip


def _records(answer: SubResponse) -> list[dict[str, Any]]:
    refusal = answer.refusal
    if refusal is None:
        return list(answer.body["records"])
    if refusal.kind in {"quota", "auth", "retry"}:
        raise error_for(refusal, "asking which records our user sees")
    return []


_ASKED = {"user": "its user permissions", "objects": "its object permissions", "models": "the sharing defaults"}


def _unanswered(answers: Mapping[str, SubResponse]) -> str:
    refused = [f"{what} ({r.code})" for name, what in _ASKED.items() if (r := answers[name].refusal)]
    return f"the org did not tell {' and '.join(refused)}: grant View Setup and Configuration" if refused else ""


# --- remembering ----------------------------------------------------------------------------------------------


def remember(mirror: Mirror, sight: Sight, at: datetime) -> None:
    kept = {
        "at": at.isoformat(), "user": sight.user, "asked": sorted(sight.asked), "all_data": sight.all_data,
        "all_users": sight.all_users, "granted": sorted(sight.granted),
        "changeable": sorted(sight.changeable), "models": dict(sight.models),
    }  # fmt: skip
    mirror.set_meta(_META, json.dumps(kept))


def _remembered(mirror: Mirror, user: str, wanted: frozenset[str], as_of: datetime) -> Sight | None:
    """What was asked within the last day, of the same user (as far as that is known), about all that is wanted."""
    kept = json.loads(mirror.meta(_META) or "{}")
    if not kept or not timedelta(0) <= as_of - datetime.fromisoformat(kept.pop("at")) < GOOD_FOR:
        return None
    kept |= {name: frozenset(kept.get(name, ())) for name in ("asked", "granted", "changeable")}
    same_user = not user or kept["user"] == user
    return Sight(**kept) if same_user and wanted <= kept["asked"] else None
