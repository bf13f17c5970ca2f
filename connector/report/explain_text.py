"""Why an account is where it is, for people: the reason, every stage with its conditions and their values, the facts.

Called by the command line with what evaluate's `explain` found. Steps do not import one another, so the shape that is
rendered is named here; evaluate's classes fit it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from connector.data import Decision, Evaluation, Reason, Truth, Value
from connector.report.words import moment, plain


class ExplainedCondition(Protocol):
    """One condition, as written, with the value that it has."""

    @property
    def text(self) -> str: ...
    @property
    def truth(self) -> Truth: ...
    @property
    def wanted(self) -> bool: ...
    @property
    def said(self) -> str: ...
    @property
    def depth(self) -> int: ...


class ExplainedStage(Protocol):
    """One stage, and why the account is or is not in it."""

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def here(self) -> bool: ...
    @property
    def rule(self) -> str: ...
    @property
    def holds(self) -> Truth: ...
    @property
    def conditions(self) -> Sequence[ExplainedCondition]: ...
    @property
    def edge(self) -> bool: ...
    @property
    def verdict(self) -> str: ...
    @property
    def until(self) -> date | None: ...


class ExplainedFact(Protocol):
    """One fact and its value."""

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def value(self) -> Value: ...
    @property
    def text(self) -> str: ...
    @property
    def why_unknown(self) -> str: ...
    @property
    def source(self) -> str: ...


class Explained(Protocol):
    """The answer to "why?" for one account."""

    @property
    def evaluation(self) -> Evaluation: ...
    @property
    def decision(self) -> Decision: ...
    @property
    def scope(self) -> Truth: ...
    @property
    def scope_conditions(self) -> Sequence[ExplainedCondition]: ...
    @property
    def stage_label(self) -> str: ...
    @property
    def reason(self) -> Reason: ...
    @property
    def stages(self) -> Sequence[ExplainedStage]: ...
    @property
    def leaving(self) -> Sequence[ExplainedCondition]: ...
    @property
    def facts(self) -> Sequence[ExplainedFact]: ...


TRUTHS: dict[Truth, tuple[str, str]] = {True: ("true", "green"), False: ("false", "red"), None: ("unknown", "yellow")}
_INDENT = (0, 0, 0, 4)


def render_explanation(found: Explained, model: str, as_of: datetime) -> RenderableType:
    """The whole answer, the reason first."""
    return Group(*_head(found, model, as_of), *_scope(found), *_stages(found), *_facts(found.facts))


def _head(found: Explained, model: str, as_of: datetime) -> Iterator[RenderableType]:
    evaluation, state = found.evaluation, found.decision.state
    yield Text.assemble((plain(evaluation.name), "bold"), f"  {evaluation.subject}")
    stage = Text.assemble((found.stage_label, "bold green"))
    if found.decision.stage and state.since:
        stage.append(f", since {state.since} ({state.via})")
    yield Text.assemble(f"{plain(model)}: ", stage, f", as of {moment(as_of)}")
    yield Padding(Text(f"because: {plain(found.reason.sentence)}"), _INDENT, expand=False)
    if found.reason.rule:
        yield Padding(Text(f"rule:    {found.reason.rule}"), _INDENT, expand=False)
    for title, text in _remarks(found):
        yield Padding(Text(f"{title:<8} {plain(text)}"), _INDENT, expand=False)


def _remarks(found: Explained) -> Iterator[tuple[str, str]]:
    decision = found.decision
    if decision.moves:
        yield "now:", "a run would move it from " + " → ".join(_moved(decision))
    if decision.state.hold:
        yield "held:", f"a person set this stage; it is kept until {decision.state.hold}"
    if decision.proposed:
        yield "waits:", f"{decision.proposed} is proposed; a person sets it"
    if decision.problem:
        yield "left:", decision.problem
    if found.evaluation.next_text:
        yield "next:", found.evaluation.next_text


def _moved(decision: Decision) -> list[str]:
    first = decision.moves[0].from_stage or "no stage"
    return [first, *(move.to_stage or "no stage" for move in decision.moves)]


def _scope(found: Explained) -> Iterator[RenderableType]:
    if found.scope is not True:
        yield Text()
        yield Text("In scope?", style="bold")
        yield _conditions(found.scope_conditions)


def _stages(found: Explained) -> Iterator[RenderableType]:
    yield Text()
    yield Text("Every stage, in the order in which they are tried", style="bold")
    for stage in found.stages:
        until = f" until {stage.until}" if stage.until else ""
        mark, style = ("●", "bold green") if stage.here else ("○", "bold")
        yield Text.assemble((f"  {mark} {stage.label}", style), f": {stage.verdict}{until}  ", (stage.rule, "dim"))
        yield _conditions(stage.conditions)
    if found.leaving:
        yield Text("  To leave the present stage", style="bold")
        yield _conditions(found.leaving)


def _conditions(lines: Sequence[ExplainedCondition]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=7)
    table.add_column(width=44)
    table.add_column()
    for line in lines:
        text, truth = _told(line)
        word, style = TRUTHS[truth]
        said = plain(line.said)
        news = said if said.casefold() not in text.replace("_", " ").casefold() else ""
        table.add_row(Text(word, style=style), Text("  " * line.depth + text), Text(news, style="dim"))
    return Padding(table, (0, 0, 0, 6), expand=False)


def _told(line: ExplainedCondition) -> tuple[str, Truth]:
    """What the rule wants, and whether it is so; what a fact consists of is told as it is."""
    text = plain(line.text)
    if line.wanted or line.depth:
        return text, line.truth
    return f"not {text}" if text.isidentifier() else f"not ({text})", None if line.truth is None else not line.truth


def _facts(facts: Sequence[ExplainedFact]) -> Iterator[RenderableType]:
    yield Text()
    yield Text("Facts", style="bold")
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=20)
    table.add_column()
    for fact in facts:
        value = Text(f"unknown: {fact.why_unknown}", style="yellow") if fact.why_unknown else Text(plain(fact.text))
        if fact.source:
            value.append(f"  ({plain(fact.source)})", style="dim")
        table.add_row(fact.key, value)
    yield Padding(table, _INDENT, expand=False)


def explanation_json(found: Explained, as_of: datetime) -> dict[str, Any]:
    """The same for programs."""
    evaluation, state = found.evaluation, found.decision.state
    return {
        "model": evaluation.model, "subject": evaluation.subject, "name": evaluation.name, "as_of": as_of.isoformat(),
        "stage": found.decision.stage, "label": found.stage_label, "via": str(state.via),
        "since": state.since.isoformat() if state.since else None, "moves": len(found.decision.moves),
        "reason": {"rule": found.reason.rule, "sentence": found.reason.sentence},
        "in_scope": found.scope, "proposed": found.decision.proposed, "problem": found.decision.problem,
        "next": evaluation.next_text, "stages": [_stage_json(stage) for stage in found.stages],
        "facts": {
            fact.key: {"value": fact.text, "why_unknown": fact.why_unknown, "source": fact.source}
            for fact in found.facts
        },
    }  # fmt: skip


def _stage_json(stage: ExplainedStage) -> dict[str, Any]:
    return {
        "key": stage.key, "label": stage.label, "here": stage.here, "rule": stage.rule, "holds": stage.holds,
        "edge": stage.edge, "verdict": stage.verdict, "until": stage.until.isoformat() if stage.until else None,
        "conditions": [
            {"text": c.text, "value": c.truth, "wanted": c.wanted, "said": c.said, "depth": c.depth}
            for c in stage.conditions
        ],
    }  # fmt: skip
