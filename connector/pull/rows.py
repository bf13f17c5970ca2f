"""Pages of queries over REST as rows for the mirror."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from connector.describe import ObjectDescribe
from connector.store.mirror import Unreadable
from connector.store.readings import Miscounted


def read_rows(page: Mapping[str, Any], describe: ObjectDescribe, fields: Sequence[str]) -> list[list[Any]]:
    """The records of one page, values in the order of `fields`. Miscounted when one came without a field,
    Unreadable when a whole number is none."""
    whole_numbers = [i for i, f in enumerate(fields) if describe.fields[f].type in {"int", "long"}]
    return [_row(record, describe.name, fields, whole_numbers) for record in page["records"]]


def _row(record: Mapping[str, Any], sobject: str, fields: Sequence[str], whole_numbers: Sequence[int]) -> list[Any]:
    try:
        row = [record[f] for f in fields]
    except KeyError as missing:
        raise Miscounted(f"a {sobject} record came without the field {missing}") from None
    for i in whole_numbers:
        if row[i] is not None:
            row[i] = _whole(row[i], fields[i])
    return [json.dumps(v) if isinstance(v, dict) else v for v in row]


def _whole(value: Any, field: str) -> int:
    """Whole numbers arrive as 5.0."""
    try:
        whole = int(value)
    except (TypeError, ValueError):
        raise Unreadable(f"values of {field} are of another type") from None
    if whole != value:
        raise Unreadable(f"values of {field} are of another type")
    return whole
