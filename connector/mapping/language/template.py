"""Texts with names in braces: "No renewal opportunity for {Name}, ends {next_end}".

Called by mapping for subjects, bodies and everything else that is rendered when a thing happens. Inside braces stand
names and dotted paths only; a brace itself is written twice.
"""

from __future__ import annotations

import re

from connector.errors import FileProblems, Problem
from connector.mapping.language.expression import Expression, try_parse
from connector.mapping.language.position import Position
from connector.mapping.language.scope import Scope

_PART = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<inside>[^{}]*)\}|(?P<stray>[{}])|(?P<text>[^{}]+)")
_PATH = re.compile(r"\s*[^\W\d]\w*(\s*\.\s*[^\W\d]\w*)*\s*")
TemplatePart = str | Expression


def parse_template(text: str, at: Position, scope: Scope) -> tuple[TemplatePart, ...]:
    """The parts of a text: literal pieces and the expressions between them. Raises FileProblems with all problems."""
    problems: list[Problem] = []
    parts = try_parse_template(text, at, scope, problems)
    if parts is None:
        raise FileProblems(problems)
    return parts


def try_parse_template(
    text: str, at: Position, scope: Scope, problems: list[Problem]
) -> tuple[TemplatePart, ...] | None:
    """Like parse_template, but adds errors to `problems`; None after one."""
    parts: list[TemplatePart] = []
    before = len(problems)
    for found in _PART.finditer(text):
        part = _part(found, text, at, scope, problems)
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        elif part is not None:
            parts.append(part)
    return tuple(parts) if len(problems) == before else None


def names_in_template(text: str) -> frozenset[str]:
    """The names in braces, in lower case; never raises."""
    return frozenset("".join(m["inside"].split()).lower() for m in _PART.finditer(text) if m["inside"])


def _part(found: re.Match[str], text: str, at: Position, scope: Scope, problems: list[Problem]) -> TemplatePart | None:
    if found["stray"]:
        message = f"this {found[0]!r} has no partner; a brace in the text itself is written twice"
        problems.append(at.problem(text, found.start(), message))
        return None
    if found["inside"] is None:
        return found["text"] or found[0][0]
    if not _PATH.fullmatch(found["inside"]):
        message = "braces take a name, such as {Name} or {Owner.Name}; give a calculation a name as a fact"
        problems.append(at.problem(text, found.start(), message))
        return None
    return try_parse(found["inside"], _moved(at, text, found.start("inside")), scope, problems)


def _moved(at: Position, text: str, offset: int) -> Position:
    line, column = at.locate(text, offset)
    return Position(at.file, line, column, at.lines)
