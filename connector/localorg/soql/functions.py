"""Functions of SOQL as SQL: aggregates, parts of dates, labels, distances. Called by rows.py, groups.py, conditions.py.

Functions of dates count in Greenwich unless convertTimezone stands inside (SOQL reference, Date Functions).
"""

from collections.abc import Callable

from connector.localorg.definitions import NUMBER_TYPES, FieldDef, build_field
from connector.localorg.schema import complete_field
from connector.localorg.soql.currencies import code_sql, converted_sql, is_amount, worth_sql
from connector.localorg.soql.lexer import malformed
from connector.localorg.soql.scope import Scope
from connector.localorg.soql.syntax import Call, Distance, Expression, Path
from connector.localorg.soql.viewer import GREENWICH
from connector.localorg.soql.words import AGGREGATES, DATE_FUNCTIONS

Resolved = tuple[str, FieldDef]

_AGGREGATE_SQL = {
    "COUNT": "COUNT({})",
    "COUNT_DISTINCT": "COUNT(DISTINCT {})",
    "SUM": "SUM({})",
    "AVG": "AVG({})",
    "MIN": "MIN({})",
    "MAX": "MAX({})",
}
_MONTH = "CAST(substr({0}, 6, 2) AS INTEGER)"
_DAY_OF_YEAR = "CAST(strftime('%j', substr({0}, 1, 10)) AS INTEGER)"
_DATE_SQL = {
    "CALENDAR_YEAR": "CAST(substr({0}, 1, 4) AS INTEGER)",
    "CALENDAR_MONTH": _MONTH,
    "CALENDAR_QUARTER": f"({_MONTH} + 2) / 3",
    "DAY_IN_MONTH": "CAST(substr({0}, 9, 2) AS INTEGER)",
    "DAY_IN_WEEK": "CAST(strftime('%w', substr({0}, 1, 10)) AS INTEGER) + 1",
    "DAY_IN_YEAR": _DAY_OF_YEAR,
    "WEEK_IN_MONTH": "(CAST(substr({0}, 9, 2) AS INTEGER) + 6) / 7",
    "WEEK_IN_YEAR": f"({_DAY_OF_YEAR} + 6) / 7",
    "HOUR_IN_DAY": "CAST(substr({0}, 12, 2) AS INTEGER)",
    "DAY_ONLY": "substr({0}, 1, 10)",
    "FISCAL_MONTH": f"({_MONTH} - {{1}} + 12) % 12 + 1",
    "FISCAL_QUARTER": f"(({_MONTH} - {{1}} + 12) % 12) / 3 + 1",
    "FISCAL_YEAR": f"CAST(substr({{0}}, 1, 4) AS INTEGER) + ({{1}} > 1 AND {_MONTH} >= {{1}})",
}
_OF_MOMENTS = frozenset({"DAY_ONLY", "HOUR_IN_DAY"})
_FORMATTED = NUMBER_TYPES | {"int", "date", "datetime", "time"}


def _result(kind: str) -> FieldDef:
    return build_field(complete_field({"name": "expr", "label": "expr", "type": kind, "filterable": True}))


NUMBER, _DAY, _TEXT, _WHOLE = _result("double"), _result("date"), _result("string"), _result("int")


def is_aggregate(expression: object) -> bool:
    """Tell whether an expression is an aggregate such as SUM(Amount), also within FORMAT."""
    while isinstance(expression, Call):
        if expression.name in AGGREGATES:
            return True
        expression = expression.argument
    return False


def is_date_part(expression: object) -> bool:
    """Tell whether an expression is a part of a date."""
    return isinstance(expression, Call) and expression.name in DATE_FUNCTIONS


def resolve_expression(scope: Scope, expression: Expression) -> Resolved:
    """Return SQL and type of a field or of a function over one."""
    match expression:
        case Call():
            return _resolve_call(scope, expression)
        case Distance():
            return _resolve_distance(scope, expression)
    column = scope.resolve(expression)
    return column.sql, column.field


def _resolve_call(scope: Scope, call: Call) -> Resolved:
    if call.argument is None:
        malformed(scope.source, call.at, f"{call.name} needs a field")
    sql, found = resolve_expression(scope, call.argument)
    if call.name in AGGREGATES:
        return _aggregate(scope, call, _summable(scope, call, sql), found)
    if call.name in DATE_FUNCTIONS:
        return _part_of_date(scope, call, sql, found)
    if call.name in _REFUSED:
        malformed(scope.source, call.at, _REFUSED[call.name])
    return _OTHERS[call.name](scope, call, sql, found)


