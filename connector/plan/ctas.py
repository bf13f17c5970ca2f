"""Which CTAs open and which close. A CTA is a Task for as long as something is the matter, one for each period.

Called by plan.py for each evaluation. What a person closed or deleted stays closed: within a period a CTA comes
back only after its cooldown, or when we had closed it ourselves because its reason was gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from connector.data import Change, Reason, Signal, TaskRecord
from connector.mapping.model import Cta
from connector.plan.context import Context, Draft, Judged
from connector.plan.keys import CtaKey, cta_key, short_period
from connector.plan.tasks import Wanted, close_task, open_task

SAME_PERIOD_DAYS = 30
Existing = tuple[CtaKey, TaskRecord]


def plan_ctas(judged: Judged, context: Context) -> Iterator[Draft]:
    """Tasks to open and to close for the CTAs of the model."""
    if judged.left_scope:
        yield from _close_all(judged, context)
        return
    for signal in judged.evaluation.signals:
        cta = context.model.cta(signal.cta)
        if cta:
            existing = [e for e in judged.ctas if e[0].cta == cta.key]
            yield from _plan_cta(cta, signal, existing, judged, context)


def _close_all(judged: Judged, context: Context) -> Iterator[Draft]:
    for key, task in judged.ctas:
        if task.is_open:
            reason = Reason(f"ctas.{key.cta}", f"{judged.evaluation.name} is no longer in the scope of the model.")
            yield from close_task(task, reason, judged, context)


def _plan_cta(
    cta: Cta, signal: Signal, existing: Sequence[Existing], judged: Judged, context: Context
) -> Iterator[Draft]:
    still_open = [e for e in existing if e[1].is_open]
    if signal.close is True or (cta.close_when is None and signal.open is False):
        for _, task in still_open:
            yield from close_task(task, _gone(cta, signal), judged, context)
        return
    if signal.open is not True:
        return
    same = [e for e in existing if is_same_period(e[0].period, signal.period)]
    opened: list[Draft] = []
    if _may_open(cta, same, existing, context):
        opened = list(open_task(_wanted(cta, signal, same, judged, context), judged, context))
        yield from opened
    yield from _close_outdated(cta, signal, [e for e in still_open if e not in same], opened, judged, context)


def _close_outdated(
    cta: Cta, signal: Signal, outdated: Sequence[Existing], opened: Sequence[Draft], judged: Judged, context: Context
) -> Iterator[Draft]:
    """Tasks of other periods, once the new one is there: nobody is left without."""
    first = tuple(c.id for c in opened if isinstance(c, Change))
    if opened and not first:
        return
    for key, task in outdated:
        yield from close_task(task, _superseded(cta, key, signal), judged, context, after=first)


def _may_open(cta: Cta, same: Sequence[Existing], existing: Sequence[Existing], context: Context) -> bool:
    """Whether none is open for this period, none was finished by a person, and the cooldown has passed."""
    if any(task.is_open for _, task in same):
        return False
    if cta.cooldown.count:
        return all(_cooled_down(cta, task, context) for _, task in existing if not task.is_open)
    return all(task.status == context.model.keys.not_needed and not task.is_deleted for _, task in same)


def _cooled_down(cta: Cta, task: TaskRecord, context: Context) -> bool:
    ended = (task.changed if task.is_deleted else task.completed) or task.changed or task.created
    return context.today >= cta.cooldown.after(context.day_of(ended), context.calendar)


def _wanted(cta: Cta, signal: Signal, same: Sequence[Existing], judged: Judged, context: Context) -> Wanted:
    n = 1 + max((key.n for key, _ in same), default=0)
    key = cta_key(context.model.model, cta.key, judged.evaluation.subject, signal.period, n)
    return Wanted(
        key, f"ctas.{cta.key}", signal.because, signal.texts, signal.owners, signal.due, cta.priority, cta.if_late
    )


def is_same_period(one: str, other: str) -> bool:
    """Equal, or two dates less than 30 days apart: a contract end that is corrected is no new renewal."""
    if short_period(one) == short_period(other):
        return True
    try:
        return abs((date.fromisoformat(one) - date.fromisoformat(other)).days) < SAME_PERIOD_DAYS
    except ValueError:
        return False


def _gone(cta: Cta, signal: Signal) -> Reason:
    if signal.close is True and cta.close_when:
        return Reason(f"ctas.{cta.key}.close_when", f"Not needed any more: {cta.close_when}.")
    return Reason(f"ctas.{cta.key}.open_when", f"Not needed any more; no longer true: {cta.open_when}.")


def _superseded(cta: Cta, key: CtaKey, signal: Signal) -> Reason:
    return Reason(
        f"ctas.{cta.key}.period", f"It was for {key.period or 'no date'}; now it is for {signal.period or 'none'}."
    )
