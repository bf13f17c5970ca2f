"""The stage rules of a checked mapping, in the form that decide.py takes.

Called by evaluation.py and explain.py. Pure.
"""

from __future__ import annotations

from connector.calendar import Calendar
from connector.evaluate.rules import Edge, Rules, StageRule
from connector.evaluate.trust import Trust, doubts_of
from connector.mapping import Mapping
from connector.mapping.model import Stage


def rules_of(mapping: Mapping, trust: Trust, calendar: Calendar, *, org: str, installation: str) -> Rules:
    """The model's rules for one run over one org."""
    model = mapping.model
    order = [model.stage(key) for key in model.order]
    return Rules(
        stages=tuple(_stage(mapping, stage) for stage in order if stage),
        org=org,
        installation=installation,
        calendar=calendar,
        adopt=model.adopt,
        hold=model.manual_change.hold,
        **({"override_lasts": model.override.lasts} if model.override else {}),
        shows_proposal=model.write.proposed is not None,
        conditional=frozenset(p for p in mapping.expressions if p.startswith("stages.") and p.endswith(".when")),
        withheld=_withheld(mapping, trust),
    )


def _stage(mapping: Mapping, stage: Stage) -> StageRule:
    return StageRule(
        key=stage.key,
        value=stage.api_value,
        terminal=stage.is_terminal,
        reachable_from_all=stage.reachable_from_all,
        enter_for=stage.enter_for,
        leave_for=stage.leave_for,
        has_leave=stage.leave_when is not None,
        min_dwell=stage.min_dwell,
        needs_person=stage.approval == "person",
        next=tuple(Edge(e.to, e.wait_if_unknown) for e in stage.next),
        otherwise=stage.otherwise or "",
        playbooks={b.key: b.version for b in mapping.model.playbooks if b.on_enter == stage.key},
    )


def _withheld(mapping: Mapping, trust: Trust) -> frozenset[str]:
    """Rules that lean on something which was not completely pulled in this run."""
    stages = {p: e for p, e in mapping.expressions.items() if p.startswith("stages.")}
    return frozenset(path for path, expression in stages.items() if doubts_of(mapping, expression, trust))
