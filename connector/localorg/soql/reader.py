"""Walks over tokens: look, take, expect, refuse. Used by parser.py, terms.py and logic.py."""

from collections.abc import Callable
from typing import NoReturn, TypeVar

from connector.localorg.soql.lexer import Token, malformed, tokenize

LONGEST_INTEGER = 9
T = TypeVar("T")


class TokenReader:
    """A place in a list of tokens."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = tokenize(source)
        self.index = 0

    @property
    def token(self) -> Token:
        """The token at hand."""
        return self.tokens[self.index]

    @property
    def next_token(self) -> Token:
        """The token after the one at hand."""
        return self.tokens[min(self.index + 1, len(self.tokens) - 1)]

    @property
    def at_call(self) -> bool:
        """Tell whether a name and an opening parenthesis are at hand."""
        after = self.next_token
        return self.token.kind == "name" and after.kind == "symbol" and after.text == "("

    def advance(self) -> Token:
        """Take the token at hand."""
        token = self.token
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def unexpected(self) -> NoReturn:
        """Refuse the token at hand."""
        malformed(self.source, self.token.at, f"unexpected token: '{self.token.text}'")

    def at_symbol(self, symbol: str) -> bool:
        """Tell whether a symbol is at hand."""
        return self.token.kind == "symbol" and self.token.text == symbol

    def take_word(self, word: str) -> bool:
        """Take a keyword if it is at hand."""
        if self.token.word != word:
            return False
        self.advance()
        return True

    def expect_word(self, *words: str) -> Token:
        """Take one of these keywords or refuse."""
        if self.token.word not in words:
            self.unexpected()
        return self.advance()

    def take_symbol(self, symbol: str) -> bool:
        """Take a symbol if it is at hand."""
        if not self.at_symbol(symbol):
            return False
        self.advance()
        return True

    def expect_symbol(self, symbol: str) -> None:
        """Take a symbol or refuse."""
        if not self.take_symbol(symbol):
            self.unexpected()

    def expect_name(self) -> Token:
        """Take a name or refuse."""
        if self.token.kind != "name":
            self.unexpected()
        return self.advance()

    def expect_end(self) -> None:
        """Refuse anything that is left."""
        if self.token.kind != "end":
            self.unexpected()

    def integer(self) -> int:
        """Take a whole number or refuse."""
        self.refuse_bind()
        if self.token.kind != "number" or not self.token.text.isdecimal() or len(self.token.text) > LONGEST_INTEGER:
            self.unexpected()
        return int(self.advance().text)

    def refuse_bind(self) -> None:
        """Refuse `:name`, which only Apex can fill in."""
        if self.at_symbol(":"):
            malformed(self.source, self.token.at, "Bind variables only allowed in Apex code")

    def listed(self, read: Callable[["TokenReader"], T]) -> tuple[T, ...]:
        """Read one or more of something, separated by commas."""
        found = [read(self)]
        while self.take_symbol(","):
            found.append(read(self))
        return tuple(found)
