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
      | (?P<operator><>|!=|<=|>=|==|&&|\|\||[-+*/^&(),.:=<>!])""",
    re.VERBOSE | re.DOTALL,
)
_SPELLINGS = {"<>": "!=", "==": "=", "&&": "and", "||": "or", "!": "not"}
"""Operators of Salesforce formulas -> the language's own."""
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "'": "'", '"': '"', "\\": "\\"}
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
"""No engine takes these inside a text."""
_GLOBAL = re.compile(r"\$(\w+)[\w.]*")
_GLOBALS = {
    "user": "a rule is the same for everyone; name a field of the record, such as OwnerId or Owner.IsActive",
    "profile": "a rule is the same for everyone; name a field of the record, such as Owner.Profile.Name",
    "userrole": "a rule is the same for everyone; name a field of the record, such as Owner.UserRole.Name",
    "permission": "a rule is the same for everyone, whatever they may do",
    "recordtype": "write RecordType.DeveloperName, or RecordType.Name",
    "system": "write DATETIMEVALUE('1900-01-01 00:00:00') for $System.OriginDateTime",
    "label": "labels are not read; write the text itself",
    "organization": "write the value itself, or a parameter",
    "setup": "settings in the org are not read; use a parameter, which a segment may override",
    "custommetadata": "settings in the org are not read; use a parameter, which a segment may override",
}
"""Salesforce's global variables -> what to write instead."""
_ADVICE = {
    "'": "this text has no closing quote",
    '"': "this text has no closing quote",
    "%": "a percentage cannot stand in an expression; write the share as a number, such as 0.6",
    ";": "an expression has no `;`; conditions are joined with `and` or `or`",
    "#": "`#` has no meaning in an expression",
    "{": "an expression has no braces; a name in it is written without them (Name, not {!Name})",
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
    if strange := _UNWRITABLE.search(text):
        raise SyntaxProblem(strange.start(), f"the character {strange[0]!r} cannot stand in an expression")
    return (*_scan(text), Token(Mark.END, "", len(text.rstrip()), len(text.rstrip())))


def _scan(text: str) -> Iterator[Token]:
    offset = 0
    while offset < len(text):
        found = _PATTERN.match(text, offset)
        if found is None:
            raise SyntaxProblem(offset, _advice(text, offset))
        if text.startswith("/*", offset) and found.lastgroup == "operator":
            raise SyntaxProblem(offset, "this comment has no end; it is closed by */")
        offset = found.end()
        if found.lastgroup != "space":
            yield _token(found)


def _token(found: re.Match[str]) -> Token:
    group, text = found.lastgroup or "", found[0]
    if group == "text":
        text = _unquoted(text, found.start())
    elif group == "operator":
        text = _SPELLINGS.get(text, text)
    return Token(Mark[group.upper()], text, found.start(), found.end())


def _unquoted(text: str, start: int) -> str:
    """A quote inside is written \\' as in formulas, or twice as in SQL; a backslash twice."""
    inside, quote = text[1:-1], text[0]
    return re.sub(rf"\\.|{quote}{quote}", lambda m: _unescaped(m, start + 1), inside, flags=re.DOTALL)


def _unescaped(found: re.Match[str], start: int) -> str:
    if not found[0].startswith("\\"):
        return found[0][0]
    if found[0][1] not in _ESCAPES:
        message = f"`{found[0]}` has no meaning in a text; a backslash is written twice: `\\{found[0]}`"
        raise SyntaxProblem(start + found.start(), message)
    return _ESCAPES[found[0][1]]


def _advice(text: str, offset: int) -> str:
    character = text[offset]
    if named := _GLOBAL.match(text, offset):
        why = _GLOBALS.get(named[1].lower(), "use a field of the record, or a parameter")
        return f"{named[0]} is not available: {why}"
    return _ADVICE.get(character, f"the character {character!r} has no meaning in an expression")
