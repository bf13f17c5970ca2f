"""Whether the org lets us in, and as whom; its API versions, its clock, its allowances. Judged here, asked in flow.py.

Facts: reference 1.1 (versions), 1.3 (tokens), 5 (limits).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connector.report import Check, Finding
from connector.settings import ApiSettings, OrgSettings

SUPPORTED_FOR = 9
"""Versions: three a year, each supported for three years at least."""
ASSERTIONS_LAST = timedelta(minutes=2)
"""A JWT assertion of ours lives for three; a clock that is wrong by more has it refused."""
TICKS_MAY_BE_OFF = timedelta(minutes=5)


@dataclass(frozen=True)
class Who:
    """Our user and the org, as the org tells them; empty where it does not."""

    user: Mapping[str, Any]
    organization: Mapping[str, Any]
    permissions: Mapping[str, Any]
    """UserPermissionAccess: `PermissionsEditTask` and the like; empty when it could not be asked."""

    @property
    def kind(self) -> str:
        """What kind of org it is, in words."""
        if self.organization.get("IsSandbox"):
            return "sandbox"
        edition = str(self.organization.get("OrganizationType") or "")
        return edition if self.is_for_trying else f"production ({edition})" if edition else "production"

    @property
    def is_for_trying(self) -> bool:
        """Nobody's business depends on this org: a sandbox, a scratch or trial org, a developer edition."""
        found = self.organization
        return bool(
            found.get("IsSandbox")
            or found.get("TrialExpirationDate")
            or found.get("OrganizationType") == "Developer Edition"
        )


_ENDS = {
    "client_credentials": "the org does not say how long a token lives; a new one is asked for when it ends",
    "jwt": "the org does not say how long a token lives; a new one is asked for when it ends",
    "refresh_token": "tokens are renewed by the refresh token, which is kept beside the ledger when the org rotates it",
    "access_token": "given by hand",
}


def judge_login(org: OrgSettings, who: Who) -> Check:
    """As whom we are in, and for how long."""
    name, username = who.user.get("Name", "an unknown user"), who.user.get("Username", "")
    place = f"{who.organization.get('Name', org.instance_url)}, {who.kind}"
    good = f"{name} ({username}) in {place}; {org.auth}: {_ENDS[org.auth]}"
    findings = []
    if org.auth == "access_token":
        findings.append(Finding(
            "warning", "The access token was given by hand; it ends within hours, and nothing can renew it.",
            'for scheduled jobs choose auth = "client_credentials" or "jwt" in [org] of config.toml',
        ))  # fmt: skip
    if who.organization.get("IsReadOnly"):
        findings.append(Finding(
            "problem", "The org is read-only at the moment: Salesforce is maintaining it.", "wait until it is over"
        ))  # fmt: skip
    return Check("Login", good, tuple(findings))


def judge_version(ours: str, versions: Sequence[str]) -> Check:
    """Our API version against those of the org."""
    newest = max(versions, key=float)
    if ours not in versions:
        oldest = min(versions, key=float)
        return Check("API version", findings=(Finding(
            "problem", f"The org does not have version {ours}: it has {oldest} to {newest}.",
            f'write api_version = "{newest}" into [org] of config.toml, try it with a dry run',
        ),))  # fmt: skip
    behind = float(newest) - float(ours)
    if behind >= SUPPORTED_FOR:
        return Check("API version", findings=(Finding(
            "warning", f"Version {ours} is {behind:.0f} releases old; Salesforce promises three years of each.",
            f'plan the change: api_version = "{newest}" in [org] of config.toml, with a dry run first',
        ),))  # fmt: skip
    return Check("API version", f"{ours}; the org's newest is {newest}, {SUPPORTED_FOR - behind:.0f} releases to go")


def judge_clock(ahead: timedelta, auth: str) -> Check:
    """`ahead`: how far the org's clock is before this machine's."""
    off = abs(ahead)
    what = f"This machine's clock is {_long(off)} {'behind' if ahead > timedelta() else 'ahead of'} the org's."
    remedy = "set this machine's clock by NTP"
    if auth == "jwt" and off > ASSERTIONS_LAST:
        return Check("Clock", findings=(Finding("problem", f"{what} Logins by JWT are refused.", remedy),))
    if off > TICKS_MAY_BE_OFF:
        text = f"{what} Windows go by the org's clock and lose nothing, but schedules begin at the wrong time."
        return Check("Clock", findings=(Finding("warning", text, remedy),))
    return Check("Clock", f"{off.total_seconds():.0f} s from the org's")


def _long(time: timedelta) -> str:
    minutes = time.total_seconds() / 60
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:,.0f} hours"


@dataclass(frozen=True)
class Allowances:
    """The calls of 24 hours."""

    allowed: int
    used: int
    by_us: int
    predicted: Mapping[str, int]
    """Job -> calls of a day in which little changes."""


def judge_quota(calls: Allowances | None, api: ApiSettings) -> Check:
    """What the org allows, what others use, and what our jobs will take."""
    if calls is None:
        text = "The org does not say how many API calls it allows."
        return Check("API calls", findings=(Finding("not provable", text, "look at Setup, Company Information"),))
    share = int(calls.allowed * api.daily_share / 100)
    kept = int(calls.allowed * (100 - api.reserve) / 100)
    ours = sum(calls.predicted.values())
    told = ", ".join(f"{job} about {n:,}" for job, n in sorted(calls.predicted.items())) or "no job has a schedule"
    good = (
        f"{calls.used:,} of {calls.allowed:,} in 24 hours used, {calls.by_us:,} of them by us; ours may be {share:,}, "
        f"{calls.allowed - kept:,} are left to others; a quiet day takes {ours:,} ({told})"
    )
    return Check("API calls", good, tuple(_quota_findings(calls, share, kept, ours)))


def _quota_findings(calls: Allowances, share: int, kept: int, ours: int) -> list[Finding]:
    found = []
    if calls.used >= kept:
        found.append(Finding(
            "problem", f"{calls.used:,} calls are used, and [api] reserve leaves {calls.allowed - kept:,} to others: "
            "runs end with exit code 4.", "find out who uses them (Setup, API Usage), or lower [api] reserve",
        ))  # fmt: skip
    if ours > share:
        found.append(Finding(
            "problem", f"The scheduled jobs take about {ours:,} calls a day, and [api] daily_share allows {share:,}.",
            "run them less often, or raise [api] daily_share",
        ))  # fmt: skip
    elif calls.used - calls.by_us + ours > kept:
        found.append(Finding(
            "warning", f"With what others use ({calls.used - calls.by_us:,}) the scheduled jobs (about {ours:,}) come "
            "into the reserve.", "run them less often, or buy more API calls",
        ))  # fmt: skip
    return found


def judge_bulk(limits: Mapping[str, Any] | None) -> Check:
    """Whether large objects can be read by Bulk jobs."""
    remedy = "grant View Setup and Configuration, with which the org tells its limits"
    if limits is None or "DailyBulkV2QueryJobs" not in limits:
        text = "Whether Bulk jobs are allowed is not told; where they are not, large objects are read over REST."
        return Check("Bulk API", findings=(Finding("not provable", text, remedy if limits is None else ""),))
    most, left = int(limits["DailyBulkV2QueryJobs"]["Max"]), int(limits["DailyBulkV2QueryJobs"]["Remaining"])
    if not left:
        text = f"None of the {most:,} Bulk query jobs of a day is left; large objects are read over REST."
        return Check("Bulk API", findings=(Finding("warning", text, "find out who makes them, or wait for a day"),))
    return Check("Bulk API", f"{left:,} of {most:,} query jobs of a day are left")
