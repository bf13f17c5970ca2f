"""Which playbook steps become Tasks, and which are closed because their visit is over.

Called by plan.py for each evaluation. "On entering" is a state, not an event: in the stage, not by silent
placement, and no Task with the key of this visit and step.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.data import Reason, StepSignal, TaskRecord, Via
from connector.mapping.model import Playbook, Step
from connector.plan.context import Context, Draft, Judged
from connector.plan.keys import StepKey, step_key
from connector.plan.tasks import Wanted, close_task, open_task, was_done


def plan_playbooks(judged: Judged, context: Context) -> Iterator[Draft]:
    """Steps to start or release in the present visit, and leftovers of earlier visits to close."""
    for playbook in context.model.playbooks:
        yield from _close_leftovers(playbook, judged, context)
        if _is_running(playbook, judged):
            yield from _release(playbook, judged, context)


def _since(judged: Judged) -> str:
    since = judged.evaluation.decision.state.since
    return since.isoformat() if since else ""


def _of_visit(playbook: Playbook, judged: Judged) -> dict[str, TaskRecord]:
    """Step -> its Task in the present visit, deleted ones included."""
    since = _since(judged)
    return {k.step: t for k, t in judged.steps if k.playbook == playbook.key and k.since == since}


def _is_visit(playbook: Playbook, judged: Judged) -> bool:
    return judged.evaluation.decision.stage == playbook.on_enter and bool(_since(judged))


def _is_running(playbook: Playbook, judged: Judged) -> bool:
    """In the stage, on the version that the visit began with, and begun or entitled to begin."""
    state = judged.evaluation.decision.state
    if not _is_visit(playbook, judged) or state.playbooks.get(playbook.key, playbook.version) != playbook.version:
        return False
    silent = state.via in (Via.PLACED, Via.ADOPTED) and not judged.evaluation.fresh
    return not silent or bool(_of_visit(playbook, judged))


def _release(playbook: Playbook, judged: Judged, context: Context) -> Iterator[Draft]:
    tasks = _of_visit(playbook, judged)
    signals = {s.step: s for s in judged.evaluation.steps if s.playbook == playbook.key}
    for step in playbook.steps:
        signal = signals.get(step.key)
        if (
            signal
            and signal.when is True
            and step.key not in tasks
            and _is_free(step, playbook, tasks, signals, context)
        ):
            yield from open_task(_wanted(playbook, step, signal, judged, context), judged, context)


def _is_free(
    step: Step, playbook: Playbook, tasks: dict[str, TaskRecord], signals: dict[str, StepSignal], context: Context
) -> bool:
    """Whether every required step that this one waits for was completed by a person; one that does not apply
    here is not waited for."""
    required = {s.key for s in playbook.steps if s.required}
    waits = [key for key in step.after if key in required]
    return all(
        was_done(tasks[key], context) if key in tasks else key in signals and signals[key].when is False
        for key in waits
    )


def _wanted(playbook: Playbook, step: Step, signal: StepSignal, judged: Judged, context: Context) -> Wanted:
    state = judged.evaluation.decision.state
    assert state.since is not None  # noqa: S101  (a visit that runs has a beginning)
    key = step_key(context.model.model, playbook.key, step.key, judged.evaluation.subject, state.since)
    rule = f"playbooks.{playbook.key}.steps.{step.key}"
    return Wanted(
        key, rule, _why(playbook, step, rule, context), signal.texts, signal.owners, signal.due, step.priority,
        step.if_late,
    )  # fmt: skip


def _why(playbook: Playbook, step: Step, rule: str, context: Context) -> Reason:
    entered = f"In {context.stage_label(playbook.on_enter)}"
    after = f", after {', '.join(step.after)}" if step.after else ""
    return Reason(rule, f"{entered}: step {step.key} of {playbook.label or playbook.key}{after}.")


def _close_leftovers(playbook: Playbook, judged: Judged, context: Context) -> Iterator[Draft]:
    if playbook.on_leave != "close":
        return
    for key, task in judged.steps:
        if key.playbook == playbook.key and task.is_open and not _belongs(key, playbook, judged):
            stage = context.stage_label(playbook.on_enter)
            reason = Reason(
                f"playbooks.{playbook.key}.on_leave", f"The visit to {stage} that began on {key.since} is over."
            )
            yield from close_task(task, reason, judged, context)


def _belongs(key: StepKey, playbook: Playbook, judged: Judged) -> bool:
    return _is_visit(playbook, judged) and key.since == _since(judged)
