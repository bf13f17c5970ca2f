"""The functions of formulas as SQL. Called by compile.py, which has compiled the arguments.

Each entry takes typed SQL and gives typed SQL. Dates are stored as text; days are counted with julianday.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from connector.localorg.formula.parse import FormulaError

Kind = Literal["text", "number", "boolean", "date", "datetime", "null"]


@dataclass(frozen=True, slots=True)
class Typed:
    """An SQL expression and what it gives."""

    sql: str
    kind: Kind


Arguments = Sequence[Typed]
Builder = Callable[[Arguments], Typed]


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("\0", "").replace("'", "''") + "'"


def as_text(value: Typed) -> str:
    """Text without null: an empty field and an empty text are the same in formulas."""
    return f"COALESCE({value.sql}, '')" if value.kind in ("text", "null") else f"COALESCE(sf_text({value.sql}), '')"


def common_kind(values: Arguments) -> Kind:
    """The kind that alternatives share; null goes with everything."""
    kinds = {v.kind for v in values} - {"null"}
    if len(kinds) > 1:
        raise FormulaError(f"Incorrect parameter types: {', '.join(sorted(kinds))} do not go together")
    return next(iter(kinds), "null")


def _if(a: Arguments) -> Typed:
    return Typed(f"CASE WHEN {a[0].sql} THEN {a[1].sql} ELSE {a[2].sql} END", common_kind(a[1:]))


def _case(a: Arguments) -> Typed:
    pairs = list(zip(a[1:-1:2], a[2:-1:2], strict=True))
    value = as_text(a[0]) if a[0].kind == "text" else a[0].sql
    branches = " ".join(f"WHEN {w.sql} THEN {t.sql}" for w, t in pairs)
    return Typed(f"CASE {value} {branches} ELSE {a[-1].sql} END", common_kind([t for _, t in pairs] + [a[-1]]))


def is_blank(value: Typed) -> str:
    """Whether there is no value."""
    return f"({value.sql} IS NULL OR {value.sql} = '')" if value.kind == "text" else f"({value.sql} IS NULL)"


def _blank_value(a: Arguments) -> Typed:
    return Typed(f"CASE WHEN {is_blank(a[0])} THEN {a[1].sql} ELSE {a[0].sql} END", common_kind(a))


def _date_value(a: Arguments) -> Typed:
    return Typed(f"substr({a[0].sql}, 1, 10)", "date")


def _part(width: str) -> Builder:
    return lambda a: Typed(f"CAST(strftime('{width}', substr({a[0].sql}, 1, 10)) AS INTEGER)", "number")


def _weekday(a: Arguments) -> Typed:
    return Typed(f"(CAST(strftime('%w', substr({a[0].sql}, 1, 10)) AS INTEGER) + 1)", "number")


def _text_function(shape: str, kind: Kind = "text") -> Builder:
    """A function over texts and numbers: texts lose their nulls."""

    def build(a: Arguments) -> Typed:
        return Typed(shape.format(*[as_text(x) if x.kind in ("text", "null") else x.sql for x in a]), kind)

    return build


def _plain(shape: str, kind: Kind) -> Builder:
    return lambda a: Typed(shape.format(*[x.sql for x in a]), kind)


def _joined(operator: str) -> Builder:
    return lambda a: Typed("(" + f" {operator} ".join(f"COALESCE({x.sql}, 0)" for x in a) + ")", "boolean")


def _extreme(name: str) -> Builder:
    return lambda a: Typed(f"{name}({', '.join(x.sql for x in a)})" if len(a) > 1 else a[0].sql, common_kind(a))


@dataclass(frozen=True, slots=True)
class Entry:
    """A function: how many arguments it takes and what it becomes."""

    fewest: int
    most: int
    build: Builder


FUNCTIONS: Mapping[str, Entry] = {
    "ABS": Entry(1, 1, _plain("abs({0})", "number")),
    "ADDMONTHS": Entry(2, 2, _plain("sf_addmonths({0}, {1})", "date")),
    "AND": Entry(1, 99, _joined("AND")),
    "BEGINS": Entry(2, 2, _text_function("(substr({0}, 1, length({1})) = {1} COLLATE BINARY)", "boolean")),
    "BLANKVALUE": Entry(2, 2, _blank_value),
    "BR": Entry(0, 0, _plain("char(10)", "text")),
    "CASE": Entry(4, 199, _case),
    "CASESAFEID": Entry(1, 1, _plain("{0}", "text")),
    "CEILING": Entry(1, 1, _plain("ceil({0})", "number")),
    "CONTAINS": Entry(2, 2, _text_function("(instr({0}, {1}) > 0)", "boolean")),
    "DATE": Entry(3, 3, _plain("date(printf('%04d-%02d-%02d', {0}, {1}, {2}))", "date")),
    "DATEVALUE": Entry(1, 1, _date_value),
    "DAY": Entry(1, 1, _part("%d")),
    "FIND": Entry(2, 2, _text_function("instr({1}, {0})", "number")),
    "FLOOR": Entry(1, 1, _plain("floor({0})", "number")),
    "IF": Entry(3, 3, _if),
    "INCLUDES": Entry(2, 2, _text_function("(instr(';' || {0} || ';', ';' || {1} || ';') > 0)", "boolean")),
    "ISBLANK": Entry(1, 1, lambda a: Typed(is_blank(a[0]), "boolean")),
    "ISNULL": Entry(1, 1, lambda a: Typed(is_blank(a[0]), "boolean")),
    "ISPICKVAL": Entry(2, 2, _text_function("({0} = {1} COLLATE BINARY)", "boolean")),
    "LEFT": Entry(2, 2, _text_function("substr({0}, 1, {1})")),
    "LEN": Entry(1, 1, _text_function("length({0})", "number")),
    "LOWER": Entry(1, 1, _text_function("lower({0})")),
    "MAX": Entry(1, 99, _extreme("max")),
    "MID": Entry(3, 3, _text_function("substr({0}, {1}, {2})")),
    "MIN": Entry(1, 99, _extreme("min")),
    "MOD": Entry(2, 2, _plain("mod({0}, {1})", "number")),
    "MONTH": Entry(1, 1, _part("%m")),
    "NOT": Entry(1, 1, _plain("(NOT COALESCE({0}, 0))", "boolean")),
    "NOW": Entry(0, 0, _plain("sf_now()", "datetime")),
    "NULLVALUE": Entry(2, 2, _blank_value),
    "OR": Entry(1, 99, _joined("OR")),
    "REGEX": Entry(2, 2, _text_function("sf_matches({0}, {1})", "boolean")),
    "RIGHT": Entry(2, 2, _text_function("substr({0}, -{1})")),
    "ROUND": Entry(2, 2, _plain("round({0}, {1})", "number")),
    "SQRT": Entry(1, 1, _plain("sqrt({0})", "number")),
    "SUBSTITUTE": Entry(3, 3, _text_function("replace({0}, {1}, {2})")),
    "TEXT": Entry(1, 1, lambda a: Typed(as_text(a[0]), "text")),
    "TODAY": Entry(0, 0, _plain("sf_today()", "date")),
    "TRIM": Entry(1, 1, _text_function("trim({0})")),
    "UPPER": Entry(1, 1, _text_function("upper({0})")),
    "VALUE": Entry(1, 1, _text_function("CAST({0} AS REAL)", "number")),
    "WEEKDAY": Entry(1, 1, _weekday),
    "YEAR": Entry(1, 1, _part("%Y")),
}


def call_function(name: str, arguments: Arguments) -> Typed:
    """Build a call; refuses what does not exist and the wrong number of arguments."""
    entry = FUNCTIONS.get(name)
    if entry is None:
        raise FormulaError(f"Unknown function {name}; known are {', '.join(sorted(FUNCTIONS))}")
    if not entry.fewest <= len(arguments) <= entry.most or (name == "CASE" and len(arguments) % 2):
        raise FormulaError(f"Incorrect number of parameters for function '{name}()': {len(arguments)}")
    return entry.build(arguments)
