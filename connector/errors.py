"""Errors, grouped by what the caller should do, and the problems found in user files.

Bottom layer: imports nothing of this package. A record that an org refuses is an Outcome (data.py), never an
exception. Every message ends with what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal


class ConnectorError(Exception):
    """Something stopped the work; `exit_code` is what the command line returns for it."""

    exit_code: ClassVar[int] = 1


class RetryLater(ConnectorError):
    """The org or the network failed in a passing way; the next run may well succeed."""

    exit_code = 1


class FixFirst(ConnectorError):
    """Settings, a file, a permission or a credential is wrong; a person fixes it before the next run."""

    exit_code = 2


class NeedsApproval(ConnectorError):
    """Going on might do harm (limits breached, bulk edit, a second installation): a person decides."""

    exit_code = 3


class QuotaExhausted(ConnectorError):
    """The org's API allowance is used up for today."""

    exit_code = 4


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a user's file. Lines and columns count from 1; 0 means the whole file."""

    file: str
    line: int
    column: int
    message: str
    severity: Literal["error", "warning"] = "error"
    source: str = ""
    """The offending line of the file, shown with a caret under `column`; empty when there is none."""

    def __str__(self) -> str:
        head = f"{self.file}:{self.line}:{self.column}: {self.message}"
        if not self.source:
            return head
        return f"{head}\n    {self.source}\n    {' ' * (self.column - 1)}^"


class FileProblems(FixFirst):
    """All problems of one or several user files, shown together."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        count = len([p for p in self.problems if p.severity == "error"])
        body = "\n".join(str(p) for p in self.problems)
        super().__init__(f"{body}\n{count} problem{'' if count == 1 else 's'}; nothing was written.")
