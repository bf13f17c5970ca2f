"""A page of Bulk results on its way from the wire to disk: whole, or not there at all.

Called by bulk.py. Compressed bodies stay compressed; they are unpacked on the way only to see that they are whole,
which costs about 0.3 seconds of one core per 100 MB of CSV: a body that a proxy cut between two chunks and ended
properly looks whole to HTTP, and DuckDB reads what there is of it without a word, half a last value too.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import requests

from connector.errors import FixFirst
from connector.salesforce.session import PassingFailure

_PIECE = 64 * 1024


def store_body(response: requests.Response, stem: Path) -> Path:
    """The body of a streamed answer in a file beginning with `stem`, ending in .csv.gz or .csv as it came.

    Raises PassingFailure (or what reading from the wire raises) when it is not whole, FixFirst when it cannot be kept.
    """
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in {"gzip", "identity"}:
        raise PassingFailure(f"Content-Encoding {encoding!r} was not asked for")
    is_packed = encoding == "gzip"
    part, file = stem.with_name(f"{stem.name}.part"), stem.with_name(f"{stem.name}{'.csv.gz' if is_packed else '.csv'}")
    pieces = response.raw.stream(_PIECE, decode_content=False)
    try:
        with part.open("wb") as out:
            _copy(_checked_gzip(pieces) if is_packed else _checked(pieces), out)
        part.replace(file)
        _sync_directory(file.parent)
    except OSError as error:
        raise FixFirst(f"A page of Bulk results cannot be written to {part} ({error.strerror}). {_ROOM}") from None
    finally:
        part.unlink(missing_ok=True)
    return file


_ROOM = "Make room there, or give the program's user the right to write, or name another [store] directory."


def _copy(pieces: Iterator[bytes], out: BinaryIO) -> None:
    for piece in pieces:
        out.write(piece)
    out.flush()
    os.fsync(out.fileno())


class _Lines:
    """Text on its way: whether it ends at the end of a line, outside of quotes."""

    def __init__(self) -> None:
        self._last, self._quotes = b"", 0

    def see(self, text: bytes) -> None:
        self._last, self._quotes = text[-1:] or self._last, self._quotes + text.count(b'"')

    def check(self) -> None:
        if self._last and (self._last != b"\n" or self._quotes % 2):
            raise PassingFailure("the body ends in the middle of a line")


def _checked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces as they are; PassingFailure at their end unless they are whole lines."""
    lines = _Lines()
    for piece in pieces:
        lines.see(piece)
        yield piece
    lines.check()


def _checked_gzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """As `_checked`, for whole gzip members one after the other."""
    lines = _Lines()
    unpacked = zlib.decompressobj(wbits=31)
    for piece in pieces:
        try:
            rest = piece
            while rest:
                if unpacked.eof:
                    unpacked = zlib.decompressobj(wbits=31)
                lines.see(unpacked.decompress(rest))
                rest = unpacked.unused_data
        except zlib.error as error:
            raise PassingFailure(f"the compressed body is damaged ({error})") from None
        yield piece
    if not unpacked.eof:
        raise PassingFailure("the compressed body ends before its end")
    lines.check()


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
