"""The mirror's file: attached, locked down, put aside when it is no good. Called by mirror.py only."""

from __future__ import annotations

import os
import shutil
from importlib.resources import files
from pathlib import Path

import duckdb

from connector.errors import FixFirst, RetryLater
from connector.store.spool import literal

FORMAT = "2"
"""Version of the tables in the file; a mirror of another version is put aside and pulled again."""

SPOOLED = "rows-"
"""Folders in the spool with this name hold the rows of one store() call; left behind only by a killed process."""

_ENGINE_FORMAT = "v1.4.0"
"""Storage version that DuckDB 1.4 to 2.x can all open; the engine's own default is not readable by older ones."""


def open_in_memory(spool: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """A mirror that ends with the process."""
    connection = duckdb.connect(":memory:")
    _lock_down(connection, spool, memory_limit)
    _make_tables(connection)
    return connection


def open_file(path: Path, spool: Path, memory_limit: str) -> tuple[duckdb.DuckDBPyConnection, str]:
    """The mirror at `path`, made when absent, and a notice if an older file had to be put aside for it.

    Raises RetryLater when another process has the file open, FixFirst when the file cannot be reached.
    """
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return _attach(path, spool, memory_limit), ""
    except duckdb.Error as error:
        why = _what_is_wrong(path, error)
    except _OtherFormat as error:
        why = str(error)
    aside = _put_aside(path)
    connection = _attach(path, spool, memory_limit)
    return connection, f"{path} {why}; it was kept as {aside.name} and the org is being read from the beginning."


def _attach(path: Path, spool: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    try:
        new = not path.exists()
        connection.execute(f"ATTACH {literal(str(path))} AS mirror (STORAGE_VERSION '{_ENGINE_FORMAT}')")
        os.chmod(path, 0o600)
        _clear(spool)  # nobody else is spooling: the file is ours now
        connection.execute("USE mirror")
        _lock_down(connection, spool, memory_limit)
        if not new:
            _check_format(connection)
        _make_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _lock_down(connection: duckdb.DuckDBPyConnection, spool: Path, memory_limit: str) -> None:
    """No network, no extensions, no files but the spool: text from an org must never reach further than its table."""
    for setting in (
        f"temp_directory = {literal(str(spool))}",
        f"memory_limit = {literal(memory_limit)}",
        "TimeZone = 'UTC'",
        "wal_autocheckpoint = '256MB'",  # at the default every page of a large result waits for one
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        f"allowed_directories = [{literal(str(spool))}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")


def _make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    text = files("connector.store").joinpath("mirror.sql").read_text(encoding="utf-8")
    connection.execute(f"BEGIN; {text}; COMMIT")
    if _format(connection) is None:
        connection.execute("INSERT INTO meta.entries VALUES ('format', ?)", [FORMAT])


def _check_format(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        found = _format(connection)
    except duckdb.CatalogException:
        found = None  # a new file whose first transaction never happened, or not a mirror at all
    if found != FORMAT:
        raise _OtherFormat(f"has format {found or 'unknown'}, this program writes format {FORMAT}")


def _format(connection: duckdb.DuckDBPyConnection) -> str | None:
    row = connection.execute("SELECT value FROM meta.entries WHERE key = 'format'").fetchone()
    return str(row[0]) if row else None


# --- files that are no good -----------------------------------------------------------------------------------


class _OtherFormat(Exception):
    pass


_IN_USE = ("Could not set lock", "already attached")
_DAMAGED = ("not a valid DuckDB", "Corrupt", "Could not read enough bytes", "version number", "replaying WAL")
"""Parts of the engine's messages for a file that no retry and no permission will make readable."""


def _what_is_wrong(path: Path, error: duckdb.Error) -> str:
    """What is wrong with a file that can only be given up; raises for one that may be good."""
    said = str(error).splitlines()[0]
    if any(part in said for part in _IN_USE):
        raise RetryLater(f"Another run has {path} open. Wait until it has ended, then try again.") from error
    if not any(part in said for part in _DAMAGED):
        raise FixFirst(
            f"{path} cannot be opened ({said}). Check the folder's owner, rights and free space; the file itself may "
            "be deleted at any time, its records are then read again."
        ) from error
    return f"could not be read ({said})"


def _clear(spool: Path) -> None:
    for left in spool.glob(SPOOLED + "*"):
        shutil.rmtree(left, ignore_errors=True)


def _put_aside(path: Path) -> Path:
    aside = path.with_name(path.name + ".unreadable")
    path.replace(aside)
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
    return aside
