"""The corpus: statements by what should become of them. Plain files, one statement a line, # for comments."""

from __future__ import annotations

from pathlib import Path

from connector.localorg.errors import OrgError
from connector.localorg.soql.parser import parse_soql


def read_corpus(name: str) -> list[str]:
    """The statements of one file."""
    lines = Path(__file__).with_name(f"{name}.soql").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def read_refused() -> list[tuple[str, str]]:
    """Statements of good grammar with the code that they are refused with."""
    pairs = (line.partition(" ") for line in read_corpus("refused"))
    return [(statement, code) for code, _, statement in pairs]


def we_accept(statement: str) -> bool:
    """Whether our parser accepts a statement."""
    try:
        parse_soql(statement)
    except OrgError:
        return False
    return True
