"""A run for people: the plan, what became of it, the stages after it, what was refused, what it cost.

Called by the command line. Fits 100 columns, and reads the same in a file as on a terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from connector.data import Change, Outcome, Plan, PullResult
from connector.report.cost import cost_json, cost_lines
from connector.report.plan_text import render_plan
from connector.report.refusals import Refusal, group_refusals
from connector.report.summary import ModelSummary, RunReport, StageLine
from connector.report.words import count_of, kinds, moment, money, plain

_STATUS_STYLE = {"done": "bold green", "failed": "bold red", "refused": "bold red", "stopped": "bold yellow"}


def render_run(report: RunReport, *, examples: int | None = 3) -> RenderableType:
    """The whole report; `examples` as in render_plan."""
    labels = {line.key: line.label for m in report.models for line in m.stages}
    parts: list[RenderableType] = [render_plan(report.plan, labels, examples=examples)]
    parts += _became(report.plan.changes, report.outcomes)
    parts += [part for model in report.models for part in _model(model)]
    parts += (*_not_read(report), *_drifted(report.pull), *_noticed(report.pull))
    return Group(*parts, Text(), *_closing(report))


def _became(changes: Sequence[Change], outcomes: Sequence[Outcome]) -> Iterator[RenderableType]:
    if not outcomes:
        return
    yield Text()
    yield Text("What became of it", style="bold")
    by_id = {c.id: c for c in changes}
    for status, words in _OUTCOME_WORDS.items():
        here = [o for o in outcomes if o.status == status]
        if here:
            yield Padding(Text(f"{words}: {_told(here, by_id)}"), (0, 0, 0, 8))
    yield from _skipped([o for o in outcomes if o.status == "skipped"])
    yield from _refused(group_refusals(changes, outcomes))


_OUTCOME_WORDS = {
    "applied": "written",
    "exists": "already there",
    "skipped": "left for the next run",
    "rejected": "refused by the org",
    "unknown": "without an answer",
    "planned": "not begun",
    "sent": "under way",
}


def _told(outcomes: Sequence[Outcome], changes: Mapping[str, Change]) -> str:
    return kinds(dict(Counter(changes[o.change].kind for o in outcomes)))


def _skipped(outcomes: Sequence[Outcome]) -> Iterator[RenderableType]:
    """Why changes were left for the next run: most often a person was faster."""
    for message, number in Counter(o.message for o in outcomes if o.message).most_common():
        yield Padding(Text(f"{number:,} × {plain(message)}", style="dim"), (0, 0, 0, 10))


def _refused(refusals: Sequence[Refusal]) -> Iterator[RenderableType]:
    if not refusals:
        return
    yield Text()
    yield Text("Refused by the org", style="bold red")
    for refusal in refusals:
        head = f"{len(refusal.records):,} × {refusal.sobject}: {refusal.code}"
        yield Padding(Text(head, style="bold"), (0, 0, 0, 4))
        names = ", ".join(plain(n) for n in refusal.records[:3])
        more = f" and {len(refusal.records) - 3:,} more" if len(refusal.records) > 3 else ""
        for text in (plain(refusal.message), f"{names}{more}", refusal.advice):
            if text:
                yield Padding(Text(text), (0, 0, 0, 8))


def _model(model: ModelSummary) -> Iterator[RenderableType]:
    yield Text()
    staged = sum(line.count for line in model.stages if line.key)
    told = f"{count_of(model.subjects, 'account')} looked at, {staged:,} in a stage"
    yield Text(f"{plain(model.label)}: {told}", style="bold")
    yield _stages(model.stages)
    for fact, why in model.unknown.items():
        yield Padding(Text(f"unknown for everybody: {fact} ({plain(why)})", style="yellow"), (0, 0, 0, 4))
    if model.blocked:
        text = f"{count_of(model.blocked, 'account')} meet a stage's rule to which no edge leads from theirs"
        yield Padding(Text(text), (0, 0, 0, 4))
    for note in model.notes:
        yield Padding(Text(plain(note)), (0, 0, 0, 4))


def _stages(lines: Sequence[StageLine]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 2), show_edge=False)
    table.add_column("Stage", min_width=24)
    table.add_column("Accounts", justify="right")
    with_money = any(line.money is not None for line in lines)
    if with_money:
        table.add_column("Money", justify="right", min_width=14)
    for line in lines:
        cells = [plain(line.label or line.key or "(none)"), f"{line.count:,}"]
        table.add_row(*cells, *([money(line.money)] if with_money else []))
    return table


def _not_read(report: RunReport) -> Iterator[RenderableType]:
    """What the pull could not read: nobody was moved by it, and the run says so."""
    troubles = [o for o in report.pull.objects.values() if not o.complete or o.hidden]
    if not troubles:
        return
    yield Text()
    yield Text(
        "Not everything could be read; facts over it are unknown, and nobody moved because of it", style="bold red"
    )
    for pull in troubles:
        if not pull.complete:
            yield Padding(Text(f"{pull.sobject}: {plain(pull.reason)}"), (0, 0, 0, 8))
        for name, why in pull.hidden.items():
            if why in pull.drift:
                continue
            yield Padding(Text(f"{pull.sobject}.{name}: {plain(why)}"), (0, 0, 0, 8))


def _drifted(pull: PullResult) -> Iterator[RenderableType]:
    """Fields that are not what the mapping was made for."""
    drifts = [text for o in pull.objects.values() for text in o.drift]
    if drifts:
        yield Text()
        yield Text("The org has changed under the mapping", style="bold red")
    for text in drifts:
        yield Padding(Text(plain(text)), (0, 0, 0, 8))


def _noticed(pull: PullResult) -> Iterator[RenderableType]:
    """What was found wrong with the mirror and put right, or is odd with a source."""
    notices = [notice for o in pull.objects.values() for notice in o.notices]
    if notices:
        yield Text()
        yield Text("Noticed while reading", style="bold yellow")
    for notice in notices:
        yield Padding(Text(plain(notice)), (0, 0, 0, 8))


def _closing(report: RunReport) -> Iterator[Text]:
    style = _STATUS_STYLE[report.status]
    word = "dry run, nothing was written" if report.dry_run and report.status == "done" else report.status
    run = f"Run {report.run}" if report.run else "Run"
    yield Text.assemble(
        f"{run} · job {report.job} · ", (word, style), f" · as of {moment(report.as_of)} · {report.seconds:.1f} s"
    )
    read = sum(o.read for o in report.pull.objects.values())
    spent, *where = cost_lines(cost_json(report.cost))
    yield Text(f"{count_of(read, 'record')} read from {count_of(len(report.pull.objects), 'sObject')} · {spent}")
    yield from map(Text, where)


class RunLine(Protocol):
    """What is shown of a run that is over: the ledger's run rows have it."""

    @property
    def id(self) -> int: ...
    @property
    def job(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def started(self) -> datetime: ...
    @property
    def finished(self) -> datetime | None: ...
    @property
    def exit_code(self) -> int | None: ...
    @property
    def dry_run(self) -> bool: ...
    @property
    def api_calls(self) -> Mapping[str, int]: ...
    @property
    def report(self) -> Mapping[str, Any] | None: ...


def render_runs(runs: Sequence[RunLine]) -> RenderableType:
    """The list of runs, newest first."""
    if not runs:
        return Text("No run yet. Start one with: connector run JOB --dry-run")
    table = Table(box=SIMPLE_HEAD, padding=(0, 2), show_edge=False)
    for name, justify in _RUN_COLUMNS.items():
        table.add_column(name, justify=justify)
    for run in runs:
        seconds = f"{(run.finished - run.started).total_seconds():.1f}" if run.finished else ""
        table.add_row(
            str(run.id), run.job, run.status + (" (dry run)" if run.dry_run else ""), moment(run.started), seconds,
            str(sum(run.api_calls.values())), "" if run.exit_code is None else str(run.exit_code),
        )  # fmt: skip
    return table


_RUN_COLUMNS: dict[str, Literal["left", "right"]] = {
    "Run": "right", "Job": "left", "Status": "left", "Started": "left",
    "Seconds": "right", "API calls": "right", "Exit": "right",
}  # fmt: skip


def render_past_run(
    run: RunLine, changes: Sequence[Change], outcomes: Sequence[Outcome], *, examples: int | None = 3
) -> RenderableType:
    """One run from the ledger: its line in the list, its plan, and what became of each change."""
    report = run.report or {}
    labels = {s["key"]: s["label"] for model in report.get("models", ()) for s in model["stages"]}
    parts: list[RenderableType] = [render_runs([run])]
    if error := report.get("error"):
        parts += [Text(), Text(str(error), style="red")]
    if changes:
        parts += [Text(), render_plan(Plan(tuple(changes)), labels, examples=examples)]
    parts += _became(changes, [o for o in outcomes if o.status != "planned"])
    if api := report.get("api"):
        parts += [Text(), *map(Text, cost_lines(api))]
    return Group(*parts)
