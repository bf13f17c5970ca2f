"""A plan for people: grouped, counted, with reasons, the widest effects first in each section.

Called by run_text and the command line. Fits 100 columns; the number of examples per group is the caller's choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from connector.data import Change, ChangeKind, Plan
from connector.report.words import KIND_ORDER, KIND_WORDS, count_of, kinds, money, plain

Labels = Mapping[str, str]
"""Stage key -> label."""


@dataclass(frozen=True)
class ChangeGroup:
    """Changes that one rule asked for in one way."""

    kind: ChangeKind
    title: str
    changes: tuple[Change, ...]

    @property
    def money(self) -> Decimal | None:
        amounts = [c.money for c in self.changes if c.money is not None]
        return sum(amounts, Decimal(0)) if amounts else None


def group_changes(changes: Iterable[Change], labels: Labels) -> dict[ChangeKind, list[ChangeGroup]]:
    """The changes by kind in the order of telling, each kind's groups by size, then money, then title."""
    groups: dict[tuple[ChangeKind, str], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.kind, _title(change, labels)), []).append(change)
    found = [ChangeGroup(kind, title, tuple(members)) for (kind, title), members in groups.items()]
    found.sort(key=lambda g: (-len(g.changes), -(g.money or 0), g.title))
    return {kind: here for kind in KIND_ORDER if (here := [g for g in found if g.kind == kind])}


def _title(change: Change, labels: Labels) -> str:
    if change.kind in {"kpi", "memory"}:
        return ""
    if change.from_stage or change.to_stage:
        start, end = (labels.get(s, s) for s in (change.from_stage, change.to_stage))
        return f"{start} → {end or 'no stage'}" if start else end
    return _rule_name(change.because.rule)


def _rule_name(rule: str) -> str:
    """People know `ctas.renewal_unowned.open_when` as `renewal_unowned`, and a playbook's step as `onboard.kickoff`."""
    parts = rule.split(".")
    if parts[0] == "playbooks" and len(parts) >= 4:
        return f"{parts[1]}.{parts[3]}"
    return parts[1] if len(parts) > 1 else rule


def render_plan(plan: Plan, labels: Labels, *, examples: int | None = 3) -> RenderableType:
    """The whole plan; `examples` records with their reasons per group, None for all of them."""
    if not plan.changes:
        return Group(Text("Nothing to do: the org is as the mapping wants it."), *_remarks(plan))
    sections = group_changes(plan.changes, labels)
    parts: list[RenderableType] = [Text(_headline(plan), style="bold")]
    for kind, groups in sections.items():
        parts += [Text(), *_section(kind, groups, examples)]
    return Group(*parts, *_remarks(plan))


def _headline(plan: Plan) -> str:
    subjects = len({c.subject for c in plan.changes})
    told = kinds(dict(Counter(c.kind for c in plan.changes)))
    return f"Plan: {count_of(len(plan.changes), 'change')} on {count_of(subjects, 'account')}: {told}"


def _section(kind: ChangeKind, groups: Sequence[ChangeGroup], examples: int | None) -> Iterator[RenderableType]:
    total = sum(len(g.changes) for g in groups)
    yield Text(f"{KIND_WORDS[kind][0]}: {total:,}", style="bold cyan")
    if kind in {"kpi", "memory"}:
        yield _fields(groups[0].changes)
        return
    for group in groups:
        yield _group_line(group)
        shown = group.changes if examples is None else group.changes[:examples]
        yield from (_example(c) for c in shown)
        if len(shown) < len(group.changes):
            yield Padding(Text(f"and {len(group.changes) - len(shown):,} more", style="dim"), (0, 0, 0, 10))


def _fields(changes: Sequence[Change]) -> RenderableType:
    """How often each field is written: what a KPI update changes is clear from its name."""
    counts = Counter(name for c in changes for name in c.after if name in c.before and c.before[name] != c.after[name])
    told = ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items(), key=lambda i: (-i[1], i[0])))
    return Padding(Text(told), (0, 0, 0, 8))


def _group_line(group: ChangeGroup) -> RenderableType:
    line = Table.grid(padding=(0, 2), expand=False)
    line.add_column(justify="right", min_width=6)
    line.add_column(min_width=40)
    line.add_column(justify="right", min_width=14)
    line.add_row(f"{len(group.changes):,}", Text(plain(group.title), style="bold"), money(group.money))
    return line


def _example(change: Change) -> RenderableType:
    reason = plain(change.because.sentence)
    name = plain(change.subject_name) or change.subject
    text = Text.assemble((name, "green"), f": {reason}" if reason else "")
    return Padding(text, (0, 0, 0, 10))


def _remarks(plan: Plan) -> Iterator[RenderableType]:
    if plan.waiting:
        yield Text()
        yield Text(
            f"Waiting for a daily budget, largest money first: {sum(plan.waiting.values()):,}", style="bold cyan"
        )
        told = ", ".join(f"{name} {n:,}" for name, n in sorted(plan.waiting.items(), key=lambda i: (-i[1], i[0])))
        yield Padding(Text(told), (0, 0, 0, 8))
    if plan.withheld:
        yield Text()
        told = kinds(cast("dict[ChangeKind, int]", dict(plan.withheld)))
        yield Text(f"Not permitted by the job's policy: {told}", style="bold cyan")
    if plan.problems:
        yield Text()
        yield Text("To look at", style="bold yellow")
        yield from (Padding(Text(plain(p)), (0, 0, 0, 8)) for p in plan.problems)
    if plan.breaches:
        yield Text()
        yield Text("Refused: the plan exceeds what one run may change. Nothing was written.", style="bold red")
        for b in plan.breaches:
            yield Padding(Text(f"{b.what}: {b.found:,} found, {b.allowed} allowed ({b.limit})"), (0, 0, 0, 8))
        hint = (
            "If the plan above is what you want, raise the limit in the job file for one run; if not, mend the mapping."
        )
        yield Padding(Text(hint), (0, 0, 0, 8))
