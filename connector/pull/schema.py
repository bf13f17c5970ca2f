"""The describes in the mirror: asked for when they are missing, a day old, or proved wrong by a refused query."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from connector.salesforce import OrgClient
from connector.salesforce.composite import SubResponse, describe_request
from connector.salesforce.errors import error_for
from connector.store.mirror import Mirror

GOOD_FOR = timedelta(hours=24)


def stale_describes(mirror: Mirror, sobjects: Iterable[str], as_of: datetime) -> list[str]:
    """Those of `sobjects` whose describe has to be asked for again."""
    read = {name: mirror.described_at(name) for name in sobjects}
    return sorted(name for name, at in read.items() if at is None or not timedelta(0) <= as_of - at < GOOD_FOR)


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
