"""A run or a plan as JSON for programs: stable keys, times in ISO 8601, money as text with its exact digits.

Used by the command line (`--json`) and by run.py, which leaves the same JSON in the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from connector.data import Change, ObjectPull, Outcome, Plan, PullResult, Value
from connector.report.cost import cost_json
from connector.report.refusals import Refusal, group_refusals
from connector.report.summary import ModelSummary, RunReport

FORMAT = 1


def run_json(report: RunReport) -> dict[str, Any]:
    """The whole report. Keys are only ever added; `format` grows when one changes its meaning."""
    return {
        "format": FORMAT,
        "run": report.run,
        "job": report.job,
        "org": report.org,
        "as_of": report.as_of.isoformat(),
        "status": report.status,
        "exit_code": report.exit_code,
        "dry_run": report.dry_run,
        "seconds": round(report.seconds, 3),
        "api": cost_json(report.cost),
        "pull": pull_json(report.pull),
        "models": [_model(m) for m in report.models],
        "plan": plan_json(report.plan),
        "outcomes": _outcomes(report),
        "refused": [_refusal(r) for r in group_refusals(report.plan.changes, report.outcomes)],
    }  # fmt: skip


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan in the order of writing, with its reasons."""
    return {
        "counts": dict(Counter(c.kind for c in plan.changes)),
        "changes": [_change(c) for c in plan.changes],
        "waiting": dict(plan.waiting),
        "withheld": dict(plan.withheld),
        "problems": list(plan.problems),
        "breaches": [vars(b) for b in plan.breaches],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "id": change.id, "kind": change.kind, "model": change.model, "sobject": change.sobject,
        "record": change.record, "subject": change.subject, "subject_name": change.subject_name,
        "from_stage": change.from_stage, "to_stage": change.to_stage, "owner": change.owner,
        "money": _value(change.money), "before": _values(change.before), "after": _values(change.after),
        "guards": [g.what for g in change.guards], "depends_on": list(change.depends_on),
        "because": {
            "rule": change.because.rule, "sentence": change.because.sentence,
            "evidence": [list(e) for e in change.because.evidence],
        },
    }  # fmt: skip


def _values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: Value) -> Any:
    if isinstance(value, date):  # and datetime
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def pull_json(pull: PullResult) -> dict[str, Any]:
    """How every object was read, and what proves it."""
    objects = {name: _object(o) for name, o in sorted(pull.objects.items())}
    return {"complete": pull.complete, "zone": pull.zone, "objects": objects}


def _object(pull: ObjectPull) -> dict[str, Any]:
    told: dict[str, Any] = {
        "complete": pull.complete, "reason": pull.reason, "read": pull.read, "deleted": pull.deleted,
        "hidden": dict(pull.hidden),
    }  # fmt: skip
    if pull.notices:
        told["notices"] = list(pull.notices)
    if pull.drift:
        told["drift"] = list(pull.drift)
    if proof := pull.proof:
        told["proof"] = {
            "org": proof.org, "mirror": proof.mirror, "missing": list(proof.missing), "stale": list(proof.stale),
            "surplus": list(proof.surplus),
        }  # fmt: skip
    return told


def _model(model: ModelSummary) -> dict[str, Any]:
    stages = [{"key": s.key, "label": s.label, "count": s.count, "money": _value(s.money)} for s in model.stages]
    return {
        "model": model.model, "label": model.label, "digest": model.digest, "subjects": model.subjects,
        "stages": stages, "unknown": dict(model.unknown), "blocked": model.blocked, "notes": list(model.notes),
    }  # fmt: skip


def _outcomes(report: RunReport) -> dict[str, Any]:
    return {
        "counts": dict(Counter(o.status for o in report.outcomes)),
        "rows": [_outcome(o) for o in report.outcomes if o.status != "applied"],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {"change": outcome.change, "status": outcome.status, "record": outcome.record,
            "code": outcome.code, "message": outcome.message}  # fmt: skip


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {"code": refusal.code, "sobject": refusal.sobject, "message": refusal.message,
            "records": list(refusal.records), "advice": refusal.advice}  # fmt: skip
