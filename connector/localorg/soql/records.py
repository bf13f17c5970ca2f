"""Builds records in wire form from SQL rows. Called by run.py; a plan's builder is made once and used for each row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.localorg.definitions import Schema
from connector.localorg.soql.plan import VARIANT, ChildPlan, Output, ParentOutput, Plan

Record = dict[str, Any]
Row = Sequence[Any]
Step = Callable[[Record, Row], None]


def build_aggregates(plan: Plan, rows: Sequence[Row]) -> list[Record]:
    """Rows of groups: named values without a record of their own."""

    def build(row: Row) -> Record:
        values = {
            o.names[-1]: bool(row[o.index]) if o.kind == "boolean" and row[o.index] is not None else row[o.index]
            for o in plan.outputs
        }
        return {"attributes": {"type": "AggregateResult"}, **values}

    return [build(row) for row in rows]


def record_builder(plan: Plan, schema: Schema, url: str) -> Callable[[Row], Record]:
    """What turns a row of the plan into a record; `url` ends in sobjects/."""
    name, base = plan.definition.name, f"{url}{plan.definition.name}/"
    if not plan.parents and not plan.children and all(o.kind in ("plain", "boolean") for o in plan.outputs):
        return _flat_builder(plan, name, base)
    steps = _steps(plan, schema, url)

    def build(row: Row) -> Record:
        record: Record = {"attributes": {"type": name, "url": base + row[0]}}
        for step in steps:
            step(record, row)
        return record

    return build


def _flat_builder(plan: Plan, name: str, base: str) -> Callable[[Row], Record]:
    columns = [(o.names[-1], o.index, o.kind == "boolean") for o in plan.outputs]

    def build(row: Row) -> Record:
        record: Record = {"attributes": {"type": name, "url": base + row[0]}}
        for key, index, is_boolean in columns:
            record[key] = bool(row[index]) if is_boolean and row[index] is not None else row[index]
        return record

    return build


@dataclass
class _Node:
    """A parent within a record, with the steps that fill it."""

    steps: list[Step] = field(default_factory=list)
    nodes: dict[str, "_Node"] = field(default_factory=dict)


def _steps(plan: Plan, schema: Schema, url: str) -> list[Step]:
    """One step for each key, in the order of the SELECT list; a parent's values are put together in one."""
    root = _Node()
    parents = {p.names: p for p in plan.parents}
    for position, output in enumerate(plan.outputs):
        root.steps += [_child_step(c) for c in plan.children if c.position == position]
        node = root
        for depth in range(1, len(output.names)):
            node = _child_node(node, parents[output.names[:depth]], schema, url)
        node.steps.append(_value_step(output))
    return [*root.steps, *(_child_step(c) for c in plan.children if c.position == len(plan.outputs))]


def _child_step(child: ChildPlan) -> Step:
    """The place of a child subquery: null until children are dealt out."""
    return lambda record, _: record.__setitem__(child.name, None)


def _child_node(node: _Node, parent: ParentOutput, schema: Schema, url: str) -> _Node:
    name = parent.names[-1]
    if name not in node.nodes:
        node.nodes[name] = _Node()
        node.steps.append(_parent_step(parent, node.nodes[name], schema, url))
    return node.nodes[name]


def _parent_step(parent: ParentOutput, node: _Node, schema: Schema, url: str) -> Step:
    """A parent that is not there is null; one of several possible objects is called Name."""
    key, index, sobject = parent.names[-1].split(VARIANT)[0], parent.id_index, parent.sobject

    def step(record: Record, row: Row) -> None:
        record_id = row[index]
        if record_id is None:
            record.setdefault(key, None)
            return
        target = schema.of_id(record_id) if sobject is None else None
        place = sobject or (target.name if target else "Name")
        found: Record = {"attributes": {"type": sobject or "Name", "url": f"{url}{place}/{record_id}"}}
        record[key] = found
        for inner in node.steps:
            inner(found, row)

    return step


def _value_step(output: Output) -> Step:
    key, index = output.names[-1], output.index
    match output.kind:
        case "address":
            return _address_step(key, output.parts)
        case "boolean":
            return lambda record, row: record.__setitem__(key, None if row[index] is None else bool(row[index]))
    return lambda record, row: record.__setitem__(key, row[index])


def _address_step(key: str, parts: tuple[tuple[str, int], ...]) -> Step:
    """A compound address: null when all of its parts are."""

    def step(record: Record, row: Row) -> None:
        values = {name: row[index] for name, index in parts}
        record[key] = values if any(v is not None for v in values.values()) else None

    return step
