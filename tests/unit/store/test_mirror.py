"""What the mirror keeps, in which order of events, and what happens to a file that is not good."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connector.describe import FieldDescribe, ObjectDescribe
from connector.errors import FixFirst, RetryLater
from connector.store.mirror import Described, Mirror, Unreadable

FIELDS = (
    FieldDescribe("Id", "id"),
    FieldDescribe("SystemModstamp", "datetime"),
    FieldDescribe("IsDeleted", "boolean"),
    FieldDescribe("Name", "string"),
    FieldDescribe("AnnualRevenue", "currency", precision=18, scale=2),
    FieldDescribe("NumberOfEmployees", "int"),
    FieldDescribe("Share__c", "percent", precision=18, scale=4),
    FieldDescribe("Renewal__c", "date"),
    FieldDescribe("LastViewed__c", "datetime"),
    FieldDescribe("Active__c", "boolean"),
    FieldDescribe("OwnerId", "reference"),
)
ACCOUNT = ObjectDescribe("Account", "Account", {f.name: f for f in FIELDS})
USER = ObjectDescribe("User", "User", {f.name: f for f in FIELDS if f.name in {"Id", "SystemModstamp", "Name"}})
STATUS = ObjectDescribe("TaskStatus", "Task Status", {f.name: f for f in FIELDS if f.name in {"Id", "Name"}})

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
KEYS = ("Id", "SystemModstamp", "Name")


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror.open(":memory:") as opened:
        opened.ensure(ACCOUNT, ["Name"])
        yield opened


def put(mirror: Mirror, *rows: tuple[str, datetime, str], cursor: datetime = NOON, replace: bool = False) -> int:
    return mirror.store("Account", KEYS, rows, cursor, replace=replace)


def names(mirror: Mirror) -> dict[str, str]:
    return dict(mirror.connection.execute('SELECT "Id", "Name" FROM org."Account"').fetchall())


# --- values ----------------------------------------------------------------------------------------------------

VALUES: dict[str, tuple[str, Any, Any]] = {
    "text": ("Name", "Ärzte & Söhne 🚀", "Ärzte & Söhne 🚀"),
    "text with line ends, quotes and commas": ("Name", 'a "b",\r\nc\nd\\n', 'a "b",\r\nc\nd\\n'),
    "text that looks like nothing": ("Name", "NULL", "NULL"),
    "spaces": ("Name", "  ", "  "),
    "a long text area": ("Name", "é" * 131_072, "é" * 131_072),
    "text with a NUL": ("Name", "a\0b", "ab"),
    "blank text is nothing": ("Name", "", None),
    "nothing": ("Name", None, None),
    "half a surrogate pair": ("Name", "a\ud800b", "a?b"),
    "money beyond a double": ("AnnualRevenue", Decimal("90071992547409.93"), Decimal("90071992547409.93")),
    "money beyond what Salesforce can hold": (
        "AnnualRevenue",
        Decimal("123456789012345678.91"),
        Decimal("123456789012345678.91"),
    ),
    "money with more digits than the field": ("AnnualRevenue", Decimal("1.005"), Decimal("1.01")),
    "money as a whole number": ("AnnualRevenue", 5, Decimal("5.00")),
    "money in exponent form": ("AnnualRevenue", Decimal("1E+3"), Decimal("1000.00")),
    "percent": ("Share__c", Decimal("0.1234"), Decimal("0.1234")),
    "int": ("NumberOfEmployees", 7, 7),
    "date": ("Renewal__c", date(2026, 2, 28), date(2026, 2, 28)),
    "date as sent": ("Renewal__c", "2026-02-28", date(2026, 2, 28)),
    "time in another zone": (
        "LastViewed__c",
        datetime(2026, 1, 1, 1, tzinfo=datetime.strptime("+0200", "%z").tzinfo),
        datetime(2025, 12, 31, 23),  # noqa: DTZ001 - stored without zone
    ),
    "time as sent": ("LastViewed__c", "2026-01-31T23:59:59.000+0000", datetime(2026, 1, 31, 23, 59, 59)),  # noqa: DTZ001
    "true": ("Active__c", True, True),
    "false": ("Active__c", False, False),
}


@pytest.mark.parametrize(("field", "given", "kept"), VALUES.values(), ids=VALUES.keys())
def test_a_value_is_kept(mirror: Mirror, field: str, given: Any, kept: Any) -> None:
    mirror.ensure(ACCOUNT, [field])
    mirror.store("Account", ("Id", "SystemModstamp", field), [("001", NOON, given)], NOON, replace=False)
    assert mirror.connection.execute(f'SELECT "{field}" FROM org."Account"').fetchall() == [(kept,)]


def test_columns_have_the_types_that_rules_rely_on(mirror: Mirror) -> None:
    mirror.ensure(ACCOUNT, ACCOUNT.fields)
    rows = mirror.connection.execute('DESCRIBE org."Account"').fetchall()
    assert {row[0]: row[1] for row in rows} == {
        "Id": "VARCHAR", "SystemModstamp": "TIMESTAMP", "IsDeleted": "BOOLEAN", "Name": "VARCHAR",
        "AnnualRevenue": "DECIMAL(28,2)", "NumberOfEmployees": "BIGINT", "Share__c": "DECIMAL(28,4)",
        "Renewal__c": "DATE", "LastViewed__c": "TIMESTAMP", "Active__c": "BOOLEAN", "OwnerId": "VARCHAR",
    }  # fmt: skip


# --- merging ---------------------------------------------------------------------------------------------------

MERGES = {
    "newer wins": ([("001", at(0), "old")], [("001", at(1), "new")], {"001": "new"}),
    "older is left out": ([("001", at(1), "new")], [("001", at(0), "old")], {"001": "new"}),
    "of the same second the later pull wins": (
        [("001", at(0), "first")],
        [("001", at(0), "second")],
        {"001": "second"},
    ),
    "others stay": ([("001", at(0), "a"), ("002", at(0), "b")], [("002", at(1), "c")], {"001": "a", "002": "c"}),
    "twice in one pull": ([], [("001", at(1), "new"), ("001", at(0), "old")], {"001": "new"}),
    "nothing changed": ([("001", at(0), "a")], [], {"001": "a"}),
}


@pytest.mark.parametrize(("before", "then", "kept"), MERGES.values(), ids=MERGES.keys())
def test_rows_are_merged_by_id(mirror: Mirror, before: Any, then: Any, kept: dict[str, str]) -> None:
    put(mirror, *before)
    assert put(mirror, *then, cursor=at(30)) == len(then)
    assert names(mirror) == kept
    assert mirror.cursor("Account") == at(30)


def test_replacing_removes_what_is_no_longer_there_even_if_it_was_newer(mirror: Mirror) -> None:
    put(mirror, ("001", at(0), "a"), ("002", at(5), "b"))
    put(mirror, ("002", at(1), "c"), replace=True)
    assert names(mirror) == {"002": "c"}


def test_deleted_records_stay_and_are_not_counted(mirror: Mirror) -> None:
    rows = [("001", NOON, "a", True), ("002", NOON, "b", False)]
    mirror.store("Account", (*KEYS, "IsDeleted"), rows, NOON, replace=False)
    assert len(names(mirror)) == 2
    assert mirror.count("Account") == 1


def test_objects_without_stamp_or_deletion(mirror: Mirror) -> None:
    mirror.ensure(STATUS, ["Name"])
    mirror.store("TaskStatus", ("Id", "Name"), [("01J", "Completed")], NOON, replace=True)
    mirror.store("TaskStatus", ("Id", "Name"), [("01J", "Done")], NOON, replace=False)
    rows = mirror.connection.execute('SELECT * FROM org."TaskStatus"').fetchall()
    assert rows == [("01J", "Done", False)]


def test_a_failure_while_reading_leaves_rows_and_cursor_as_they_were(mirror: Mirror) -> None:
    put(mirror, ("001", at(0), "a"))

    def breaks() -> Iterator[tuple[str, datetime, str]]:
        yield ("001", at(1), "b")
        raise RetryLater("the page did not come")

    with pytest.raises(RetryLater):
        mirror.store("Account", KEYS, breaks(), at(30), replace=True)
    assert names(mirror) == {"001": "a"}
    assert mirror.cursor("Account") == NOON


def test_a_row_that_does_not_fit_leaves_rows_and_cursor_as_they_were(mirror: Mirror) -> None:
    put(mirror, ("001", at(0), "a"))
    with pytest.raises(Unreadable, match="SystemModstamp"):
        mirror.store("Account", KEYS, [("002", "yesterday", "b")], at(30), replace=True)
    assert names(mirror) == {"001": "a"}
    assert mirror.cursor("Account") == NOON


# --- columns ---------------------------------------------------------------------------------------------------


def test_a_new_column_is_pending_until_it_was_read_for_every_record(mirror: Mirror) -> None:
    put(mirror, ("001", at(0), "a"), ("002", at(9), "b"))
    assert mirror.ensure(ACCOUNT, ["Name", "OwnerId"])
    assert mirror.pending("Account") == {"OwnerId"}
    assert mirror.cursor("Account") == NOON
    rows = [("001", at(0), "005A"), ("002", at(8), "005B"), ("003", at(8), "005C")]
    mirror.store("Account", ("Id", "SystemModstamp", "OwnerId"), rows, None, purpose="columns")
    assert mirror.pending("Account") == frozenset()
    assert mirror.cursor("Account") == NOON
    found = mirror.connection.execute('SELECT "Id", "Name", "OwnerId" FROM org."Account" ORDER BY 1').fetchall()
    assert found == [("001", "a", "005A"), ("002", "b", None)]  # what we hold of 002 is newer, 003 is for a window


def test_known_columns_do_not(mirror: Mirror) -> None:
    put(mirror, ("001", at(0), "a"))
    assert not mirror.ensure(ACCOUNT, ["Name"])
    assert not mirror.ensure(ACCOUNT, [])
    assert mirror.cursor("Account") == NOON
    assert mirror.columns("Account") == {"Id", "SystemModstamp", "IsDeleted", "Name"}


def test_a_field_that_changed_its_type_is_read_again(mirror: Mirror) -> None:
    mirror.ensure(ACCOUNT, ["Share__c"])
    put(mirror, ("001", at(0), "a"))
    finer = replace(ACCOUNT.fields["Share__c"], scale=6)
    assert mirror.ensure(replace(ACCOUNT, fields={**ACCOUNT.fields, "Share__c": finer}), ["Share__c"])
    assert mirror.pending("Account") == {"Share__c"}


def test_a_forgotten_field_comes_back_as_a_new_one(mirror: Mirror) -> None:
    put(mirror, ("001", at(0), "a"))
    mirror.forget("Account", ["Name", "IsDeleted", "NeverHad__c"])
    assert mirror.columns("Account") == {"Id", "SystemModstamp", "IsDeleted"}
    assert mirror.cursor("Account") == NOON
    assert mirror.ensure(ACCOUNT, ["Name"])


def test_every_table_has_isdeleted(mirror: Mirror) -> None:
    mirror.ensure(USER, ["Name"])
    assert mirror.columns("User") == {"Id", "SystemModstamp", "Name", "IsDeleted"}


def test_an_object_never_seen_has_no_columns_and_no_cursor(mirror: Mirror) -> None:
    assert mirror.columns("Case") == frozenset()
    assert mirror.cursor("Case") is None


# --- what the mirror knows about itself ------------------------------------------------------------------------


def describe_body(*fields: str) -> dict[str, Any]:
    return {"name": "Lead", "label": "Lead", "fields": [{"name": f, "type": "string"} for f in fields]}


def test_the_last_describe_counts(mirror: Mirror) -> None:
    assert mirror.described_at() == {}
    mirror.save_describe(describe_body("Id", "Company"), NOON)
    assert set(mirror.save_describe(describe_body("Id"), at(1)).fields) == {"Id"}
    assert {name: set(d.fields) for name, d in mirror.describes().items()} == {"Lead": {"Id"}}
    assert mirror.described_at() == {"Lead": Described(at(1), at(1), at(1))}
    mirror.confirm_describe("Lead", at(2))
    assert mirror.described_at() == {"Lead": Described(at(1), at(2), at(1))}


def test_another_orgs_records_are_not_mixed_in(mirror: Mirror) -> None:
    assert mirror.organization is None
    mirror.set_organization("00D000000000001AAA", "Europe/Paris")
    mirror.set_organization("00D000000000001AAA", "Asia/Tokyo")
    with pytest.raises(FixFirst, match=r"00D000000000001AAA.*00D000000000002AAA.*\[store\] directory"):
        mirror.set_organization("00D000000000002AAA", "Europe/Paris")
    assert mirror.organization == ("00D000000000001AAA", "Asia/Tokyo")


# --- what text from an org can never do ------------------------------------------------------------------------

FORBIDDEN = {
    "read a file": "SELECT * FROM read_csv('/etc/passwd')",
    "write a file": "COPY (SELECT 1) TO '/tmp/stolen.csv'",
    "open a database": "ATTACH '/tmp/other.duckdb'",
    "fetch from the network": "SELECT * FROM read_csv('https://example.com/x.csv')",
    "install an extension": "INSTALL httpfs",
    "unlock": "SET enable_external_access = true",
    "unlock the lock": "SET lock_configuration = false",
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_sql_cannot(mirror: Mirror, statement: str) -> None:
    with pytest.raises(duckdb.Error):
        mirror.connection.execute(statement)


def test_names_are_quoted(mirror: Mirror) -> None:
    odd = ObjectDescribe('A"; DROP', "", {"Id": FieldDescribe("Id", "id"), "F\"'": FieldDescribe("F\"'", "string")})
    mirror.ensure(odd, ["F\"'"])
    mirror.store(odd.name, ("Id", "F\"'"), [("1", "x")], NOON, replace=False)
    assert mirror.count(odd.name) == 1


# --- the file --------------------------------------------------------------------------------------------------


def filled(path: Path) -> None:
    with Mirror.open(path) as mirror:
        mirror.ensure(ACCOUNT, ["Name"])
        put(mirror, ("001", at(0), "a"))
        mirror.save_describe(describe_body("Id"), NOON)


def test_a_file_keeps_everything_and_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "mirror.duckdb"
    filled(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with Mirror.open(path) as mirror:
        assert mirror.notice == ""
        assert names(mirror) == {"001": "a"}
        assert mirror.cursor("Account") == NOON
        assert set(mirror.describes()) == {"Lead"}


def test_the_file_can_be_read_by_older_engines(tmp_path: Path) -> None:
    with Mirror.open(tmp_path / "mirror.duckdb") as mirror:
        row = mirror.connection.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'mirror'").fetchone()
    assert row is not None
    assert row[0]["storage_version"].startswith("v1.4.0")


def test_nothing_is_left_in_the_spool(tmp_path: Path) -> None:
    left = tmp_path / "spool" / "rows-of-a-killed-process"
    left.mkdir(parents=True)
    (left / "rows.csv").write_text("001,x")
    filled(tmp_path / "mirror.duckdb")
    assert list((tmp_path / "spool").glob("rows-*")) == []


def not_a_database(path: Path) -> None:
    path.write_bytes(b"what is this" * 1000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut_off(path: Path) -> None:
    filled(path)
    path.write_bytes(path.read_bytes()[:5000])


def checksum_wrong(path: Path) -> None:
    filled(path)
    content = bytearray(path.read_bytes())
    content[4200:4300] = b"\1" * 100
    content[8300:8400] = b"\1" * 100
    path.write_bytes(content)


def of_another_version(path: Path) -> None:
    filled(path)
    with Mirror.open(path) as mirror:
        mirror.set_meta("format", "0")


def of_somebody_else(path: Path) -> None:
    connection = duckdb.connect(str(path))
    connection.execute("CREATE TABLE precious AS SELECT 42 AS answer")
    connection.close()


@pytest.mark.parametrize(
    "spoil", [not_a_database, empty, cut_off, checksum_wrong, of_another_version, of_somebody_else]
)
def test_a_file_that_is_no_good_is_put_aside_and_begun_again(tmp_path: Path, spoil: Any) -> None:
    path = tmp_path / "mirror.duckdb"
    spoil(path)
    spoilt = path.read_bytes()
    with Mirror.open(path) as mirror:
        assert "read from the beginning" in mirror.notice
        assert mirror.columns("Account") == frozenset()
        mirror.ensure(ACCOUNT, ["Name"])
    assert (tmp_path / "mirror.duckdb.unreadable").read_bytes() == spoilt
    with Mirror.open(path) as mirror:
        assert mirror.notice == ""


def test_a_second_opening_waits_and_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mirror.duckdb"
    script = f"from connector.store.mirror import Described, Mirror; Mirror.open({str(path)!r})"
    with Mirror.open(path) as mirror:
        mirror.ensure(ACCOUNT, ["Name"])
        with pytest.raises(RetryLater, match="Another run"):
            Mirror.open(path)
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        put(mirror, ("001", at(0), "a"))
    assert "RetryLater" in other.stderr
    with Mirror.open(path) as mirror:
        assert names(mirror) == {"001": "a"}


def test_a_folder_in_its_place_is_for_a_person_to_fix(tmp_path: Path) -> None:
    (tmp_path / "mirror.duckdb").mkdir()
    with pytest.raises(FixFirst, match="rights"):
        Mirror.open(tmp_path / "mirror.duckdb")
