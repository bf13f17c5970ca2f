"""What `connector doctor` found: one line per check with its verdict, and below it what to do about each finding.

The words of a diagnosis (Check, Finding, Verdict) are here because the doctor makes them and the command line shows
them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from connector.report.words import count_of, plain

Verdict = Literal["ok", "warning", "problem", "not provable"]
"""not provable: what decides it may not be seen by our user, or cannot be seen by anybody."""

_WORST: tuple[Verdict, ...] = ("problem", "not provable", "warning", "ok")
_STYLES: dict[Verdict, str] = {
    "ok": "green", "warning": "bold yellow", "problem": "bold red", "not provable": "bold cyan",
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing that was found, and what to do about it."""

    verdict: Verdict
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Check:
    """One question that was looked into; `good` says what is known where nothing is wrong."""

    title: str
    good: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return next((v for v in _WORST if any(f.verdict == v for f in self.findings)), "ok")


def is_healthy(checks: Sequence[Check]) -> bool:
    """No problem was found; warnings, and what cannot be proved, are for people to judge."""
    return all(check.verdict != "problem" for check in checks)


def render_checks(checks: Sequence[Check]) -> RenderableType:
    """Every check with its verdict, and the verdict on all of them."""
    width = max((len(check.title) for check in checks), default=0)
    return Group(*(part for check in checks for part in _lines(check, width)), Text(), _closing(checks))


def _lines(check: Check, width: int) -> Iterator[RenderableType]:
    head = Table.grid(padding=(0, 2, 0, 0))
    for size in (len("not provable"), width):
        head.add_column(no_wrap=True, width=size)
    head.add_column()
    head.add_row(Text(check.verdict, style=_STYLES[check.verdict]), check.title, Text(_known(check)))
    yield head
    for found in check.findings:
        label = f"{found.verdict}: " if found.verdict != check.verdict else ""
        yield Padding(Text(label + plain(found.text)), (0, 0, 0, 4))
        if found.remedy:
            yield Padding(Text(f"-> {plain(found.remedy)}", style="bold"), (0, 0, 0, 4))


def _known(check: Check) -> str:
    if check.good or not check.findings:
        return plain(check.good)
    return count_of(len(check.findings), "finding")


def _closing(checks: Sequence[Check]) -> Text:
    numbers = {v: sum(f.verdict == v for c in checks for f in c.findings) for v in _WORST}
    if problems := numbers["problem"]:
        return Text(f"{count_of(problems, 'problem')} to solve first.", style="bold red")
    rest = [count_of(numbers["warning"], "warning")] if numbers["warning"] else []
    rest += [f"{numbers['not provable']:,} not provable"] if numbers["not provable"] else []
    return Text(f"Nothing keeps the connector from working{': ' if rest else ''}{', '.join(rest)}.", style="bold green")


def checks_json(checks: Sequence[Check]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "healthy": is_healthy(checks),
        "checks": [
            {
                "check": check.title, "verdict": check.verdict, "known": check.good,
                "findings": [{"verdict": f.verdict, "text": f.text, "remedy": f.remedy} for f in check.findings],
            }
            for check in checks
        ],
    }  # fmt: skip
