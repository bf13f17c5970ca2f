"""Runs the SOQL of a query job and renders its CSV, all inside SQLite: a row arrives in Python as finished bytes.

Building rows in Python costs twice the time. Called by query_routes.py, under the org's lock.
"""

from collections.abc import Iterator, Sequence

from connector.localorg.bulk import refusals
from connector.localorg.bulk.dialect import Dialect
from connector.localorg.bulk.spool import Spool, write_spool
from connector.localorg.definitions import ID_TYPES, NUMBER_TYPES
from connector.localorg.soql.parser import parse_soql
from connector.localorg.soql.plan import Plan
from connector.localorg.soql.run import open_rows, plan_soql
from connector.localorg.soql.syntax import Call, Item, Query, Subselect
from connector.localorg.transaction import Transaction

NOT_BULK = frozenset(
    {
        "AcceptedEventRelation",
        "AssetTokenEvent",
        "AttachedContentNote",
        "CaseStatus",
        "ContractStatus",
        "DeclinedEventRelation",
        "EventWhoRelation",
        "OrderStatus",
        "PartnerRole",
        "RecentlyViewed",
        "SolutionStatus",
        "TaskPriority",
        "TaskStatus",
        "TaskWhoRelation",
        "UndecidedEventRelation",
        "WorkOrderStatus",
    }
)
_AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX", "GROUPING"})
_AT_ONCE = 2000
_COLUMNS_PER_GROUP = 50


def compile_query(txn: Transaction, soql: str, *, include_deleted: bool) -> Plan:
    """Compile the SOQL of a job, or refuse it: what REST refuses too, and what Bulk does not take (reference 3.1)."""
    query = parse_soql(soql)
    definition = txn.schema.find(query.sobject)
    if definition is not None and definition.name in NOT_BULK:
        raise refusals.entity_not_bulk(definition.name)
    _refuse_clauses(query)
    plan = plan_soql(txn, soql, include_deleted=include_deleted)
    if plan.shape != "records":
        raise refusals.clause_not_bulk("Aggregate query")
    if any(o.kind not in ("plain", "boolean") for o in plan.outputs):
        raise refusals.compound_selected()
    return plan


def _refuse_clauses(query: Query) -> None:
    if query.group_by or query.having is not None:
        raise refusals.clause_not_bulk("GROUP BY")
    if query.offset is not None:
        raise refusals.clause_not_bulk("OFFSET")
    for item in query.items:
        match item:
            case Subselect():
                raise refusals.children_selected()
            case Item(Call() as call) if call.name in _AGGREGATES:
                raise refusals.clause_not_bulk(f"Aggregate function {call.name}")
            case Item():
                continue
        raise refusals.clause_not_bulk(type(item).__name__.upper())


def render_query(txn: Transaction, plan: Plan, dialect: Dialect) -> Spool:
    """Run a compiled query now and keep its rows as they are at this moment."""
    txn.store.connection.create_function("sf_number", 1, number_text, deterministic=True)
    header = dialect.write_row(".".join(o.names) for o in plan.outputs)
    return write_spool(header.encode(), _read_lines(txn, _csv_sql(plan, dialect), plan))


def _read_lines(txn: Transaction, sql: str, plan: Plan) -> Iterator[list[bytes]]:
    cursor = open_rows(txn, plan, sql)
    while batch := cursor.fetchmany(_AT_ONCE):
        yield [row[0] for row in batch]


def _csv_sql(plan: Plan, dialect: Dialect) -> str:
    """The statement of the plan as a source of one column: the finished row as UTF-8."""
    width = 1 + len(plan.outputs) + len(plan.parents)
    names = ", ".join(f"c{n}" for n in range(width))
    values = [_value_sql(f"c{o.index}", o.type) for o in plan.outputs]
    between = f"""'"{dialect.delimiter}"'"""
    line = f"""'"' || {_concat(values, between)} || {_text_sql(f'"{dialect.ending}')}"""
    return f"WITH p({names}) AS ({plan.sql}) SELECT CAST({line} AS BLOB) FROM p"


def _text_sql(text: str) -> str:
    return " || ".join(f"char({ord(c)})" for c in text)


def _concat(values: Sequence[str], between: str) -> str:
    """Values with something between them, in groups: SQLite bounds how deep an expression may nest."""
    glue = f" || {between} || "
    groups = [values[n : n + _COLUMNS_PER_GROUP] for n in range(0, len(values), _COLUMNS_PER_GROUP)]
    return glue.join(f"({glue.join(group)})" for group in groups)


def _value_sql(column: str, kind: str) -> str:
    """A column as the text between its quotes: null is empty, moments end in Z, quotes are doubled (reference 3.1)."""
    if kind == "boolean":
        return f"CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE '' END"
    if kind == "datetime":
        return f"coalesce(substr({column}, 1, 23) || 'Z', '')"
    if kind in NUMBER_TYPES:
        return _number_sql(column)
    if kind in ID_TYPES or kind in ("int", "date", "time"):
        return f"coalesce({column}, '')"
    if kind == "anyType":
        return f"CASE typeof({column}) WHEN 'real' THEN {_number_sql(column)} ELSE {_escaped(column)} END"
    return _escaped(column)


def _escaped(column: str) -> str:
    return f"""replace(coalesce({column}, ''), '"', '""')"""


def _number_sql(column: str) -> str:
    """The shortest text that reads back as the same number, as JSON has it: SQLite's own unless it loses digits."""
    text = f"CAST({column} AS TEXT)"
    exact = f"abs({column}) < 1e15 AND CAST({text} AS REAL) = {column}"
    return f"coalesce(CASE WHEN {exact} THEN {text} ELSE sf_number({column}) END, '')"


def number_text(value: float | None) -> str | None:
    """A stored number as text without exponent; the SQL function behind _number_sql."""
    if value is None:
        return None
    text = repr(value)
    return f"{value:.1f}" if "e+" in text else f"{value:.18f}".rstrip("0") if "e-" in text else text
