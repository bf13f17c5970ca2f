"""Patterns of REGEX: the part of regular expressions that Java (Salesforce), RE2 (DuckDB) and Spark read alike.

Called by results. A pattern is read here before any engine sees it, so that none stops at it: no look-around, no
back-references, and repetitions small enough for an engine that writes them out.
"""

from __future__ import annotations

import re

MAX_LENGTH = 250
MAX_NESTING = 10
MAX_WRITTEN_OUT = 1000
"""RE2 writes counted repetitions out, one inside the other too, and refuses what grows too large."""

_PART = re.compile(
    r"""(?P<escape>\\(?:[dDwWsStnr]|[!-/:-@\[-^`{-~]))
      | (?P<set>\[\^?(?:\\[dDwWsStnr]|\\[!-/:-@\[-^`{-~]|[^\\\[\]&~|])+\])
      | (?P<open>\((?:\?:|(?!\?)))
      | (?P<close>\))
      | (?P<either>\|)
      | (?P<repeat>(?:[*+?]|\{\d{1,4}(?:,\d{0,4})?\})\??)
      | (?P<place>[\^$])
      | (?P<plain>[^\\\[\](){}|*+?^$])""",
    re.VERBOSE | re.DOTALL,
)
_ALLOWED = "there are sets, groups, |, repetitions, \\d, \\w, \\s (each written with two \\ in a formula) and (?i)"
_UNREPEATABLE = frozenset({"", "open", "either", "place", "repeat"})


def fault_of(pattern: str) -> str:
    """What keeps a pattern from being used; empty when nothing does."""
    if len(pattern) > MAX_LENGTH:
        return f"a pattern may have {MAX_LENGTH} characters"
    return _misread(pattern.removeprefix("(?i)")) or _does_not_compile(pattern)


def _misread(body: str) -> str:
    """Read part by part, with the size of what is open so far as an engine writes it out."""
    offset, before, sizes, last = 0, "", [0], 0
    while offset < len(body):
        part = _PART.match(body, offset)
        if part is None:
            return f"`{body[offset : offset + 3]}` cannot be read in a pattern; {_ALLOWED}"
        kind, offset = part.lastgroup or "", part.end()
        match kind:
            case "repeat" if before in _UNREPEATABLE:
                return f"`{part[0]}` repeats nothing in this pattern"
            case "repeat":
                sizes[-1] += last * (_times(part[0]) - 1)
            case "open":
                sizes.append(0)
            case "close" if len(sizes) == 1:
                return "a `)` closes nothing in this pattern"
            case _:
                last = sizes.pop() + 1 if kind == "close" else 1
                sizes[-1] += last
        if len(sizes) > MAX_NESTING or sizes[-1] > MAX_WRITTEN_OUT:
            return "this pattern repeats or nests too much"
        before = kind
    return "a `(` is never closed in this pattern" if len(sizes) > 1 else ""


def _times(repeat: str) -> int:
    """How often at most a counted repetition writes out what it repeats."""
    return max([1, *(int(n) for n in re.findall(r"\d+", repeat))])


def _does_not_compile(pattern: str) -> str:
    """What is left: ends of ranges, and counts, in the wrong order."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as problem:
        return f"this pattern cannot be read: {problem}"
    return ""
