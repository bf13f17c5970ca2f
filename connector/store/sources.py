"""Tables of the mirror for what is read beside the org: one per file or query, in the schema `sources`.

Called by pull/sources.py with a file that lies in the spool already, the only place that the mirror may read. Columns
are typed by what is in them: exact numbers are DECIMAL, moments are UTC. A table is replaced as a whole or not at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from connector.store.mirror import Mirror
from connector.store.spool import LONGEST_LINE, literal, name

ROW = "_row"
WIDEST = 38
"""Digits of an exact number."""
_EXPONENTS = (26, 12)
"""Digits before and after the point of a column with numbers like 1e-7."""

_NUMBER = r"[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MOMENT = _DATE + r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?"
_IS: Mapping[str, str] = {
    "number": f"(lower($v) = 'nan' OR regexp_full_match($v, '{_NUMBER}'))",
    "date": f"regexp_full_match($v, '{_DATE}') AND TRY_CAST($v AS DATE) IS NOT NULL",
    "datetime": f"regexp_full_match($v, '{_MOMENT}') AND TRY_CAST($v AS TIMESTAMPTZ) IS NOT NULL",
    "boolean": "lower($v) IN ('true', 'false')",
    "text": "true",
}
"""Kind of column -> whether a text is such a value; the first that fits all of them is what the column holds. A number
with zeros in front is none: it is somebody's customer number. Programs write nan where they have no number."""


@dataclass(frozen=True)
class ColumnFound:
    """What a column holds; kind '' where it holds nothing at all."""

    kind: str
    before: int = 0
    after: int = 0


@dataclass(frozen=True)
class Kept:
    """What is remembered of a source that was read."""

    signature: str = ""
    """Tells this content, read for these columns and keys, from any other; '' when it has to be read every time."""
    rows: int = 0
    keyless: int = 0
    """Rows whose key is blank; they are nobody's."""
    columns: Mapping[str, ColumnFound] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredKey:
    """A column that says whose a row is, and how the table keeps it."""

    stored: str
    """The table's column of keys as they are compared: without blanks around them, of ids the common characters."""
    column: str
    """What people call it."""
    field: str
    """The subject's field whose values it holds."""
    raw: str = ""
    """Its name in what is taken in."""
    length: int = 0
    """Only so many characters are compared; 0: all."""

    def comparable(self, text: str) -> str:
        return f"left({text}, {self.length})" if self.length else text


class Unfit(Exception):
    """The content cannot be used; the message says where and what to do, as a sentence without its subject."""


def remembered(mirror: Mirror, source: str) -> Kept | None:
    """What the last complete reading found, None when there was none."""
    text = mirror.meta(_meta_key(source))
    if text is None:
        return None
    raw = json.loads(text)
    columns = {column: ColumnFound(*found) for column, found in raw.pop("columns").items()}
    return Kept(**raw, columns=columns)


def read_delimited(file: Path, header: Sequence[str], delimiter: str) -> str:
    """The table function over a CSV file in the spool; columns are called c0, c1, ... in the order of the header."""
    shape = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(len(header)))
    return (
        f"read_csv({literal(str(file))}, auto_detect = false, header = true, delim = {literal(delimiter)}, "
        f"quote = '\"', escape = '\"', nullstr = '', max_line_size = {LONGEST_LINE}, "
        f"buffer_size = {LONGEST_LINE}, columns = {{{shape}}})"
    )


def read_parquet(file: Path) -> str:
    """The table function over a Parquet file in the spool."""
    return f"read_parquet({literal(str(file))})"


def columns_of_parquet(mirror: Mirror, file: Path) -> dict[str, str]:
    """Column -> its kind by the file itself; '' for what is neither number, text, date, moment nor truth. Raises
    Unfit."""
    try:
        rows = mirror.connection.execute(f"DESCRIBE SELECT * FROM {read_parquet(file)}").fetchall()
    except duckdb.Error as error:
        raise Unfit(f"is no Parquet file that can be read ({_trouble(error)})") from error
    return {str(row[0]): _kind_of_type(str(row[1])) for row in rows}


