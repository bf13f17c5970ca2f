"""Texts with {names} in them: subjects and bodies of Tasks, values of `set`.

A name is any expression of the language; `{reason}` is the sentence of the stage decision, known only when the text
is rendered. `{{` and `}}` are the braces themselves. Pure; rendering puts values in, it never evaluates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RENDERED_NAMES = frozenset({"reason"})
"""Names that are no expressions: evaluate gives their text."""


@dataclass(frozen=True)
class Hole:
    """A name in braces, `offset` characters into the text (after the brace)."""

    name: str
    offset: int


Parts = tuple[str | Hole, ...]


class TemplateError(ValueError):
    """A brace without its partner, or nothing between two; `offset` says where."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def parse_template(text: str) -> Parts:
    """Pieces of plain text and holes, in order. Raises TemplateError."""
    parts: list[str | Hole] = []
    plain, at = "", 0
    while at < len(text):
        char = text[at]
        if char in "{}" and text[at : at + 2] == char * 2:
            plain, at = plain + char, at + 2
        elif char == "{":
            parts, plain = [*parts, plain], ""
            hole = _read_hole(text, at)
            parts.append(hole)
            at = text.index("}", at) + 1
        elif char == "}":
            raise TemplateError("a } without its {; write }} for the brace itself", at)
        else:
            plain, at = plain + char, at + 1
    return tuple(part for part in (*parts, plain) if part != "")


def _read_hole(text: str, at: int) -> Hole:
    end = text.find("}", at)
    if end < 0:
        raise TemplateError("a { without its }; write {{ for the brace itself", at)
    inside = text[at + 1 : end]
    if not inside.strip():
        raise TemplateError("nothing between the braces; name a field or a fact", at)
    return Hole(inside.strip(), at + 1 + len(inside) - len(inside.lstrip()))


def holes(parts: Parts) -> tuple[Hole, ...]:
    return tuple(part for part in parts if isinstance(part, Hole))


def render(parts: Parts, values: Mapping[str, str]) -> str:
    """The text with every hole's value by its name; a name without a value leaves nothing behind."""
    return "".join(part if isinstance(part, str) else values.get(part.name, "") for part in parts)
