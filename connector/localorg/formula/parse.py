"""Reads a formula into a tree. Called by compile.py; knows neither fields nor functions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_TOKEN = re.compile(
    r"""\s*(?:/\*.*?\*/\s*)*(?:
        (?P<number>\d+(?:\.\d+)?|\.\d+)
      | "(?P<double>(?:[^"\\]|\\.)*)"
      | '(?P<single>(?:[^'\\]|\\.)*)'
      | (?P<name>\$?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
      | (?P<symbol>&&|\|\||<>|!=|==|<=|>=|[-+*/^&=<>!(),])
    )\s*(?:/\*.*?\*/\s*)*""",
    re.VERBOSE | re.DOTALL,
)
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"=", "==", "<>", "!="}),
    frozenset({"<", "<=", ">", ">="}),
    frozenset({"+", "-", "&"}),
    frozenset({"*", "/"}),
    frozenset({"^"}),
)
_SAME = {"==": "=", "!=": "<>"}


class FormulaError(ValueError):
    """A formula that the org cannot take; the text says what and where."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, TRUE, FALSE or NULL."""

    kind: Literal["number", "text", "boolean", "null"]
    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A field, a path to a parent's field, or a global such as $User.Id."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """left operator right; a missing left is a sign or a negation."""

    operator: str
    left: "Node | None"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Function:
    """NAME(arguments)"""

    name: str
    arguments: tuple["Node", ...]


Node = Constant | Reference | Operation | Function
Token = tuple[str, str]


def parse_formula(source: str) -> Node:
    """Return the tree of a formula; raises FormulaError."""
    reader = _Reader(_read_tokens(source))
    node = reader.read_level(0)
    if reader.peek()[1] != "":
        raise FormulaError(f"Syntax error: unexpected '{reader.peek()[1]}'")
    return node


def _read_tokens(source: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while at < len(source.rstrip()):
        found = _TOKEN.match(source, at)
        if found is None or found.end() == at:
            raise FormulaError(f"Syntax error at position {at + 1}: {source[at : at + 20]!r}")
        kind = str(found.lastgroup)
        tokens.append(("text" if kind in ("double", "single") else kind, found[kind]))
        at = found.end()
    return [*tokens, ("end", "")]


class _Reader:
    """Walks over the tokens; one method per grammar rule."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens, self.at = tokens, 0

    def peek(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, symbol: str) -> None:
        if self.take() != ("symbol", symbol):
            raise FormulaError(f"Syntax error: missing '{symbol}'")

    def read_level(self, level: int) -> Node:
        """Operators of one precedence, from left to right."""
        if level == len(_LEVELS):
            return self.read_signed()
        node = self.read_level(level + 1)
        while self.peek()[0] == "symbol" and self.peek()[1] in _LEVELS[level]:
            operator = self.take()[1]
            node = Operation(_SAME.get(operator, operator), node, self.read_level(level + 1))
        return node

    def read_signed(self) -> Node:
        kind, text = self.peek()
        if kind == "symbol" and text in ("-", "+", "!"):
            self.take()
            return Operation(text, None, self.read_signed())
        return self.read_atom()

    def read_atom(self) -> Node:
        kind, text = self.take()
        match kind:
            case "number":
                return Constant("number", text)
            case "text":
                return Constant("text", re.sub(r"\\(.)", r"\1", text))
            case "name":
                return self.read_named(text)
        if (kind, text) == ("symbol", "("):
            node = self.read_level(0)
            self.expect(")")
            return node
        raise FormulaError(f"Syntax error: unexpected '{text or 'end of formula'}'")

    def read_named(self, text: str) -> Node:
        if self.peek() == ("symbol", "("):
            self.take()
            return Function(text.upper(), self.read_arguments())
        match text.upper():
            case "TRUE" | "FALSE":
                return Constant("boolean", text.upper())
            case "NULL":
                return Constant("null", "")
        return Reference(tuple(text.split(".")))

    def read_arguments(self) -> tuple[Node, ...]:
        if self.peek() == ("symbol", ")"):
            self.take()
            return ()
        arguments = [self.read_level(0)]
        while self.peek() == ("symbol", ","):
            self.take()
            arguments.append(self.read_level(0))
        self.expect(")")
        return tuple(arguments)
