"""Queries beside Salesforce on real databases: SQLite always, PostgreSQL where a server can be started."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.store.databases import Unanswered, ask_database, kind_of, with_password

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is an extra of the installation")

PATIENCE = 30.0


def answer(url: str, query: str, timeout: float = PATIENCE) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    with ask_database(url, query, timeout=timeout) as found:
        return found.columns, [tuple(row) for row in found.rows]


# --- SQLite ----------------------------------------------------------------------------------------------------


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    file = tmp_path / "a b.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE logins (account TEXT, n INTEGER)")
        connection.execute("INSERT INTO logins VALUES ('A-1', 3), ('A-2', NULL)")
    return f"sqlite:///{file}"


def test_rows_and_columns_come_as_the_query_names_them(sqlite: str) -> None:
    assert answer(sqlite, "SELECT account AS who, n FROM logins ORDER BY 1") == (
        ("who", "n"), [("A-1", 3), ("A-2", None)],
    )  # fmt: skip


def test_colons_and_percents_in_a_query_are_its_own(sqlite: str) -> None:
    assert answer(sqlite, "SELECT ':x' || '%s' AS a")[1] == [(":x%s",)]


@pytest.mark.parametrize("statement", ["DELETE FROM logins", "INSERT INTO logins VALUES ('x', 1)", "DROP TABLE logins"])
def test_nothing_is_ever_written(sqlite: str, statement: str) -> None:
    with pytest.raises(Unanswered, match="readonly"):
        answer(sqlite, statement)
    assert len(answer(sqlite, "SELECT * FROM logins")[1]) == 2


def test_a_query_that_is_wrong_and_a_database_that_is_not_there_are_told(sqlite: str, tmp_path: Path) -> None:
    with pytest.raises(Unanswered, match=r"no such table: login$"):
        answer(sqlite, "SELECT * FROM login")
    with pytest.raises(Unanswered, match="unable to open"):
        answer(f"sqlite:///{tmp_path}/none.db", "SELECT 1")
    assert not (tmp_path / "none.db").exists()


def test_rows_are_streamed(sqlite: str) -> None:
    many = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 100000) SELECT n, n || 'x' FROM t"
    with ask_database(sqlite, many, timeout=PATIENCE) as found:
        next(found.rows)
        tracemalloc.start()
        count = sum(1 for _ in found.rows)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 99_999
    assert peak < 2_000_000


# --- addresses -------------------------------------------------------------------------------------------------


def test_a_driver_that_is_not_installed_is_named() -> None:
    with pytest.raises(Unanswered, match="no driver for snowflake:// is installed"):
        answer("snowflake://reader@x/y", "SELECT 1")


def test_the_password_goes_into_the_address_and_never_into_a_message() -> None:
    url = with_password("postgresql://reader@127.0.0.1:1/x", "p@ss/word")
    assert url == "postgresql://reader:p%40ss%2Fword@127.0.0.1:1/x"
    with pytest.raises(Unanswered) as refused:
        answer(url, "SELECT 1")
    assert "word" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(True, "boolean"), (1, "number"), (Decimal("0.1"), "number"), (0.1, "number"), ("x", "text"), (b"x", "")],
)
def test_what_a_value_is(value: object, kind: str) -> None:
    assert kind_of(value) == kind


# --- PostgreSQL ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own for these tests, or the one that TEST_POSTGRES_URL names."""
    pytest.importorskip("psycopg", reason="psycopg is an extra of the installation")
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield url
        return
    if not (shutil.which("initdb") and shutil.which("pg_ctl")):
        pytest.skip("no PostgreSQL here: initdb and pg_ctl are not on the path, and TEST_POSTGRES_URL is not set")
    home = tmp_path_factory.mktemp("pg")
    as_user = unprivileged(home)
    run(as_user, "initdb", "-D", str(home / "data"), "-A", "trust", "-U", "reader", "-N")
    options = f"-k {home} -c listen_addresses='' -c fsync=off"
    run(as_user, "pg_ctl", "-D", str(home / "data"), "-o", options, "-l", str(home / "log"), "-w", "start")
    try:
        yield f"postgresql://reader@/postgres?host={home}"
    finally:
        run(as_user, "pg_ctl", "-D", str(home / "data"), "-m", "immediate", "stop")


def unprivileged(home: Path) -> dict[str, Any]:
    """PostgreSQL does not run as root: then it runs as nobody."""
    if os.geteuid() != 0:
        return {}
    for folder in (home, *home.parents[:2]):
        folder.chmod(0o755)
    shutil.chown(home, "nobody")
    return {"user": "nobody"}


def run(options: dict[str, Any], *command: str) -> None:
    done = subprocess.run(command, cwd="/tmp", capture_output=True, text=True, **options)
    if done.returncode:
        pytest.skip(f"no PostgreSQL here: {command[0]} says {done.stderr.strip()[:200]}")


def test_postgres_answers_with_exact_values_and_types(postgres: str) -> None:
    columns, rows = answer(
        postgres, "SELECT '001' AS code, 0.10::numeric AS share, 5 AS n, true AS yes, '2026-09-01'::date"
    )
    assert columns[:4] == ("code", "share", "n", "yes")
    assert [kind_of(value) for value in rows[0]] == ["text", "number", "number", "boolean", "date"]
    assert rows[0][1] == Decimal("0.10")


def test_postgres_is_asked_in_a_transaction_that_cannot_write(postgres: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres, autocommit=True) as owner:
        owner.execute("CREATE SEQUENCE numbers")
    with pytest.raises(Unanswered, match="read-only transaction"):
        answer(postgres, "SELECT nextval('numbers')")


def test_a_slow_query_is_given_up(postgres: str) -> None:
    with pytest.raises(Unanswered, match="statement timeout"):
        answer(postgres, "SELECT pg_sleep(20)", timeout=0.3)


def test_many_rows_are_streamed_from_postgres(postgres: str) -> None:
    with ask_database(
        postgres, "SELECT n, repeat('x', 100) FROM generate_series(1, 200000) n", timeout=PATIENCE
    ) as found:
        next(found.rows)
        tracemalloc.start()
        count = sum(1 for _ in found.rows)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 199_999
    assert peak < 5_000_000