def take_in(
    mirror: Mirror, source: str, table: str, picks: Mapping[str, str], *, kinds: Mapping[str, str],
    keys: Sequence[StoredKey], signature: str = "", before: Kept | None = None, tell: bool = True,
) -> Kept:  # fmt: skip
    """Put what `table` (a table function) gives in place of what the source's table held.

    `picks`: column -> its name in `table`; `kinds`: what a column must hold, for those where that is settled; `before`:
    what other columns held is remembered with it; `tell`: a value that does not fit may be shown. Raises Unfit, and
    then leaves everything as it was.
    """
    run = mirror.connection.execute
    try:
        run(f"CREATE OR REPLACE TEMP TABLE beside AS {_staging(table, picks, keys)}")
        _refuse_doubles(mirror, keys)
        found = {column: _found(mirror, column, kinds.get(column, ""), tell=tell) for column in picks}
        rows, keyless = run(f"SELECT count(*), count(*) FILTER (WHERE {_blank(keys)}) FROM beside").fetchone() or (0, 0)
        kept = Kept(signature, int(rows), int(keyless), found)
        _replace(mirror, source, kept, keys, before or Kept())
    except duckdb.Error as error:
        raise Unfit(f"cannot be read ({_trouble(error)})") from error
    finally:
        run("DROP TABLE IF EXISTS beside")
    return kept


def count_strangers(mirror: Mirror, source: str, key: StoredKey, subject: str) -> int:
    """How many rows have a key that no live record of `subject` has."""
    theirs = key.comparable(name(key.field))
    row = mirror.connection.execute(
        f"SELECT count(*) FROM {_table(source)} WHERE {name(key.stored)} NOT IN "
        f'(SELECT {theirs} FROM org.{name(subject)} WHERE NOT "IsDeleted" AND {name(key.field)} IS NOT NULL)'
    ).fetchone()
    return int(row[0]) if row else 0


# --- inside ---------------------------------------------------------------------------------------------------


def _staging(table: str, picks: Mapping[str, str], keys: Sequence[StoredKey]) -> str:
    """Everything as text, blanks as null, rows numbered as a person counts them: the first below the header is 2."""
    texts = [f"{_text(raw)} AS {name(column)}" for column, raw in picks.items()]
    stored = [f"{key.comparable(_text(key.raw))} AS {name(key.stored)}" for key in keys]
    return f"SELECT row_number() OVER () + 1 AS {ROW}, {', '.join([*texts, *stored])} FROM {table}"


def _text(raw: str) -> str:
    return f"NULLIF(trim(CAST({name(raw)} AS VARCHAR)), '')"


def _blank(keys: Sequence[StoredKey]) -> str:
    return " AND ".join(f"{name(key.stored)} IS NULL" for key in keys)


def _refuse_doubles(mirror: Mirror, keys: Sequence[StoredKey]) -> None:
    for key in keys:
        column = name(key.stored)
        twice = mirror.connection.execute(
            f"SELECT {column}, min({ROW}), max({ROW}), count(*) OVER () FROM beside WHERE {column} IS NOT NULL "
            f"GROUP BY {column} HAVING count(*) > 1 ORDER BY min({ROW}) LIMIT 1"
        ).fetchone()
        if twice:
            value, first, last, number = twice
            more = f" ({number:,} keys are there more than once)" if number > 1 else ""
            raise Unfit(f"has the key `{key.column}` {value!r} in the rows {first} and {last}{more}; one row for each")


def _found(mirror: Mirror, column: str, wanted: str, *, tell: bool) -> ColumnFound:
    """What a column holds. Raises Unfit where it must hold something else."""
    value = name(column)
    tests = ", ".join(f"count(*) FILTER (WHERE NOT ({test.replace('$v', value)}))" for test in _IS.values())
    row = mirror.connection.execute(f"SELECT count({value}), {tests} FROM beside WHERE {value} IS NOT NULL").fetchone()
    filled, *misfits = row or (0, 0)
    kind = wanted or (next(k for k, wrong in zip(_IS, misfits, strict=True) if not wrong) if filled else "")
    if kind and misfits[list(_IS).index(kind)]:
        _refuse_value(mirror, column, kind, tell=tell)
    return ColumnFound(kind, *_digits(mirror, column)) if kind == "number" else ColumnFound(kind)


