"""What the model writes on the subject's own record: stage and memory, reason, health and KPIs. One Change at most.

Called by plan.py for each evaluation. Never names a field that the mapping does not own, and never says the same
value twice: what equals the live value is not sent. Stage and memory go together or not at all, because a stage
without its memory would look as if a person had set it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import date

from connector.data import Change, ChangeKind, Evaluation, Reason, State, Value
from connector.plan.compare import Difference, find_difference
from connector.plan.context import Context, Draft, Trouble


def find_refusal(evaluation: Evaluation, context: Context) -> str:
    """Why nothing at all may be written for this subject; '' when it may."""
    if evaluation.decision.problem:
        return f"Left alone: {evaluation.decision.problem}"
    write = context.model.write
    troubles = _compare({write.stage: None, write.state: None}, evaluation, context).troubles
    if troubles:
        return f"Left alone: {troubles[0]}"
    if len(_state_text(evaluation, context, writes_kpis=True)) > _room_for_state(context):
        return f"Left alone: its memory no longer fits into {write.state}; use fewer `_for` rules"
    return ""


def is_undecided(evaluation: Evaluation) -> bool:
    """Whether the stage procedure left the subject as it is, without a memory of its stage: then so do we."""
    return evaluation.decision.stage != evaluation.decision.state.stage


def plan_subject(evaluation: Evaluation, context: Context) -> Iterator[Draft]:
    """The change of the subject's record, if anything differs. Not for subjects with a refusal."""
    found = _compare({**_stage_fields(evaluation, context), **_kpi_fields(evaluation, context)}, evaluation, context)
    for what in found.troubles:
        yield Trouble(what, evaluation.name)
    after = _without_early_kpis(found.after, evaluation, context)
    text = _state_text(evaluation, context, writes_kpis=not _daily(context).isdisjoint(after))
    after |= _compare({context.model.write.state: text}, evaluation, context).after
    if after:
        yield _change(evaluation, after, context)


def _compare(desired: Mapping[str, Value], evaluation: Evaluation, context: Context) -> Difference:
    return find_difference(desired, evaluation.live, context.describe(context.model.subject))


# --- stage and memory -------------------------------------------------------------------------------------


def _stage_fields(evaluation: Evaluation, context: Context) -> dict[str, Value]:
    """The stage and what goes with it; the reason only when it is news, because reasons are rendered once."""
    write, decision = context.model.write, evaluation.decision
    values: dict[str | None, Value] = {
        write.stage: context.stage_value(decision.stage),
        write.previous: context.stage_value(decision.state.previous),
        write.entered: decision.state.since if decision.stage else None,
        write.proposed: context.stage_value(decision.proposed),
    }
    if decision.moves:
        values[write.reason] = decision.moves[-1].because.sentence
    return {name: value for name, value in values.items() if name}


def _state_text(evaluation: Evaluation, context: Context, *, writes_kpis: bool) -> str:
    """The memory to write; '' for a subject that never had one and still has nothing to remember."""
    state = evaluation.decision.state
    kpi_day = context.today if writes_kpis else _kpi_day(evaluation, context)
    if _is_blank(state) and not kpi_day and not _live_state(evaluation, context):
        return ""
    stamped = replace(
        state, record=evaluation.subject, org=context.org_id, installation=context.installation, kpi_day=kpi_day
    )
    return stamped.to_text()


def _is_blank(state: State) -> bool:
    return replace(state, record="", org="", installation="", kpi_day=None) == State()


def _live_state(evaluation: Evaluation, context: Context) -> str:
    return str(evaluation.live[context.model.write.state] or "")


def _room_for_state(context: Context) -> int:
    known = context.describe(context.model.subject).find(context.model.write.state)
    return known.length if known else 0


# --- KPIs -------------------------------------------------------------------------------------------------


