"""Functions of SOQL: aggregates and parts of dates, as SQL. Called by select.py."""

from connector.localorg.definitions import NUMBER_TYPES, FieldDef, build_field
from connector.localorg.schema import complete_field
from connector.localorg.soql.lexer import malformed
from connector.localorg.soql.scope import Scope
from connector.localorg.soql.syntax import Call, Expression

AGGREGATES = {
    "COUNT": "COUNT({})",
    "COUNT_DISTINCT": "COUNT(DISTINCT {})",
    "SUM": "SUM({})",
    "AVG": "AVG({})",
    "MIN": "MIN({})",
    "MAX": "MAX({})",
}
_DATE_PARTS = {
    "CALENDAR_YEAR": "CAST(substr({}, 1, 4) AS INTEGER)",
    "CALENDAR_MONTH": "CAST(substr({}, 6, 2) AS INTEGER)",
    "CALENDAR_QUARTER": "(CAST(substr({}, 6, 2) AS INTEGER) + 2) / 3",
    "FISCAL_YEAR": "CAST(substr({}, 1, 4) AS INTEGER)",
    "FISCAL_MONTH": "CAST(substr({}, 6, 2) AS INTEGER)",
    "FISCAL_QUARTER": "(CAST(substr({}, 6, 2) AS INTEGER) + 2) / 3",
    "DAY_IN_MONTH": "CAST(substr({}, 9, 2) AS INTEGER)",
    "HOUR_IN_DAY": "CAST(substr({}, 12, 2) AS INTEGER)",
    "DAY_ONLY": "substr({}, 1, 10)",
}
NUMBER = build_field(complete_field({"name": "expr", "label": "expr", "type": "double", "filterable": True}))
_DAY = build_field(complete_field({"name": "expr", "label": "expr", "type": "date", "filterable": True}))


def is_aggregate(expression: object) -> bool:
    """Tell whether an expression is an aggregate such as SUM(Amount)."""
    return isinstance(expression, Call) and expression.name in AGGREGATES


def resolve_expression(scope: Scope, expression: Expression) -> tuple[str, FieldDef]:
    """Return SQL and type of a field or of a function over one."""
    if isinstance(expression, Call):
        return _resolve_call(scope, expression)
    column = scope.resolve(expression)
    return column.sql, column.field


def _resolve_call(scope: Scope, call: Call) -> tuple[str, FieldDef]:
    template = AGGREGATES.get(call.name) or _DATE_PARTS.get(call.name)
    if template is None:
        malformed(scope.source, call.at, f"function {call.name} is not supported by the local org")
    if call.argument is None:
        malformed(scope.source, call.at, f"{call.name} needs a field")
    sql, found = resolve_expression(scope, call.argument)
    if call.name in _DATE_PARTS:
        if found.type not in ("date", "datetime"):
            malformed(scope.source, call.at, f"{call.name} is not valid on field {found.name}")
        return template.format(sql), _DAY if call.name == "DAY_ONLY" else NUMBER
    if not _may_aggregate(call.name, found):
        malformed(scope.source, call.at, f"field {found.name} does not support aggregate operator {call.name}")
    return template.format(sql), found if call.name in ("MIN", "MAX") else NUMBER


def _may_aggregate(name: str, found: FieldDef) -> bool:
    if name in ("SUM", "AVG"):
        return found.type in NUMBER_TYPES or found.type == "int"
    return found.stored and (name not in ("MIN", "MAX") or found.type not in ("boolean", "textarea", "multipicklist"))