def _refuse_value(mirror: Mirror, column: str, kind: str, *, tell: bool) -> None:
    value = name(column)
    row = mirror.connection.execute(
        f"SELECT {ROW}, {value} FROM beside WHERE {value} IS NOT NULL AND NOT ({_IS[kind].replace('$v', value)}) "
        f"ORDER BY {ROW} LIMIT 1"
    ).fetchone()
    at, text = row or (0, "")
    shown = repr(text if len(text) <= 40 else text[:37] + "...") if tell else "a value"
    raise Unfit(
        f"has {shown} as `{column}` in row {at}, which is no {kind}; correct it, or say in the mapping what the "
        f"column holds: columns: {{{column}: text}}"
    )


def _digits(mirror: Mirror, column: str) -> tuple[int, int]:
    """Digits before and after the point that hold every value of a column of numbers."""
    value = f"ltrim({name(column)}, '+-')"
    row = mirror.connection.execute(
        f"SELECT max(length(split_part({value}, '.', 1))), max(length(rtrim(split_part({value}, '.', 2), '0'))), "
        f"bool_or(contains(lower({value}), 'e')) FROM beside WHERE {name(column)} IS NOT NULL"
    ).fetchone()
    before, after, exponents = row or (0, 0, False)
    if exponents:
        before, after = _EXPONENTS
    if (before or 1) > WIDEST:
        raise Unfit(f"has a number of {before} digits as `{column}`; at most {WIDEST} fit")
    return before or 1, min(after or 0, WIDEST - (before or 1))


def _replace(mirror: Mirror, source: str, kept: Kept, keys: Sequence[StoredKey], before: Kept) -> None:
    values = [f"{_typed(column, found)} AS {name(column)}" for column, found in kept.columns.items()]
    stored = [name(key.stored) for key in keys]
    with mirror.transaction() as run:
        run.execute("CREATE SCHEMA IF NOT EXISTS sources")
        run.execute(
            f"CREATE OR REPLACE TABLE {_table(source)} AS SELECT {', '.join([ROW, *stored, *values])} FROM beside"
        )
        known = {**before.columns, **kept.columns}
        columns = {column: [found.kind, found.before, found.after] for column, found in known.items()}
        text = json.dumps({"signature": kept.signature, "rows": kept.rows, "keyless": kept.keyless, "columns": columns})
        run.execute("DELETE FROM meta.entries WHERE key = ?", [_meta_key(source)])
        run.execute("INSERT INTO meta.entries VALUES (?, ?)", [_meta_key(source), text])


def _typed(column: str, found: ColumnFound) -> str:
    value = name(column)
    match found.kind:
        case "number":
            kind = f"DECIMAL({found.before + found.after}, {found.after})"
            return f"CASE WHEN lower({value}) <> 'nan' THEN CAST({value} AS {kind}) END"
        case "date":
            return f"CAST({value} AS DATE)"
        case "datetime":
            return f"CAST(CAST({value} AS TIMESTAMPTZ) AS TIMESTAMP)"
        case "boolean":
            return f"CAST({value} AS BOOLEAN)"
        case _:
            return value


def _kind_of_type(kind: str) -> str:
    if kind.startswith(("DECIMAL", "FLOAT", "DOUBLE")) or kind.removeprefix("U") in _INTEGERS:
        return "number"
    return {"VARCHAR": "text", "DATE": "date", "BOOLEAN": "boolean"}.get(
        kind, "datetime" if kind.startswith("TIMESTAMP") else ""
    )


_INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"})


def _table(source: str) -> str:
    return f"sources.{name(source)}"


def _meta_key(source: str) -> str:
    return f"source:{source}"


_CSV_TROUBLE = (
    (r"Expected Number of Columns: (\d+) Found: (\d+)", "it has {1} values and the header {0}"),
    (r"unterminated quote", "a quote is opened there and never closed"),
    (r"Invalid unicode", "it is not UTF-8 text; save the file as CSV UTF-8"),
    (r"Maximum line size", "it is too long"),
)
"""Parts of the engine's messages, and what to say of the line."""


def _trouble(error: duckdb.Error) -> str:
    """The engine's complaint without what stands in the file, and without advice for those who write SQL."""
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    if line is None:
        return text.strip().partition("\n")[0][:300]
    for pattern, words in _CSV_TROUBLE:
        if found := re.search(pattern, text):
            return f"line {line[1]}: {words.format(*found.groups())}"
    return f"line {line[1]} is not as CSV wants it"
