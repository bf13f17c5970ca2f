"""The places where YAML reads something else than the author of an expression meant, and how it was probably meant.

A `#` after a space starts a comment; a comma inside {} or [] ends a value; a leading quote, bracket or `>` is YAML's
own; `: ` starts a value. Called by yaml.py only; positions here count from 0 in the text as read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ruamel.yaml.nodes import Node, ScalarNode

_KEY_AND_VALUE = re.compile(r"^(\s*(?:- +)*)((?:[\w.-]+|\"[^\"]*\"|'[^']*'): +)?(.*?)\s*$")
_UNFINISHED = re.compile(r"(?:[=<>+*/(]|\s(?:and|or|not|in|between|where|by))\s*$", re.IGNORECASE)
_ADVICE = 'quote this expression: put it between " and "'
_PAIRS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Span:
    """Part of one line, from `start` up to `end`."""

    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Slip:
    """A slip, and what has to be quoted to read the text as it was probably meant."""

    line: int
    column: int
    message: str
    repairs: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Lines:
    """A file's lines as written, and as read after slips were quoted."""

    written: tuple[str, ...]
    now: tuple[str, ...]
    inserted: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Line -> columns (of the text as read) where a character was put in."""

    @staticmethod
    def of(text: str) -> Lines:
        lines = tuple(re.split(r"\r\n|\n|\r", text))
        return Lines(lines, lines)

    @property
    def text(self) -> str:
        return "\n".join(self.now)

    def original(self, line: int) -> str:
        return self.written[line] if line < len(self.written) else ""

    def read(self, line: int) -> str:
        return self.now[line] if line < len(self.now) else ""

    def column(self, line: int, column: int) -> int:
        """The column as the user sees it."""
        return column - sum(1 for at in self.inserted.get(line, ()) if at < column)

    def quoted(self, spans: tuple[Span, ...]) -> Lines:
        """The same lines with each span (of one line) put between double quotes."""
        now, inserted = list(self.now), dict(self.inserted)
        for span in sorted(spans, key=lambda s: -s.start):
            line = now[span.line]
            middle = line[span.start : span.end].replace("\\", "\\\\").replace('"', '\\"')
            now[span.line] = f'{line[: span.start]}"{middle}"{line[span.end :]}'
            moved = tuple(at + 2 if at > span.start else at for at in inserted.get(span.line, ()))
            inserted[span.line] = (*moved, span.start, span.end + 1)
        return Lines(self.written, tuple(now), inserted)


def in_plain(node: ScalarNode, lines: Lines, *, in_flow: bool) -> Slip | None:
    """A slip in an unquoted value: cut by a comment, or by a comma of the {} around it."""
    text, end = str(node.value), node.end_mark
    if node.start_mark.line != end.line:
        return None
    rest = lines.read(end.line)[end.column :]
    start = node.start_mark.column
    if re.match(r"\s+#", rest) and (_is_open(text) or _UNFINISHED.search(text)):
        where = end.column + len(rest) - len(rest.lstrip())
        message = f"the # after a space starts a comment and cuts this expression off; {_ADVICE}"
        return Slip(end.line, where, message, (Span(end.line, start, len(lines.read(end.line).rstrip())),))
    if in_flow and rest.lstrip().startswith(",") and _is_open(text):
        stop = _end_of_flow_value(lines.read(end.line), start)
        message = f"the comma ends this value, because it stands inside {{}} or []; {_ADVICE}"
        return Slip(end.line, end.column, message, (Span(end.line, start, stop),) if stop > end.column else ())
    return None


def in_key(key: Node, lines: Lines, *, in_flow: bool) -> Slip | None:
    """A slip at a key: after a comma inside {}, the rest of an expression reads as a key."""
    if (
        in_flow
        and isinstance(key, ScalarNode)
        and key.style is None
        and str(key.value).count(")") > str(key.value).count("(")
    ):
        message = f"a comma inside {{}} or [] ended the value before this; {_ADVICE}"
        return Slip(key.start_mark.line, key.start_mark.column, message, _flow_repairs(key.start_mark.line, lines))
    return None


def explain(line: int, column: int, said: str, lines: Lines) -> Slip:
    """A slip from what the YAML reader stumbled over."""
    text = lines.read(line)
    if "\t" in text[: len(text) - len(text.lstrip())]:
        return Slip(line, text.index("\t"), "a tab in the indentation; YAML wants spaces")
    for at in (line, line - 1):
        slip = _explain_line(at, column if at == line else 0, lines) if at >= 0 else None
        if slip is not None:
            return slip
    return Slip(line, column, f"not YAML: {said}")


def _explain_line(line: int, column: int, lines: Lines) -> Slip | None:
    match = _KEY_AND_VALUE.match(lines.read(line))
    value = match.group(3) if match else ""
    if match is None or not value or value.startswith("#"):
        return None
    flow = _flow_repairs(line, lines)
    if flow:
        return Slip(
            line, flow[0].start, f"a comma, quote or bracket inside {{}} or [] is YAML's own here; {_ADVICE}", flow
        )
    why = _reason(value)
    if why is None or _is_quoted(value):
        return None
    start = match.start(3)
    return Slip(
        line,
        start if value[0] in "'\"{[>|*&!%@`" else max(column, start),
        f"{why}; {_ADVICE}",
        (Span(line, start, match.end(3)),),
    )


def _reason(value: str) -> str | None:
    first = value[0]
    if first in "'\"":
        return "a value that starts with a quote ends at the next one"
    if first in ">|" and not re.fullmatch(r"[>|][+-]?\d?\s*(#.*)?", value):
        return f"a leading {first} starts a block of text in YAML"
    if first in "{[":
        return f"a leading {first} starts a YAML {'mapping' if first == '{' else 'list'}"
    if first in "*&!%@`":
        return f"a leading {first} has a meaning of its own in YAML"
    return "a colon and a space start a new value in YAML" if re.search(r":(\s|$)", value) else None


def _flow_repairs(line: int, lines: Lines) -> tuple[Span, ...]:
    """The values inside the {} of one line that hold a comma, a quote or a bracket and are not quoted yet."""
    text = lines.read(line)
    opening = text.find("{")
    if (
        opening < 0
        or not re.match(r"^\s*(?:- +)*(?:[\w.-]+: +)?$", text[:opening])
        or not re.search(r"\}\s*(#.*)?$", text)
    ):
        return ()
    spans, at = [], opening + 1
    while match := re.compile(r"\s*[\w.-]+: +").match(text, at):
        start, stop = match.end(), _end_of_flow_value(text, match.end())
        value = text[start:stop]
        if value and value[0] not in "{[" and not _is_quoted(value) and re.search(r"[,'\"(]", value):
            spans.append(Span(line, start, stop))
        at = stop + 1
    return tuple(spans)


def _end_of_flow_value(text: str, start: int) -> int:
    """Where an expression that starts at `start` inside {} would end if brackets and quotes were an expression's."""
    stack: list[str] = []
    quote = ""
    for at in range(start, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in _PAIRS:
            stack.append(_PAIRS[char])
        elif stack and char == stack[-1]:
            stack.pop()
        elif not stack and char in ",}]":
            return len(text[:at].rstrip())
    return len(text.rstrip())


def _is_open(text: str) -> bool:
    """Whether a quote or bracket has no partner; an apostrophe inside a word is neither."""
    outside = re.sub(r"'[^']*'|\"[^\"]*\"", "", re.sub(r"(?<=\w)'(?=\w)", "", text))
    return "'" in outside or '"' in outside or outside.count("(") > outside.count(")")


def _is_quoted(value: str) -> bool:
    return bool(re.fullmatch(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"", value))
