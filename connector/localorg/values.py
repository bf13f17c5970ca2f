"""Field values in their three forms.

JSON from a client, stored in SQLite, and wire form in answers. Called by validation, seeds and rows.

Stored form equals wire form except for booleans (0/1): texts as texts, dates `2026-01-31`, datetimes
`2026-01-31T23:59:59.000+0000` (which sort as text), numbers as floats or ints. So reading costs nothing.
"""

import re
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from connector.localorg import errors
from connector.localorg.definitions import ID_TYPES, NUMBER_TYPES, FieldDef
from connector.localorg.ids import to_id18

_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_DATETIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)\Z")
_TIME = re.compile(r"(\d\d:\d\d:\d\d)(?:\.(\d{1,3}))?Z?\Z")
_EMAIL = re.compile(r"[^@\s,;<>()\[\]]+@[^@\s,;<>()\[\]]+\.[^@\s.,;<>()\[\]]+\Z")
_INT_MAX = 2**31 - 1


def wire_datetime(moment: datetime) -> str:
    """Render a moment as Salesforce does in JSON."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}.000+0000"


def read_datetime(wire: str) -> datetime:
    """Read the wire form back."""
    return datetime.fromisoformat(wire[:19]).replace(tzinfo=UTC)


def store_json(field: FieldDef, value: Any) -> Any:
    """Turn a JSON value into the stored value, or raise the org's refusal. Null and blank text are the same."""
    if value is None:
        return None
    if isinstance(value, dict | list):
        token, shown = ("START_OBJECT", "{") if isinstance(value, dict) else ("START_ARRAY", "[")
        raise errors.value_unreadable(_kind(field), token, shown)
    if isinstance(value, date | Decimal | time):
        return store_trusted(field, value)
    return _reader(field.type)(field, value)


def _kind(field: FieldDef) -> str:
    return {"datetime": "datetime", "boolean": "boolean", "date": "date", "int": "int"}.get(
        field.type, "double" if field.type in NUMBER_TYPES else "string"
    )


def _reader(kind: str) -> Any:
    return _READERS.get(kind, _read_text)


def _refuse(field: FieldDef, value: Any) -> errors.OrgError:
    token = {bool: f"VALUE_{str(value).upper()}", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT"}.get(
        type(value), "VALUE_STRING"
    )
    return errors.value_unreadable(_kind(field), token, value)


def _read_text(field: FieldDef, value: Any) -> str | None:
    if isinstance(value, bool):
        value = str(value).lower()
    text = str(value).strip()
    if not text:
        return None
    if field.length and len(text) > field.length:
        raise errors.text_too_long(field.label, field.name, text, field.length)
    return text


def _read_email(field: FieldDef, value: Any) -> str | None:
    text = _read_text(field, value)
    if text is not None and not _EMAIL.match(text):
        raise errors.email_invalid(field.label, field.name, text)
    return text


def _read_picklist(field: FieldDef, value: Any) -> str | None:
    text = _read_text(field, value)
    if text is None or field.restricted_values is None:
        return text
    chosen = text.split(";") if field.type == "multipicklist" else [text]
    refused = next((v for v in chosen if v not in field.restricted_values), None)
    if refused is not None:
        raise errors.picklist_refused(field.label, field.name, refused)
    return text


def _read_id(field: FieldDef, value: Any) -> str | None:
    text = str(value).strip()
    if not text:
        return None
    found = to_id18(text)
    if found is None:
        raise errors.id_malformed(field.label, field.name, value)
    return found


def _read_boolean(field: FieldDef, value: Any) -> int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return int(value.lower() == "true")
    raise _refuse(field, value)


def _read_int(field: FieldDef, value: Any) -> int:
    number = _read_decimal(field, value)
    if number != number.to_integral_value():
        raise _refuse(field, value)
    if abs(number) > _INT_MAX or (field.digits and abs(number) >= 10**field.digits):
        raise errors.number_out_of_range(field.label, field.name, value)
    return int(number)


def _read_decimal(field: FieldDef, value: Any) -> Decimal:
    if isinstance(value, bool):
        raise _refuse(field, value)
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise _refuse(field, value) from None
    if not number.is_finite():
        raise _refuse(field, value)
    return number


def _read_number(field: FieldDef, value: Any) -> float | None:
    if value == "":
        return None
    number = _read_decimal(field, value)
    if field.precision and abs(number) >= Decimal(10) ** (field.precision - field.scale):
        raise errors.number_out_of_range(field.label, field.name, value)
    return round_number(field, number)


def round_number(field: FieldDef, number: Decimal) -> float:
    """Round to the field's scale: extra decimals are silently rounded (reference 6)."""
    return (
        float(number.quantize(Decimal(1).scaleb(-field.scale), rounding=ROUND_HALF_UP))
        if field.precision
        else float(number)
    )


def _read_date(field: FieldDef, value: Any) -> str | None:
    if value == "":
        return None
    try:
        if isinstance(value, str) and _DATE.match(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise _refuse(field, value)


def _read_datetime(field: FieldDef, value: Any) -> str | None:
    if value == "":
        return None
    found = _DATETIME.match(value) if isinstance(value, str) else None
    try:
        if found is not None:
            zone = "+00:00" if found[3] == "Z" else found[3]
            return wire_datetime(datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}"))
    except ValueError:
        pass
    raise _refuse(field, value)


def _read_time(field: FieldDef, value: Any) -> str | None:
    found = _TIME.match(value) if isinstance(value, str) else None
    if found is None:
        raise _refuse(field, value)
    return f"{found[1]}.{(found[2] or '0').ljust(3, '0')}Z"


_READERS = {
    "boolean": _read_boolean,
    "int": _read_int,
    "date": _read_date,
    "datetime": _read_datetime,
    "time": _read_time,
    "email": _read_email,
    "picklist": _read_picklist,
    "multipicklist": _read_picklist,
    **dict.fromkeys(ID_TYPES, _read_id),
    **dict.fromkeys(NUMBER_TYPES, _read_number),
}


def store_trusted(field: FieldDef, value: Any) -> Any:
    """Turn a Python or wire value from our own code into the stored value, without checks."""
    match value:
        case None | "":
            return None
        case bool():
            return int(value)
        case datetime():
            return value.date().isoformat() if field.type == "date" else wire_datetime(value)
        case date():
            return value.isoformat()
        case time():
            return value.strftime("%H:%M:%S.000Z")
        case Decimal():
            return int(value) if field.type == "int" else float(value)
        case str() if field.type == "datetime":
            return _read_datetime(field, value)
        case int() if field.type in NUMBER_TYPES:
            return float(value)
    return value


def wire_value(value: Any) -> Any:
    """Turn a Python value into what a client would send as JSON."""
    match value:
        case datetime():
            return wire_datetime(value)
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
    return value


def needs_conversion(field: FieldDef) -> bool:
    """Whether to_python changes anything but null."""
    return field.type in ("boolean", "date", "datetime") or field.type in NUMBER_TYPES


def to_python(field: FieldDef, stored: Any) -> Any:
    """Turn a stored value into a Python value: bool, Decimal, date, aware datetime, int or str."""
    if stored is None:
        return None
    match field.type:
        case "boolean":
            return bool(stored)
        case "date":
            return date.fromisoformat(stored)
        case "datetime":
            return read_datetime(stored)
        case "double" | "currency" | "percent":
            return Decimal(repr(stored)) if stored != int(stored) else Decimal(int(stored))
    return stored
