"""Runs SOQL: the entrance of this package. Called by org.py and by the HTTP routes, under the org's lock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connector.localorg.soql.compiler import Compiler
from connector.localorg.soql.parser import parse_soql
from connector.localorg.soql.plan import ChildPlan, Output, Plan
from connector.localorg.transaction import Transaction

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What a statement returns: how many, and the records in wire form with their attributes."""

    total: int
    records: list[Record]


def run_soql(txn: Transaction, source: str, *, include_deleted: bool, version: str) -> QueryResult:
    """Parse, compile and run a statement as the transaction's user; raises OrgError with row and column."""
    compiler = Compiler(source, txn.schema, txn.access, txn.today, include_deleted)
    plan = compiler.compile(parse_soql(source))
    url = f"/services/data/v{version}/sobjects/"
    rows = txn.store.connection.execute(plan.sql, plan.params).fetchall()
    if plan.shape == "count":
        return QueryResult(int(rows[0][0]), [])
    records = _build_aggregates(plan, rows) if plan.shape == "aggregate" else _build_records(txn, plan, rows, url)
    txn.rows_read += len(records)
    return QueryResult(len(records), records)


def _build_aggregates(plan: Plan, rows: Sequence[Sequence[Any]]) -> list[Record]:
    def build(row: Sequence[Any]) -> Record:
        values = {
            o.names[-1]: bool(row[o.index]) if o.kind == "boolean" and row[o.index] is not None else row[o.index]
            for o in plan.outputs
        }
        return {"attributes": {"type": "AggregateResult"}, **values}

    return [build(row) for row in rows]


def _build_records(txn: Transaction, plan: Plan, rows: Sequence[Sequence[Any]], url: str) -> list[Record]:
    build = _record_builder(txn, plan, url)
    records = [build(row) for row in rows]
    for child in plan.children:
        _attach_children(txn, child, [row[0] for row in rows], records, url)
    return records


def _record_builder(txn: Transaction, plan: Plan, url: str) -> Callable[[Sequence[Any]], Record]:
    name, base = plan.definition.name, f"{url}{plan.definition.name}/"
    simple = not plan.parents and all(o.kind != "address" for o in plan.outputs)
    if not simple:
        return lambda row: _build_nested(txn, plan, row, url)
    columns = [(o.names[-1], o.index, o.kind == "boolean") for o in plan.outputs]

    def build(row: Sequence[Any]) -> Record:
        record: Record = {"attributes": {"type": name, "url": base + row[0]}}
        for key, index, is_boolean in columns:
            record[key] = bool(row[index]) if is_boolean else row[index]
        return record

    return build


def _build_nested(txn: Transaction, plan: Plan, row: Sequence[Any], url: str) -> Record:
    record = _empty(plan.definition.name, row[0], url)
    parents = {p.names: p for p in plan.parents}
    for output in plan.outputs:
        holder: Record | None = record
        for depth in range(1, len(output.names)):
            parent = parents[output.names[:depth]]
            holder = _descend(txn, holder, output.names[depth - 1], parent.sobject, row[parent.id_index], url)
            if holder is None:
                break
        if holder is not None:
            holder[output.names[-1]] = _value(output, row)
    return record


def _descend(
    txn: Transaction, holder: Record | None, name: str, sobject: str | None, parent_id: str | None, url: str
) -> Record | None:
    """Step into a parent, making it when first met.

    A parent that is not there is null. Polymorphic ones are called Name.
    """
    if holder is None:
        return None
    if name not in holder:
        if parent_id is None:
            holder[name] = None
        else:
            target = txn.schema.of_id(parent_id)
            holder[name] = _empty(sobject or (target.name if target else "Name"), parent_id, url)
            if sobject is None:
                holder[name]["attributes"]["type"] = "Name"
    found: Record | None = holder[name]
    return found


def _empty(sobject: str, record_id: str, url: str) -> Record:
    return {"attributes": {"type": sobject, "url": f"{url}{sobject}/{record_id}"}}


def _value(output: Output, row: Sequence[Any]) -> Any:
    if output.kind == "address":
        parts = {name: row[index] for name, index in output.parts}
        return parts if any(v is not None for v in parts.values()) else None
    value = row[output.index]
    return bool(value) if output.kind == "boolean" and value is not None else value


def _attach_children(
    txn: Transaction, child: ChildPlan, parent_ids: Sequence[str], records: Sequence[Record], url: str
) -> None:
    """Run a child subquery once for all parents and deal its records out; a parent without children gets null."""
    plan = child.plan
    dealt: dict[str, list[Record]] = {}
    build = _record_builder(txn, plan, url)
    for row in txn.store.connection.execute(plan.sql, plan.params):
        dealt.setdefault(row[1], []).append(build(row))
    for parent_id, record in zip(parent_ids, records, strict=True):
        found = dealt.get(parent_id, [])[: child.limit]
        record[child.name] = {"totalSize": len(found), "done": True, "records": found} if found else None
