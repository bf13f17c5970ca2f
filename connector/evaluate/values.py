"""Values on their way out of DuckDB, and from one type to the text that keys and records carry.

Called wherever rows are read. Pure.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connector.data import Value

_DIGITS = 15
"""Significant digits that a floating-point number can be trusted for."""


def read_value(raw: Any) -> Value:
    """A Value from DuckDB: moments are aware, floating-point numbers become the decimal that a person would write."""
    if isinstance(raw, float):
        return Decimal(f"{raw:.{_DIGITS}g}")
    if isinstance(raw, datetime):
        return raw.replace(tzinfo=UTC)
    return raw  # type: ignore[no-any-return]


def key_text(value: Value) -> str:
    """The form in which a value stands in a key: the same for equal values, however they were computed."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    return "" if value is None else str(value)
