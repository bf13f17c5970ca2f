"""Rows of the outcome query -> data.Evaluation: values by their types, texts rendered, owner chains resolved.

Called by evaluation.py. Judges nothing; what the rows do not say is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from connector.data import CampaignSignal, Decision, Evaluation, Person, Reason, Signal, StepSignal, Value, Via
from connector.describe import FieldDescribe, ObjectDescribe, normalise
from connector.evaluate.evidence import Seen
from connector.evaluate.frame import Frame
from connector.evaluate.judged import live_fields
from connector.evaluate.outcome import ENTERED_ON, NEXT, kpi_columns
from connector.evaluate.reasons import evidence_of, say_why, shorten
from connector.evaluate.values import key_text, read_value
from connector.evaluate.wording import Words, show
from connector.mapping.language import Kind
from connector.mapping.model import Cta, Playbook, Step, TaskText
from connector.mapping.texts import QUEUE, TEAM

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Surroundings:
    """What rows are turned into evaluations with."""

    frame: Frame
    words: Words
    subject: ObjectDescribe
    queues: Mapping[str, str] = field(default_factory=dict)
    team: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    people: Mapping[str, Mapping[str, tuple[Person, ...]]] = field(default_factory=dict)
    """Campaign -> subject -> people."""
    seen: Mapping[str, Mapping[str, tuple[Seen, ...]]] = field(default_factory=dict)
    """CTA -> subject -> the conditions of its open_when."""

    @cached_property
    def live(self) -> tuple[str, ...]:
        return live_fields(self.frame)

    @cached_property
    def kpis(self) -> Mapping[str, FieldDescribe]:
        """The fields that facts and health are written to."""
        found = {name: self.subject.find(name) for name in kpi_columns(self.frame)}
        return {name: known for name, known in found.items() if known}

    @cached_property
    def texts(self) -> Mapping[str, tuple[_Part, ...]]:
        """Every text by its path, in parts."""
        return {path: self._parts(path) for path in self.frame.mapping.templates}

    def _parts(self, path: str) -> tuple[_Part, ...]:
        """What is sensitive falls away."""
        found: list[_Part] = []
        for part in self.frame.mapping.templates[path]:
            if isinstance(part, str):
                found.append(_Part(part))
            elif "reason" in part.names:
                found.append(_Part(reason=True))
            elif not self.words.is_sensitive(part.tree):
                found.append(_Part(column=f"{path}{{{part.text.strip()}}}", kind=part.type.kind))
        return tuple(found)


@dataclass(frozen=True)
class _Part:
    """A piece of a text: words as they are, the reason of the stage, or a column with its kind of value."""

    words: str = ""
    reason: bool = False
    column: str = ""
    kind: Kind = Kind.TEXT


def assemble(row: Row, decision: Decision, around: Surroundings) -> Evaluation:
    """One subject, judged."""
    frame = around.frame
    model, stage = frame.mapping.model, decision.stage
    books = [b for b in model.playbooks if b.on_enter == stage]
    live = {name: read_value(row[f"live {name}"]) for name in around.live}
    reason = _reason(decision, live, model.write.reason)
    return Evaluation(
        model=model.model,
        subject=row["subject"],
        name=row["name"] or row["subject"],
        decision=decision,
        live=live,
        kpis=_kpis(row, around),
        facts={key: read_value(row[f"fact {key}"]) for key in frame.mapping.fact_order},
        money=row["money"],
        next_text=_next_text(row, live, model.write.next),
        fresh=_is_fresh(row, decision, frame),
        signals=tuple(_signal(row, cta, reason, around) for cta in model.ctas),
        steps=tuple(_step(row, book, step, reason, around) for book in books for step in book.steps),
        campaigns=tuple(_campaign(row, rule.key, around) for rule in model.campaigns),
    )


def _next_text(row: Row, live: Mapping[str, Value], name: str | None) -> str:
    """The text as it is, where nothing new can be said."""
    if row[NEXT] is not None:
        return str(row[NEXT])
    return str(live.get(name) or "") if name else ""


def _kpis(row: Row, around: Surroundings) -> dict[str, Value]:
    """Known values only, and none for a subject that is out of scope: its fields keep what they have."""
    if row["scope"] is not True:
        return {}
    found = {name: read_value(row[f"kpi {name}"]) for name in around.kpis}
    return {name: normalise(value, around.kpis[name]) for name, value in found.items() if value is not None}


def _reason(decision: Decision, live: Mapping[str, Value], name: str | None) -> str:
    """Why the subject is where it is: the sentence of this run, else the one that was written when it moved."""
    if decision.moves:
        return decision.moves[-1].because.sentence
    return str(live.get(name) or "") if name else ""


def _is_fresh(row: Row, decision: Decision, frame: Frame) -> bool:
    """Whether a placement or an adoption may start something: its entry, dated by the data, is recent."""
    state, model = decision.state, frame.mapping.model
    oldest = model.fresh_within.before(frame.run.today, frame.calendar)
    if state.via is Via.PLACED:
        dated: date | None = row[ENTERED_ON]
        return dated is not None and oldest <= dated
    if state.via is Via.ADOPTED:
        return not state.inferred and state.since is not None and oldest <= state.since
    return True


# --- what the other rules say ---------------------------------------------------------------------------------


def _signal(row: Row, cta: Cta, reason: str, around: Surroundings) -> Signal:
    """One that does not open needs no texts and no owner."""
    path = f"ctas.{cta.key}"
    period = read_value(row[f"{path}.period"]) if cta.period else ""
    opens, close = row[f"{path}.open_when"], row.get(f"{path}.close_when")
    if not opens or period is None:
        return Signal(cta.key, None if opens else opens, close, key_text(period))
    return Signal(
        cta=cta.key,
        open=True,
        close=close,
        period=key_text(period),
        due=_day(row[f"{path}.due"]),
        texts=_texts(row, path, cta, reason, around),
        owners=_owners(row, path, cta.owner, around),
        because=_why_open(row, cta, around),
    )


def _why_open(row: Row, cta: Cta, around: Surroundings) -> Reason:
    rule = f"ctas.{cta.key}.open_when"
    seen = around.seen.get(cta.key, {}).get(row["subject"], ())
    label = cta.label or cta.key.replace("_", " ").capitalize()
    why = say_why(seen, around.words)
    return Reason(rule, shorten(f"{label}: {why}." if why else f"{label}."), evidence_of(seen, around.words))


def _step(row: Row, playbook: Playbook, step: Step, reason: str, around: Surroundings) -> StepSignal:
    path = f"playbooks.{playbook.key}.steps.{step.key}"
    return StepSignal(
        playbook=playbook.key,
        step=step.key,
        due=_day(row[f"{path}.due"]),
        texts=_texts(row, path, step, reason, around),
        owners=_owners(row, path, step.owner, around),
        when=row[f"{path}.when"],
    )


def _day(raw: date | datetime | None) -> date | None:
    return raw.date() if isinstance(raw, datetime) else raw


def _campaign(row: Row, key: str, around: Surroundings) -> CampaignSignal:
    people = around.people.get(key, {}).get(row["subject"], ())
    return CampaignSignal(key, row[f"campaigns.{key}.add_when"], people)


def _owners(row: Row, path: str, chain: Sequence[str], around: Surroundings) -> tuple[str, ...]:
    """The ids that the chain comes to, in its order, each once."""
    found: list[str | None] = []
    for n, item in enumerate(chain):
        if item.startswith(TEAM):
            found += around.team.get((row["subject"], item.removeprefix(TEAM).strip()), ())
        elif item.startswith(QUEUE):
            found.append(around.queues.get(item.removeprefix(QUEUE).strip()))
        else:
            found.append(row[f"{path}.owner.{n}"])
    return tuple(dict.fromkeys(owner for owner in found if owner))


def _texts(row: Row, path: str, task: TaskText, reason: str, around: Surroundings) -> dict[str, str]:
    names = {"subject": f"{path}.subject", "body": f"{path}.body"} | {f: f"{path}.set.{f}" for f in task.set}
    return {name: _text(row, where, reason, around) for name, where in names.items()}


def _text(row: Row, path: str, reason: str, around: Surroundings) -> str:
    """A text with its names filled in; what is not known leaves nothing behind, what is sensitive neither."""
    said: list[str] = []
    for part in around.texts.get(path, ()):
        if part.column:
            said.append(_shown(row[part.column], part.kind, around))
        else:
            said.append(reason if part.reason else part.words)
    return "".join(said)


def _shown(raw: Any, kind: Kind, around: Surroundings) -> str:
    value = read_value(raw)
    if isinstance(value, datetime):
        value = value.astimezone(around.frame.run.tz)
    return show(value, kind)
