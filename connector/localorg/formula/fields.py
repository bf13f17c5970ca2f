"""Formula fields and rule conditions: the entrance of this package. Called by SOQL, by org.py and by rules.py."""

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from connector.localorg.definitions import FieldDef, ObjectDef, Schema
from connector.localorg.formula.compile import Formula, kind_of
from connector.localorg.formula.functions import Typed
from connector.localorg.formula.parse import FormulaError
from connector.localorg.schema import Definition
from connector.localorg.soql.spans import add_months
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction

_CHUNK = 500


def is_formula(found: FieldDef) -> bool:
    """Whether a field is computed from a formula that this org knows."""
    return bool(found.raw.get("calculatedFormula"))


def column_sql(schema: Schema, definition: ObjectDef, found: FieldDef, table: str) -> str:
    """The SQL of a field under a table alias: its column, or what its formula computes."""
    return _formula_sql(schema, definition.name, found.name, table) if is_formula(found) else f'{table}."{found.name}"'


@lru_cache(maxsize=1024)
def _formula_sql(schema: Schema, sobject: str, name: str, table: str) -> str:
    definition = schema.get(sobject)
    found = definition.fields[name.lower()]
    value = Formula(schema, definition, table).read_field(name)
    return f"({_shown(found, value)})"


def _shown(found: FieldDef, value: Typed) -> str:
    """A value as the field shows it: rounded, per cent, and null rather than an empty text."""
    match kind_of(found):
        case "number":
            percent = f"{value.sql} * 100" if found.type == "percent" else value.sql
            return f"round({percent}, {found.scale})"
        case "text":
            return f"NULLIF({value.sql}, '')"
        case "boolean":
            return f"COALESCE({value.sql}, 0)"
    return value.sql


def check_formulas(schema: Schema, definitions: Iterable[Definition]) -> None:
    """Refuse formula fields that cannot be read or give something else than their type; raises FormulaError."""
    for definition in definitions:
        owner = schema.get(str(definition.get("sobject") or definition["name"]))
        for found in [f for f in owner.fields.values() if is_formula(f)]:
            check_formula(schema, owner, found)


def check_formula(schema: Schema, owner: ObjectDef, found: FieldDef) -> None:
    """Refuse one formula field that cannot be read or gives something else than its type; raises FormulaError."""
    value, wanted = Formula(schema, owner, "t").read_field(found.name), kind_of(found)
    if value.kind not in (wanted, "null"):
        text = f"Formula result is data type ({value.kind}), incompatible with expected data type ({wanted})"
        raise FormulaError(f"{owner.name}.{found.name}: {text}")


def check_condition(schema: Schema, definition: ObjectDef, source: str) -> None:
    """Refuse a condition of a rule that cannot be read or is no yes or no; raises FormulaError."""
    found = Formula(schema, definition, "t", False).compile(source)
    if found.kind != "boolean":
        raise FormulaError(f"Formula result is data type ({found.kind}), incompatible with expected (boolean)")


def condition_holds(txn: Transaction, definition: ObjectDef, source: str, record_id: str, old: Row | None) -> bool:
    """Evaluate a condition on a stored record; `old` is the record before the change, None for a new one."""
    sql = Formula(txn.schema, definition, "t", False, old).compile(source).sql
    return bool(txn.store.scalar(f'SELECT {sql} FROM "{definition.name}" t WHERE t."Id" = ?', (record_id,)))


def fill_formulas(txn: Transaction, definition: ObjectDef, rows: Sequence[Row]) -> None:
    """Put the values of formula fields into stored rows."""
    formulas = [f for f in definition.stored_fields if is_formula(f)]
    if not formulas:
        return
    columns = ", ".join(column_sql(txn.schema, definition, f, "t") for f in formulas)
    for start in range(0, len(rows), _CHUNK):
        chunk = {r["Id"]: r for r in rows[start : start + _CHUNK]}
        marks = ", ".join("?" * len(chunk))
        sql = f'SELECT t."Id", {columns} FROM "{definition.name}" t WHERE t."Id" IN ({marks})'
        for record_id, *values in txn.store.connection.execute(sql, tuple(chunk)):
            chunk[record_id].update(zip((f.name for f in formulas), values, strict=True))


def add_functions(connection: sqlite3.Connection, moment: Mapping[str, Any]) -> None:
    """Teach SQLite what formulas need; `moment` holds now, today and user of the open transaction."""
    connection.create_function("sf_now", 0, lambda: moment["now"])
    connection.create_function("sf_today", 0, lambda: moment["today"])
    connection.create_function("sf_user", 0, lambda: moment["user"])
    connection.create_function("sf_text", 1, _text, deterministic=True)
    connection.create_function("sf_matches", 2, _matches, deterministic=True)
    connection.create_function("sf_addmonths", 2, _add_months, deterministic=True)


def _text(value: Any) -> str | None:
    """TEXT() of a number has no trailing zeros, of a moment a Z."""
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    if isinstance(value, str) and value.endswith(".000+0000"):
        return value[:10] + " " + value[11:19] + "Z"
    return None if value is None else str(value)


def _matches(text: str, pattern: str) -> int:
    return int(re.fullmatch(pattern, text) is not None)


def _add_months(day: str | None, months: float | None) -> str | None:
    return None if day is None else add_months(date.fromisoformat(day[:10]), int(months or 0)).isoformat() + day[10:]
