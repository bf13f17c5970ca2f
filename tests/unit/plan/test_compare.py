"""Equal, as Salesforce would store it, means no change; what cannot be compared is not written."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from plan_book import a_field, an_object

from connector.plan.compare import find_difference, new_record, read_text

THING = an_object(
    "Thing", a_field("Name"), a_field("Money__c", "currency", precision=18, scale=2), a_field("Flag__c", "boolean"),
    a_field("Locked__c", updateable=False), a_field("Formula__c", calculated=True),
    a_field("Fixed__c", createable=False),
)  # fmt: skip


def test_only_fields_that_differ_are_sent_normalised() -> None:
    desired = {"Name": " a ", "Money__c": Decimal("1.005"), "Flag__c": True}
    found = find_difference(desired, {"Name": "a", "Money__c": Decimal("1"), "Flag__c": False}, THING)
    assert (found.after, found.troubles) == ({"Money__c": Decimal("1.01"), "Flag__c": True}, ())


def test_clearing_a_field_is_a_difference() -> None:
    assert find_difference({"Name": None}, {"Name": "a"}, THING).after == {"Name": None}
    assert find_difference({"Name": ""}, {"Name": None}, THING).after == {}


TROUBLES = {
    "missing": ("Gone__c", "Thing.Gone__c does not exist in the org"),
    "locked": ("Locked__c", "Thing.Locked__c may not be written by our user"),
    "a formula": ("Formula__c", "Thing.Formula__c may not be written by our user"),
    "unread": ("Name", "Thing.Name could not be read"),
}


@pytest.mark.parametrize("case", TROUBLES)
def test_a_field_is_told_and_not_sent_that_is(case: str) -> None:
    name, words = TROUBLES[case]
    live = {} if case == "unread" else {name: "old"}
    found = find_difference({name: "new", "Flag__c": True}, {**live, "Flag__c": False}, THING)
    assert found.after == {"Flag__c": True}
    (trouble,) = found.troubles
    assert trouble.startswith(words)


def test_a_new_record_leaves_blanks_out() -> None:
    found = new_record({"Name": " a ", "Money__c": None, "Flag__c": False}, THING)
    assert (found.after, found.troubles) == ({"Name": "a", "Flag__c": False}, ())


def test_a_new_record_tells_of_fields_that_it_cannot_have() -> None:
    found = new_record({"Gone__c": 1, "Fixed__c": 2, "Locked__c": "x"}, THING)
    assert found.after == {"Locked__c": "x"}
    assert found.troubles == (
        "Thing.Gone__c does not exist in the org; create it or give edit rights (connector setup)",
        "Thing.Fixed__c may not be written by our user; create it or give edit rights (connector setup)",
    )


TEXTS = {
    "text": ("abc", "string", "abc"),
    "text that looks like a number": ("12", "string", "12"),
    "a number": ("1.50", "currency", Decimal("1.50")),
    "a date": ("2026-09-01", "date", date(2026, 9, 1)),
    "true": ("TRUE", "boolean", True),
    "false": ("false", "boolean", False),
    "nothing": ("", "date", ""),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_rendered_text_becomes(case: str) -> None:
    text, kind, value = TEXTS[case]
    assert read_text(text, a_field("X", kind)) == value
    assert read_text(text, None) == text


@pytest.mark.parametrize(("text", "kind"), [("maybe", "boolean"), ("many", "double"), ("soon", "date")])
def test_a_text_that_does_not_fit_is_refused(text: str, kind: str) -> None:
    with pytest.raises(ValueError, match=text):
        read_text(text, a_field("X", kind))
