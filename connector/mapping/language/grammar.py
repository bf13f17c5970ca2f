"""Tokens -> unchecked tree: precedence, clauses, bounds on nesting.

Called by expression. A Pratt parser; from loose to tight: or, and, not, comparison (with in, between, is), + - &,
* /, minus, ^. The first thing that is no grammar ends it with a SyntaxProblem: what follows would be guesswork.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from connector.calendar import UNITS, Duration
from connector.describe import nearest
from connector.mapping.language.syntax import (
    Chain,
    Infix,
    Invocation,
    Membership,
    Nullness,
    Path,
    Prefix,
    Range,
    Syntax,
    Value,
)
from connector.mapping.language.tokens import Mark, SyntaxProblem, Token, tokenize
from connector.mapping.language.types import MAX_DIGITS

MAX_DEPTH = 60
COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
KEYWORDS = frozenset({"and", "or", "not", "in", "between", "is", "null", "true", "false", "where", "via", "by"})
_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _MINUS, _POWER = range(1, 9)
_BINDING = {"or": _OR, "and": _AND, "in": _COMPARE, "between": _COMPARE, "is": _COMPARE, "not": _COMPARE,
            "+": _SUM, "-": _SUM, "&": _SUM, "*": _PRODUCT, "/": _PRODUCT, "^": _POWER,
            **dict.fromkeys(COMPARISONS, _COMPARE)}  # fmt: skip
_CONSTANTS = {"true": True, "false": False, "null": None}
_UNITS = {name: unit for unit in UNITS for name in (unit, unit.removesuffix("s"))}


def parse_syntax(text: str) -> Syntax:
    """The unchecked tree of `text`. Raises SyntaxProblem."""
    tree = _Parser(tokenize(text)).whole()
    _refuse_depth(tree)
    return tree


def _refuse_depth(tree: Syntax) -> None:
    """Sums of many terms grow deep to the left without any nesting in the text."""
    level: list[Syntax] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node.children]
        if not level:
            return
    raise _too_deep(level[0].start)


def _too_deep(offset: int) -> SyntaxProblem:
    return SyntaxProblem(offset, f"nested more than {MAX_DEPTH} levels deep; give an inner part a name as a fact")


class _Parser:
    """One pass over the tokens of one expression."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._index = 0
        self._open = 0

    # --- tokens -------------------------------------------------------------------------------------------

    @property
    def _next(self) -> Token:
        return self._tokens[self._index]

    @property
    def _end(self) -> int:
        """Where the token taken last ends."""
        return self._tokens[self._index - 1].end

    def _peek(self, ahead: int) -> Token:
        return self._tokens[min(self._index + ahead, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._next
        self._index += token.mark is not Mark.END
        return token

    def _accept(self, word: str) -> bool:
        found = self._next.word == word
        self._index += found
        return found

    def _expect(self, word: str, what: str) -> Token:
        if self._next.word != word:
            raise self._unexpected(f"expected `{word}` {what}")
        return self._take()

    def _unexpected(self, wanted: str) -> SyntaxProblem:
        token = self._next
        found = {Mark.END: "the end", Mark.TEXT: repr(token.text)}.get(token.mark, f"`{token.text}`")
        return SyntaxProblem(token.start, f"found {found}; {wanted}")

    def whole(self) -> Syntax:
        """The one expression that all the tokens make."""
        if len(self._tokens) == 1:
            raise SyntaxProblem(0, "there is nothing here; an expression was expected")
        tree = self._expression(0)
        if self._next.mark is not Mark.END:
            raise self._unexpected("expected the end, or an operator such as `and`")
        return tree

    # --- operators ----------------------------------------------------------------------------------------

    def _expression(self, floor: int) -> Syntax:
        """An expression whose operators bind tighter than `floor`."""
        self._open += 1
        if self._open > MAX_DEPTH:
            raise _too_deep(self._next.start)
        left, compared = self._prefix(), False
        while (binding := _BINDING.get(self._next.word, 0)) > floor:
            if binding == _COMPARE and compared:
                raise self._chained()
            left, compared = self._infix(left, binding), binding == _COMPARE
        self._open -= 1
        return left

    def _chained(self) -> SyntaxProblem:
        message = "comparisons cannot be chained; write `x between 1 and 5`, or `1 < x and x < 5`"
        return SyntaxProblem(self._next.start, message)

    def _infix(self, left: Syntax, binding: int) -> Syntax:
        operator = self._take()
        match operator.word:
            case "and" | "or" as word:
                return self._chain(left, word, binding)
            case "is":
                return self._nullness(left)
            case "in":
                return self._membership(left, negated=False)
            case "between":
                return self._range(left, negated=False)
            case "not" if self._accept("in"):
                return self._membership(left, negated=True)
            case "not" if self._accept("between"):
                return self._range(left, negated=True)
            case "not":
                raise self._unexpected("after a value, `not` is followed by `in` or `between`")
        right = self._expression(binding)
        return Infix(left.start, right.end, operator.word, left, right, operator.start)

    def _chain(self, first: Syntax, word: str, binding: int) -> Syntax:
        parts = [first, self._expression(binding)]
        while self._accept(word):
            parts.append(self._expression(binding))
        return Chain(first.start, parts[-1].end, word, tuple(parts))

    def _nullness(self, operand: Syntax) -> Syntax:
        negated = self._accept("not")
        end = self._expect("null", "(or `not null`) after `is`").end
        return Nullness(operand.start, end, operand, negated)

    def _range(self, operand: Syntax, *, negated: bool) -> Syntax:
        low = self._expression(_COMPARE)
        self._expect("and", "between the two ends of `between`")
        high = self._expression(_COMPARE)
        return Range(operand.start, high.end, operand, low, high, negated)

    def _membership(self, operand: Syntax, *, negated: bool) -> Syntax:
        if self._accept("("):
            items = self._listed("to close the list")
        elif self._next.mark is Mark.NAME and self._next.word not in KEYWORDS:
            items = (self._path(),)
        else:
            raise self._unexpected("`in` is followed by the name of a list, or by values in parentheses")
        return Membership(operand.start, self._end, operand, items, negated)

    def _listed(self, what: str) -> tuple[Syntax, ...]:
        items = [self._expression(0)]
        while self._accept(","):
            items.append(self._expression(0))
        self._expect(")", what)
        return tuple(items)

    # --- values -------------------------------------------------------------------------------------------

    def _prefix(self) -> Syntax:
        token = self._next
        if token.word in {"and", "or"} and self._peek(1).word == "(":
            return self._call()
        if token.word in {"not", "-", "+"}:
            return self._signed()
        if token.word == "(":
            return self._group()
        if token.mark is Mark.NUMBER:
            return self._number()
        if token.mark is Mark.TEXT:
            return Value(self._take().start, token.end, token.text)
        if token.word in _CONSTANTS:
            return Value(self._take().start, token.end, _CONSTANTS[token.word])
        if token.mark is not Mark.NAME or token.word in KEYWORDS:
            raise self._unexpected("a value was expected here: a name, a number, a 'text' or a function")
        return self._call() if self._peek(1).word == "(" else self._path()

    def _signed(self) -> Syntax:
        operator = self._take()
        operand = self._expression(_NOT if operator.word == "not" else _MINUS)
        return operand if operator.word == "+" else Prefix(operator.start, operand.end, operator.word, operand)

    def _group(self) -> Syntax:
        opening = self._take()
        inner = self._expression(0)
        end = self._expect(")", "to close the parenthesis").end
        return replace(inner, start=opening.start, end=end)

    def _path(self) -> Path:
        first = self._take()
        parts = [first.text]
        self._kind_of_owner()
        while self._accept("."):
            if self._next.mark is not Mark.NAME:
                raise self._unexpected("a name was expected after the dot")
            parts.append(self._take().text)
        return Path(first.start, self._end, tuple(parts))

    def _kind_of_owner(self) -> None:
        """Formulas say of an owner who it is: Owner:User.Name. Here owners are people."""
        if self._accept(":"):
            if self._next.word != "user":
                raise self._unexpected("owners are users here: Owner:User.Name, or Owner.Name")
            self._take()

    def _number(self) -> Syntax:
        token = self._take()
        self._refuse_written_date(token)
        if len(token.text.replace(".", "")) > MAX_DIGITS:
            raise SyntaxProblem(token.start, f"this number has more than {MAX_DIGITS} digits")
        if self._next.mark is not Mark.NAME or self._next.word in KEYWORDS:
            return Value(token.start, token.end, Decimal(token.text))
        return self._duration(token)

    def _refuse_written_date(self, year: Token) -> None:
        """2026-01-31 would be a subtraction, which nobody means."""
        tokens = (year, *(self._peek(n) for n in range(4)))
        written = "".join(t.text for t in tokens)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", written) and tokens[-1].end - year.start == len(written):
            parts = ", ".join(str(int(p)) for p in written.split("-"))
            raise SyntaxProblem(year.start, f"a date is written DATE({parts})")

    def _duration(self, count: Token) -> Syntax:
        unit = self._take()
        name = unit.word
        if name == "business" and self._next.mark is Mark.NAME:
            name += " " + self._take().word
        if name not in _UNITS:
            guess = nearest(name, _UNITS)
            advice = f"did you mean {guess}?" if guess else f"durations count {', '.join(UNITS)}"
            raise SyntaxProblem(unit.start, f"`{name}` is no unit of time; {advice}")
        if not count.text.isdigit() or len(count.text) > (3 if _UNITS[name] == "years" else 4):
            message = f"a duration is a whole number of {_UNITS[name]}, below ten thousand (years: one thousand)"
            raise SyntaxProblem(count.start, message)
        return Value(count.start, self._end, Duration(int(count.text), _UNITS[name]))

    # --- calls --------------------------------------------------------------------------------------------

    def _call(self) -> Syntax:
        name = self._take()
        self._take()
        if self._accept(")"):
            return Invocation(name.start, self._end, name.text, ())
        arguments = [self._expression(0)]
        while self._accept(","):
            arguments.append(self._expression(0))
        via, by, where = self._clauses()
        end = self._expect(")", f"to close {name.text}(").end
        return Invocation(name.start, end, name.text, tuple(arguments), via, by, where)

    def _clauses(self) -> tuple[Path | None, Path | None, Syntax | None]:
        """`via F`, `by D` in any order, then `where c`."""
        paths: dict[str, Path] = {}
        while (word := self._next.word) in {"via", "by"} and word not in paths:
            self._take()
            if self._next.mark is not Mark.NAME or self._next.word in KEYWORDS:
                raise self._unexpected(f"`{word}` is followed by the name of a field")
            paths[word] = self._path()
        where = self._expression(0) if self._accept("where") else None
        return paths.get("via"), paths.get("by"), where
