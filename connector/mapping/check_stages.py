"""Checks of the rules: stages, their order and edges, facts, health. Called by check.py. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from connector.errors import Problem
from connector.files import Path
from connector.mapping.compile import KINDS_OF_TYPE
from connector.mapping.model import Stage
from connector.mapping.whole import Whole, did_you_mean

# --- stages -----------------------------------------------------------------------------------------------


def check_order(whole: Whole) -> Iterator[Problem]:
    if whole.is_broken(("order",)):
        return
    keys = [stage.key for stage in whole.model.stages]
    for n, key in enumerate(whole.model.order):
        if key not in keys:
            yield whole.problem(("order", n), f"there is no stage {key!r}{did_you_mean(key, keys)}")
        elif key in whole.model.order[:n]:
            yield whole.problem(("order", n), f"stage {key!r} is in the order twice")
    missing = [key for key in keys if key not in whole.model.order]
    if missing:
        yield whole.problem(("order",), f"the order must name every stage once; missing: {', '.join(missing)}")


def check_edges(whole: Whole) -> Iterator[Problem]:
    keys = [stage.key for stage in whole.model.stages]
    for n, stage in enumerate(whole.model.stages):
        targets = [edge.to for edge in stage.next]
        for m, key in enumerate(targets):
            where: Path = ("stages", n, "next", m)
            if key not in keys:
                yield whole.problem(where, f"there is no stage {key!r}{did_you_mean(key, keys)}")
            elif key == stage.key:
                yield whole.problem(where, f"stage {key!r} leads to itself; remove this edge")
            elif key in targets[:m]:
                yield whole.problem(where, f"stage {stage.key!r} leads to {key!r} twice; keep one edge")
        if stage.otherwise and stage.otherwise not in keys:
            hint = did_you_mean(stage.otherwise, keys)
            yield whole.problem(("stages", n, "otherwise"), f"there is no stage {stage.otherwise!r}{hint}")


def check_reachable(whole: Whole) -> Iterator[Problem]:
    """Every stage can be reached from the first one; the others would be entered by first placement only."""
    stages = {stage.key: stage for stage in whole.model.stages}
    reached = _reach(stages, whole.model.stages[0])
    for n, stage in enumerate(whole.model.stages):
        if stage.key not in reached:
            yield whole.problem(
                ("stages", n, "key"),
                f"stage {stage.key!r} is unreachable: no path of edges leads to it from {whole.model.stages[0].key!r}; "
                f"name it in the `next` of another stage, or set reachable_from_all: true",
            )
        if not (stage.next or stage.otherwise or stage.is_terminal):
            yield whole.problem(
                ("stages", n, "key"), f"stage {stage.key!r} has no way out; name the stages after it in `next`",
                severity="warning",
            )  # fmt: skip


def _reach(stages: Mapping[str, Stage], first: Stage) -> set[str]:
    todo = [first, *(stage for stage in stages.values() if stage.reachable_from_all)]
    reached: set[str] = set()
    while todo:
        stage = todo.pop()
        if stage.key not in reached:
            reached.add(stage.key)
            todo += [stages[key] for key in (*(e.to for e in stage.next), stage.otherwise or "") if key in stages]
    return reached


def check_stage_settings(whole: Whole) -> Iterator[Problem]:
    for n, stage in enumerate(whole.model.stages):
        at = partial(_at, ("stages", n))
        if stage.leave_for and not stage.leave_when:
            yield whole.problem(at("leave_for"), "leave_for needs a leave_when, whose time it counts")
        if stage.otherwise and not stage.leave_when:
            yield whole.problem(at("otherwise"), "otherwise needs a leave_when, which says when the stage may be left")
        if stage.approval == "person" and not whole.model.write.proposed:
            yield whole.problem(at("approval"), "approval: person needs a field for the proposal: write: proposed")
        if stage.approval == "person" and stage.reachable_from_all and stage.is_terminal:
            yield whole.problem(at("approval"), "a terminal stage cannot wait for approval", severity="warning")


def _at(where: Path, key: str) -> Path:
    return (*where, key)


# --- facts and health ---------------------------------------------------------------------------------------


def check_facts(whole: Whole) -> Iterator[Problem]:
    for key, fact in whole.model.facts.items():
        where = ("facts", key)
        expression = whole.compiled.expressions.get(f"facts.{key}")
        if fact.write and not fact.type and not whole.is_broken((*where, "type")):
            kinds = ", ".join(KINDS_OF_TYPE)
            yield whole.problem(where, f"fact {key!r} is written, so it needs a type ({kinds})", at_key=True)
        if fact.write and not fact.write_once and expression is not None and expression.counter:
            yield whole.problem(
                (*where, "write"),
                f"fact {key!r} is another value every day, so it is not written; write the date that it counts from",
            )
        if fact.write_once and not fact.write:
            yield whole.problem((*where, "write_once"), "write_once needs a field: write")
        if fact.stale_after and not fact.dated and not fact.file:
            yield whole.problem((*where, "stale_after"), "stale_after needs `dated`: the date that the value is from")
        if fact.dated and not fact.stale_after and not whole.is_broken((*where, "stale_after")):
            yield whole.problem((*where, "dated"), "dated does nothing without stale_after", severity="warning")


def check_health(whole: Whole) -> Iterator[Problem]:
    health = whole.model.health
    if health is None:
        for key in ("health_score", "health_band"):
            if getattr(whole.model.write, key):
                yield whole.problem(("write", key), "the model has no health to write")
        return
    if not health.bands.green > health.bands.yellow > health.bands.red:
        yield whole.problem(("health", "bands"), "the bounds must fall: green above yellow above red")
    if health.grace and not health.grace_from:
        yield whole.problem(("health", "grace"), "grace needs grace_from: the date that it is counted from")
    if health.min_coverage > 100:
        yield whole.problem(("health", "min_coverage"), "at most 100 %")
    for n, measure in enumerate(health.measures):
        low, high = sorted((measure.green, measure.yellow))
        wrong = measure.green != (high if measure.better == "high" else low) or low == high
        if wrong and not whole.is_broken(("health", "measures", n)):
            word = "above" if measure.better == "high" else "below"
            message = f"with better: {measure.better}, green must lie {word} yellow"
            yield whole.problem(("health", "measures", n, "green"), message)