def _aggregate(scope: Scope, call: Call, sql: str, found: FieldDef) -> Resolved:
    if not _may_aggregate(call.name, found):
        malformed(scope.source, call.at, f"field {found.name} does not support aggregate operator {call.name}")
    keeps_type = call.name in ("MIN", "MAX") or (call.name in ("SUM", "AVG") and found.type in NUMBER_TYPES)
    result = _WHOLE if call.name.startswith("COUNT") else found if keeps_type else NUMBER
    return _AGGREGATE_SQL[call.name].format(sql), result


def _summable(scope: Scope, call: Call, sql: str) -> str:
    """What an aggregate goes over: amounts of several currencies count by their worth in the corporate one."""
    column = scope.resolve(call.argument) if isinstance(call.argument, Path) else None
    if column is None or call.name.startswith("COUNT") or not is_amount(scope, column):
        return sql
    return worth_sql(scope, column, scope.viewer.corporate_currency)


def _may_aggregate(name: str, found: FieldDef) -> bool:
    if name in ("SUM", "AVG"):
        return found.type in NUMBER_TYPES or found.type == "int"
    return found.stored and (name not in ("MIN", "MAX") or found.type not in ("boolean", "textarea", "multipicklist"))


def _part_of_date(scope: Scope, call: Call, sql: str, found: FieldDef) -> Resolved:
    allowed = ("datetime",) if call.name in _OF_MOMENTS else ("date", "datetime")
    if found.type not in allowed:
        malformed(scope.source, call.at, f"{call.name} is not valid on field {found.name}")
    start = scope.viewer.fiscal_start if "FISCAL" in call.name else 1
    return _DATE_SQL[call.name].format(sql, start), _DAY if call.name == "DAY_ONLY" else _WHOLE


def _in_zone(scope: Scope, call: Call, sql: str, found: FieldDef) -> Resolved:
    if found.type != "datetime":
        malformed(scope.source, call.at, f"convertTimezone is not valid on field {found.name}")
    zone = scope.viewer.zone
    return (sql if zone == GREENWICH else f"sf_local({sql}, {quote(zone)})"), found


def _converted(scope: Scope, call: Call, _sql: str, found: FieldDef) -> Resolved:
    return converted_sql(scope, call), found


def _formatted(scope: Scope, call: Call, sql: str, found: FieldDef) -> Resolved:
    if found.type not in _FORMATTED:
        return sql, found
    viewer = scope.viewer
    code = code_sql(scope, call.argument) if found.type == "currency" else "''"
    place = f"{quote(found.type)}, {found.scale}, {quote(viewer.locale)}, {quote(viewer.zone)}, {code}"
    return f"sf_format({sql}, {place})", _TEXT


def _labelled(scope: Scope, call: Call, sql: str, found: FieldDef) -> Resolved:
    """toLabel: what people see instead of the stored value of a picklist."""
    if found.type not in ("picklist", "multipicklist", "combobox") and not found.name_field:
        malformed(scope.source, call.at, f"toLabel is not valid on field {found.name}")
    labels = {v["value"]: v["label"] for v in found.raw["picklistValues"] if v["label"] not in (None, v["value"])}
    if not labels:
        return sql, found
    if found.type != "multipicklist":
        cases = " ".join(f"WHEN {quote(value)} THEN {quote(label)}" for value, label in labels.items())
        return f"CASE {sql} {cases} ELSE {sql} END", found
    listed = f"';' || {sql} || ';'"
    for value, label in labels.items():
        listed = f"replace({listed}, {quote(f';{value};')}, {quote(f';{label};')})"
    return f"trim({listed}, ';')", found


_OTHERS: dict[str, Callable[[Scope, Call, str, FieldDef], Resolved]] = {
    "CONVERTCURRENCY": _converted,
    "CONVERTTIMEZONE": _in_zone,
    "FORMAT": _formatted,
    "TOLABEL": _labelled,
}
_REFUSED = {
    "GROUPING": "GROUPING is only valid with GROUP BY ROLLUP or GROUP BY CUBE",
}


def _resolve_distance(scope: Scope, call: Distance) -> Resolved:
    column = scope.resolve(call.field)
    if column.field.type not in ("address", "location"):
        malformed(scope.source, call.at, f"DISTANCE is not valid on field {column.field.name}")
    if call.unit not in ("mi", "km"):
        malformed(scope.source, call.at, f"DISTANCE counts in 'mi' or 'km', not in '{call.unit}'")
    prefix, tail = column.field.name.removesuffix("Address"), ""
    if column.field.type == "location":
        prefix, tail = column.field.name.removesuffix("__c") + "__", "__s"
    table = column.sql.split(".")[0]
    place = ", ".join(f'{table}."{column.owner.fields[(prefix + part + tail).lower()].name}"' for part in _PLACE)
    return f"sf_distance({place}, {call.latitude!r}, {call.longitude!r}, {quote(call.unit)})", NUMBER


_PLACE = ("Latitude", "Longitude")


def quote(text: str) -> str:
    """A text of the schema as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
