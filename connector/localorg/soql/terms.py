"""Reads fields, functions and literals out of tokens. Called by parser.py and logic.py; knows grammar only."""

import re

from connector.localorg.soql.lexer import malformed
from connector.localorg.soql.reader import TokenReader
from connector.localorg.soql.spans import COUNTED_SPANS, FIXED_SPANS
from connector.localorg.soql.syntax import Call, Distance, Expression, Path, Value
from connector.localorg.soql.words import FUNCTIONS, HOLDERS, RESERVED

_MONEY = re.compile(r"[A-Za-z]{3}\d+(\.\d+)?\Z")


def read_path(reader: TokenReader) -> Path:
    """A field or a dotted path."""
    if reader.token.word in RESERVED:
        reader.unexpected()
    name = reader.expect_name()
    return Path(tuple(name.text.split(".")), name.at)


def read_expression(reader: TokenReader) -> Expression:
    """A path or a function."""
    if not reader.at_call:
        return read_path(reader)
    if reader.token.word == "DISTANCE":
        return _read_distance(reader)
    return _read_call(reader, FUNCTIONS)


def _read_call(reader: TokenReader, allowed: frozenset[str]) -> Call:
    name = reader.advance()
    if name.word not in allowed:
        reader.unexpected()
    reader.advance()
    argument: Path | Call | None = None
    if name.word != "COUNT" or not reader.at_symbol(")"):
        argument = _read_argument(reader, name.word)
    reader.expect_symbol(")")
    return Call(name.word, argument, name.at)


def _read_argument(reader: TokenReader, holder: str) -> Path | Call:
    return _read_call(reader, HOLDERS.get(holder, frozenset())) if reader.at_call else read_path(reader)


def _read_distance(reader: TokenReader) -> Distance:
    at = reader.advance().at
    reader.expect_symbol("(")
    field = read_path(reader)
    reader.expect_symbol(",")
    reader.expect_word("GEOLOCATION")
    reader.expect_symbol("(")
    latitude = _read_number(reader)
    reader.expect_symbol(",")
    longitude = _read_number(reader)
    reader.expect_symbol(")")
    reader.expect_symbol(",")
    if reader.token.kind != "string":
        reader.unexpected()
    unit = reader.advance()
    reader.expect_symbol(")")
    return Distance(field, latitude, longitude, unit.text, at)


def _read_number(reader: TokenReader) -> float:
    reader.refuse_bind()
    if reader.token.kind != "number":
        reader.unexpected()
    return float(reader.advance().text)


def read_value(reader: TokenReader) -> Value:
    """A literal."""
    reader.refuse_bind()
    token = reader.token
    if token.kind in ("string", "number", "date", "datetime", "time", "currency"):
        reader.advance()
        return Value(token.kind, token.text, token.at)
    if token.word in ("TRUE", "FALSE"):
        reader.advance()
        return Value("boolean", token.word, token.at)
    if token.word == "NULL":
        reader.advance()
        return Value("null", "NULL", token.at)
    if token.kind == "name" and _MONEY.match(token.text):
        reader.advance()
        return Value("currency", token.text, token.at)
    return _read_span(reader)


def _read_span(reader: TokenReader) -> Value:
    token = reader.token
    if token.word in FIXED_SPANS:
        reader.advance()
        return Value("span", token.word, token.at)
    if token.word not in COUNTED_SPANS:
        reader.unexpected()
    reader.advance()
    if not reader.at_symbol(":"):
        malformed(reader.source, reader.token.at, f"expecting a colon, found '{reader.token.text}'")
    reader.advance()
    return Value("span", token.word, token.at, reader.integer())


def read_values(reader: TokenReader) -> tuple[Value, ...]:
    """Literals in parentheses."""
    reader.refuse_bind()
    reader.expect_symbol("(")
    found = reader.listed(read_value)
    reader.expect_symbol(")")
    return found
