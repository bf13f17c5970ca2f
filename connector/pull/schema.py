"""The describes in the mirror: asked for when they are missing, a day old, or proved wrong by a refused query; and
again in every run while they lack a field that is needed, because somebody is about to create it or to show it to us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from connector.salesforce import OrgClient
from connector.salesforce.composite import SubResponse, describe_request
from connector.salesforce.errors import error_for
from connector.store.mirror import Mirror

GOOD_FOR = timedelta(hours=24)
INCOMPLETE_GOOD_FOR = timedelta(minutes=1)
"""Long enough for the run that has just asked."""


def stale_describes(mirror: Mirror, wanted: Mapping[str, frozenset[str]], as_of: datetime) -> list[str]:
    """The sObjects of `wanted` (with the fields that are needed) whose describe has to be asked for again."""
    describes = mirror.describes()

    def is_good(name: str) -> bool:
        at, known = mirror.described_at(name), describes.get(name)
        if at is None or known is None:
            return False
        complete = all(known.find(f) for f in wanted[name])
        return timedelta(0) <= as_of - at < (GOOD_FOR if complete else INCOMPLETE_GOOD_FOR)

    return sorted(name for name in wanted if not is_good(name))


def refresh_describes(
    client: OrgClient, mirror: Mirror, sobjects: Iterable[str], as_of: datetime, progress: Callable[[str], None]
) -> dict[str, str]:
    """Ask for the describes of `sobjects` and keep them; returns those that the org refused, with the reason."""
    names = sorted(sobjects)
    if names:
        progress(f"asking what {', '.join(names)} look like")
    answers = client.composites([describe_request(name, name) for name in names])
    return {a.reference: why for a in answers if (why := _keep(mirror, a, as_of))}


def _keep(mirror: Mirror, answer: SubResponse, as_of: datetime) -> str:
    refusal = answer.refusal
    if refusal is None:
        mirror.save_describe(answer.body, as_of)
        return ""
    if refusal.kind in {"quota", "auth"}:
        raise error_for(refusal, f"describing {answer.reference}")
    return (
        f"{answer.reference} does not exist in this org, or the integration user may not see it ({refusal.code}); "
        "give the user's permission set read access to the object"
    )
