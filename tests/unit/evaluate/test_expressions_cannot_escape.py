# ruff: noqa: E501  (tables of words)
"""Hostile input: whatever is written ends as a Problem or as a value, soon, and no text of it becomes SQL.

Token soup over everything that the language knows, and well-formed trees with hostile texts in them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mirrored import Book as MirroredBook
from mirrored import care
from small_book import ALONE, BLANK, FULL, SCOPE, Book, Rows
from sqlglot import tokenize
from sqlglot.tokens import TokenType
from test_lower_runs import ANY

from connector.errors import FileProblems
from connector.evaluate.lower import lower, lower_aggregate
from connector.mapping.language import Expression, Position, aggregates_in, parse
from connector.mapping.language.functions import FUNCTIONS
from connector.mapping.language.grammar import KEYWORDS
from connector.mapping.language.tokens import MAX_LENGTH
from connector.store.mirror import Mirror

SOON = timedelta(seconds=5)
"""Far above what anything here takes on a busy machine, far below what an explosion takes."""


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    found = Book()
    yield found
    found.connection.close()


def read(text: str) -> Expression | None:
    """The expression; None for one that is refused, with at least one problem that says where."""
    try:
        return parse(text, Position.of_text(text, "fuzz"), SCOPE)
    except FileProblems as found:
        refused = found.problems
    assert all(p.line >= 1 and p.column >= 1 and p.message for p in refused)
    return None


def sql_of(expression: Expression) -> list[str]:
    """Everything that an engine is told because of an expression."""
    trees = [lower(expression.tree, Rows())]
    trees += [lower_aggregate(a, Rows(a.sobject)) for a in aggregates_in(expression.tree)]
    return [tree.sql("duckdb", identify=True) for tree in trees]


def run(book: Book, expression: Expression) -> None:
    if len(expression.aggregates) < 2:
        for account in (FULL, BLANK, ALONE):
            book.value(expression.text, account)


# --- token soup -------------------------------------------------------------------------------------------

NAMES = [*SCOPE.describes["Account"].fields, *SCOPE.facts, *SCOPE.params, *SCOPE.lists, "Owner.Name", "stage",
         "time_in_stage", "today", "now", "Opportunity", "Opportunity.Amount", "Opportunity.CloseDate"]  # fmt: skip
VALUES = ["0", "1", "2.5", "99999999999999999999", "''", "'a'", '"b;c"', "30 days", "5 business days", "3 months",
          "8 hours", "true", "false", "null", "'2026-02-30'", "'12:00:00.000'"]  # fmt: skip
SIGNS = ["(", ")", ",", ".", "+", "-", "*", "/", "^", "&", "=", "!=", "<>", "<", ">=", "&&", "||", "!", "--", ";", ":",
         "/*", "*/", "'", '"', "\\", "{", "}", "$User", "#", "%", "@", "::", "\0", "\n", "é", "\u202e", "🙂"]  # fmt: skip
SQL = ["select", "from", "union", "drop table", "read_text", "attach", "pragma", "cast", "case", "when", "end", "copy",
       "duckdb_secrets", "exec", "limit", "order by", "over", "like", "interval"]  # fmt: skip
TOKENS = st.one_of(*(st.sampled_from(words) for words in (
    NAMES, VALUES, SIGNS, [*FUNCTIONS], sorted(KEYWORDS), ["count", "sum", "latest", "median"], SQL,
)))  # fmt: skip
SOUP = st.lists(TOKENS, max_size=60).map(" ".join)


def call(name: str, arguments: list[str]) -> str:
    return f"{name}({', '.join(arguments)})"


NEARLY = st.recursive(
    st.sampled_from([*NAMES, *VALUES]),
    lambda inner: st.one_of(
        st.builds(call, st.sampled_from([*FUNCTIONS, "count", "sum"]), st.lists(inner, max_size=4)),
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "^", "&", "=", "<", "and"]), inner),
    ),
    max_leaves=12,
)
"""Well-formed, but of any types."""


@settings(max_examples=400, deadline=SOON, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.one_of(SOUP, NEARLY))
def test_any_words_end_as_a_problem_or_as_a_value(book: Book, text: str) -> None:
    expression = read(text)
    if expression is not None:
        run(book, expression)


# --- nothing written becomes SQL --------------------------------------------------------------------------

MARK = "zq"
"""Two letters that no name here has."""
HOSTILE = st.one_of(
    st.sampled_from([
        "'; DROP TABLE x; --", '"; ATTACH \'x\'; --', "\\'; SELECT 1; --", "$$", "/*", "*/ OR 1=1 --", "E'\\x27'", "''''",
        "{{ x }}", "%s", "?", ":name", "\n--", "\x00", "\u02bc OR 1=1", "＇ OR 1=1",
    ]),
    st.text(max_size=12),
).map(lambda text: f"{MARK}{text}{MARK}")  # fmt: skip


def quoted(text: str) -> str:
    """A text as an author has to write it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


