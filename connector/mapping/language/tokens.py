"""Text of an expression -> tokens with their places.

Called by grammar. Knows spelling only: which characters make a number, a text, a name or an operator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

MAX_LENGTH = 4000


class SyntaxProblem(Exception):
    """The text is no expression; caught where the expression is parsed, never leaves the package."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


class Mark(Enum):
    """What a token is."""

    NUMBER = auto()
    TEXT = auto()
    NAME = auto()
    OPERATOR = auto()
    END = auto()


@dataclass(frozen=True)
class Token:
    mark: Mark
    text: str
    """As written; a text without its quotes and escapes; an operator in the language's own spelling."""
    start: int
    end: int

    @property
    def word(self) -> str:
        """Lower case, for keywords and operators; '' for a text, which is never a keyword."""
        return self.text.lower() if self.mark in {Mark.NAME, Mark.OPERATOR} else ""


_PATTERN = re.compile(
    r"""(?P<space>\s+|/\*.*?\*/)
      | (?P<number>\d+(?:\.\d+)?|\.\d+)
      | (?P<name>[^\W\d]\w*)
      | (?P<text>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
      | (?P<operator><>|!=|<=|>=|==|&&|\|\||[-+*/^&(),.=<>!])""",
    re.VERBOSE | re.DOTALL,
)
_SPELLINGS = {"<>": "!=", "==": "=", "&&": "and", "||": "or", "!": "not"}
"""Operators of Salesforce formulas -> the language's own."""
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_ADVICE = {
    "'": "this text has no closing quote",
    '"': "this text has no closing quote",
    "$": "Salesforce's global variables ($User, $Setup, ...) are not available here; use a parameter",
    "%": "a percentage cannot stand in an expression; write the share as a number, such as 0.6",
    ";": "an expression has no `;`; conditions are joined with `and` or `or`",
    "#": "`#` has no meaning in an expression",
    "{": "an expression has no braces; a name in it is written without them",
    "[": "values are listed in parentheses: x in ('a', 'b')",
    "“": "typographic quotes are no quotes; write '...'",
    "”": "typographic quotes are no quotes; write '...'",
    "‘": "typographic quotes are no quotes; write '...'",
    "’": "typographic quotes are no quotes; write '...'",
    "≥": "write >=",
    "≤": "write <=",
    "≠": "write !=",
}


def tokenize(text: str) -> tuple[Token, ...]:
    """The tokens of `text`, ended by one END token. Raises SyntaxProblem."""
    if len(text) > MAX_LENGTH:
        message = (
            f"an expression may have {MAX_LENGTH:,} characters, this one has {len(text):,}; name its parts as facts"
        )
        raise SyntaxProblem(0, message)
    return (*_scan(text), Token(Mark.END, "", len(text.rstrip()), len(text.rstrip())))


def _scan(text: str) -> Iterator[Token]:
    offset = 0
    while offset < len(text):
        found = _PATTERN.match(text, offset)
        if found is None:
            raise SyntaxProblem(offset, _advice(text[offset]))
        offset = found.end()
        if found.lastgroup != "space":
            yield _token(found)


def _token(found: re.Match[str]) -> Token:
    group, text = found.lastgroup or "", found[0]
    if group == "text":
        text = _unquoted(text)
    elif group == "operator":
        text = _SPELLINGS.get(text, text)
    return Token(Mark[group.upper()], text, found.start(), found.end())


def _unquoted(text: str) -> str:
    """A quote inside is written \\' as in formulas, or twice as in SQL."""
    inside, quote = text[1:-1], text[0]
    return re.sub(
        rf"\\(.)|{quote}{quote}", lambda m: _ESCAPES.get(m[1], m[1]) if m[1] else quote, inside, flags=re.DOTALL
    )


def _advice(character: str) -> str:
    return _ADVICE.get(character, f"the character {character!r} has no meaning in an expression")
