"""SOQL accepted and refused: a corpus of our own, and soql-parser-js as an independent reading of the grammar."""

from __future__ import annotations

import re

import pytest
from corpus import read_corpus, read_refused, we_accept
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from npm_oracle import OracleMissingError, ask
from statements import WHOLE, damaged

ACCEPTED, REJECTED, REFUSED = read_corpus("accepted"), read_corpus("rejected"), read_refused()
LEAST = 150
DIFFERENCES = {
    "we refuse AND beside OR without parentheses, as Salesforce does": r"\bAND\b.*\bOR\b|\bOR\b.*\bAND\b",
    "we refuse NOT after AND and OR, as Salesforce does": r"\b(AND|OR)\s+NOT\b",
    "they let a joining word lead a condition": r"\b(WHERE|HAVING|\()\s*(AND|OR)\b",
    "they let tests follow each other without a joining word": r"('|\))\s*(\(|[A-Z][\w.]*\s*(=|LIKE|IN|INCLUDES))",
    "they let one value stand in parentheses": r"[=<>]\s*\(",
    "they let a list stand without parentheses": r"\b(IN|INCLUDES|EXCLUDES)\s+(?!\()",
    "they let functions other than COUNT stand without a field": r"\b(?!COUNT\b)\w+\s*\(\s*\)",
    "they let functions have any number of any arguments": r"\b(COUNT|SUM)\s*\(\s*(Id, Name|1)\s*\)",
    "they let an alias have dots": r"\w+(\.\w+)?\s+\w+(\.\w+)+\s*(,|FROM)",
    "they take the word of an unfinished clause for an alias": r"\b(GROUP|ORDER|OFFSET)\Z",
    "they know that groups are not made by aggregates; we find out later": r"GROUP BY (SUM|COUNT)",
    "they let a path end in a dot": r"\w\.(\s|\Z)",
    "they ask for LIMIT before OFFSET": r"^(?!.*LIMIT).*OFFSET",
    "they do not know ALL ROWS": r"ALL ROWS\Z",
    "we refuse days and hours that are in no calendar": r"2026-02-30|T25:",
    "we refuse an OFFSET beyond 2000": r"OFFSET 2001",
}


def explained(statement: str) -> bool:
    return any(re.search(pattern, statement) for pattern in DIFFERENCES.values())


def draw(strategy: st.SearchStrategy[str], count: int) -> list[str]:
    """The same statements in every run; one Node process answers for all of them."""
    drawn: list[str] = []
    quiet = settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @quiet
    @given(strategy)
    def keep(statement: str) -> None:
        drawn.append(statement)

    keep()
    return list(dict.fromkeys(drawn))


def ask_or_skip(statements: list[str]) -> list[bool]:
    """What the oracle says, or why it says nothing."""
    try:
        return ask(statements)
    except OracleMissingError as reason:
        pytest.skip(f"soql-parser-js cannot be asked: {reason}")


def compare(statements: list[str]) -> list[str]:
    """Statements on which the two readings differ without an explanation."""
    pairs = zip(statements, ask_or_skip(statements), strict=True)
    return [f"they {'accept' if t else 'refuse'}: {s}" for s, t in pairs if we_accept(s) != t and not explained(s)]


def test_corpus_is_large_enough() -> None:
    assert len(set(ACCEPTED)) == len(ACCEPTED) >= LEAST
    assert len(set(REJECTED)) == len(REJECTED) >= LEAST


@pytest.mark.parametrize("statement", ACCEPTED)
def test_we_accept(statement: str) -> None:
    assert we_accept(statement)


@pytest.mark.parametrize("statement", REJECTED)
def test_we_reject(statement: str) -> None:
    assert not we_accept(statement)


def test_corpus_agrees_with_the_oracle() -> None:
    assert compare([*ACCEPTED, *REJECTED, *(statement for statement, _ in REFUSED)]) == []


def test_whole_statements_agree_with_the_oracle() -> None:
    whole = draw(WHOLE, 300)
    assert [s for s in whole if not we_accept(s)] == []
    assert compare(whole) == []


def test_damaged_statements_agree_with_the_oracle() -> None:
    assert compare(draw(damaged(), 600)) == []


def test_every_explanation_is_needed() -> None:
    """An explanation that explains nothing would hide the next difference."""
    statements = [*ACCEPTED, *REJECTED, *(s for s, _ in REFUSED), *EXTRA]
    theirs = ask_or_skip(statements)
    differing = [s for s, t in zip(statements, theirs, strict=True) if we_accept(s) != t]
    assert [why for why, pattern in DIFFERENCES.items() if not any(re.search(pattern, s) for s in differing)] == []


EXTRA = [
    "SELECT Id FROM Account WHERE Name = 'a' AND Industry = 'b' OR Rating = 'c'",
    "SELECT Id FROM Account WHERE Name = 'a' AND NOT Industry = 'b'",
    "SELECT SUM() FROM Account",
    "SELECT Owner.Name Owner.Name FROM Account",
    "SELECT Id FROM Account WHERE Name = 'x' OFFSET 5",
]


@pytest.mark.parametrize("statement", EXTRA[:-1])
def test_we_reject_what_the_oracle_lets_pass(statement: str) -> None:
    assert not we_accept(statement)
