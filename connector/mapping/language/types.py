"""The types that an expression of a mapping can have, and which units of time go together.

Called by every module of this package, by mapping (types of facts and parameters) and by evaluate (SQL types).
Knows nothing about engines or about orgs beyond the describe of one field.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from connector.calendar import Duration, Unit
from connector.describe import FieldDescribe

MAX_DIGITS = 38
"""Digits of the widest exact decimal; wider results are floating-point numbers."""


class Kind(StrEnum):
    """The kinds of value, worded as error messages name them."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "condition (true or false)"
    DATE = "date"
    DATETIME = "date and time"
    TIME = "time of day"
    DAYS = "number of days"
    DURATION = "duration"
    NULL = "null"
    ERROR = "error"

    @property
    def phrase(self) -> str:
        return self.value if self in {Kind.TEXT, Kind.NULL} else f"a {self.value}"


def either(kinds: Iterable[Kind]) -> str:
    """Kinds as a sentence lists them: `a date, a number or text`."""
    *first, last = sorted(k.phrase for k in kinds if k is not Kind.NULL)
    return f"{', '.join(first)} or {last}" if first else last


@dataclass(frozen=True)
class Type:
    """The type of an expression, a fact or a parameter."""

    kind: Kind
    digits: tuple[int, int] | None = None
    """NUMBER and DAYS, exact: most digits before and after the point. None: a floating-point number."""
    values: tuple[str, ...] = ()
    """TEXT from a picklist: the values it can have; empty when any text is possible."""
    restricted: bool = False
    """No value outside `values` can be stored."""
    multi: bool = False
    """TEXT from a multi-select picklist."""
    unit: str = ""
    """DURATION: hours, days, months or business days."""
    lookup: bool = False
    """TEXT that is a reference to a record: blank is unknown, not the known text ''."""


NUMBER = Type(Kind.NUMBER)
TEXT = Type(Kind.TEXT)
BOOLEAN = Type(Kind.BOOLEAN)
DATE = Type(Kind.DATE)
DATETIME = Type(Kind.DATETIME)
TIME = Type(Kind.TIME)
"""Only inside an expression (HOUR of it, compared with another): no field of ours, no fact and no parameter has it."""
DAYS = Type(Kind.DAYS, (7, 0))
"""Between two dates; between two times it is a floating-point number."""
NULL = Type(Kind.NULL)
ERROR = Type(Kind.ERROR)
"""Of what has been reported already: fits everywhere, so that one slip gives one problem."""


def exact(before: int, after: int = 0) -> Type:
    """An exact number with so many digits before and after the point; floating-point where that is too wide."""
    return Type(Kind.NUMBER, (before, after)) if before + after <= MAX_DIGITS else NUMBER


COUNT = exact(10)

_KINDS = {"boolean": BOOLEAN, "date": DATE, "datetime": DATETIME}


def type_of_field(field: FieldDescribe) -> Type:
    """The type in which expressions see a field of an sObject or a column of a source; ERROR for a column of which
    nothing is known yet."""
    if not field.type:
        return ERROR
    if field.type in _KINDS:
        return _KINDS[field.type]
    if field.type in {"int", "long"}:
        return exact(18 if field.type == "long" else 10)
    if field.is_number:
        return exact((field.precision or 18) - field.scale, field.scale)
    if field.type in {"picklist", "multipicklist"}:
        multi = field.type == "multipicklist"
        return Type(Kind.TEXT, values=field.picklist, restricted=field.restricted, multi=multi)
    return replace(TEXT, lookup=field.type in {"reference", "id"})


# --- durations --------------------------------------------------------------------------------------------

_BASE: dict[Unit, tuple[int, str]] = {
    "hours": (1, "hours"), "days": (1, "days"), "weeks": (7, "days"), "months": (1, "months"),
    "years": (12, "months"), "business days": (1, "business days"),
}  # fmt: skip


def in_base_unit(length: Duration) -> tuple[int, str]:
    """`length` in hours, days, months or business days: the units that cannot be turned into one another."""
    factor, base = _BASE[length.unit]
    return length.count * factor, base


def type_of_duration(length: Duration) -> Type:
    """The type of a duration literal, or of a parameter that holds one."""
    return Type(Kind.DURATION, unit=in_base_unit(length)[1])
