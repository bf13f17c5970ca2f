"""TOML with the place of every key."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.files import parse_toml

TEXT = """\
# the main job
job = "lifecycle"
[limits]
moves = {count = 5}
share = 0.1
[[steps]]
name = "a"
[[steps]]
"my name" = "b"
"""


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("job",), (2, 1), (2, 7)),
        (("limits", "moves"), (4, 1), (4, 9)),
        (("steps", 0, "name"), (7, 1), (7, 8)),
        (("steps", 1, "my name"), (9, 1), (9, 13)),
        (("limits",), (3, 1), (3, 1)),
    ],
)
def test_places(path: tuple[str | int, ...], key: tuple[int, int], value: tuple[int, int]) -> None:
    document = parse_toml(TEXT, "j.toml")
    assert (document.key_at(path).line, document.key_at(path).column) == key
    assert (document.at(path).line, document.at(path).column) == value


def test_fractions_are_exact() -> None:
    assert parse_toml(TEXT, "j.toml").data["limits"]["share"] == Decimal("0.1")


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb = \n", 2), ("a = 1\na = 2\n", 2), ("[x\n", 1), ("a = 'x", 1)])
def test_broken_files_give_a_problem_with_a_line(text: str, line: int) -> None:
    (problem,) = parse_toml(text, "j.toml").problems
    assert problem.message.startswith("not TOML")
    assert problem.line in (line, line + 1)
