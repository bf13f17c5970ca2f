"""Rows written to the spool come back from it as they were, whatever line ends and quotes are in them."""

from __future__ import annotations

import csv
import gzip
from itertools import product
from pathlib import Path
from random import Random

import duckdb
import pytest

from connector.store.spool import read_csv, write_rows

TEXTS = {
    "plain": "abc",
    "line feed": 'Account 0, the "0th"\nof many',
    "carriage return": "x\ry",
    "both": "x\r\ny",
    "other way round": "x\n\ry",
    "at the end": "x\r",
    "only that": "\n",
    "a line of its own": '"\r\n"001","x"',
}
COLUMNS = {"a": "VARCHAR", "b": "VARCHAR", "c": "BIGINT"}


def read_back(file: Path, *, header: bool = False) -> list[tuple[object, ...]]:
    return duckdb.sql(f"SELECT * FROM {read_csv(file, COLUMNS, header=header)}").fetchall()


PAIRS = {f"{a}, {b}": (TEXTS[a], TEXTS[b]) for a, b in product(TEXTS, repeat=2)}


@pytest.mark.parametrize(("first", "second"), PAIRS.values(), ids=PAIRS.keys())
def test_line_ends_inside_values(tmp_path: Path, first: str, second: str) -> None:
    rows = [(first, "x", 1), (second, first, 2), ("x", second, 3)]
    write_rows(tmp_path / "rows.csv", rows)
    assert read_back(tmp_path / "rows.csv") == rows


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "packed"])
def test_as_the_org_writes_them(tmp_path: Path, packed: bool) -> None:
    """Every value in quotes, below a header; more than the reader takes at once."""
    dice, bits = Random(1), ["\n", "\r", "\r\n", '"', ",", '""', '"\r\n"', "é", "🚀", "  ", "\\", "'", '","']
    texts = ["".join(dice.choices(bits, k=n)) for n in (1, 2, 3, 5, 8, 40, 4000) for _ in range(40)]
    rows = [(f"001{n:015}", dice.choice(texts), n) for n in range(40_000)]
    file = tmp_path / ("rows.csv.gz" if packed else "rows.csv")
    with (
        gzip.open(file, "wt", 1, "utf-8", newline="") if packed else file.open("w", encoding="utf-8", newline="") as out
    ):
        writer = csv.writer(out, quoting=csv.QUOTE_ALL)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    assert read_back(file, header=True) == rows
