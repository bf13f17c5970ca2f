"""Where in a user's file an expression stands, so that every problem points at a line and a column.

Made by mapping and jobs when they read a file; used by this package to place problems.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connector.errors import Problem


@dataclass(frozen=True)
class Position:
    """The place of an expression's first character. Lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1
    lines: tuple[str, ...] = ()
    """All lines of the file; problems then show theirs with a caret."""
    pieces: tuple[tuple[int, int, int], ...] = ()
    """For text that spans lines or was unescaped: (offset in the text, line, column), ascending, from where on
    offsets count along that line. Empty: line breaks in the text are line breaks in the file, and lines after the
    first begin in column `column`."""

    @staticmethod
    def of_text(text: str, file: str) -> Position:
        """The place of an expression that is a whole text by itself, such as one given on the command line."""
        return Position(file, 1, 1, tuple(text.split("\n")))

    def locate(self, text: str, offset: int) -> tuple[int, int]:
        """Line and column in the file of `text[offset]`."""
        for start, line, column in reversed(self.pieces):
            if offset >= start:
                return line, column + offset - start
        before = text[:offset]
        return self.line + before.count("\n"), self.column + offset - (before.rfind("\n") + 1)

    def problem(self, text: str, offset: int, message: str, severity: Literal["error", "warning"] = "error") -> Problem:
        """A Problem that points at `text[offset]`."""
        line, column = self.locate(text, offset)
        source = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Problem(self.file, line, column, message, severity, source)
