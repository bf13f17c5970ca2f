# ruff: noqa: E501  (tables of words)
"""Whatever is written in a mapping file: an expression, or a Problem with a place. Nothing else, and soon."""

import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_org import SCOPE, at

from connector.errors import FileProblems
from connector.mapping.language import Expression, names_in, parse
from connector.mapping.language.functions import FUNCTIONS
from connector.mapping.language.grammar import KEYWORDS, MAX_DEPTH
from connector.mapping.language.template import try_parse_template
from connector.mapping.language.tokens import MAX_LENGTH
from connector.mapping.language.unavailable import UNAVAILABLE

WORDS = [
    *KEYWORDS, *FUNCTIONS, *list(UNAVAILABLE)[:10], *SCOPE.facts, *SCOPE.params, *SCOPE.lists, "count", "sum", "latest", "max",
    "Opportunity", "Opportunity.Amount", "Deal__c", "activity", "activity.date", "CampaignMember", "Account.Name", "Owner",
    "Owner.IsActive", "Parent.Parent.Name", "Type", "Tags__c", "AnnualRevenue", "Renewal__c", "CreatedDate", "CloseDate",
    "IsWon", "stage", "entered", "time_in_stage", "health.band", "today", "now", "cta_done", "'training'", "'Partner'", "''",
    '"x"', "1", "2.5", ".5", "0", "45 days", "3 months", "5 business days", "8 hours", "2026-01-31", "(", ")", ",", ".", "+",
    "-", "*", "/", "^", "&", "=", "!=", "<>", "<", "<=", ">", ">=", "==", "&&", "||", "!", "(", ")", "{", ";", "--", "/*", "*/",
    "é", "\\", "'", "\n", "\t", "\0", "$User", "null", "not",
]  # fmt: skip


def outcome(text: str) -> Expression | FileProblems:
    """What parsing comes to; anything but these two would be raised."""
    try:
        return parse(text, at(text), SCOPE)
    except FileProblems as problems:
        for problem in problems.problems:
            assert problem.message
            assert 1 <= problem.line <= text.count("\n") + 1
            assert 1 <= problem.column <= len(text.split("\n")[problem.line - 1]) + 1
        return problems


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
def test_any_words_in_any_order(text: str) -> None:
    outcome(text)
    names_in(text)


@settings(max_examples=300, deadline=None)
@given(st.text(st.one_of(st.characters(), st.sampled_from(string.punctuation + string.digits + " \n")), max_size=60))
def test_any_text(text: str) -> None:
    outcome(text)
    names_in(text)
    try_parse_template(text, at(text), SCOPE, [])


ATTACKS = [
    "1; DROP TABLE Account", "won -- and", "won /* and", "(SELECT 1)", "read_text('/etc/passwd')", "Name::VARCHAR = ''",
    "CAST(Name AS INT) = 1", "current_setting('x') = ''", "__import__('os')", "Name.__class__", "main.Account.Name = ''",
    "Name = 'x' UNION SELECT 1", "@x = 1", "Name[1] = 'x'", "x -> x", "Name LIKE '%'", "count(*)", "count(Opportunity) over ()",
    "case when won then 1 end", "'a' * 1e9", "{{ won }}", "lambda: 1", "won if won else won", "Name = $$x$$", "won\x00",
]  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS)
def test_what_belongs_to_other_languages_is_refused(text: str) -> None:
    assert isinstance(outcome(text), FileProblems)


NESTED: dict[str, Any] = {
    "parentheses": lambda n: "(" * n + "won" + ")" * n,
    "negations": lambda n: "not " * n + "won",
    "signs": lambda n: "-" * n + "score > 1",
    "sums": lambda n: "1" + "+1" * n + " > 1",
    "functions": lambda n: "ABS(" * n + "1" + ")" * n + " > 1",
    "choices": lambda n: "IF(won, won, " * n + "won" + ")" * n,
    "texts": lambda n: "'a'" + " & 'a'" * n + " = ''",
}


@pytest.mark.parametrize("build", NESTED.values(), ids=NESTED)
def test_nesting_is_bounded(build: Any) -> None:
    assert isinstance(outcome(build(MAX_DEPTH // 2 - 2)), Expression)
    problems = outcome(build(MAX_DEPTH + 1))
    assert isinstance(problems, FileProblems)
    assert "nested more than 60 levels deep" in str(problems)


def test_length_is_bounded() -> None:
    fits = "won" + " or won" * ((MAX_LENGTH - 3) // 7)
    assert isinstance(outcome(fits), Expression)
    problems = outcome(fits + " " * 100)
    assert isinstance(problems, FileProblems)
    assert "an expression may have 4,000 characters" in str(problems)


GROWING: dict[str, Any] = {
    "roots": lambda n: "SQRT(" * n + "score" + ")" * n + " > 1",
    "choices in conditions": lambda n: "IF(" * n + "won" + ", won, won)" * n,
    "cases of cases": lambda n: "CASE(" * n + "score" + ", 1, 2, 3, 4, 5)" * n + " > 1",
    "divisors": lambda n: "1/(" * n + "score" + ")" * n + " > 1",
    "conditions over children": lambda n: (
        "count(Opportunity where 1/(" * 1 + "1/(" * n + "Amount" + ")" * n + ") > 1) > 0"
    ),
    "business days": lambda n: "today" + " + 1 business day" * n + " > today",
}


@pytest.mark.parametrize("build", GROWING.values(), ids=GROWING)
def test_what_grows_when_written_out_is_bounded(build: Any) -> None:
    assert isinstance(outcome(build(4)), Expression)
    assert "too much is nested here" in str(outcome(build(28)))


def test_choices_in_branches_do_not_grow() -> None:
    assert isinstance(outcome("IF(won, 1, " * 28 + "0" + ")" * 28 + " > 1"), Expression)
