"""How the CSV of a job is written: delimiter and line ending. Strict reader, plain writer; knows no jobs, no fields."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from connector.localorg.bulk import refusals

DELIMITERS: Mapping[str, str] = MappingProxyType(
    {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
)
LINE_ENDINGS: Mapping[str, str] = MappingProxyType({"LF": "\n", "CRLF": "\r\n"})
_QUOTED = re.compile(r'"[^"]*"')
_VALUE = "\0"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The two settings by their API names."""

    delimiter_name: str = "COMMA"
    ending_name: str = "LF"

    @property
    def delimiter(self) -> str:
        """The character between two values."""
        return DELIMITERS[self.delimiter_name]

    @property
    def ending(self) -> str:
        """What ends a row."""
        return LINE_ENDINGS[self.ending_name]

    def write_row(self, values: Iterable[str]) -> str:
        """One row, every value quoted."""
        return self.delimiter.join(f'"{v.replace(chr(34), chr(34) * 2)}"' for v in values) + self.ending


@dataclass(frozen=True, slots=True)
class Table:
    """An upload that could be read. `header` is the first line as it was written; results repeat it."""

    header: str
    names: tuple[str, ...]
    rows: tuple[Sequence[str], ...]


def read_table(raw: bytes, dialect: Dialect) -> Table:
    """Read an upload, or raise JobFailedError: encoding, line endings, quotes, width of the rows (reference 3.2)."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise refusals.not_utf8() from None
    _check_shape(text, dialect)
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    rows = [r for r in csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter) if r]
    if not rows:
        raise refusals.no_rows()
    names = tuple(rows[0])
    wrong = next((n for n, row in enumerate(rows[1:], start=1) if len(row) != len(names)), None)
    if wrong is not None:
        raise refusals.row_too_long(wrong, len(rows[wrong]), len(names))
    return Table(_first_line(text, dialect), names, tuple(rows[1:]))


def _check_shape(text: str, dialect: Dialect) -> None:
    """Line endings and quotes, judged with all quoted text taken out."""
    bare = _QUOTED.sub(_VALUE, text).replace(_VALUE + _VALUE, _VALUE)
    rest = bare.replace("\r\n", "") if dialect.ending_name == "CRLF" else bare
    if "\r" in rest or (dialect.ending_name == "CRLF" and "\n" in rest):
        raise refusals.line_ending_wrong(dialect.ending_name)
    edge = re.escape(dialect.delimiter) + "\r\n" + _VALUE
    if '"' in bare or re.search(f"[^{edge}]{_VALUE}|{_VALUE}[^{edge}]", bare):
        raise refusals.quote_not_escaped()


def _first_line(text: str, dialect: Dialect) -> str:
    at = 0
    while True:
        end = text.find(dialect.ending, at)
        if end < 0:
            return text
        if text.count('"', 0, end) % 2 == 0:
            return text[:end]
        at = end + 1
