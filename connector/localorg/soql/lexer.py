"""Cuts SOQL into tokens. Called by parser.py; every refusal carries row and column as Salesforce prints them."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Literal, NoReturn

from connector.localorg.errors import OrgError

Kind = Literal["name", "string", "number", "currency", "date", "datetime", "time", "symbol", "end"]

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|z|[+-]\d\d:?\d\d))
    |(?P<date>\d{4}-\d\d-\d\d(?![\dT]))
    |(?P<time>\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|z|[+-]\d\d:?\d\d))
    |(?P<currency>[A-Za-z]{3}\d+\.\d+(?!\w))
    |(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w]))
    |(?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)
    |(?P<string>'(?:[^'\\]|\\.)*')
    |(?P<symbol><=|>=|!=|<>|[=<>(),:])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_CALENDAR_KINDS = frozenset({"date", "datetime", "time"})
_UNICODE = re.compile(r"[0-9A-Fa-f]{4}")
_WINDOW = 48


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `text` is as written, except that strings are unescaped."""

    kind: Kind
    text: str
    at: int

    @property
    def word(self) -> str:
        """The text in upper case when it can be a keyword, otherwise nothing."""
        return self.text.upper() if self.kind == "name" else ""


def refuse(source: str, at: int, code: str, message: str) -> NoReturn:
    """Raise a refusal that points at a place in the statement."""
    raise OrgError(400, code, f"{_pointer(source, at)}{message}")


def _pointer(source: str, at: int) -> str:
    """The line around a place, a caret below it, and `ERROR at Row:r:Column:c` (recorded form)."""
    row = source.count("\n", 0, at) + 1
    start = source.rfind("\n", 0, at) + 1
    end = source.find("\n", at)
    line, column = source[start : len(source) if end < 0 else end], at - start
    cut = max(0, column - _WINDOW)
    shown = line[cut : column + _WINDOW]
    return f"\n{shown}\n{' ' * (column - cut)}^\nERROR at Row:{row}:Column:{column + 1}\n"


def malformed(source: str, at: int, message: str) -> NoReturn:
    """Raise MALFORMED_QUERY at a place."""
    refuse(source, at, "MALFORMED_QUERY", message)


def tokenize(source: str) -> list[Token]:
    """Return the tokens of a statement, ended by an `end` token."""
    tokens: list[Token] = []
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            _refuse_character(source, at)
        kind = found.lastgroup
        if kind != "space":
            text = found[0]
            if kind in _CALENDAR_KINDS:
                _refuse_impossible(source, at, kind, text)
            tokens.append(Token(kind, unescape(source, text, at) if kind == "string" else text, at))  # type: ignore[arg-type]
        at = found.end()
    tokens.append(Token("end", "<EOF>", len(source)))
    return tokens


def _refuse_impossible(source: str, at: int, kind: str, text: str) -> None:
    """Refuse a 30th of February or a 25th hour (wordings from memory)."""
    try:
        read_calendar(kind, text)
    except (ValueError, OverflowError):
        malformed(source, at, f"Invalid {kind}: {text}")


def read_calendar(kind: str, text: str) -> date | datetime | time:
    """A date, datetime or time literal as a value; ValueError or OverflowError for what is in no calendar."""
    zoned = text[:-1] + "+00:00" if text[-1] in "zZ" else text
    match kind:
        case "date":
            return date.fromisoformat(text)
        case "time":
            return time.fromisoformat(zoned)
    return datetime.fromisoformat(zoned).astimezone(UTC)


def _refuse_character(source: str, at: int) -> NoReturn:
    if source[at] == "'":
        malformed(source, at, f"line 1:{len(source)} mismatched character '<EOF>' expecting '''")
    malformed(source, at, f"unexpected token: '{source[at]}'")


def unescape(source: str, quoted: str, at: int) -> str:
    """Resolve the escapes of a string; `\\_` and `\\%` stay escaped for LIKE."""
    parts: list[str] = []
    body = iter(enumerate(quoted[1:-1], start=at + 1))
    for place, char in body:
        if char != "\\":
            parts.append(char)
            continue
        _, escaped = next(body)
        if escaped in "uU" and (code := _UNICODE.match(quoted, place - at + 2)):
            parts.append(chr(int(code[0], 16)))
            for _ in code[0]:
                next(body)
        elif escaped in "'\"\\":
            parts.append("\\\\" if escaped == "\\" else escaped)
        elif escaped in "_%":
            parts.append("\\" + escaped)
        elif escaped.lower() in _ESCAPES:
            parts.append(_ESCAPES[escaped.lower()])
        else:
            malformed(
                source,
                place,
                f"invalid string literal '{quoted[1:-1]}'. Illegal character sequence '\\{escaped}' in string literal.",
            )
    return "".join(parts)


def plain_text(text: str) -> str:
    """A string literal as a value for anything but LIKE."""
    return text.replace("\\_", "_").replace("\\%", "%").replace("\\\\", "\\") if "\\" in text else text
