"""Whether all records are seen, and whether what people do is recorded where it can be seen. Pure.

What is proved is decided in pull/sight.py, for the run and for the doctor alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from connector.pull.sight import Sight, changes_all, name_grant
from connector.report import Check, Finding

FEW_ACCOUNTS, FEW_OWNERS = 0.5, 0.5
"""Shares below which silence is more likely a sign of mail that is captured elsewhere than of silent customers."""
DAYS = 90


def judge_sight(
    sight: Sight, unseen: Mapping[str, frozenset[str]], *, required: bool, reads_events: bool,
    changed: Iterable[str] = (), may_all: bool = False,
) -> Check:  # fmt: skip
    """`unseen`: sObjects that are not proved to be seen whole, with what is to be granted for each; `required`: the
    setting; `changed`: subjects that are written; `may_all`: our user has Modify All Data."""
    findings = [*_unproved(sight, unseen, required=required), *(() if may_all else _unchangeable(sight, changed))]
    if not required:
        findings.append(Finding(
            "warning", "[pull] require_view_all is false: what our user does not see counts as absent.",
            "grant View All Records, and remove the setting",
        ))  # fmt: skip
    if reads_events and not sight.all_data:
        findings.append(Finding(
            "warning", "Events that people mark as private are hidden from all others but those with View All Data; "
            "facts over Events are without them.", "tell people, or grant View All Data",
        ))  # fmt: skip
    good = "View All Data" if sight.all_data else f"all of the {len(sight.asked)} sObjects that matter are seen whole"
    return Check("All records", "" if unseen else good, tuple(findings))


def _unchangeable(sight: Sight, changed: Iterable[str]) -> Iterator[Finding]:
    for sobject in changed:
        if not changes_all(sight, sobject):
            yield Finding(
                "not provable", f"Whether our user may change all {sobject} records is not told: the org-wide default "
                f"is {sight.models.get(sobject, 'unknown')}, and to see records is not to change them. Those that it "
                "may not change are named by each run.",
                f"give it a role or a sharing rule with Read/Write, or Modify All Records on {sobject}",
            )  # fmt: skip


_GRANT = (
    "deploy and assign the permission set of `connector setup export`, or grant {rights}; if our user sees them all by "
    "sharing rules or its role, say so: [pull] require_view_all = false in config.toml"
)


def _unproved(sight: Sight, unseen: Mapping[str, frozenset[str]], *, required: bool) -> Iterator[Finding]:
    """One finding for each right that is missing, with all that depends on it."""
    for end in sorted(frozenset().union(*unseen.values())):
        others = sorted(name for name, ends in unseen.items() if end in ends and name != end)
        lacks = "our user has no View All Users" if end == "User" else "our user has no View All Records on them"
        model = sight.models.get(end)
        default = f"the org-wide default is {model}" if model else "the org does not tell its sharing default"
        reasons = "; ".join(part for part in (lacks, default, sight.unanswered) if part)
        more = f" The same goes for {', '.join(others)}, which belong to them." if others else ""
        yield Finding(
            "problem" if required else "warning",
            f"It is not proved that all {end} records are seen ({reasons}).{more}",
            _GRANT.format(rights=name_grant([end])) if required else "",
        )  # fmt: skip


@dataclass(frozen=True)
class Coverage:
    """How many of those who should be in touch were, by activities in the mirror."""

    accounts: int
    """Customers: subjects with a won opportunity, or where none are read, with a stage."""
    active_accounts: int
    owners: int
    """Active people who own customers."""
    active_owners: int


_CAPTURED = (
    "Mail and meetings that are captured outside of Salesforce's own records (Einstein Activity Capture and the like) "
    "are no Tasks, Events or EmailMessages: to the connector such customers are silent"
)


def judge_coverage(found: Coverage | None, why_not: str = "") -> Check:
    """`why_not`: why there is nothing to judge by."""
    title = "Activity"
    if found is None:
        return Check(title, findings=(Finding("not provable", why_not, "run a job, with --dry-run if you like"),))
    if not found.accounts:
        return Check(title, "no customers yet")
    good = (
        f"in {DAYS} days {found.active_accounts:,} of {found.accounts:,} customers and {found.active_owners:,} of "
        f"{found.owners:,} of their owners have one"
    )
    few_accounts = found.active_accounts < FEW_ACCOUNTS * found.accounts
    if not few_accounts and found.active_owners >= FEW_OWNERS * found.owners:
        return Check(title, good)
    text = f"{'Most customers' if few_accounts else 'Most owners'} have no activity in the org. {_CAPTURED}."
    remedy = (
        "have mail logged as Tasks or EmailMessages; until then do not judge by silence (days since the last activity)"
    )
    return Check(title, good, (Finding("warning", text, remedy),))
