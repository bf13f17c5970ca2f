"""Files and databases beside the org, read into the mirror for the facts that name them.

Called by run.py after the pull, and by the check of files without an org. A source that cannot be used is reported
like an object that was not completely pulled: facts over it are unknown with that reason, everything else goes on.
Nothing here is remembered between runs but what a file held that has not changed since.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.data import ObjectPull
from connector.describe import FieldDescribe, ObjectDescribe, nearest
from connector.mapping.sources import UNTYPED, Source, column_field
from connector.mapping.values import COMMON_ID, KeyColumn
from connector.pull.source_files import (
    Absent,
    FoundFile,
    copy_file,
    find_file,
    names_in_lines,
    read_header,
    rows_of_lines,
)
from connector.settings import SourceSettings
from connector.store.databases import Answer, Unanswered, ask_database, kind_of, with_password
from connector.store.mirror import Mirror
from connector.store.sources import (
    ColumnFound,
    Kept,
    StoredKey,
    Unfit,
    columns_of_parquet,
    count_strangers,
    read_delimited,
    read_parquet,
    remembered,
    take_in,
)
from connector.store.spool import write_rows

Columns = Mapping[str, Sequence[tuple[str, str]]]
"""Column in lower case -> every one that is called so: its spelling, its name in the table function."""
Progress = Callable[[str], None]
Places = Mapping[str, SourceSettings]
SPOOLED = "rows-"
"""Folders in the spool with this name are cleared when a killed process has left them."""


@dataclass(frozen=True)
class SourceRead:
    """How the reading of one source ended."""

    pull: ObjectPull
    describe: ObjectDescribe
    """The columns that there are; those that facts want and that are missing, without a type."""
    columns: ObjectDescribe | None = None
    """Only what is really there; None when that could not be seen."""
    absent: bool = False
    """There is no such file, or settings name no such place: nothing is wrong with the mapping."""


@dataclass(frozen=True)
class _Content:
    """What a source holds, ready to be taken in from the spool."""

    table: str
    """The table function over it."""
    names: tuple[tuple[str, str], ...]
    """Every column as the source spells it, and its name in `table`."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """What the source itself says its columns hold."""


def read_sources(
    mirror: Mirror, sources: Iterable[Source], places: Places, as_of: datetime, *, subject: str = "",
    databases: bool = True, progress: Progress = lambda _: None,
) -> dict[str, SourceRead]:  # fmt: skip
    """Every source by its name; without `databases` only files. `subject`: the sObject whose records in the mirror the
    rows are about; '' where no records were pulled."""
    found: dict[str, SourceRead] = {}
    for source in sources:
        if databases or source.path:
            read = _read(mirror, source, places, as_of, progress)
            found[source.name] = replace(read, pull=_with_strangers(mirror, source, read.pull, subject))
    return found


def _read(mirror: Mirror, source: Source, places: Places, as_of: datetime, progress: Progress) -> SourceRead:
    before = remembered(mirror, source.name) or Kept()
    try:
        place = _place_of(source, places)
        if source.path:
            kept, hidden, written = _read_file(mirror, source, place, before)
        else:
            kept, hidden, written = *_read_database(mirror, source, place, before), as_of
    except (Absent, Unfit, Unanswered) as error:
        told = str(error) if isinstance(error, Absent) else f"{source.shown} {error}."
        pull = ObjectPull(source.name, False, told)
        return SourceRead(pull, _describe(source, before), absent=isinstance(error, Absent))
    progress(f"{source.shown}: {kept.rows} rows")
    notices = (f"{source.shown}: rows without a key, which are nobody's: {kept.keyless:,}.",) if kept.keyless else ()
    pull = ObjectPull(source.name, True, read=kept.rows, hidden=hidden, written=written, notices=notices)
    return SourceRead(pull, _describe(source, kept), ObjectDescribe(source.name, source.shown, _fields(kept)))


def _place_of(source: Source, places: Places) -> SourceSettings:
    place = places.get(source.place)
    wanted = "directory" if source.path else "url"
    if place is None or not (place.directory if source.path else place.url.get_secret_value()):
        raise Absent(
            f"{source.shown} cannot be found: config.toml has no [sources.{source.place}] with a {wanted}. Add it."
        )
    return place


def _describe(source: Source, kept: Kept) -> ObjectDescribe:
    """The columns as fields; what facts want and nobody has seen has no type."""
    fields = _fields(kept)
    known = {column.lower() for column in fields}
    for column in sorted(source.columns):
        if column.lower() not in known:
            fields[column] = column_field(column, UNTYPED)
    return ObjectDescribe(source.name, source.shown, fields)


def _fields(kept: Kept) -> dict[str, FieldDescribe]:
    return {c: column_field(c, f.kind, f.before, f.after) for c, f in kept.columns.items()}


# --- one source -----------------------------------------------------------------------------------------------


def _read_file(
    mirror: Mirror, source: Source, place: SourceSettings, before: Kept
) -> tuple[Kept, dict[str, str], datetime]:
    found = find_file(place.directory or Path(), source.path)
    signature = _signature(source, found)
    if before.signature == signature:
        return before, {}, found.written
    with tempfile.TemporaryDirectory(dir=mirror.spool, prefix=SPOOLED) as folder:
        content = _content_of_file(mirror, found, Path(folder))
        kept, hidden = _take(mirror, source, content, before, signature)
    return kept, hidden, found.written


def _signature(source: Source, found: FoundFile) -> str:
    """Changes with the file, and with what is wanted of it."""
    wishes = [sorted(source.columns), [str(key) for key in sorted(source.keys)], dict(source.declared)]
    return f"{found.signature} {json.dumps(wishes, sort_keys=True)}"


def _content_of_file(mirror: Mirror, found: FoundFile, folder: Path) -> _Content:
    copy = copy_file(found, folder)
    match found.kind:
        case ".parquet":
            kinds = columns_of_parquet(mirror, copy)
            return _Content(read_parquet(copy), tuple((name, name) for name in kinds), kinds)
        case ".jsonl" | ".ndjson":
            names = names_in_lines(copy)
            return _spool(folder, names, rows_of_lines(copy, names))
        case _:
            header = read_header(copy)
            table = read_delimited(copy, header.names, header.delimiter)
            return _Content(table, _numbered(header.names))


def _read_database(mirror: Mirror, source: Source, place: SourceSettings, before: Kept) -> tuple[Kept, dict[str, str]]:
    url = with_password(place.url.get_secret_value(), place.password.get_secret_value())
    with tempfile.TemporaryDirectory(dir=mirror.spool, prefix=SPOOLED) as folder:
        with ask_database(url, source.query, timeout=place.timeout) as answer:
            seen: list[set[str]] = [set() for _ in answer.columns]
            content = _spool(Path(folder), answer.columns, _watched(answer, seen))
        kinds = {c: min(k) for c, k in zip(answer.columns, seen, strict=True) if len(k) == 1 and "" not in k}
        return _take(mirror, source, replace(content, kinds=kinds), before, "")


def _watched(answer: Answer, seen: Sequence[set[str]]) -> Iterator[Sequence[Any]]:
    """The rows, with what their columns hold noted on the way; a text of a database without types may be anything."""
    for row in answer.rows:
        for value, kinds in zip(row, seen, strict=True):
            if value is not None and (answer.knows_types or not isinstance(value, str)):
                kinds.add(kind_of(value))
        yield [_in_utc(value) for value in row]


def _in_utc(value: Any) -> Any:
    """A moment without a zone is taken for UTC, wherever this program runs."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _spool(folder: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> _Content:
    file = folder / "rows.csv"
    write_rows(file, _headed(names, rows))
    return _Content(read_delimited(file, names, ","), _numbered(names))


