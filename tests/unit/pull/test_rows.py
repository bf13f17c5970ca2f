"""Pages of answers as rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.describe import FieldDescribe, ObjectDescribe
from connector.pull.rows import read_rows
from connector.store.mirror import Unreadable
from connector.store.readings import Miscounted

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


def rows(fields: list[str], *records: dict[str, Any]) -> list[list[Any]]:
    page = {"totalSize": len(records), "done": True, "records": [{"attributes": {}, **r} for r in records]}
    return read_rows(page, ACCOUNT, fields)


def test_values_stand_in_the_order_of_the_fields() -> None:
    read = rows(["Id", "IsDeleted"], {"IsDeleted": True, "Id": "001"}, {"IsDeleted": False, "Id": "002"})
    assert read == [["001", True], ["002", False]]


def test_whole_numbers_that_come_as_fractions_are_whole() -> None:
    read = rows(["NumberOfEmployees"], {"NumberOfEmployees": Decimal("5.0")}, {"NumberOfEmployees": None})
    assert read == [[5], [None]]


def test_compound_values_are_kept_as_text() -> None:
    read = rows(["BillingAddress"], {"BillingAddress": {"city": "Zürich"}}, {"BillingAddress": None})
    assert read == [['{"city": "Z\\u00fcrich"}'], [None]]


def test_a_record_without_one_of_its_fields_is_no_success() -> None:
    with pytest.raises(Miscounted, match="NumberOfEmployees"):
        rows(["Id", "NumberOfEmployees"], {"Id": "001"})


@pytest.mark.parametrize("value", ["many", "5", Decimal("5.5"), {"city": "Bern"}])
def test_a_whole_number_that_is_none_is_not_made_one(value: Any) -> None:
    with pytest.raises(Unreadable, match="NumberOfEmployees") as raised:
        rows(["NumberOfEmployees"], {"NumberOfEmployees": value})
    assert str(value) not in str(raised.value)
