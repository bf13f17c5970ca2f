"""TOML files with the line of every key: tomllib reads, a scan of the lines finds the places."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path as FilePath

from connector.errors import Problem
from connector.files.position import Document, Path, Position

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^(\s*)((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)(\s*=\s*)")


def read_toml(path: FilePath, shown: str | None = None) -> Document:
    """The TOML file at `path`; `shown` is its name in messages. Problems are in the document, never raised."""
    name = shown or str(path)
    try:
        return parse_toml(path.read_text(encoding="utf-8-sig"), name)
    except UnicodeDecodeError as error:
        return Document(
            name, None, problems=(Problem(name, 0, 0, f"not UTF-8 text ({error.reason}); save it as UTF-8"),)
        )
    except OSError as error:
        return Document(name, None, problems=(Problem(name, 0, 0, f"cannot be read: {error.strerror}"),))


def parse_toml(text: str, file: str) -> Document:
    """`text` as TOML with exact fractions; `file` is its name in messages."""
    lines = text.splitlines()
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        return Document(file, None, problems=(_problem(str(error), file, lines),))
    keys, values = _places(lines, file)
    return Document(file, data, keys, values)


def _problem(said: str, file: str, lines: list[str]) -> Problem:
    found = re.search(r"^(.*) \(at line (\d+), column (\d+)\)$", said)
    if not found:
        return Problem(file, len(lines), 1, f"not TOML: {said}", source=lines[-1] if lines else "")
    line, column = int(found[2]), int(found[3])
    return Problem(file, line, column, f"not TOML: {found[1]}", source=lines[line - 1] if line <= len(lines) else "")


def _places(lines: list[str], file: str) -> tuple[dict[Path, Position], dict[Path, Position]]:
    keys: dict[Path, Position] = {}
    values: dict[Path, Position] = {(): Position(file, 1, 1, lines[0] if lines else "")}
    table: Path = ()
    counts: dict[Path, int] = {}
    for number, line in enumerate(lines, 1):
        if header := _HEADER.match(line):
            table = _table(header, counts)
            keys[table] = values[table] = Position(file, number, line.index("[") + 1, line)
        elif found := _KEY.match(line):
            path = (*table, *_split(found[2]))
            keys[path] = Position(file, number, found.end(1) + 1, line)
            values[path] = Position(file, number, found.end(3) + 1, line)
    return keys, values


def _table(header: re.Match[str], counts: dict[Path, int]) -> Path:
    path = _split(header[2])
    if header[1] == "[":
        return path
    counts[path] = counts.get(path, -1) + 1
    return (*path, counts[path])


def _split(dotted: str) -> Path:
    parts: list[str] = re.findall(r"\"[^\"]*\"|'[^']*'|[\w-]+", dotted)
    return tuple(part.strip("\"'") for part in parts)