def _headed(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    yield names
    yield from rows


def _numbered(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, f"c{n}") for n, name in enumerate(names))


# --- columns --------------------------------------------------------------------------------------------------


def column_name(header: str) -> str:
    """How a mapping names a column: `Net Promoter Score` is Net_Promoter_Score."""
    return re.sub(r"\W+", "_", header.strip()).strip("_")


def _take(
    mirror: Mirror, source: Source, content: _Content, before: Kept, signature: str
) -> tuple[Kept, dict[str, str]]:
    """Into the mirror; columns that facts want and that are missing come back with the reason. Raises Unfit."""
    columns: dict[str, list[tuple[str, str]]] = {}
    for name, raw in content.names:
        columns.setdefault(column_name(name).lower(), []).append((column_name(name), raw))
    keys = [_stored_key(key, columns) for key in sorted(source.keys)]
    single = {low: found[0] for low, found in columns.items() if len(found) == 1}
    wanted = sorted({column.lower() for column in source.columns} & single.keys())
    hidden = {c: f"{source.shown} {_no_column(c, columns)}." for c in source.columns if c.lower() not in single}
    kept = take_in(
        mirror, source.name, content.table, dict(single[low] for low in wanted), keys=keys,
        kinds=_settled_kinds(source, content, before), signature="" if hidden else signature, before=before,
        tell=not source.sensitive,
    )  # fmt: skip
    others = {spelled: ColumnFound(UNTYPED) for low, (spelled, _) in single.items() if low not in wanted}
    return replace(kept, columns={**others, **kept.columns}), hidden


