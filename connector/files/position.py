"""Where something stands in a user's file, and the file as read: plain data with the place of every key and value.

Used by everything that reads users' files, to say file, line and column with each problem.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from connector.errors import Problem

Path = tuple[str | int, ...]
"""Keys and list indexes from the top of a file down to a value."""


@dataclass(frozen=True)
class Position:
    """A place in a file. Lines and columns count from 1; 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0
    source: str = ""
    """The line as written, without its end."""
    more: tuple[tuple[int, int, int, str], ...] = ()
    """For a value over several lines: (offset in the value, line, column, source) of each later line."""

    def shifted(self, offset: int) -> Position:
        """The place `offset` characters into the value that starts here."""
        start, line, column, source = 0, self.line, self.column, self.source
        for piece in self.more:
            if piece[0] <= offset:
                start, line, column, source = piece
        return Position(self.file, line, column + offset - start if line else 0, source)

    def problem(self, message: str, *, offset: int = 0, severity: Literal["error", "warning"] = "error") -> Problem:
        """A problem here, or `offset` characters into the value that starts here."""
        at = self.shifted(offset)
        return Problem(at.file, at.line, at.column, message, severity, at.source)


@dataclass(frozen=True)
class Document:
    """A user's file as plain data (dict, list, str, int, Decimal, bool, date, datetime, None)."""

    file: str
    data: Any
    keys: Mapping[Path, Position] = field(default_factory=dict)
    """Where the key (or the dash) that leads to a path is written."""
    values: Mapping[Path, Position] = field(default_factory=dict)
    """Where the value at a path begins; for quoted text, after the quote."""
    problems: tuple[Problem, ...] = ()
    """What was wrong with the file itself; the data is then read as it was probably meant."""

    def at(self, path: Path) -> Position:
        """Where the value at `path` stands, or the nearest thing around it that is in the file."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Position(self.file))

    def key_at(self, path: Path) -> Position:
        """Where the key that leads to `path` stands, or the nearest thing around it."""
        return self.keys.get(path) or self.at(path)
