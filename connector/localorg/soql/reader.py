"""Walks over tokens: look, take, expect, refuse. Extended by parser.py."""

from typing import NoReturn

from connector.localorg.soql.lexer import Token, malformed, tokenize


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

    def advance(self) -> Token:
        """Take the token at hand."""
        token = self.token
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def unexpected(self) -> NoReturn:
        """Refuse the token at hand."""
        malformed(self.source, self.token.at, f"unexpected token: '{self.token.text}'")

    def unsupported(self, what: str) -> NoReturn:
        """Refuse what Salesforce knows and this org does not."""
        malformed(self.source, self.token.at, f"{what} is not supported by the local org")

    def take_word(self, word: str) -> bool:
        """Take a keyword if it is at hand."""
        if self.token.word != word:
            return False
        self.advance()
        return True

    def expect_word(self, word: str) -> None:
        """Take a keyword or refuse."""
        if not self.take_word(word):
            self.unexpected()

    def take_symbol(self, symbol: str) -> bool:
        """Take a symbol if it is at hand."""
        if self.token.kind != "symbol" or self.token.text != symbol:
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
        if self.token.kind != "number" or not self.token.text.isdigit():
            self.unexpected()
        return int(self.advance().text)
