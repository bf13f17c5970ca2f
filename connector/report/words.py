"""How numbers, names and times are put in words, the same in every report.

Used inside this package only. Names come from the org: whatever they contain, they stay one line of plain text.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from connector.data import ChangeKind

KIND_ORDER: tuple[ChangeKind, ...] = (
    "move", "placement", "adoption", "manual", "approved", "out_of_scope", "kpi", "memory",
    "task_open", "task_close", "member_add", "member_status",
)  # fmt: skip
"""The order in which a plan is told: what changes an account's stage first."""

KIND_WORDS: dict[ChangeKind, tuple[str, str, str]] = {
    "move": ("Stage moves", "moves", "move"),
    "placement": ("First stages", "placements", "placement"),
    "adoption": ("Stages adopted as they were found", "adoptions", "adoption"),
    "manual": ("Stages set by people, taken over", "stages set by people", "stage set by a person"),
    "approved": ("Proposals that people approved", "approvals", "approval"),
    "out_of_scope": ("Accounts that left the scope", "out of scope", "out of scope"),
    "kpi": ("KPI updates", "KPI updates", "KPI update"),
    "memory": ("Timers and other memory", "memory updates", "memory update"),
    "task_open": ("Tasks to open", "new Tasks", "new Task"),
    "task_close": ("Tasks to close as not needed", "Tasks closed", "Task closed"),
    "member_add": ("Campaign memberships to add", "new memberships", "new membership"),
    "member_status": ("Membership statuses", "membership updates", "membership update"),
}
"""kind -> (heading, plural, singular)."""


def plain(text: str) -> str:
    """`text` as one line without control characters: a name must not move the cursor of a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def count_of(number: int, singular: str, plural: str = "") -> str:
    """`1 account`, `2 accounts`, `1,200 accounts`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def money(amount: Decimal | None) -> str:
    """Whole units with thousands; '' for none."""
    return "" if amount is None else f"{amount:,.0f}"


def kinds(numbers: dict[ChangeKind, int]) -> str:
    """`3 moves, 1 placement`, in the order of telling."""
    found = [count_of(numbers[k], KIND_WORDS[k][2], KIND_WORDS[k][1]) for k in KIND_ORDER if numbers.get(k)]
    return ", ".join(found)


def moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")
