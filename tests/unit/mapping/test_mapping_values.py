"""The small notations of mapping files."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from connector.calendar import Duration
from connector.mapping.values import Budget, Campaign, ExpressionText, ParamValue, Percent, WrittenType


@pytest.mark.parametrize(
    ("notation", "written", "read"),
    [
        (Budget, "10 per day", "10 per 1 day"),
        (Budget, "2 per 30 days", "2 per 30 days"),
        (Budget, "1 per business day", "1 per 1 business day"),
        (WrittenType, "currency(16, 2)", "currency(16, 2)"),
        (WrittenType, "number", "number(18, 0)"),
        (WrittenType, "currency", "currency(18, 2)"),
        (WrittenType, "percent(5,2)", "percent(5, 2)"),
        (WrittenType, "text(80)", "text(80)"),
        (WrittenType, "date", "date"),
        (Campaign, "701000000000001", "701000000000001AAA"),
        (Campaign, 701000000000001, "701000000000001AAA"),
        (Campaign, "7015g00000AbCdE", "7015g00000AbCdEAAV"),
        (Campaign, {"Name": "Welcome"}, "Name = 'Welcome'"),
    ],
)
def test_a_notation_is_read(notation: Any, written: Any, read: str) -> None:
    assert str(TypeAdapter(notation).validate_python(written)) == read


@pytest.mark.parametrize(
    ("notation", "written", "told"),
    [
        (Budget, "ten per day", "10 per day"),
        (Budget, "10 per fortnight", "write it like"),
        (WrittenType, "money", "currency(16, 2)"),
        (WrittenType, "currency(19, 2)", "at most 18"),
        (WrittenType, "text(900)", "text(80)"),
        (WrittenType, "date(3)", "no field type"),
        (Percent, 60, "needs its sign"),
        (Percent, "sixty %", "60 %"),
        (Campaign, "Welcome", "Name: Welcome"),
        (Campaign, "001000000000001", "no Campaign id"),
        (Campaign, "701000000000001AAB", "case do not fit"),
        (ExpressionText, [1], "an expression is wanted"),
        (ExpressionText, "  ", "an expression is wanted"),
    ],
)
def test_what_it_cannot_read_says_what_is_allowed(notation: Any, written: Any, told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(notation).validate_python(written)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("written", "read"),
    [(True, "true"), (5, "5"), (Decimal("0.75"), "0.75"), ("won > 0", "won > 0")],
)
def test_an_expression_may_be_written_as_a_value(written: Any, read: str) -> None:
    assert TypeAdapter(ExpressionText).validate_python(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [("90 days", Duration(90, "days")), ("EMEA", "EMEA"), (5, 5), (Decimal("0.5"), Decimal("0.5")), (True, True)],
)
def test_a_parameter_keeps_its_kind(written: Any, read: Any) -> None:
    found: Any = TypeAdapter(ParamValue).validate_python(written)
    assert (found, type(found)) == (read, type(read))


def test_a_share_is_its_number() -> None:
    found: Any = TypeAdapter(Percent).validate_python("62.5 %")
    assert found == Decimal("62.5")
