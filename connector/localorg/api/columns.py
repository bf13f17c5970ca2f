"""The answer to `query?columns=true`: what a statement would return, described instead of run. Called by queries.py.

Keys as recorded from a real org (fixtures plugin-data); apexType of numbers and dates UNVERIFIED.
"""

from typing import Any

from connector.localorg.api.visit import Visit
from connector.localorg.definitions import NUMBER_TYPES, TEXT_TYPES, FieldDef, ObjectDef
from connector.localorg.errors import OrgError
from connector.localorg.soql.parser import parse_soql
from connector.localorg.soql.plan import Output, Plan
from connector.localorg.soql.run import plan_soql
from connector.localorg.soql.syntax import Call, Item, Path, Query

Column = dict[str, Any]

_APEX_TYPES = {
    "id": "Id",
    "reference": "Id",
    "boolean": "Boolean",
    "int": "Integer",
    "date": "Date",
    "datetime": "Datetime",
    "time": "Time",
    **dict.fromkeys(NUMBER_TYPES, "Decimal"),
}


def describe_columns(visit: Visit, soql: str, *, include_deleted: bool) -> dict[str, Any]:
    """Check a statement as if it were run, and say which columns it has."""
    query, plan = parse_soql(soql), plan_soql(visit.txn, soql, include_deleted=include_deleted)
    columns = _aggregates(plan, query) if plan.shape == "aggregate" else _records(visit, plan)
    return {
        "columnMetadata": columns,
        "entityName": plan.definition.name,
        "groupBy": bool(query.group_by),
        "idSelected": any(c["columnName"] == "Id" for c in columns),
        "keyPrefix": plan.definition.key_prefix,
    }


def _records(visit: Visit, plan: Plan) -> list[Column]:
    """Own fields and child subqueries in order, parents as columns with columns of their own."""
    nested = {c.name: _column(c.name, c.name, joined=_records(visit, c.plan), aggregate=True) for c in plan.children}
    columns: list[Column] = []
    for output in plan.outputs:
        if len(output.names) == 1 and output.names[0] in nested:
            columns.append(nested.pop(output.names[0]))
        else:
            _add_output(visit, plan.definition, columns, output)
    return [*columns, *nested.values()]


def _add_output(visit: Visit, definition: ObjectDef, columns: list[Column], output: Output) -> None:
    holder: ObjectDef | None = definition
    for name in output.names[:-1]:
        reference = holder.relationships.get(name.lower()) if holder else None
        found = next((c for c in columns if c["columnName"] == name and c["foreignKeyName"]), None)
        if found is None:
            found = _column(name, name, foreign_key=reference.name if reference else None)
            columns.append(found)
        holder = visit.org.schema.find(reference.reference_to[0]) if reference else None
        columns = found["joinColumns"]
    last = output.names[-1]
    field = holder.find(last) if holder else None
    columns.append(_field_column(last, field) if field else _column(last, last, text=True, apex="String"))


def _field_column(name: str, field: FieldDef, display: str | None = None) -> Column:
    return _column(
        name,
        display or name,
        apex=_APEX_TYPES.get(field.type, "String" if field.type in TEXT_TYPES else None),
        boolean=field.type == "boolean",
        number=field.type == "int" or field.type in NUMBER_TYPES,
        text=field.type in TEXT_TYPES,
        custom=field.custom,
        insertable=field.createable,
        updatable=field.updateable,
    )


def _aggregates(plan: Plan, query: Query) -> list[Column]:
    """Grouped fields as fields, functions as nameless numbers called expr0 or by their alias."""
    columns = []
    for item, output in zip(query.items, plan.outputs, strict=True):
        expression = item.expression if isinstance(item, Item) else None
        name = output.names[-1]
        if isinstance(expression, Call):
            columns.append(_column(name, _written(expression), aggregate=True, number=True))
        elif isinstance(expression, Path):
            columns.append(_grouped(plan.definition, expression, name))
        else:
            raise OrgError(400, "MALFORMED_QUERY", "columns=true: a grouped query selects fields and functions only")
    return columns


def _written(expression: object) -> str:
    """An expression as text, functions in lower case (recorded: avg(Amount))."""
    if isinstance(expression, Call):
        return f"{expression.name.lower()}({_written(expression.argument)})"
    return expression.text if isinstance(expression, Path) else ""


def _grouped(definition: ObjectDef, path: Path, name: str) -> Column:
    field = definition.find(path.parts[-1])
    return _field_column(name, field, path.text) if field else _column(name, path.text, text=True, apex="String")


def _column(
    name: str,
    display: str,
    *,
    apex: str | None = None,
    aggregate: bool = False,
    boolean: bool = False,
    number: bool = False,
    text: bool = False,
    custom: bool = False,
    insertable: bool = False,
    updatable: bool = False,
    foreign_key: str | None = None,
    joined: list[Column] | None = None,
) -> Column:
    return {
        "aggregate": aggregate,
        "apexType": apex,
        "booleanType": boolean,
        "columnName": name,
        "custom": custom,
        "displayName": display,
        "foreignKeyName": foreign_key,
        "insertable": insertable,
        "joinColumns": joined or [],
        "numberType": number,
        "textType": text,
        "updatable": updatable,
    }
