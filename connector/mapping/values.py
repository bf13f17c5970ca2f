"""The small notations inside mapping files: lengths of time, rates, percentages, field types, keys, references.

Each is a pydantic type: it reads the text as written, says what is allowed when it cannot, and carries its part of
the JSON Schema for editors. Used by model.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

from connector.calendar import Duration
from connector.errors import FixFirst
from connector.ids import full_id

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$", strict=True)]
"""A name of the mapping's own: lower case, digits and _."""
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$", strict=True)]
"""A Salesforce API name."""


def _read_expression(raw: Any) -> Any:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, date):
        return f"DATE({raw.year}, {raw.month}, {raw.day})"
    if isinstance(raw, (int, Decimal)):
        return str(raw)
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError("an expression is wanted here, such as won_count > 0")
    return raw


ExpressionText = Annotated[
    str,
    BeforeValidator(_read_expression),
    WithJsonSchema({"type": ["string", "number", "boolean"], "description": "an expression of the mapping language"}),
]
"""Not yet parsed: compile.py does that, where names and types are known."""


def _read_text(raw: Any) -> Any:
    return str(raw) if isinstance(raw, (int, Decimal)) and not isinstance(raw, bool) else raw


Template = Annotated[str, BeforeValidator(_read_text), WithJsonSchema({"type": ["string", "number"]})]
"""Text with {names} in it."""


def _read_duration(raw: Any) -> Any:
    if isinstance(raw, Duration):
        return raw
    if isinstance(raw, int) and not isinstance(raw, bool):
        raise ValueError(f"a length of time needs its unit: {raw} days, {raw} hours, {raw} business days")  # noqa: TRY004
    return Duration.parse(str(raw))


Length = Annotated[
    Duration,
    BeforeValidator(_read_duration),
    WithJsonSchema({"type": "string", "pattern": r"^\d+ +(hour|day|business +day|week|month|year)s?$"}),
]


@dataclass(frozen=True)
class Rate:
    """At most `count` in every `per`."""

    count: int
    per: Duration

    @staticmethod
    def read(raw: Any) -> Rate:
        found = re.match(r"^\s*(\d+)\s+per\s+(.+)$", str(raw))
        if isinstance(raw, Rate):
            return raw
        if not found:
            raise ValueError(f"{raw!r} is no rate; write it like: 10 per day, 2 per 30 days")
        length = found[2].strip()
        return Rate(int(found[1]), Duration.parse(length if length[0].isdigit() else f"1 {length}"))

    def __str__(self) -> str:
        return f"{self.count} per {self.per}"


Budget = Annotated[Rate, BeforeValidator(Rate.read), WithJsonSchema({"type": "string", "pattern": r"^\d+ +per +.+$"})]


def _read_percent(raw: Any) -> Any:
    text = str(raw).strip()
    try:
        number = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        raise ValueError(f"{raw!r} is no share; write it like: 60 %") from None
    if not text.endswith("%") and not isinstance(raw, Decimal):
        raise ValueError(f"a share needs its sign: {text} %")
    return number if text.endswith("%") else raw


Percent = Annotated[
    Decimal, BeforeValidator(_read_percent), WithJsonSchema({"type": "string", "pattern": r"^[\d.]+ *%$"})
]
"""60 % is Decimal(60)."""


@dataclass(frozen=True)
class FieldType:
    """The type of a field that the model writes."""

    kind: Literal["number", "currency", "percent", "text", "date", "datetime", "boolean", "picklist"]
    precision: int = 18
    """Digits in all."""
    scale: int = 0
    """Digits after the point."""
    length: int = 0

    @staticmethod
    def read(raw: Any) -> FieldType:
        if isinstance(raw, FieldType):
            return raw
        found = re.match(r"^\s*([a-z]+)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*$", str(raw))
        kind = found[1] if found else ""
        first = int(found[2]) if found and found[2] else None
        second = int(found[3]) if found and found[3] else None
        if kind in ("number", "currency", "percent"):
            return FieldType._number(kind, first, second)
        if kind in ("text", "picklist") and second is None and (first or 255) <= 255:
            return FieldType("text" if kind == "text" else "picklist", length=first or 255)
        if kind in ("date", "datetime", "boolean") and first is None:
            return FieldType(kind)  # type: ignore[arg-type]
        raise ValueError(f"{raw!r} is no field type; allowed: {_TYPES}")

    @staticmethod
    def _number(kind: str, first: int | None, second: int | None) -> FieldType:
        scale = (
            second if second is not None else (0 if kind == "number" and first is None else 2 if first is None else 0)
        )
        precision = 18 if first is None else first
        if not 1 <= precision <= 18 or not 0 <= scale <= precision:
            raise ValueError(f"a {kind} has at most 18 digits, those after the point included; allowed: {_TYPES}")
        return FieldType(kind, precision, scale)  # type: ignore[arg-type]

    def __str__(self) -> str:
        if self.kind in ("number", "currency", "percent"):
            return f"{self.kind}({self.precision}, {self.scale})"
        return f"text({self.length})" if self.kind == "text" else self.kind


