"""Runs SOQL: the entrance of this package. Called by org.py and by the HTTP routes, under the org's lock."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connector.localorg.errors import OrgError
from connector.localorg.soql.compiler import Compiler
from connector.localorg.soql.localize import install
from connector.localorg.soql.parser import parse_soql
from connector.localorg.soql.plan import ChildPlan, Plan
from connector.localorg.soql.records import Record, build_aggregates, record_builder
from connector.localorg.soql.viewer import Viewer
from connector.localorg.transaction import Transaction

MOST_GROUPS = 2000


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What a statement returns: how many, and the records in wire form with their attributes."""

    total: int
    records: list[Record]
    nested: bool = False
    """Whether its records have children."""
    long_texts: int = 0
    """How many custom fields of long text a record has: from two on, pages are short."""


def run_soql(txn: Transaction, source: str, *, include_deleted: bool, version: str) -> QueryResult:
    """Parse, compile and run a statement as the transaction's user; raises OrgError with row and column."""
    plan = plan_soql(txn, source, include_deleted=include_deleted)
    rows = open_rows(txn, plan, plan.sql).fetchall()
    if plan.shape == "count":
        return QueryResult(int(rows[0][0]), [])
    records = _build_groups(plan, rows) if plan.shape == "aggregate" else _build_records(txn, plan, rows, version)
    txn.rows_read += len(records)
    return QueryResult(len(records), records, bool(plan.children), plan.long_texts)


def plan_soql(txn: Transaction, source: str, *, include_deleted: bool) -> Plan:
    """The plan of a statement for the transaction's user."""
    compiler = Compiler(source, txn.schema, txn.access, include_deleted, Viewer(txn))
    return compiler.compile(parse_soql(source))


def open_rows(txn: Transaction, plan: Plan, sql: str) -> sqlite3.Cursor:
    """Run the SQL of a plan, or other SQL around it, with the functions that it needs."""
    if plan.needs_python:
        install(txn.store.connection)
    return txn.store.connection.execute(sql, plan.params)


def _build_groups(plan: Plan, rows: Sequence[Sequence[Any]]) -> list[Record]:
    """Groups have no locator: more of them than fit one page are refused."""
    if len(rows) > MOST_GROUPS:
        text = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
        raise OrgError(400, "EXCEEDED_ID_LIMIT", text)
    return build_aggregates(plan, rows)


def _build_records(txn: Transaction, plan: Plan, rows: Sequence[Sequence[Any]], version: str) -> list[Record]:
    url = f"/services/data/v{version}/sobjects/"
    build = record_builder(plan, txn.schema, url)
    records = [build(row) for row in rows]
    for child in plan.children:
        _attach_children(txn, child, [row[0] for row in rows], records, version)
    return records


def _attach_children(
    txn: Transaction, child: ChildPlan, parent_ids: Sequence[str], records: Sequence[Record], version: str
) -> None:
    """Run a child subquery once for all parents and deal its records out; a parent without children gets null."""
    plan = child.plan
    dealt: dict[str, list[Sequence[Any]]] = {}
    for row in txn.store.connection.execute(plan.sql, [*plan.params, json.dumps(parent_ids)]):
        dealt.setdefault(row[1], []).append(row)
    last = None if child.limit is None else child.offset + child.limit
    for parent_id, record in zip(parent_ids, records, strict=True):
        rows = dealt.get(parent_id, [])[child.offset : last]
        if rows:
            found = _build_records(txn, plan, rows, version)
            txn.rows_read += len(found)
            record[child.name] = {"totalSize": len(found), "done": True, "records": found}
