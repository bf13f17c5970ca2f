"""Readings of several pages: what is kept, what takes its place, and what a comparison of ids says."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.describe import FieldDescribe, ObjectDescribe
from connector.store.mirror import Mirror, Unreadable
from connector.store.readings import Difference, Miscounted, Reading, Readings
from connector.store.tables import Purpose

FIELDS = {
    "Id": "id", "SystemModstamp": "datetime", "IsDeleted": "boolean", "Name": "string", "MasterRecordId": "reference",
    "AnnualRevenue": "currency", "NumberOfEmployees": "int",
}  # fmt: skip
ACCOUNT = ObjectDescribe("Account", "Account", {n: FieldDescribe(n, t) for n, t in FIELDS.items()})
NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
KEYS = ("Id", "SystemModstamp", "IsDeleted", "Name")


def at(minutes: int) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def row(n: int, minutes: int = 0, *, name: str = "", gone: bool = False) -> list[Any]:
    return [f"{n:03}", at(minutes), gone, name or f"Name {n}"]


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    with Mirror.open(tmp_path / "mirror.duckdb") as opened:
        opened.ensure(ACCOUNT, KEYS)
        yield opened


@pytest.fixture
def readings(mirror: Mirror) -> Readings:
    return Readings(mirror)


def reading(purpose: Purpose = "whole", **changed: Any) -> Reading:
    first = Reading("Account", purpose, KEYS, "SELECT ...", "66.0", NOON, NOON if purpose == "whole" else None)
    return replace(first, **changed)


def begun(readings: Readings, *pages: list[list[Any]], announced: int | None = None, **changed: Any) -> Reading:
    """A reading with these pages, the last of which says that there is none after it."""
    found = reading(**changed)
    readings.begin(found, ACCOUNT)
    found = readings.announce(found, sum(map(len, pages)) if announced is None else announced)
    for n, page in enumerate(pages, start=1):
        found = readings.add_rows(found, page, f"page-{n}" if n < len(pages) else "")
    return found


def names(mirror: Mirror) -> dict[str, str]:
    return dict(mirror.connection.execute('SELECT "Id", "Name" FROM org."Account"').fetchall())


def tables_of(mirror: Mirror) -> set[str]:
    return {name for (name,) in mirror.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}


# --- page after page -------------------------------------------------------------------------------------------


def test_pages_are_collected_beside_the_table(mirror: Mirror, readings: Readings) -> None:
    found = begun(readings, [row(1), row(2)], [row(3)])
    assert names(mirror) == {}
    assert (found.records, found.pages, found.locator, found.is_over) == (3, 2, "", True)
    assert readings.all() == [found]
    assert readings.finish(found) == (3, 0)
    assert names(mirror) == {"001": "Name 1", "002": "Name 2", "003": "Name 3"}
    assert mirror.cursor("Account") == NOON
    assert readings.all() == []
    assert "Account~incoming" not in tables_of(mirror)


def test_a_reading_outlives_the_process(tmp_path: Path) -> None:
    file = tmp_path / "mirror.duckdb"
    with Mirror.open(file) as opened:
        opened.ensure(ACCOUNT, KEYS)
        found = reading(job="750")
        Readings(opened).begin(found, ACCOUNT)
        found = Readings(opened).add_rows(Readings(opened).announce(found, 2), [row(1)], "page-1")
    with Mirror.open(file) as opened:
        again = Readings(opened).find("Account", "whole")
        assert again == found
        assert again is not None
        last = Readings(opened).add_rows(again, [row(2)], "")
        assert Readings(opened).finish(last) == (2, 0)
        assert len(names(opened)) == 2
        assert Readings(opened).spent_jobs() == ["750"]
        Readings(opened).job_is_gone("750")
        assert Readings(opened).spent_jobs() == []


def test_a_record_that_came_on_two_pages_is_there_once_as_it_was_last(mirror: Mirror, readings: Readings) -> None:
    found = begun(readings, [row(1, 5, name="new"), row(2)], [row(1, 1, name="old")])
    assert readings.finish(found) == (3, 0)
    assert names(mirror) == {"001": "new", "002": "Name 2"}


def test_a_whole_reading_takes_the_place_of_all_records_and_says_who_is_deleted(
    mirror: Mirror, readings: Readings
) -> None:
    mirror.store("Account", KEYS, [row(9)], None)
    assert readings.finish(begun(readings, [row(1), row(2, gone=True)])) == (2, 1)
    assert names(mirror).keys() == {"001", "002"}
    assert mirror.count("Account") == 1


def test_a_whole_reading_leaves_other_columns_where_they_are(mirror: Mirror, readings: Readings) -> None:
    mirror.ensure(ACCOUNT, [*KEYS, "AnnualRevenue"])
    readings.finish(begun(readings, [row(1)]))
    assert "AnnualRevenue" in mirror.columns("Account")
    assert mirror.pending("Account") == {"AnnualRevenue"}


def test_a_window_is_merged_where_it_is_not_older(mirror: Mirror, readings: Readings) -> None:
    mirror.store("Account", KEYS, [row(1, 9, name="newer"), row(2, 1), row(3)], None)
    window = begun(readings, [row(1, 5, name="older"), row(2, 5, name="changed"), row(4)], purpose="window")
    readings.finish(window)
    assert names(mirror) == {"001": "newer", "002": "changed", "003": "Name 3", "004": "Name 4"}
    assert mirror.cursor("Account") is None


def test_columns_are_taken_from_records_that_did_not_change_since(mirror: Mirror, readings: Readings) -> None:
    mirror.store("Account", KEYS, [row(1, 9), row(2, 1)], None)
    mirror.ensure(ACCOUNT, [*KEYS, "NumberOfEmployees"])
    found = reading("columns", fields=("Id", "SystemModstamp", "NumberOfEmployees"))
    readings.begin(found, ACCOUNT)
    rows = [["001", at(5), 5], ["002", at(1), 6], ["003", at(1), 7]]
    readings.finish(readings.add_rows(readings.announce(found, 3), rows, ""))
    sql = 'SELECT "Id", "Name", "NumberOfEmployees" FROM org."Account" ORDER BY 1'
    assert mirror.connection.execute(sql).fetchall() == [("001", "Name 1", None), ("002", "Name 2", 6)]
    assert mirror.pending("Account") == frozenset()


# --- what does not fit -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("announced", [1, 3])
def test_another_number_than_announced_is_not_taken_in(mirror: Mirror, readings: Readings, announced: int) -> None:
    mirror.store("Account", KEYS, [row(9)], None)
    found = begun(readings, [row(1)], [row(2)], announced=announced, job="750")
    with pytest.raises(Miscounted, match=f"announced {announced} Account records and sent 2"):
        readings.finish(found)
    assert names(mirror).keys() == {"009"}
    assert readings.all() == []
    assert readings.spent_jobs() == ["750"]


HEADER = ",".join(f'"{field}"' for field in KEYS)
LINE = '"001","2026-09-01T12:00:00.000Z","false","Ann, ""the"" one\n"'
FILES = {
    "fewer records than announced": (f"{HEADER}\r\n{LINE}\r\n", 2, Miscounted),
    "more records than announced": (f"{HEADER}\r\n{LINE}\r\n{LINE}\r\n", 1, Miscounted),
    "nothing at all": ("", 1, Unreadable),
    "columns in another order": (f'"IsDeleted","Id","SystemModstamp","Name"\r\n{LINE}\r\n', 1, Unreadable),
    "a column too few": (f'"Id","SystemModstamp","IsDeleted"\r\n{LINE}\r\n', 1, Unreadable),
    "a value too few": (f'{HEADER}\r\n"001"\r\n', 1, Unreadable),
    "a value of another type": (f"{HEADER}\r\n{LINE.replace('2026-09', 'soon')}\r\n", 1, Unreadable),
}


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "packed"])
@pytest.mark.parametrize(("text", "records", "error"), FILES.values(), ids=FILES.keys())
def test_a_file_that_is_no_good_leaves_the_reading_as_it_was(
    mirror: Mirror, readings: Readings, text: str, records: int, error: type[Exception], packed: bool
) -> None:
    found = begun(readings, [row(1)], announced=9)
    file = mirror.spool / ("page.csv.gz" if packed else "page.csv")
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    with pytest.raises(error) as raised:
        readings.add_file(found, file, records, "")
    assert "Ann" not in str(raised.value)
    assert readings.all() == [found]
    assert mirror.connection.execute('SELECT count(*) FROM org."Account~incoming"').fetchone() == (1,)


@pytest.mark.parametrize("header", [HEADER, HEADER.upper()])
def test_a_file_is_kept_as_it_is(mirror: Mirror, readings: Readings, header: str) -> None:
    found = begun(readings, announced=1)
    file = mirror.spool / "page.csv"
    file.write_text(f"{header}\r\n{LINE}\r\n", encoding="utf-8", newline="")
    readings.finish(readings.add_file(found, file, 1, ""))
    assert names(mirror) == {"001": 'Ann, "the" one\n'}


def test_a_result_without_records_is_one(mirror: Mirror, readings: Readings) -> None:
    file = mirror.spool / "page.csv"
    file.write_text(f"{HEADER}\r\n", encoding="utf-8", newline="")
    assert readings.finish(readings.add_file(begun(readings, announced=0), file, 0, "")) == (0, 0)


# --- side by side ----------------------------------------------------------------------------------------------


def test_records_columns_and_ids_are_read_beside_one_another(readings: Readings) -> None:
    for purpose in ("whole", "columns", "ids"):
        readings.begin(reading(purpose, job=purpose), ACCOUNT)
    readings.begin(reading("window", job="window"), ACCOUNT)
    assert {r.purpose for r in readings.all()} == {"window", "columns", "ids"}
    assert readings.spent_jobs() == ["whole"]
    found = readings.find("Account", "whole")
    assert found is not None
    assert found.purpose == "window"
    readings.discard("Account", "ids")
    readings.discard("Account", "ids")
    assert {r.purpose for r in readings.all()} == {"window", "columns"}
    assert readings.find("Contact", "whole") is None


# --- comparing -------------------------------------------------------------------------------------------------

IDS = ("Id", "SystemModstamp", "IsDeleted")
COMPARED: dict[str, tuple[list[Any], list[Any], Difference]] = {
    "equal": ([row(1)], [row(1)], Difference()),
    "lost here": ([], [row(1)], Difference(missing=("001",))),
    "deleted there, never here": ([], [row(1, gone=True)], Difference()),
    "new there, perhaps on its way": ([], [row(1, 30)], Difference()),
    "gone there": ([row(1)], [], Difference(surplus=("001",))),
    "gone there, deleted here": ([row(1, gone=True)], [], Difference()),
    "new here since the ids were asked for": ([row(1, 60)], [], Difference()),
    "changed there": ([row(1)], [row(1, 5)], Difference(stale=("001",))),
    "changed there just now": ([row(1)], [row(1, 30)], Difference()),
    "changed here since": ([row(1, 60)], [row(1)], Difference()),
    "deleted there without a stamp": ([row(1)], [row(1, gone=True)], Difference(stale=("001",))),
    "brought back there without a stamp": ([row(1, gone=True)], [row(1)], Difference(stale=("001",))),
    "deleted here since": ([row(1, 60, gone=True)], [row(1)], Difference()),
}


@pytest.mark.parametrize(("here", "there", "expected"), COMPARED.values(), ids=COMPARED.keys())
def test_a_comparison(
    mirror: Mirror, readings: Readings, here: list[Any], there: list[Any], expected: Difference
) -> None:
    """What was stamped up to half past twelve has settled; the ids were asked for at one o'clock less a quarter."""
    mirror.store("Account", KEYS, here, None)
    found = reading("ids", fields=IDS, begun=NOON + timedelta(minutes=45))
    readings.begin(found, ACCOUNT)
    found = readings.add_rows(readings.announce(found, len(there)), [r[:3] for r in there], "")
    assert readings.compare(found, NOON + timedelta(minutes=30)) == expected
    assert bool(expected) == bool(expected.missing or expected.stale or expected.surplus)


def test_objects_without_stamps_are_compared_by_their_ids(mirror: Mirror, readings: Readings) -> None:
    status = ObjectDescribe("TaskStatus", "Status", {n: FieldDescribe(n, "string") for n in ("Id", "ApiName")})
    mirror.ensure(status, ["Id", "ApiName"])
    mirror.store("TaskStatus", ("Id", "ApiName"), [("001", "a"), ("002", "b")], None)
    found = replace(reading("ids", fields=("Id",)), sobject="TaskStatus")
    readings.begin(found, status)
    found = readings.add_rows(readings.announce(found, 2), [["002"], ["003"]], "")
    assert readings.compare(found, NOON) == Difference(missing=("003",), surplus=("001",))