_TYPES = "number(16, 2), currency(16, 2), percent(5, 2), text(80), date, datetime, boolean, picklist"
WrittenType = Annotated[
    FieldType, BeforeValidator(FieldType.read), WithJsonSchema({"type": "string", "description": _TYPES})
]


@dataclass(frozen=True)
class CampaignRef:
    """Which Campaign: by id, or by the value of one of its fields, which exactly one Campaign must have."""

    id: str = ""
    field: str = ""
    value: str = ""

    @staticmethod
    def read(raw: Any) -> CampaignRef:
        if isinstance(raw, CampaignRef):
            return raw
        if isinstance(raw, dict) and len(raw) == 1:
            ((field, value),) = raw.items()
            if isinstance(value, (str, int)) and str(value).strip():
                return CampaignRef(field=str(field), value=str(value))
        text = str(raw).strip()
        if re.fullmatch(r"701[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?", text):
            return CampaignRef(id=_id(text))
        raise ValueError(f"{raw!r} is no Campaign id (701...), and no field with its value such as {{Name: Welcome}}")

    def __str__(self) -> str:
        return self.id or f"{self.field} = {self.value!r}"


Campaign = Annotated[
    CampaignRef, BeforeValidator(CampaignRef.read), WithJsonSchema({"type": ["string", "object", "number"]})
]


def _id(text: str) -> str:
    try:
        return full_id(text)
    except FixFirst as error:
        raise ValueError(str(error)) from error


def _read_param(raw: Any) -> Any:
    """A number, a truth, a date or a length of time as such; any other text stays text."""
    if isinstance(raw, str):
        try:
            return Duration.parse(raw)
        except ValueError:
            return raw
    return raw


ParamValue = Annotated[
    bool | int | Decimal | date | Duration | str,
    BeforeValidator(_read_param),
    WithJsonSchema({"type": ["number", "string", "boolean"]}),
]


# --- sources beside Salesforce ----------------------------------------------------------------------------

ColumnKind = Literal["number", "text", "date", "datetime", "boolean"]
"""What a column of a file or a query holds; of numbers, the data says how many digits."""


COMMON_ID = 15
"""Characters that an id of 15 and the same id of 18 characters share, and that no other id has."""


@dataclass(frozen=True, order=True)
class KeyColumn:
    """Which column says whose row it is, and the subject's field whose values it holds."""

    column: str
    field: str = "Id"

    @property
    def stored(self) -> str:
        """The column of the mirror that keeps the key as it is compared: ids by what the two ways of writing them have
        in common, texts without blanks around them."""
        return f"_key {self.field} {self.column}"

    @staticmethod
    def read(raw: Any) -> KeyColumn:
        if isinstance(raw, KeyColumn):
            return raw
        if isinstance(raw, dict) and len(raw) == 1:
            ((column, field),) = raw.items()
        else:
            column, field = raw, "Id"
        if isinstance(column, str) and isinstance(field, str) and _is_name(column) and _is_name(field):
            return KeyColumn(column, field)
        raise ValueError(
            f"{raw!r} is no key; write the column that holds the record's id, such as account_id, or the column and "
            "the field whose values it holds, such as {customer_no: AccountNumber}"
        )

    def __str__(self) -> str:
        return self.column if self.field == "Id" else f"{{{self.column}: {self.field}}}"


def _is_name(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z_]\w{0,79}", text) is not None


Keyed = Annotated[KeyColumn, BeforeValidator(KeyColumn.read), WithJsonSchema({"type": ["string", "object"]})]
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$", strict=True)]
"""The name of a section under [sources] in settings."""
