"""Uploads as Salesforce reads them: encoding, line endings, quotes, width; and the spool that results are read from."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.localorg.bulk.dialect import DELIMITERS, LINE_ENDINGS, Dialect, read_table
from connector.localorg.bulk.refusals import JobFailedError
from connector.localorg.bulk.spool import write_spool

READ: dict[str, tuple[str, Dialect, tuple[str, ...], list[list[str]]]] = {
    "plain": ("Name,Phone\nA,1\n", Dialect(), ("Name", "Phone"), [["A", "1"]]),
    "quoted": ('"Name","Phone"\n"A","1"\n', Dialect(), ("Name", "Phone"), [["A", "1"]]),
    "no end of the last line": ("Name\nA", Dialect(), ("Name",), [["A"]]),
    "delimiter inside quotes": ('Name\n"A, B"\n', Dialect(), ("Name",), [["A, B"]]),
    "new lines inside quotes": ('Name\n"A\r\nB\nC"\n', Dialect(), ("Name",), [["A\r\nB\nC"]]),
    "quotes inside quotes": ('Name\n"""A"""\n', Dialect(), ("Name",), [['"A"']]),
    "an empty quoted value": ('Name,Phone\n"",""\n', Dialect(), ("Name", "Phone"), [["", ""]]),
    "a blank line": ("Name\nA\n\nB\n", Dialect(), ("Name",), [["A"], ["B"]]),
    "another dialect": ('Name|"P|Q"\r\nA|""\r\n', Dialect("PIPE", "CRLF"), ("Name", "P|Q"), [["A", ""]]),
    "only a header": ("Name\n", Dialect(), ("Name",), []),
    "another alphabet": ("Name\nΩmega 🦄\n", Dialect(), ("Name",), [["Ωmega 🦄"]]),
}

LINE_ENDING = "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {}"
QUOTE = "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote"
FAILED: dict[str, tuple[bytes, Dialect, str]] = {
    "CRLF in an LF job": (b"Name\r\nA\r\n", Dialect(), LINE_ENDING.format("LF")),
    "LF in a CRLF job": (b"Name\nA\n", Dialect(ending_name="CRLF"), LINE_ENDING.format("CRLF")),
    "one wrong line among many": (b"Name\nA\nB\r\nC\n", Dialect(), LINE_ENDING.format("LF")),
    "one LF line in a CRLF job": (b"Name\r\nA\nB\r\n", Dialect(ending_name="CRLF"), LINE_ENDING.format("CRLF")),
    "BOM before a quoted header": (b'\xef\xbb\xbf"Name"\nA\n', Dialect(), QUOTE),
    "a quote inside a bare value": (b'Name\n5" pipe\n', Dialect(), QUOTE),
    "quotes around a part of a value": (b'Name\nA "B" C\n', Dialect(), QUOTE),
    "a quote that never ends": (b'Name\n"A\n', Dialect(), QUOTE),
    "Latin-1": (
        "Name\nZürich\n".encode("latin-1"),
        Dialect(),
        "InvalidBatch : Failed to parse CSV. The data is not UTF-8",
    ),
    "a row too long": (
        b"Name\nA\nB,C\n",
        Dialect(),
        "InvalidBatch : Failed to parse CSV. Row 2 has 2 values for 1 columns",
    ),
    "a row too short": (
        b"Name,Phone\nA\n",
        Dialect(),
        "InvalidBatch : Failed to parse CSV. Row 1 has 1 values for 2 columns",
    ),
    "nothing": (b"", Dialect(), "InvalidBatch : Records not found"),
    "nothing but lines": (b"\n\n", Dialect(), "InvalidBatch : Records not found"),
}


@pytest.mark.parametrize(("text", "dialect", "names", "rows"), READ.values(), ids=READ)
def test_upload_is_read(text: str, dialect: Dialect, names: tuple[str, ...], rows: list[list[str]]) -> None:
    table = read_table(text.encode(), dialect)
    assert (table.names, list(table.rows)) == (names, rows)


@pytest.mark.parametrize(("raw", "dialect", "text"), FAILED.values(), ids=FAILED)
def test_upload_fails_the_job(raw: bytes, dialect: Dialect, text: str) -> None:
    with pytest.raises(JobFailedError) as failed:
        read_table(raw, dialect)
    assert str(failed.value) == text


def test_bom_becomes_part_of_a_bare_header() -> None:
    assert read_table(b"\xef\xbb\xbfName\nA\n", Dialect()).names == ("\ufeffName",)


def test_header_is_kept_as_it_was_written() -> None:
    assert read_table(b'"A\nB",C\n1,2\n', Dialect()).header == '"A\nB",C'


cells = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8)
tables = st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), min_size=1, max_size=5))


@settings(max_examples=200, deadline=None)
@given(tables, st.sampled_from(sorted(DELIMITERS)), st.sampled_from(sorted(LINE_ENDINGS)))
def test_what_is_written_is_read_back(rows: list[list[str]], delimiter: str, ending: str) -> None:
    dialect = Dialect(delimiter, ending)
    text = "".join(dialect.write_row(row) for row in rows)
    table = read_table(text.encode(), dialect)
    assert [list(table.names), *map(list, table.rows)] == rows
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter)) == rows


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.binary(max_size=9), max_size=4), max_size=5), st.integers(1, 6))
def test_pages_of_a_spool_are_all_of_it(batches: list[list[bytes]], most: int) -> None:
    lines = [line for batch in batches for line in batch]
    spool = write_spool(b"H", batches)
    first, found = 0, b""
    while first < spool.count:
        page = spool.page(first, most)
        assert 1 <= page.rows <= most
        found += spool.read(page)[1:]
        first = page.after
    assert (spool.count, found) == (len(lines), b"".join(lines))
