"""Files beside the org on their way into the spool: found below their directory, copied, their header read.

Called by sources.py. A mapping's author names files; which directories may be read is for settings to say, and no path
leads out of them. A file that changes while it is copied is left for the next run.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from connector.store.sources import Unfit

DELIMITERS = (",", ";", "\t", "|")
_LONGEST_FIELD = 2_000_000


class Absent(Exception):
    """There is no such file, or nobody said where it is; the message says what to do, as a sentence."""


@dataclass(frozen=True)
class FoundFile:
    """A file as it was found."""

    path: Path
    size: int
    stamp: int
    """When it was written, in nanoseconds."""

    @property
    def written(self) -> datetime:
        return datetime.fromtimestamp(self.stamp / 1e9, UTC)

    @property
    def signature(self) -> str:
        return f"{self.size} {self.stamp}"

    @property
    def kind(self) -> str:
        """`.csv`, `.tsv`, `.parquet`, `.jsonl`, `.ndjson`; whether it is packed does not count."""
        return Path(self.path.name.lower().removesuffix(".gz")).suffix

    @property
    def is_packed(self) -> bool:
        return self.path.name.lower().endswith(".gz")


def find_file(directory: Path, below: str) -> FoundFile:
    """The file `below` a directory, links followed. Raises Absent, and Unfit for one that lies elsewhere."""
    try:
        root = directory.resolve(strict=True)
        path = (root / below).resolve(strict=True)
        if not path.is_relative_to(root):
            raise Unfit(f"lies outside of {directory}, which is all that may be read; put the file itself there")
        if not path.is_file():
            raise Unfit("is no file")
        stat = path.stat()
    except OSError as error:
        raise Absent(
            f"{directory / below} cannot be opened ({error.strerror}); deliver it, or correct the path"
        ) from error
    return FoundFile(path, stat.st_size, stat.st_mtime_ns)


def copy_file(found: FoundFile, folder: Path) -> Path:
    """A copy in the spool, unpacked. Raises Unfit, also when somebody wrote to the file meanwhile."""
    copy = folder / f"source{found.kind}"
    try:
        with _open(found) as source, copy.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
        stat = found.path.stat()
    except (OSError, EOFError) as error:
        raise Unfit(f"cannot be read ({error})") from error
    if (stat.st_size, stat.st_mtime_ns) != (found.size, found.stamp):
        raise Unfit("was written while it was being read; the next run tries again")
    return copy


def _open(found: FoundFile) -> Any:
    return gzip.open(found.path) if found.is_packed else found.path.open("rb")


@dataclass(frozen=True)
class Header:
    """The first line of a CSV file."""

    names: tuple[str, ...]
    delimiter: str


def read_header(copy: Path) -> Header:
    """The header, with the delimiter that makes most of it. Raises Unfit."""
    best = max((_header(copy, delimiter) for delimiter in DELIMITERS), key=lambda h: len(h.names))
    if not any(best.names):
        raise Unfit("has no header; its first line must name the columns")
    return best


def _header(copy: Path, delimiter: str) -> Header:
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with copy.open(encoding="utf-8-sig", newline="") as lines:
            return Header(tuple(next(csv.reader(lines, delimiter=delimiter), ())), delimiter)
    except UnicodeDecodeError as error:
        raise Unfit("is not UTF-8 text; save it as CSV UTF-8") from error
    except csv.Error as error:
        raise Unfit(f"is no CSV file that can be read ({error})") from error


# --- JSON lines -----------------------------------------------------------------------------------------------


def names_in_lines(copy: Path) -> tuple[str, ...]:
    """Every name that some line gives a value to, in the order of their appearance. Raises Unfit."""
    names: dict[str, None] = {}
    for record in _records(copy):
        names.update(dict.fromkeys(record))
    return tuple(names)


def rows_of_lines(copy: Path, names: Sequence[str]) -> Iterator[list[Any]]:
    """The values of each line, numbers as they are written. Raises Unfit."""
    for record in _records(copy):
        yield [_plain(record.get(name)) for name in names]


def _records(copy: Path) -> Iterator[dict[str, Any]]:
    with copy.open("rb") as raw, TextIOWrapper(raw, encoding="utf-8-sig") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    record = json.loads(line, parse_float=Decimal)
                    if not isinstance(record, dict):
                        raise Unfit(f"has something else than an object in line {number}")
                    yield record
        except UnicodeDecodeError as error:
            raise Unfit("is not UTF-8 text") from error
        except ValueError as error:
            raise Unfit(f"has no JSON in line {number} ({error})") from error


def _plain(value: Any) -> Any:
    return json.dumps(value, default=str) if isinstance(value, (dict, list)) else value
