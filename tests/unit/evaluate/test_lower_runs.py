# ruff: noqa: E501  (tables of expressions)
"""Whatever passes the check also runs: no expression over any record ends in an error of the engine."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_book import ALONE, BLANK, FULL, SCOPE, Book

from connector.errors import FileProblems
from connector.evaluate.lowering.functions import TABLES
from connector.mapping.language import Position, parse
from connector.mapping.language.functions import FUNCTIONS
from connector.mapping.language.tree import Call, walk_all

REWRITTEN = {"AND", "OR", "NOT", "ISBLANK", "ISNULL", "NULLVALUE", "ISPICKVAL", "TODAY", "NOW",
             "TIMENOW", "BR", "PI", "CASESAFEID"}  # fmt: skip
"""Functions that are another way of writing something else, so that no engine is ever asked for them."""


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    found = Book()
    yield found
    found.connection.close()


def templates(*forms: str) -> st.SearchStrategy[str]:
    return st.sampled_from(forms)


def filled(depth: int, kind: str) -> st.SearchStrategy[str]:
    """Expressions of a kind, `depth` operations deep."""
    if depth == 0:
        return st.sampled_from(LEAVES[kind])
    return st.one_of(
        st.sampled_from(LEAVES[kind]), st.sampled_from(FORMS[kind]).flatmap(lambda form: composed(form, depth - 1))
    )


def composed(form: str, depth: int) -> st.SearchStrategy[str]:
    """`form` with expressions for its letters: N number, T text, B condition, D date, M moment, C time of day."""
    holes = [part for part in form if part in KINDS]
    parts = st.tuples(*(filled(depth, KINDS[hole]) for hole in holes))
    return parts.map(lambda values: _fill(form, list(values)))


def _fill(form: str, values: list[str]) -> str:
    return "".join(f"({values.pop(0)})" if part in KINDS else part.lower() for part in form)


KINDS = {"N": "number", "T": "text", "B": "condition", "D": "date", "M": "moment", "C": "clock"}
LEAVES = {
    "number": ["AnnualRevenue", "Share", "NumberOfEmployees", "cents", "nothing", "ratio", "0", "1", "-3", "2.5", "99999999999",
               "0.0000001", "count(Opportunity)", "gap", "time_in_stage"],
    "text": ["Name", "Type", "Tags", "word", "''", "'red'", "'12'", "';'", "Owner.Name", "OwnerId", "'2026-02-30'"],
    "condition": ["yes", "no", "maybe", "Active", "Owner.IsActive", "cta_done('never')", "Renewal is null"],
    "date": ["Renewal", "someday", "today", "DATE(2024, 2, 29)", "DATE(1999, 12, 31)", "DATE(9999, 12, 31)", "DATE(1, 1, 1)"],
    "moment": ["Signed", "now"],
    "clock": ["timevalue(Signed)", "timenow()", "timevalue('23:59:59.999')", "timevalue(Name)"],
}  # fmt: skip
FORMS = {
    "number": ["N + N", "N - N", "N * N", "N / N", "N ^ N", "-N", "§abs N§", "D - D", "M - M", "§round N, 2§", "§floor N§",
               "§ceiling N§", "§mod N, N§", "§max N, N§", "§sqrt N§", "§ln N§", "§log N§", "§exp N§", "§value T§", "§len T§",
               "§find T, T§", "§find T, T, N§", "§year D§", "§weekday D§", "§picklistcount T§", "§if B, N, N§",
               "§case N, N, N, N§", "§blankvalue N, N§", "§trunc N§", "§mfloor N§", "§mceiling N§", "§dayofyear D§", "§trunc N, 2§",
               "§isoweek D§", "§isoyear D§", "§unixtimestamp M§", "§unixtimestamp D§", "§hour C§", "§millisecond C§", "C - C"],
    "text": ["T & T", "§left T, N§", "§right T, N§", "§mid T, N, N§", "§trim T§", "§upper T§", "§lower T§",
             "§substitute T, T, T§", "§lpad T, 9, '0'§", "§rpad T, 2§", "§text N§", "§text D§", "§text M§", "§text B§",
             "§if B, T, T§", "§case T, T, T, T§", "§blankvalue T, T§", "§formatduration N§",
             "§formatduration N, B§", "§formatduration M, M§", "§formatduration C, C§", "§text C§"],
    "condition": ["B and B", "B or B", "not B", "N > N", "N = N", "D <= D", "T = T", "M > M", "N in §N, N§", "T not in §T, T§",
                  "N between N and N", "N is null", "T is null", "D is not null", "§begins T, T§", "§contains T, T§",
                  "§includes T, T§", "§isnumber T§", "§if B, B, B§", "B = B", "D - D > 5 days", "M - M < 8 hours", "C < C",
                  "§regex T, '[a-z ]+'§", "§regex T, '(?i)(a|b){2,9}.*'§"],
    "date": ["D + N", "D - N", "D + 9999 days", "D - 9 months", "D + 999 years", "D + 3 business days", "D - 2 business days",
             "§addmonths D, N§", "§date N, N, N§", "§datevalue M§", "§datevalue T§", "§if B, D, D§", "§min D, D§",
             "§blankvalue D, D§"],
    "clock": ["C + N", "C - N"],
    "moment": ["§fromunixtime N§", "M + N", "M - 8 hours", "M + 9 months", "§datetimevalue T§", "§datetimevalue D§", "§addmonths M, N§"],
}  # fmt: skip
"""Operations by what they give; § stands for a parenthesis that belongs to the form."""


def _forms() -> None:
    for forms in FORMS.values():
        forms[:] = [_parenthesised(form) for form in forms]


def _parenthesised(form: str) -> str:
    first, *rest = form.split("§")
    if not rest:
        return form
    head, _, inside = rest[0].partition(" ")
    if first:
        return f"{first}({rest[0]}){rest[1]}"
    return f"{head}({inside}){rest[1]}"


_forms()
ANY = st.sampled_from(sorted(FORMS)).flatmap(lambda kind: filled(3, kind))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=ANY)
def test_every_checked_expression_runs(book: Book, text: str) -> None:
    try:
        expression = parse(text, Position.of_text(text, "fuzz"), SCOPE)
    except FileProblems:
        return
    if len(expression.aggregates) < 2:
        for account in (FULL, BLANK, ALONE):
            book.value(text, account)


def test_most_of_the_made_up_expressions_are_checked_expressions() -> None:
    """Otherwise the property above would say little."""
    passed: list[bool] = []

    @settings(max_examples=100, deadline=None, database=None)
    @given(text=ANY)
    def collect(text: str) -> None:
        try:
            parse(text, Position.of_text(text, "fuzz"), SCOPE)
            passed.append(True)
        except FileProblems:
            passed.append(False)

    collect()
    assert sum(passed) > len(passed) / 2


def test_every_function_can_be_said_in_every_dialect() -> None:
    for dialect, table in TABLES.items():
        assert set(table) == set(FUNCTIONS) - REWRITTEN, dialect


def test_functions_that_are_rewritten_never_reach_an_engine() -> None:
    text = (
        "AND(yes, OR(no, yes), NOT(no), ISBLANK(Name), ISNULL(Name), ISPICKVAL(Type, 'x'), TODAY() = DATEVALUE(NOW()))"
    )
    calls = {n.function for n in walk_all(parse(text, Position.of_text(text, "t"), SCOPE).tree) if isinstance(n, Call)}
    assert calls == {"DATEVALUE"}


@pytest.mark.parametrize("text", [
    "yes" + " or yes" * 500,
    "(" * 55 + "yes" + ")" * 55,
    "1" + " + 1" * 55 + " = 56",
    "IF(" * 9 + "yes" + ", yes, no)" * 9,
    "IF(no, 1, " * 28 + "2" + ")" * 28 + " = 2",
    "CASE(" * 5 + "1" + ", 1, 1, 2, 2, 3)" * 5 + " = 1",
    "1/(" * 9 + "1" + ")" * 9 + " = 1",
    "SQRT(" * 5 + "1" + ")" * 5 + " = 1",
    "today" + " + 1 business day" * 5 + " > today",
    "NOT(" * 28 + "yes" + ")" * 28,
])  # fmt: skip
def test_the_largest_expressions_run(book: Book, text: str) -> None:
    assert book.value(text) is True
