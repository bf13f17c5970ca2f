"""The language as a page of Markdown, generated from the tables that the checker goes by, so that it cannot lag behind.

Called by whoever publishes the reference (the command line, or a make target that writes it into the docs).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connector.calendar import UNITS
from connector.mapping.language.aggregates import MEANINGS
from connector.mapping.language.functions import FUNCTIONS, TABLE
from connector.mapping.language.grammar import MAX_DEPTH
from connector.mapping.language.names import MAX_STEPS
from connector.mapping.language.scope import ACTIVITY
from connector.mapping.language.tokens import MAX_LENGTH
from connector.mapping.language.types import either
from connector.mapping.language.unavailable import UNAVAILABLE

_OPERATORS = (
    ("and, &&, AND(...)", "true when both sides are; unknown only where that still matters"),
    ("or, ||, OR(...)", "true when one side is"),
    ("not, !, NOT(...)", "true when what follows is false; unknown when it is unknown"),
    ("=, ==, !=, <>", "equal, and not; nothing equals null"),
    ("<, <=, >, >=", "order of numbers, dates, times and durations"),
    ("x between a and b, x not between a and b", "both ends included"),
    ("x in (a, b), x in list, x not in list", "one of written values, or of a list of the model"),
    ("x is null, x is not null", "whether there is no value, or a blank text; never unknown for what could be read"),
    ("+, -", "numbers; a date and days or a duration; `-` between two dates gives days; `+` also joins texts"),
    ("*, /, ^", "numbers; a division by 0 is unknown"),
    ("&", "joins texts"),
    ("/* ... */", "a comment"),
)


def reference() -> str:
    """The whole page."""
    return "\n".join([*_head(), *_functions(), *_legend(), *_over_records(), *_missing()]) + "\n"


def _head() -> Iterator[str]:
    yield "# The expression language\n"
    yield (
        "Names are Salesforce API names, facts, parameters and lists; capitals do not matter. A missing number, date "
        "or reference is unknown, never 0 and never false; a blank text or picklist is the known text `''`. Texts "
        "stand in 'single' or \"double\" quotes; inside, a quote is written `\\'` and a backslash `\\\\`. An "
        f"expression has at most {MAX_LENGTH:,} characters and {MAX_DEPTH} levels of nesting; a path follows at most "
        f"{MAX_STEPS} references.\n"
    )
    yield "## Operators\n"
    yield from _table(("written", "meaning"), ((_code(sign), meaning) for sign, meaning in _OPERATORS))
    yield f"Durations are a whole number and a unit: {', '.join(UNITS)}. `30 days`, `5 business days`, `3 months`.\n"


def _functions() -> Iterator[str]:
    for group, functions in TABLE.items():
        yield f"## {group}\n"
        rows = ((_code(f.usage), f.meaning, _code(f.example)) for f in functions)
        yield from _table(("function", "gives", "true, for example"), rows)


def _legend() -> Iterator[str]:
    kinds = {p.name: p.kinds for f in FUNCTIONS.values() for p in f.parameters}
    yield "## What stands in the brackets\n"
    yield "In [ ] is what may be left out; ... says that the last may be repeated.\n"
    yield from _table(("name", "takes"), ((_code(name), either(kinds[name])) for name in sorted(kinds)))


def _over_records() -> Iterator[str]:
    yield "## Over child records\n"
    yield (
        "Only facts read child records. `where` takes a condition over the child's fields and its parents'; the "
        "subject's are written `Account.X`. `via` says which reference is meant where a child has several.\n"
    )
    rows = ((_code(m.usage), m.meaning, _code(m.example)) for m in MEANINGS.values())
    yield from _table(("aggregate", "gives", "for example"), rows)
    yield f"`activity` is Task, Event and EmailMessage as one stream, with {', '.join(map(_code, ACTIVITY))}.\n"


def _missing() -> Iterator[str]:
    yield "## Functions of Salesforce and of spreadsheets that are not available\n"
    yield from _table(("function", "why, and what to write"), ((_code(n), UNAVAILABLE[n]) for n in sorted(UNAVAILABLE)))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(head)
    yield _row(tuple("---" for _ in head))
    yield from map(_row, rows)
    yield ""


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(text: str) -> str:
    return f"`{text}`"