def _settled_kinds(source: Source, content: _Content, before: Kept) -> dict[str, str]:
    """Column -> what it must hold: as the mapping declares it, else as the source itself says, else as ever."""
    spelled = {column_name(name).lower(): column_name(name) for name, _ in content.names}
    kinds = {column: found.kind for column, found in before.columns.items() if found.kind}
    kinds |= {column_name(name): kind for name, kind in content.kinds.items() if kind}
    return kinds | {spelled.get(column.lower(), column): kind for column, kind in source.declared.items()}


def _stored_key(key: KeyColumn, columns: Columns) -> StoredKey:
    names = columns.get(key.column.lower(), [])
    if len(names) != 1:
        raise Unfit(f"{_no_column(key.column, columns)}, which the mapping names as its key")
    return _stored(key, names[0][1])


def _stored(key: KeyColumn, raw: str = "") -> StoredKey:
    return StoredKey(key.stored, key.column, key.field, raw, COMMON_ID if key.field == "Id" else 0)


def _no_column(column: str, columns: Columns) -> str:
    names = [found[0][0] for found in columns.values()]
    if len(columns.get(column.lower(), ())) > 1:
        return f"has the column `{column}` twice"
    hint = nearest(column, names)
    told = f"did you mean `{hint}`?" if hint else f"it has: {', '.join(names[:12])}"
    return f"has no column `{column}` ({told})"


# --- whose rows they are --------------------------------------------------------------------------------------


def _with_strangers(mirror: Mirror, source: Source, pull: ObjectPull, subject: str) -> ObjectPull:
    """The same, with how many rows are nobody's; when all of them are, the source is of no use."""
    for key in sorted(source.keys):
        if not pull.complete or not pull.read or key.field not in mirror.columns(subject):
            return pull
        nobodys = f"rows belong to no {subject} (`{key.column}` is the {key.field} of none)"
        strangers = count_strangers(mirror, source.name, _stored(key), subject)
        if strangers == pull.read:
            reason = f"{source.shown}: all {nobodys}. Correct `key` in the mapping, or the file."
            return replace(pull, complete=False, reason=reason)
        if strangers:
            told = f"{source.shown}: {strangers:,} of {pull.read:,} {nobodys}."
            pull = replace(pull, notices=(*pull.notices, told))
    return pull
