"""The describes in the mirror: asked for when they are missing, a day old, or proved wrong by a refused query, every
hour if they changed; and again in every run while they lack a field that is needed, because somebody is about to create
it or to show it to us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from connector.salesforce import OrgClient
from connector.salesforce.composite import SubResponse, describe_request
from connector.salesforce.errors import error_for
from connector.store.mirror import Mirror

GOOD_FOR, UNCHANGED_GOOD_FOR = timedelta(hours=24), timedelta(hours=1)
"""A describe is asked for anew every day, because the date of a schema does not move with our permissions; within the
day only whether it changed."""
INCOMPLETE_GOOD_FOR = timedelta(minutes=1)
"""Long enough for the run that has just asked."""


def stale_describes(
    mirror: Mirror, wanted: Mapping[str, frozenset[str]], as_of: datetime
) -> dict[str, datetime | None]:  # fmt: skip
    """The sObjects of `wanted` (with the fields that are needed) whose describe has to be asked for again: since when
    it must have changed to be of interest, None for however old."""
    describes, asked = mirror.describes(), mirror.described_at()
    stale: dict[str, datetime | None] = {}
    for name, fields in sorted(wanted.items()):
        at, known = asked.get(name), describes.get(name)
        complete = known is not None and all(known.find(f) for f in fields)
        good_for = GOOD_FOR if complete else INCOMPLETE_GOOD_FOR
        if at is None or not timedelta(0) <= as_of - at.read < good_for:
            stale[name] = None
        elif not timedelta(0) <= as_of - at.checked < min(good_for, UNCHANGED_GOOD_FOR):
            stale[name] = at.modified
    return stale


def refresh_describes(
    client: OrgClient, mirror: Mirror, sobjects: Iterable[str], as_of: datetime, progress: Callable[[str], None],
    since: Mapping[str, datetime | None] = MappingProxyType({}),
) -> dict[str, str]:  # fmt: skip
    """Ask for the describes of `sobjects` and keep them; returns those that the org refused, with the reason.

    `since`: those of which only a change after that time is of interest.
    """
    names = sorted(sobjects)
    if names:
        progress(f"asking what {', '.join(names)} look like")
    answers = client.composites([describe_request(name, name, since.get(name)) for name in names])
    return {a.reference: why for a in answers if (why := _keep(mirror, a, as_of))}


def _keep(mirror: Mirror, answer: SubResponse, as_of: datetime) -> str:
    refusal = answer.refusal
    if answer.is_unchanged:
        mirror.confirm_describe(answer.reference, as_of)
        return ""
    if refusal is None:
        mirror.save_describe(answer.body, as_of, answer.last_modified(as_of))
        return ""
    if refusal.kind in {"quota", "auth"}:
        raise error_for(refusal, f"describing {answer.reference}")
    return (
        f"{answer.reference} does not exist in this org, or the integration user may not see it ({refusal.code}); "
        "give the user's permission set read access to the object"
    )
