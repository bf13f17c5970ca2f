"""Cuts a result into the pages of query answers. Called by queries.py; knows no SOQL and no requests.

"Child objects count toward the number of records for the batch size" (REST guide, Query Options Header), so a page is
full of parents and children together: one parent with 257 children shows 199 of them at a batch size of 200
(jsforce pull request 1752), 499 at 500 (simple-salesforce issue 311), and the nested result has a locator of its own.
How a page is shared out among several parents is UNVERIFIED: here each takes what the ones before it left, which is
the answer that a client has to be most careful with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]
KeepRest = Callable[[list[Record], int], str]
"""Remembers a nested result and returns the URL of what follows its first so many records."""


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one page, and the number of the record that comes after them."""

    records: list[Record]
    after: int


def cut_page(records: list[Record], first: int, size: int, keep_rest: KeepRest | None) -> Page:
    """The page of at most `size` records that begins with a record; without `keep_rest` none has children."""
    if keep_rest is None:
        return Page(records[first : first + size], min(first + size, len(records)))
    shown, _ = _fill(records[first:], size, keep_rest)
    return Page(shown, first + len(shown))


def _fill(records: list[Record], room: int, keep_rest: KeepRest) -> tuple[list[Record], int]:
    """As many records as there is room for, at least one, and how much they took."""
    shown: list[Record] = []
    used = 0
    for record in records:
        if used + _least(record) > room and shown:
            break
        cut, taken = _cut_record(record, room - used, keep_rest)
        shown.append(cut)
        used += taken
    return shown, used


def _cut_record(record: Record, room: int, keep_rest: KeepRest) -> tuple[Record, int]:
    """A record with as many of its children as there is room for, at least the first of each kind."""
    nested = _results(record)
    used, waiting = 1, sum(_least(result["records"][0]) for result in nested.values())
    cut = dict(record)
    for name, result in nested.items():
        waiting -= _least(result["records"][0])
        cut[name], taken = _cut_result(result, room - used - waiting, keep_rest)
        used += taken
    return cut, used


def _cut_result(result: Record, room: int, keep_rest: KeepRest) -> tuple[Record, int]:
    records = result["records"]
    shown, used = _fill(records, room, keep_rest)
    if len(shown) == len(records):
        return {**result, "records": shown}, used
    url = keep_rest(records, len(shown))
    return {"totalSize": result["totalSize"], "done": False, "nextRecordsUrl": url, "records": shown}, used


def _least(record: Record) -> int:
    """What a record takes with the first of each kind of its children."""
    return 1 + sum(_least(result["records"][0]) for result in _results(record).values())


def _results(record: Record) -> dict[str, Record]:
    """The results of child subqueries in a record; parents and addresses have no size, no children is null."""
    return {n: v for n, v in record.items() if isinstance(v, dict) and "totalSize" in v}
