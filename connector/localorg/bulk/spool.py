"""The rendered result of a query job: a temporary file and where each row ends in it.

Written once when the job completes, read by any number of downloads at once.
"""

import os
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import IO

LARGEST_PAGE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """A run of rows: how many, the row after them, and where their bytes are."""

    rows: int
    after: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Spool:
    """The rows of one result; `ends[n]` is where row n begins and row n-1 ends."""

    header: bytes
    file: IO[bytes]
    ends: "array[int]"

    @property
    def count(self) -> int:
        """How many rows there are, without the header."""
        return len(self.ends) - 1

    @property
    def size(self) -> int:
        """How many bytes the rows have."""
        return self.ends[-1]

    def page(self, first: int, most: int | None = None) -> Page:
        """The page that begins with a row: at most so many rows, and no more bytes than a page may have."""
        start = self.ends[first]
        fitting = bisect_right(self.ends, start + LARGEST_PAGE) - 1 - first
        rows = min(max(fitting, 1), self.count - first, self.count if most is None else most)
        return Page(rows, first + rows, start, self.ends[first + rows] - start)

    def read_rows(self) -> bytes:
        """The bytes of all rows, without the header."""
        return os.pread(self.file.fileno(), self.size, 0) if self.size else b""

    def read(self, page: Page) -> bytes:
        """The bytes of a page with the header before them; safe from several threads."""
        return self.header + os.pread(self.file.fileno(), page.size, page.start)


def write_spool(header: bytes, batches: Iterable[list[bytes]]) -> Spool:
    """Write rendered rows into a new temporary file, which ends with the spool."""
    file = tempfile.TemporaryFile(prefix="localorg-bulk-")  # noqa: SIM115 - lives as long as the job
    ends = array("Q", [0])
    for lines in batches:
        ends.extend(list(accumulate(map(len, lines), initial=ends[-1]))[1:])
        file.write(b"".join(lines))
    file.flush()
    return Spool(header, file, ends)
