"""Turns literals into the stored form of a field, or refuses them where types do not meet. Called by conditions.py."""

from datetime import datetime
from typing import Any, NoReturn

from connector.localorg.definitions import ID_TYPES, NUMBER_TYPES, TEXT_TYPES, FieldDef
from connector.localorg.ids import to_id18
from connector.localorg.soql.lexer import malformed, plain_text, read_calendar, refuse
from connector.localorg.soql.scope import Scope
from connector.localorg.soql.spans import find_span
from connector.localorg.soql.syntax import Value
from connector.localorg.values import wire_datetime

LONGEST_STRING = 4000
_WIRE_NAMES = {
    "datetime": "dateTime",
    "reference": "ID",
    "id": "ID",
    "boolean": "boolean",
    "int": "int",
    "date": "date",
    "time": "time",
}
_LARGEST_INTEGER = 2**63


def stored_literal(scope: Scope, field: FieldDef, value: Value) -> Any:
    """The literal in the stored form of the field; '' is null."""
    if field.type in ID_TYPES:
        return _id_literal(scope, field, value)
    if field.type in TEXT_TYPES:
        return _text_literal(scope, field, value)
    wanted = field.type if field.type in ("boolean", "date", "datetime", "time") else "number"
    if value.kind != wanted:
        refuse_literal(scope, field, value)
    return _convert(wanted, value.text)


def _text_literal(scope: Scope, field: FieldDef, value: Value) -> str | None:
    if value.kind != "string":
        refuse_literal(scope, field, value)
    check_length(scope, value)
    return plain_text(value.text) or None


def check_length(scope: Scope, value: Value) -> None:
    """Refuse strings that WHERE does not take (reference 2.1; wording from memory)."""
    if len(value.text) > LONGEST_STRING:
        malformed(scope.source, value.at, f"string literals cannot be longer than {LONGEST_STRING} characters")


def _id_literal(scope: Scope, field: FieldDef, value: Value) -> str | None:
    if value.kind != "string":
        refuse_literal(scope, field, value)
    if not value.text:
        return None
    found = to_id18(value.text)
    if found is None:
        refuse(scope.source, value.at, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value.text}")
    return found


def refuse_literal(scope: Scope, field: FieldDef, value: Value) -> NoReturn:
    """Refuse a literal whose type is not the field's."""
    kind = "double" if field.type in NUMBER_TYPES else _WIRE_NAMES.get(field.type, "string")
    quotes = "should be enclosed in quotes" if kind in ("string", "ID") else "should not be enclosed in quotes"
    text = f"value of filter criterion for field '{field.name}' must be of type {kind} and {quotes}"
    refuse(scope.source, value.at, "INVALID_FIELD", text)


def _convert(kind: str, text: str) -> Any:
    match kind:
        case "boolean":
            return int(text == "TRUE")
        case "number":
            return _read_number(text)
        case "datetime":
            return read_moment(text)
        case "time":
            return f"{text[:8]}.000Z"
    return text


def _read_number(text: str) -> int | float:
    number = float(text)
    is_whole = text.lstrip("+-").isdecimal() and abs(number) < _LARGEST_INTEGER
    return int(text) if is_whole else number


def read_moment(text: str) -> str:
    """The stored form of a datetime literal; milliseconds are kept for comparing."""
    moment = read_calendar("datetime", text)
    if not isinstance(moment, datetime):
        raise TypeError(f"{text} is no datetime")
    return wire_datetime(moment).replace(".000+", f".{moment.microsecond // 1000:03d}+")


def stored_span(scope: Scope, field: FieldDef, value: Value) -> tuple[str, str]:
    """A date literal such as LAST_N_DAYS:3 as a half-open range in the stored form of the field."""
    if field.type not in ("date", "datetime"):
        refuse_literal(scope, field, value)
    viewer = scope.viewer
    fiscal = viewer.fiscal_start if "FISCAL" in value.text else 1
    try:
        first, after = find_span(value.text, value.n, viewer.today, fiscal)
        if field.type == "date":
            return first.isoformat(), after.isoformat()
        return viewer.midnight(first), viewer.midnight(after)
    except (ValueError, OverflowError):
        malformed(scope.source, value.at, f"Invalid date literal: {value.text}:{value.n}")