PLACES = ["Name = {}", "{} & Name", "Name in ({}, 'x')", "CASE(Name, {}, 1, 2) = 1", "SUBSTITUTE(Name, {}, 'x') = ''",
          "SUBSTITUTE(Name, 'x', {}) = ''", "CONTAINS({}, Name)", "LPAD(Name, 5, {}) = ''", "VALUE({}) > 1",
          "DATEVALUE({}) > today", "TIMEVALUE({}) > TIMENOW()", "INCLUDES(Tags, {})", "BLANKVALUE(Name, {}) = ''",
          "FIND({}, Name) > 0", "count(Opportunity where StageName = {}) > 0",
          "latest(Opportunity.StageName by CloseDate where StageName != {}) = ''", "IF(yes, {}, Name) = Type"]  # fmt: skip


@settings(max_examples=300, deadline=SOON)
@given(text=HOSTILE, place=st.sampled_from(PLACES))
@example(text=f"{MARK}\\{MARK}", place=PLACES[0])
def test_a_written_text_is_a_text_to_the_engine_and_nothing_else(book: Book, text: str, place: str) -> None:
    written = place.format(quoted(text))
    expression = read(written)
    if "\0" in text:
        assert expression is None
        return
    assert expression is not None, written
    found = [token for sql in sql_of(expression) for token in tokenize(sql, read="duckdb")]
    carriers = [token for token in found if MARK in token.text]
    assert carriers
    assert {token.token_type for token in carriers} == {TokenType.STRING}
    assert text in {token.text for token in carriers} or place.startswith("LPAD")
    run(book, expression)


@settings(max_examples=150, deadline=SOON)
@given(text=HOSTILE)
def test_a_written_text_comes_back_as_it_was_written(book: Book, text: str) -> None:
    if "\0" not in text:
        assert book.value(f"{quoted(text)} & ''") == text


@settings(max_examples=150, deadline=SOON)
@given(text=st.text(max_size=30))
def test_a_pattern_is_refused_or_runs(book: Book, text: str) -> None:
    expression = read(f"REGEX(Name, {quoted(text)})")
    if expression is not None:
        run(book, expression)


PATTERN_PARTS = [
    "a",
    ".",
    "[a-z]",
    "\\d",
    "\\W",
    "(",
    ")",
    "(?:",
    "|",
    "*",
    "+",
    "?",
    "{2}",
    "{1,9}",
    "{999}",
    "^",
    "$",
]


@settings(max_examples=300, deadline=SOON)
@given(text=st.lists(st.sampled_from(PATTERN_PARTS), max_size=25).map("".join))
@example(text="((a{9}){9}){9}")
@example(text=".{1000}")
@example(text="(a|b|.)*" * 30)
def test_a_pattern_made_of_parts_is_refused_or_runs(book: Book, text: str) -> None:
    expression = read(f"REGEX(Name, {quoted(text)})")
    if expression is not None:
        run(book, expression)


