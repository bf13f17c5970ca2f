"""Routes of composite/graph and composite/tree: several records that belong together, all or none (reference 4.3)."""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.localorg import errors, validation, writes
from connector.localorg.api.composite import run_requests
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply
from connector.localorg.definitions import ChildDef, ObjectDef

MOST_GRAPHS = 75
MOST_NODES = 500
MOST_FAILED_GRAPHS = 14
MOST_RECORDS = 200
MOST_TYPES = 5
MOST_LEVELS = 5

Body = Mapping[str, Any]


def run_graphs(visit: Visit, call: Call) -> Reply:
    """POST composite/graph: each graph is a composite of its own, all or none; after 14 failures the rest is halted"""
    graphs = _read_graphs(call)
    answers: list[dict[str, Any]] = []
    for graph in graphs:
        halted = sum(not a["isSuccessful"] for a in answers) >= MOST_FAILED_GRAPHS
        answers.append(_halted(graph) if halted else _run_graph(visit, call, graph))
    return Reply(200, {"graphs": answers})


def _read_graphs(call: Call) -> list[dict[str, Any]]:
    graphs = call.json_object().get("graphs")
    if not isinstance(graphs, list) or not graphs or not all(isinstance(g, dict) for g in graphs):
        raise errors.body_unreadable("graphs must be a list of graphs")
    if not all(isinstance(g.get("graphId"), str) and isinstance(g.get("compositeRequest"), list) for g in graphs):
        raise errors.body_unreadable("each graph needs graphId and compositeRequest")
    if len(graphs) > MOST_GRAPHS or sum(len(g["compositeRequest"]) for g in graphs) > MOST_NODES:
        raise errors.OrgError(400, "LIMIT_EXCEEDED", f"at most {MOST_GRAPHS} graphs with {MOST_NODES} nodes in all")
    if len({g["graphId"] for g in graphs}) < len(graphs):
        raise errors.body_unreadable("graphId must be unique")
    return graphs


def _run_graph(visit: Visit, call: Call, graph: Body) -> dict[str, Any]:
    answers = run_requests(visit, call, graph["compositeRequest"], all_or_none=True, collate=False, most=MOST_NODES)
    done = all(a["httpStatusCode"] < 400 for a in answers)
    return {"graphId": graph["graphId"], "graphResponse": {"compositeResponse": answers}, "isSuccessful": done}


def _halted(graph: Body) -> dict[str, Any]:
    body = errors.processing_halted().as_rest()
    answers: list[Body] = [
        {"body": body, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": r.get("referenceId")}
        for r in graph["compositeRequest"]
        if isinstance(r, dict)
    ]
    return {"graphId": graph["graphId"], "graphResponse": {"compositeResponse": answers}, "isSuccessful": False}


def create_tree(visit: Visit, call: Call, name: str) -> Reply:
    """POST composite/tree/X: records with their children, all or none; 201, or 400 with what was wrong"""
    visit.is_write = True
    definition = visit.find_object(name)
    records = call.json_object().get("records")
    if not isinstance(records, list) or not records or not all(isinstance(r, dict) for r in records):
        raise errors.body_unreadable("records must be a list of objects")
    _check_limits(records)
    results: list[dict[str, Any]] = []
    try:
        with visit.txn.savepoint():
            for record in records:
                _create_branch(visit, definition, record, {}, results)
    except _BranchError as refused:
        failed = {"referenceId": refused.reference, "errors": [refused.error.as_collection()]}
        return Reply(400, {"hasErrors": True, "results": [failed]})
    return Reply(201, {"hasErrors": False, "results": results})


class _BranchError(Exception):
    """Undoes a tree; carries the record that was refused."""

    def __init__(self, reference: str, error: errors.OrgError) -> None:
        super().__init__(reference)
        self.reference, self.error = reference, error


def _check_limits(records: list[Any]) -> None:
    found = [(level, record) for top in records for level, record in _walk(top, 1)]
    types = {validation.type_of(r) for _, r in found}
    if len(found) > MOST_RECORDS or len(types) > MOST_TYPES or max(level for level, _ in found) > MOST_LEVELS:
        text = f"at most {MOST_RECORDS} records of {MOST_TYPES} types in {MOST_LEVELS} levels"
        raise errors.OrgError(400, "LIMIT_EXCEEDED", text)
    references = [_reference(r) for _, r in found]
    if len(set(references)) < len(references):
        raise errors.OrgError(400, "INVALID_INPUT", "Duplicate ReferenceId provided in the request.")


def _walk(record: Any, level: int) -> Iterator[tuple[int, Body]]:
    if not isinstance(record, dict):
        raise errors.body_unreadable("each record must be an object")
    yield level, record
    for value in record.values():
        if _is_branch(value):
            for child in value["records"]:
                yield from _walk(child, level + 1)


def _is_branch(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("records"), list)


def _reference(record: Body) -> str:
    attributes = record.get("attributes")
    found = attributes.get("referenceId") if isinstance(attributes, Mapping) else None
    if not isinstance(found, str) or not found or validation.type_of(record) is None:
        raise errors.OrgError(400, "INVALID_INPUT", "Include a type and a referenceId for each record in the request.")
    return found


def _create_branch(
    visit: Visit, definition: ObjectDef, record: Body, link: Body, results: list[dict[str, Any]]
) -> None:
    """Create a record and then its children, which point back at it."""
    own = {n: v for n, v in record.items() if not _is_branch(v)}
    reference = _reference(record)
    try:
        if visit.org.schema.find(str(validation.type_of(record))) is not definition:
            raise errors.OrgError(400, "INVALID_TYPE", f"expected a record of type {definition.name}", [])
        visit.strike_row(record)
        record_id = writes.create_one(visit.txn, definition, {**own, **link})
        results.append({"referenceId": reference, "id": record_id})
        for name, branch in record.items():
            if _is_branch(branch):
                relation, child = _find_children(visit, definition, name)
                for row in branch["records"]:
                    _create_branch(visit, child, row, {relation.field: record_id}, results)
    except errors.OrgError as error:
        raise _BranchError(reference, error) from None


def _find_children(visit: Visit, definition: ObjectDef, name: str) -> tuple[ChildDef, ObjectDef]:
    relation = next((c for c in definition.children if (c.relationship_name or "").lower() == name.lower()), None)
    if relation is None:
        raise errors.unknown_field(name, definition.name)
    return relation, visit.find_object(relation.child)