def _kpi_fields(evaluation: Evaluation, context: Context) -> dict[str, Value]:
    """Known KPIs, health and what is next. A KPI that is unknown is absent: its field keeps what it has."""
    write, live = context.model.write, evaluation.live
    once = {f.write for f in context.model.facts.values() if f.write and f.write_once}
    values = {n: v for n, v in evaluation.kpis.items() if n not in once or live.get(n) is None}
    return {**values, **({write.next: evaluation.next_text} if write.next else {})}


def _daily(context: Context) -> frozenset[str]:
    """Fields that are written at most once a day for each record. The health band is not one of them."""
    write = context.model.write
    names = {f.write for f in context.model.facts.values()} | {write.health_score, write.next}
    return frozenset(name for name in names if name)


def _without_early_kpis(after: Mapping[str, Value], evaluation: Evaluation, context: Context) -> dict[str, Value]:
    """Without the daily fields of a record that had its write today, except what would contradict the rest."""
    if _kpi_day(evaluation, context) != context.today:
        return dict(after)
    write, early = context.model.write, set(_daily(context))
    if write.health_band in after:
        early.discard(str(write.health_score))
    if evaluation.decision.moves:
        early.discard(str(write.next))
    return {name: value for name, value in after.items() if name not in early}


def _kpi_day(evaluation: Evaluation, context: Context) -> date | None:
    pulled = State.from_text(_live_state(evaluation, context))
    return evaluation.decision.state.kpi_day or (pulled.kpi_day if pulled else None)


# --- the change -------------------------------------------------------------------------------------------


def _change(evaluation: Evaluation, after: Mapping[str, Value], context: Context) -> Change:
    write, moves = context.model.write, evaluation.decision.moves
    sent = [write.stage, write.state, *after]
    return Change(
        id=f"{evaluation.model}:{context.model.subject}:{evaluation.subject}",
        kind=_kind(evaluation, after, context),
        model=evaluation.model,
        sobject=context.model.subject,
        record=evaluation.subject,
        subject=evaluation.subject,
        subject_name=evaluation.name,
        before={name: evaluation.live[name] for name in sent},
        after=after,
        because=moves[-1].because if moves else _quiet_reason(evaluation, after, context),
        from_stage=moves[0].from_stage if moves else "",
        to_stage=evaluation.decision.stage if moves else "",
        money=evaluation.money,
    )


def _kind(evaluation: Evaluation, after: Mapping[str, Value], context: Context) -> ChangeKind:
    kind = evaluation.decision.kind
    if kind != "unchanged":
        return kind
    return "memory" if _kpis(context).isdisjoint(after) else "kpi"


def _kpis(context: Context) -> frozenset[str]:
    return _daily(context) | {str(context.model.write.health_band)}


def _quiet_reason(evaluation: Evaluation, after: Mapping[str, Value], context: Context) -> Reason:
    """Why a record is written although its stage stays."""
    kpis = [name for name in after if name in _kpis(context)]
    if kpis:
        labels = _labels(context)
        return Reason("facts", "Updated: " + ", ".join(labels.get(n, n) for n in kpis))
    if context.model.write.proposed in after and evaluation.decision.proposed:
        label = context.stage_label(evaluation.decision.proposed)
        return Reason(f"stages.{evaluation.decision.proposed}", f"Proposed: {label}. A person sets the stage.")
    return Reason("stages", f"Remembered: {', '.join(_remembered(evaluation, context)) or 'its own fields restored'}")


def _labels(context: Context) -> dict[str, str]:
    write = context.model.write
    names = {f.write: f.label or key for key, f in context.model.facts.items() if f.write}
    own = ((write.health_score, "health score"), (write.health_band, "health"), (write.next, "what is next"))
    return {**{name: label for name, label in own if name}, **names}


def _remembered(evaluation: Evaluation, context: Context) -> list[str]:
    old, new = State.from_text(_live_state(evaluation, context)) or State(), evaluation.decision.state
    own = {"record", "org", "installation", "kpi_day"}
    names = (f.name for f in fields(State) if f.name not in own)
    return [name for name in names if getattr(old, name) != getattr(new, name)]