@settings(max_examples=150, deadline=SOON, suppress_health_check=[HealthCheck.too_slow])
@given(text=ANY)
def test_only_functions_and_columns_of_ours_are_named(text: str) -> None:
    """Every identifier in the SQL is quoted, so a column; every bare word is one that lowering has written."""
    expression = read(text)
    for sql in sql_of(expression) if expression else ():
        words = {t.text.upper() for t in tokenize(sql, read="duckdb") if t.token_type is TokenType.VAR}
        assert words <= BARE, words - BARE


BARE = {
    "STRPOS", "LENGTH", "TRUNC", "ROUND", "CEIL", "FLOOR", "GREATEST", "LEAST", "ISFINITE", "POWER", "SQRT", "LN", "LOG10",
    "EXP", "STRFTIME", "LPAD", "RPAD", "TRIM", "RTRIM", "UPPER", "LOWER", "SUBSTRING", "STARTS_WITH", "ABS", "SIGN",
    "REGEXP_FULL_MATCH", "DATE_DIFF", "DAYOFWEEK", "DAYOFYEAR", "ISOYEAR", "WEEK", "YEAR", "MONTH", "DAY", "HOUR",
    "SECOND", "MINUTE", "COALESCE", "NULLIF", "CAST", "TRY_CAST", "EXTRACT", "COUNT", "MIN", "AT", "ZONE",
}  # fmt: skip


# --- what grows -------------------------------------------------------------------------------------------

GROWING = {
    "substitutes of substitutes": "LEN(" + "SUBSTITUTE(" * 40 + "'a'" + f", 'a', '{'a' * 60}')" * 40 + ") > 0",
    "a text put into itself": "LEN(SUBSTITUTE(LPAD('a', 3900, 'a'), 'a', LPAD('a', 3900, 'a'))) > 0",
    "a long join": "LEN(Name" + " & Name" * 55 + ") > 0",
    "powers of powers": "9" + " ^ 9" * 50 + " > 1",
    "products": "99999999" + " * 99999999" * 50 + " > 1",
    "many alternatives": "Name in (" + ", ".join(f"'{n}'" for n in range(500)) + ")",
    "many cases": "CASE(Name, " + ", ".join(f"'{n}', {n}" for n in range(300)) + ", 0) = 1",
    "many business days": "today" + " + 9999 business days" * 9 + " > today",
    "brackets": "(" * (MAX_LENGTH // 2),
    "quotes": "'" * (MAX_LENGTH - 1),
    "open comments": "/*" * (MAX_LENGTH // 2),
    "dots": "Name" + ".Name" * 700,
    "backslashes": "'" + "\\" * (MAX_LENGTH - 3) + "'",
}


@pytest.mark.parametrize("text", GROWING.values(), ids=GROWING)
def test_what_could_explode_is_refused_or_stays_small(book: Book, text: str) -> None:
    started = time.monotonic()
    expression = read(text)
    if expression is not None:
        assert sum(map(len, sql_of(expression))) < 1_000_000
        run(book, expression)
    assert time.monotonic() - started < SOON.total_seconds()


def test_facts_made_of_facts_do_not_grow_without_end(tmp_path_factory: pytest.TempPathFactory, mirror: Mirror) -> None:
    last = "  impatient: days_left <= patience"
    doubled = "\n".join(["  g0: Name & Name", *(f"  g{n}: g{n - 1} & g{n - 1}" for n in range(1, 40))])
    book = MirroredBook(care(tmp_path_factory.mktemp("grow"), (last, f"{last}\n{doubled}")))
    account = book.account(Name="Acme")
    (found,) = book.judge(mirror, accounts=frozenset({account})).evaluations
    assert found.facts["g39"] == ("Acme" * 1000)[:3900]
