"""Files beside Salesforce: what they become in the mirror, and what is said of those that cannot be used."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from small_sources import ACME, GLOBEX, NOW, Place, fill_accounts, wanted, why

from connector.settings import SourceSettings
from connector.store.mirror import Mirror


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Mirror.open(":memory:") as mirror:
        fill_accounts(mirror)
        (tmp_path / "exports").mkdir()
        yield Place(mirror, tmp_path / "exports")


HEAD = "account_id,score\n"


def utc(hour: int) -> datetime:
    """A moment of the last of August as the mirror keeps it: in UTC, without a zone."""
    return datetime.fromisoformat(f"2026-08-31T{hour:02}:00")


# --- what columns hold -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind", "found"),
    [
        (["9", "10"], "DECIMAL(2,0)", [Decimal(9), Decimal(10)]),
        (["0.1", "12.75"], "DECIMAL(4,2)", [Decimal("0.10"), Decimal("12.75")]),
        (["12345678901234567.89", "0.1"], "DECIMAL(19,2)", [Decimal("12345678901234567.89"), Decimal("0.10")]),
        (["-5", " 7 "], "DECIMAL(1,0)", [Decimal(-5), Decimal(7)]),
        (["1e3", "2.5"], "DECIMAL(38,12)", [Decimal(1000), Decimal("2.5")]),
        (["nan", "3"], "DECIMAL(3,0)", [None, Decimal(3)]),
        (["007", "12"], "VARCHAR", ["007", "12"]),
        (["2026-08-31", "2026-09-01"], "DATE", [date(2026, 8, 31), date(2026, 9, 1)]),
        (["2026-02-30", "2026-09-01"], "VARCHAR", ["2026-02-30", "2026-09-01"]),
        (["2026-08-31T10:00:00+02:00", "2026-08-31"], "TIMESTAMP", [utc(8), utc(0)]),
        (["true", "FALSE"], "BOOLEAN", [True, False]),
        (["", "5"], "DECIMAL(1,0)", [None, Decimal(5)]),
        (["=1+1", "5"], "VARCHAR", ["=1+1", "5"]),
        (['"a ""b"",\nc"', "ü"], "VARCHAR", ['a "b",\nc', "ü"]),
        (["'; DROP TABLE org.Account; --", "x"], "VARCHAR", ["'; DROP TABLE org.Account; --", "x"]),
    ],
)
def test_the_data_says_what_a_column_holds(place: Place, values: list[str], kind: str, found: list[object]) -> None:
    rows = "".join(f"{a},{v}\n" for a, v in zip((ACME, GLOBEX), values, strict=True))
    place.put("a.csv", HEAD + rows)
    assert why(place.read("a.csv", "score")) == ""
    assert place.types("file:usage/a.csv")["score"] == kind
    assert [row[0] for row in place.rows("file:usage/a.csv", "score")] == found


def test_what_the_mapping_declares_wins(place: Place) -> None:
    place.put("a.csv", f"{HEAD}{ACME},12\n")
    place.read("a.csv", "score", declared={"Score": "text"})
    assert place.rows("file:usage/a.csv", "score") == [("12",)]


def test_what_a_column_held_once_it_must_hold_again(place: Place) -> None:
    place.put("a.csv", f"{HEAD}{ACME},12\n")
    assert why(place.read("a.csv", "score")) == ""
    place.put("a.csv", f"{HEAD}{ACME},12\n{GLOBEX},unknown\n", NOW + timedelta(hours=1))
    read = place.read("a.csv", "score")
    assert "has 'unknown' as `score` in row 3, which is no number" in why(read)
    assert "columns: {score: text}" in why(read)
    assert read.describe.fields["score"].type == "double"
    place.put("a.csv", f"{HEAD}{ACME},\n", NOW + timedelta(hours=2))
    assert why(place.read("a.csv", "score")) == ""
    assert place.types("file:usage/a.csv")["score"].startswith("DECIMAL")


# --- forms of files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("semicolons.csv", f"account_id;score\n{ACME};9\n"),
        ("tabs.tsv", f"account_id\tscore\n{ACME}\t9\n"),
        ("windows.csv", f"account_id,score\r\n{ACME},9\r\n"),
        ("mark.csv", f"\ufeffaccount_id,score\n{ACME},9\n"),
        ("quoted.csv", f'"account_id","score"\n"{ACME}","9"\n'),
        ("fifteen.csv", f"account_id,score\n{ACME[:15]},9\n"),
        ("spelled.csv", f"Account ID,SCORE\n{ACME},9\n"),
        ("packed.csv.gz", gzip.compress(f"account_id,score\n{ACME},9\n".encode(), mtime=0)),
        ("lines.jsonl", json.dumps({"account_id": ACME, "score": 9}) + "\n\n"),
    ],
)
def test_a_file_may_have_many_forms(place: Place, name: str, content: str | bytes) -> None:
    place.put(name, content)
    read = place.read(name, "score")
    assert why(read) == ""
    assert (read.pull.read, read.pull.notices, read.pull.written) == (1, (), NOW)
    (column,) = (c for c in read.describe.fields if c.lower() == "score")
    assert place.rows(f"file:usage/{name}", column, "_key Id account_id") == [(Decimal(9), ACME[:15])]


def test_parquet_keeps_its_own_types(place: Place) -> None:
    file = place.directory / "a.parquet"
    duckdb.execute(
        f"COPY (SELECT '{ACME}' AS account_id, '12' AS code, 1.5::DECIMAL(9,3) AS money, 0.1::DOUBLE AS share, "
        "TIMESTAMPTZ '2026-08-31 10:00:00+02' AS at, NULL::BIGINT AS nothing, DATE '2026-08-31' AS day) "
        f"TO '{file}' (FORMAT parquet)"
    )
    columns = ("code", "money", "share", "at", "nothing", "day")
    assert why(place.read("a.parquet", *columns)) == ""
    (row,) = place.rows("file:usage/a.parquet", *columns)
    assert row == ("12", Decimal("1.5"), Decimal("0.1"), utc(8), None, date(2026, 8, 31))
    assert place.types("file:usage/a.parquet")["nothing"].startswith("DECIMAL")


def test_numbers_in_json_keep_every_digit(place: Place) -> None:
    place.put("a.jsonl", f'{{"account_id": "{ACME}", "score": 12345678901234567.89, "more": {{"a": 1}}}}\n')
    assert why(place.read("a.jsonl", "score")) == ""
    assert place.rows("file:usage/a.jsonl", "score") == [(Decimal("12345678901234567.89"),)]


# --- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{HEAD}{ACME},1\n{GLOBEX},2\n{ACME[:15]},3\n", f"has the key `account_id` '{ACME[:15]}' in the rows 2 and 4"),
        (f"account,score\n{ACME},1\n", "has no column `account_id` (did you mean `account`?), which the mapping names"),
        (f"account_id,scores\n{ACME},1\n", "has no column `score` (did you mean `scores`?)"),
        (f"account_id,score,Score\n{ACME},1,2\n", "has the column `score` twice"),
        (f"{HEAD}{ACME},1,2\n", "cannot be read (line 2: it has 3 values and the header 2)."),
        (f'{HEAD}{ACME},"1\n', "cannot be read (line 2: a quote is opened there and never closed)."),
        (f"{HEAD}{ACME}\n", "cannot be read (line 2: it has 1 values and the header 2)."),
        (b"account_id,score\n" + b"x,1\n" * 20_000 + b"y,\xff\n", "cannot be read (line 20002: it is not UTF-8 text"),
        ("", "has no header"),
        (b"account_id,score\n\xff\xfe,1\n", "is not UTF-8 text"),
        (b"account_id,sc\xffre\n", "is not UTF-8 text"),
        ("account_id,score\nx,1\ny,2\n", "all rows belong to no Account (`account_id` is the Id of none)"),
        (f"{HEAD}{ACME},{'9' * 40}\n", "has a number of 40 digits"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(place: Place, content: str | bytes, message: str) -> None:
    place.put("a.csv", content)
    read = place.read("a.csv", "score")
    assert message in why(read)
    assert not read.absent


def test_a_file_with_a_header_alone_is_complete_and_knows_nothing(place: Place) -> None:
    place.put("a.csv", HEAD)
    read = place.read("a.csv", "score")
    assert (why(read), read.pull.read, read.describe.fields["score"].type) == ("", 0, "")


def test_rows_without_a_key_and_strangers_are_counted(place: Place) -> None:
    place.put("a.csv", f"{HEAD}{ACME},1\n,2\n001000000000009AAA,3\n")
    assert place.read("a.csv", "score").pull.notices == (
        "usage/a.csv: rows without a key, which are nobody's: 1.",
        "usage/a.csv: 1 of 3 rows belong to no Account (`account_id` is the Id of none).",
    )


def test_any_text_field_of_the_account_may_be_the_key(place: Place) -> None:
    place.put("a.csv", "customer,score\n A-1 ,9\n")
    read = place.read("a.csv", "score", key="customer", field="AccountNumber")
    assert (why(read), read.pull.notices) == ("", ())
    assert place.rows("file:usage/a.csv", "_key AccountNumber customer") == [("A-1",)]


@pytest.mark.parametrize("below", ["missing.csv", "no/such/folder.csv"])
def test_a_file_that_is_not_there_is_absent(place: Place, below: str) -> None:
    read = place.read(below, "score")
    assert read.absent
    assert "deliver it, or correct the path" in why(read)


def test_a_place_that_nobody_configured_is_named(place: Place) -> None:
    read = place.read_one(wanted("file:exports/a.csv", "score", path="a.csv", place="exports"))
    assert read.absent
    assert "config.toml has no [sources.exports] with a directory. Add it." in why(read)


def test_a_link_out_of_the_directory_is_not_followed(place: Place, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text(HEAD)
    (place.directory / "a.csv").symlink_to(tmp_path / "secret.csv")
    assert "lies outside of" in why(place.read("a.csv", "score"))


def test_the_mirror_itself_cannot_read_the_place(place: Place) -> None:
    file = place.put("a.csv", f"{HEAD}{ACME},1\n")
    with pytest.raises(duckdb.PermissionException):
        place.mirror.connection.execute(f"SELECT * FROM read_csv('{file}')")


# --- again and again -------------------------------------------------------------------------------------------


def test_a_file_that_did_not_change_is_not_read_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    file = place.put("a.csv", f"{HEAD}{ACME},9\n")
    first = place.read("a.csv", "score")
    with monkeypatch.context() as patched:
        patched.setattr("connector.pull.sources.copy_file", lambda *_: pytest.fail("it was read again"))
        again = place.read("a.csv", "score")
    assert (again.pull, again.describe.fields["score"]) == (first.pull, first.describe.fields["score"])
    file.unlink()
    assert place.read("a.csv", "score").absent


def test_a_file_that_broke_leaves_the_table_as_it_was_and_is_read_when_it_is_mended(place: Place) -> None:
    place.put("a.csv", f"{HEAD}{ACME},9\n")
    place.read("a.csv", "score")
    place.put("a.csv", f"{HEAD}{ACME},9\n{ACME},8\n", NOW + timedelta(hours=1))
    assert "in the rows 2 and 3" in why(place.read("a.csv", "score"))
    assert place.rows("file:usage/a.csv", "score") == [(Decimal(9),)]
    place.put("a.csv", f"{HEAD}{ACME},8\n", NOW + timedelta(hours=2))
    assert why(place.read("a.csv", "score")) == ""
    assert place.rows("file:usage/a.csv", "score") == [(Decimal(8),)]


def test_what_is_wanted_of_a_file_may_grow(place: Place) -> None:
    place.put("a.csv", f"account_id,score,day\n{ACME},9,2026-08-31\n")
    assert place.read("a.csv", "score").describe.fields["day"].type == ""
    assert place.read("a.csv", "score", "day").describe.fields["day"].type == "date"


def test_nothing_is_left_in_the_spool(place: Place) -> None:
    place.put("a.csv", f"{HEAD}{ACME},9\n{ACME},9\n")
    place.read("a.csv", "score")
    assert list(place.mirror.spool.iterdir()) == []


def test_a_place_of_the_other_kind_is_no_place(place: Place) -> None:
    database = {"usage": SourceSettings(url="sqlite:///x.db")}
    read = place.read_one(wanted("file:usage/a.csv", "score", path="a.csv"), **database)
    assert "has no [sources.usage] with a directory" in why(read)


def test_a_hundred_thousand_rows_take_little_memory(place: Place) -> None:
    def lines() -> Iterator[str]:
        yield HEAD
        for n in range(100_000):
            yield f"001{n + 1:012d}AAA,{n % 100}.{n % 7}\n"

    place.put("big.csv", "".join(lines()))
    tracemalloc.start()
    read = place.read("big.csv", "score")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read.pull.read == 100_000
    assert peak < 5_000_000


def test_a_complaint_shows_nothing_of_what_a_broken_line_holds(place: Place) -> None:
    place.put("a.csv", f"{HEAD}{ACME},1,confidential\n")
    assert "confidential" not in why(place.read("a.csv", "score"))


def test_a_value_of_a_sensitive_fact_is_not_shown(place: Place) -> None:
    place.put("a.csv", f"{HEAD}{ACME},secret\n")
    read = place.read("a.csv", "score", declared={"score": "number"}, sensitive=True)
    assert "has a value as `score` in row 2, which is no number" in why(read)


def test_what_a_column_held_is_remembered_while_another_job_reads_others(place: Place) -> None:
    place.put("a.csv", f"account_id,score,plan\n{ACME},12,Gold\n")
    place.read("a.csv", "score")
    place.read("a.csv", "plan")
    place.put("a.csv", f"account_id,score,plan\n{ACME},many,Gold\n", NOW + timedelta(hours=1))
    assert "has 'many' as `score`" in why(place.read("a.csv", "score"))
    assert why(place.read("a.csv", "plan")) == ""
