"""Answers as rows, counted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.describe import FieldDescribe, ObjectDescribe
from connector.pull.rows import Miscounted, Rows

ACCOUNT = ObjectDescribe(
    "Account",
    "Account",
    {
        "Id": FieldDescribe("Id", "id"),
        "IsDeleted": FieldDescribe("IsDeleted", "boolean"),
        "NumberOfEmployees": FieldDescribe("NumberOfEmployees", "int"),
        "BillingAddress": FieldDescribe("BillingAddress", "address"),
    },
)


def rows(fields: list[str], *records: dict[str, Any], announced: int | None = None) -> Rows:
    size = len(records) if announced is None else announced
    page = {"totalSize": size, "done": True, "records": [{"attributes": {}, **r} for r in records]}
    return Rows(None, page, ACCOUNT, fields)  # type: ignore[arg-type] - one page asks nothing of the org


def test_values_stand_in_the_order_of_the_fields() -> None:
    read = rows(["Id", "IsDeleted"], {"IsDeleted": True, "Id": "001"}, {"IsDeleted": False, "Id": "002"})
    assert list(read) == [["001", True], ["002", False]]
    assert (read.read, read.deleted) == (2, 1)


def test_whole_numbers_that_come_as_fractions_are_whole() -> None:
    read = rows(["NumberOfEmployees"], {"NumberOfEmployees": Decimal("5.0")}, {"NumberOfEmployees": None})
    assert list(read) == [[5], [None]]


def test_compound_values_are_kept_as_text() -> None:
    read = rows(["BillingAddress"], {"BillingAddress": {"city": "Zürich"}}, {"BillingAddress": None})
    assert list(read) == [['{"city": "Z\\u00fcrich"}'], [None]]


@pytest.mark.parametrize("announced", [0, 2])
def test_another_number_than_announced_is_no_success(announced: int) -> None:
    with pytest.raises(Miscounted, match=f"announced {announced} Account records and sent 1"):
        list(rows(["Id"], {"Id": "001"}, announced=announced))


def test_a_record_without_one_of_its_fields_is_no_success() -> None:
    with pytest.raises(Miscounted, match="NumberOfEmployees"):
        list(rows(["Id", "NumberOfEmployees"], {"Id": "001"}))
