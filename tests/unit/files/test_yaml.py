"""YAML as data with places, and the slips that YAML would misread."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connector.files import parse_yaml, read_yaml


def one_problem(text: str) -> tuple[int, int, str]:
    (problem,) = parse_yaml(text, "m.yaml").problems
    return problem.line, problem.column, problem.message


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("90", 90),
        ("0.75", Decimal("0.75")),
        ("1_000", 1000),
        ("true", True),
        ("yes", "yes"),
        ("null", None),
        ("", None),
        ("2026-09-01", date(2026, 9, 1)),
        ("45 days", "45 days"),
        ("'007'", "007"),
        ("60 %", "60 %"),
        ("0.1", Decimal("0.1")),
        ("Type != 'Partner'", "Type != 'Partner'"),
        ("x  # a remark", "x"),
    ],
)
def test_a_value_is_read_by_the_core_schema(written: str, read: object) -> None:
    document = parse_yaml(f"key: {written}\n", "m.yaml")
    assert (document.data, document.problems) == ({"key": read}, ())
    assert type(document.data["key"]) is type(read)


def test_every_key_and_value_has_its_place() -> None:
    text = "facts:\n  won: count(Opportunity)\nstages:\n  - key: a\n    label: 'Aé'\n  - {key: b, label: B}\n"
    document = parse_yaml(text, "m.yaml")
    places = {path: (place.line, place.column) for path, place in document.values.items()}
    assert places["facts", "won"] == (2, 8)
    assert places["stages", 0, "label"] == (5, 13)
    assert places["stages", 1, "label"] == (6, 21)
    assert (document.key_at(("stages", 1, "label")).line, document.key_at(("stages", 1, "label")).column) == (6, 14)


def test_a_place_that_is_not_in_the_file_is_the_nearest_around_it() -> None:
    document = parse_yaml("stages:\n  - key: a\n", "m.yaml")
    assert document.at(("stages", 0, "enter_when")).line == 2


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("when: >\n  a and\n  bad\n", len("a and "), (3, 3)),
        ("when: |\n  a and\n  bad\n", len("a and\n"), (3, 3)),
        ("when: a and\n  bad\n", len("a and "), (2, 3)),
        ("when: a and bad\n", len("a and "), (1, 13)),
        ("when: 'a and bad'\n", len("a and "), (1, 14)),
    ],
    ids=["folded", "literal", "continued", "plain", "quoted"],
)
def test_an_offset_in_a_value_is_found_in_the_file(text: str, offset: int, place: tuple[int, int]) -> None:
    at = parse_yaml(text, "m.yaml").at(("when",)).shifted(offset)
    assert (at.line, at.column) == place
    assert at.source[at.column - 1 :].startswith("bad")


@pytest.mark.parametrize(
    ("line", "column", "meant", "told"),
    [
        ("when: Subject = 'Ticket #5' and done", 25, "Subject = 'Ticket #5' and done", "#"),
        ("when: a and  # more\n      ", 14, "a and  # more", "#"),
        ("when: 'renewal' = stage", 7, "'renewal' = stage", "starts with a quote"),
        ('when: "renewal" = stage', 7, '"renewal" = stage', "starts with a quote"),
        ("when: >= 5", 7, ">= 5", "leading >"),
        ("subject: Renewal: {Name}", 17, "Renewal: {Name}", "colon"),
        ("subject: {Name} is silent", 10, "{Name} is silent", "leading {"),
        ("subject: \\*both\\*".replace("\\*", "*"), 10, "*both*", "leading *"),
        ("subject: @home", 10, "@home", "leading @"),
    ],
)
def test_a_slip_is_named_and_read_as_it_was_meant(line: str, column: int, meant: str, told: str) -> None:
    document = parse_yaml(f"{line}\nnext: 1\n", "m.yaml")
    (problem,) = document.problems
    assert (problem.line, problem.column) == (1, column)
    assert told in problem.message
    assert "quote this expression" in problem.message
    assert problem.source == line.split("\n")[0]
    assert next(iter(document.data.values())) == meant


@pytest.mark.parametrize("value", ["Type in ('A', 'B')", "BLANKVALUE(a, b)", "IF(x, 'a, b', c)", "INCLUDES(F, 'a')"])
def test_a_comma_or_quote_inside_braces_is_a_slip(value: str) -> None:
    document = parse_yaml(f"- {{key: x, when: {value}, weight: 5}}\n", "m.yaml")
    assert {p.line for p in document.problems} == {1}
    assert document.problems
    assert document.data == [{"key": "x", "when": value, "weight": 5}]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("- {subject: Check-in, n: 1}", [{"subject": "Check-in", "n": 1}]),
        ("- {subject: Log in, n: 1}", [{"subject": "Log in", "n": 1}]),
        ("label: Don't forget  # a remark", {"label": "Don't forget"}),
        ("owner: [CSM__c, OwnerId]  # tried in order", {"owner": ["CSM__c", "OwnerId"]}),
        ("when: x in ('a', 'b')  # both", {"when": "x in ('a', 'b')"}),
        ("# when: 'x' = y", None),
    ],
)
def test_ordinary_texts_are_no_slips(text: str, read: object) -> None:
    document = parse_yaml(text + "\n", "m.yaml")
    assert (document.problems, document.data) == ((), read)


def test_two_slips_and_a_double_key_are_told_together() -> None:
    text = "a: 'x' = y\nb: >= 5\nc: 1\nc: 2\nd: fine\n"
    document = parse_yaml(text, "m.yaml")
    assert sorted(p.line for p in document.problems) == [1, 2, 4]
    assert document.data["d"] == "fine"


def test_places_after_a_slip_are_those_of_the_file_as_written() -> None:
    document = parse_yaml("- {when: f(a, b), then: c}\n", "m.yaml")
    at = document.at((0, "then"))
    assert at.source[at.column - 1] == "c"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: &x 1\nb: 2\n", "anchors"),
        ("a: !python/object 1\n", "tags"),
        ("a: 1\na: 2\n", "written twice (first on line 1)"),
        ("a:\n\t- 1\n", "tab"),
        ("a: .inf\n", "quote it"),
        ("{x: 1}: 2\n", "plain text"),
    ],
)
def test_what_is_no_plain_data_is_refused(text: str, told: str) -> None:
    assert told in one_problem(text)[2]


def test_nesting_is_bounded() -> None:
    assert any("deep" in p.message for p in parse_yaml("[" * 60 + "]" * 60, "m.yaml").problems)


def test_a_file_that_is_not_there_or_not_text_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff\xfe")
    assert "cannot be read" in read_yaml(tmp_path / "none.yaml", "none.yaml").problems[0].message
    assert "UTF-8" in read_yaml(tmp_path / "latin.yaml").problems[0].message


@pytest.mark.parametrize(
    "text", ["a: [1, 2", "a: {b: 1", "a: 'open\nb: 2\n", "a: b: c: d\n", ": :\n", "- a\nb: c\n", "%\n"]
)
def test_broken_files_give_a_problem_with_a_line(text: str) -> None:
    problems = parse_yaml(text, "m.yaml").problems
    assert problems
    assert all(p.line >= 1 for p in problems)
