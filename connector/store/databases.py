"""Queries on databases beside the org, through SQLAlchemy and whatever driver the address asks for.

Called by pull/sources.py. Reads only: the transaction is read-only where the database knows such a thing, and is rolled
back in any case. Rows are streamed, so that memory stays flat. SQLAlchemy and the drivers are extras of the
installation; without them only facts over queries are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

_PAGE = 1000
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"), (int, "number"), (Decimal, "number"), (float, "number"), (datetime, "datetime"),
    (date, "date"), (str, "text"),
)  # fmt: skip
"""What Python makes of a column -> its kind; the first that fits."""
_READ_ONLY = {
    "postgresql": "SET TRANSACTION READ ONLY", "mysql": "SET TRANSACTION READ ONLY",
    "mariadb": "SET TRANSACTION READ ONLY", "sqlite": "PRAGMA query_only = ON",
}  # fmt: skip
_TIME_LIMIT = {
    "postgresql": "SET LOCAL statement_timeout = {ms}", "mysql": "SET SESSION max_execution_time = {ms}",
    "mariadb": "SET SESSION max_statement_time = {s}",
}  # fmt: skip
_CONNECT_LIMIT = {"postgresql": "connect_timeout", "mysql": "connect_timeout", "mariadb": "connect_timeout"}
_EXTRAS = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql",
            "mariadb": "mariadb+pymysql"}  # fmt: skip
"""Drivers that the extras bring, for addresses that name none."""


class Unanswered(Exception):
    """The database could not be reached, or refused the query; the message never holds the password."""


@dataclass(frozen=True)
class Answer:
    """A query's rows, to be taken once, inside the block."""

    columns: tuple[str, ...]
    rows: Iterator[Sequence[Any]]
    knows_types: bool
    """A text from this database is a text; one from a database without types may be anything."""


@contextmanager
def ask_database(url: str, query: str, *, timeout: float) -> Iterator[Answer]:
    """The answer to `query`, for as long as the block lasts; `timeout` in seconds. Raises Unanswered."""
    engine = _engine(url, timeout)
    try:
        with _told_without_secrets(url), engine.connect() as connection:
            _restrict(connection, engine.dialect.name, timeout)
            result = connection.execution_options(stream_results=True, yield_per=_PAGE).exec_driver_sql(query)
            rows = (tuple(row) for row in result)
            yield Answer(tuple(result.keys()), rows, engine.dialect.name != "sqlite")
            connection.rollback()
    finally:
        engine.dispose()


def kind_of(value: Any) -> str:
    """The kind of column that a value belongs in; '' for what has no kind here."""
    return next((kind for of, kind in _TYPES if isinstance(value, of)), "")


def with_password(url: str, password: str) -> str:
    """The address with the password in it, where one is given apart."""
    if not password:
        return url
    found = re.match(r"^([\w+.-]+://)([^@/:]*)(?::[^@/]*)?@(.*)$", url)
    return f"{found[1]}{found[2]}:{quote(password, safe='')}@{found[3]}" if found else url


def _engine(url: str, timeout: float) -> Engine:
    scheme, _, rest = url.partition("://")
    dialect = scheme.partition("+")[0]
    try:
        from sqlalchemy import create_engine, pool
    except ImportError as error:
        raise Unanswered(_missing(dialect)) from error
    limit = _CONNECT_LIMIT.get(dialect)
    arguments = {limit: max(1, int(min(timeout, 30)))} if limit else {}
    try:
        with _told_without_secrets(url):
            address = _read_only_file(rest) if scheme == "sqlite" else f"{_DRIVERS.get(scheme, scheme)}://{rest}"
            return create_engine(address, poolclass=pool.NullPool, connect_args=arguments, hide_parameters=True)
    except ImportError as error:
        raise Unanswered(_missing(dialect)) from error


def _read_only_file(rest: str) -> str:
    """SQLite would make a file that is not there."""
    return f"sqlite:///file:{quote(rest[1:])}?mode=ro&uri=true"


def _missing(dialect: str) -> str:
    extra = _EXTRAS.get(dialect)
    if extra:
        return f"its driver is not installed; pip install 'lifecycle-connector[{extra}]'"
    return f"no driver for {dialect}:// is installed; install the SQLAlchemy dialect of that database"


def _restrict(connection: Connection, dialect: str, timeout: float) -> None:
    limit = _TIME_LIMIT.get(dialect)
    for statement in (_READ_ONLY.get(dialect), limit):
        if statement:
            connection.exec_driver_sql(statement.format(ms=int(timeout * 1000), s=timeout))


@contextmanager
def _told_without_secrets(url: str) -> Iterator[None]:
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

    try:
        yield
    except NoSuchModuleError as error:
        raise Unanswered(_missing(url.partition("://")[0].partition("+")[0])) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise Unanswered(_without_secrets(_first_line(str(cause) or type(cause).__name__), url)) from error


def _without_secrets(text: str, url: str) -> str:
    found = re.match(r"^[\w+.-]+://[^@/:]*:([^@/]+)@", url)
    return text.replace(found[1], "***") if found else text


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:300] if lines else "no reason given"
