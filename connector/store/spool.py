"""Rows on their way into the mirror: one CSV file in the spool directory, in a dialect that DuckDB reads exactly.

Called by mirror.py. Values may be Python values (data.Value) or the text in which the org sent them; blank text and
null are both nothing. Knows no table and opens no database.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from connector.describe import FieldDescribe

LONGEST_LINE = 16_000_000
"""Bytes of one record; 40 long text areas of 131,072 characters fit."""


def column_type(field: FieldDescribe) -> str:
    """The column in which the mirror keeps `field`; money is DECIMAL, times are UTC without zone."""
    if field.type in {"int", "long"}:
        return "BIGINT"
    if field.is_number:
        return f"DECIMAL(28,{min(field.scale, 18)})"
    return {"boolean": "BOOLEAN", "date": "DATE", "datetime": "TIMESTAMP"}.get(field.type, "VARCHAR")


def quick_types(columns: Mapping[str, str]) -> dict[str, str]:
    """The same columns with decimals of 18 digits, as long as Salesforce's numbers are: parsed 15 times as fast."""
    return {column: kind.replace("DECIMAL(28,", "DECIMAL(18,") for column, kind in columns.items()}


def write_rows(file: Path, rows: Iterable[Sequence[Any]]) -> int:
    """Write `rows` to `file` and say how many there were; whatever `rows` raises leaves the file half written."""
    count = 0
    with file.open("w", newline="", encoding="utf-8", errors="replace") as out:
        writer = csv.writer(out)
        for row in rows:
            writer.writerow([_text(value) for value in row])
            count += 1
    return count


def read_csv(file: Path, columns: Mapping[str, str], *, header: bool = False) -> str:
    """The table function that reads `file` back, with these columns and DuckDB types and nothing guessed.

    Its lines end in CR LF. DuckDB 1.5 reads line ends inside quotes rightly only when it is told so and not strict:
    strict, or with lines that end in LF, it stops at a lone CR or LF inside a value. Several threads guess where a
    line begins, and are wrong where text looks like CSV; compressed files are read by one anyway.
    """
    shape = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())
    return (
        f"read_csv({literal(str(file))}, auto_detect = false, header = {header}, delim = ',', quote = '\"', "
        f"escape = '\"', new_line = '\\r\\n', strict_mode = false, nullstr = '', max_line_size = {LONGEST_LINE}, "
        f"buffer_size = {LONGEST_LINE}, parallel = false, columns = {{{shape}}})"
    )


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def name(identifier: str) -> str:
    """`identifier` as an SQL name."""
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        # A NUL inside text exists in old orgs' data and ends the field for C readers.
        return value.replace("\0", "") if "\0" in value else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else value
