"""Why, why not, and what is missing: for one subject, from the rules that decide."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from mirrored import HERE, Book

from connector.data import Via
from connector.errors import FixFirst
from connector.evaluate import Explanation, evaluate, explain
from connector.store.mirror import Mirror

ACME = "001000000000001AAA"


def explained(book: Book, mirror: Mirror, subject: str = ACME) -> Explanation:
    pulled = book.fill(mirror)
    return explain(
        mirror.connection, book.model, pulled, subject, describes=book.model.describes, calendar=book.calendar,
        installation=HERE,
    )  # fmt: skip


def verdicts(found: Explanation) -> dict[str, str]:
    return {line.key: line.verdict for line in found.stages}


def test_why_a_customer_is_where_it_is_and_not_elsewhere(customer: Book, mirror: Mirror) -> None:
    customer.rows["Account"][0]["Reason__c"] = "Settled: trained."
    found = explained(customer, mirror)
    assert (found.stage_label, found.scope, found.reason.sentence) == ("Settled", True, "Settled: trained.")
    assert found.evaluation.next_text == "For Ending: days left: at most patience"
    assert verdicts(found) == {
        "gone": "a condition is false",
        "ending": "a condition is false",
        "settled": "the present stage",
        "fresh": "its rule holds, but no edge leads there",
    }
    gone = found.stages[0]
    assert (gone.label, gone.rule, gone.holds, gone.edge, gone.here) == (
        "Gone",
        "stages.gone.enter_when",
        False,
        True,
        False,
    )
    assert [(c.text, c.truth, c.wanted, c.said) for c in gone.conditions] == [
        ("won > 0", True, True, "won is 1"),
        ("paying", True, False, "paying"),
    ]


def test_the_explanation_agrees_with_the_run(customer: Book, mirror: Mirror) -> None:
    customer.later(date(2027, 5, 1))
    (run,) = customer.judge(mirror).evaluations
    found = explained(customer, mirror)
    assert found.decision == run.decision
    assert found.reason == run.decision.moves[0].because
    assert found.stage_label == "Ending"
    assert [(c.text, c.truth, c.wanted) for c in found.leaving] == [("days_left <= patience", True, False)]


def test_facts_with_the_reason_why_they_are_unknown(customer: Book, mirror: Mirror) -> None:
    customer.rows["Account"][0] |= {
        "Active_Users__c": 8, "Licensed_Users__c": 10, "Usage_Updated__c": date(2026, 1, 1), "NumberOfEmployees": 12,
    }  # fmt: skip
    customer.fails("Opportunity")
    facts = {line.key: line for line in explained(customer, mirror).facts}
    assert (facts["days_left"].text, facts["days_left"].label) == ("302 days", "days left")
    assert (facts["secret_score"].value, facts["secret_score"].text) == (None, "confidential")
    reasons = {key: line.why_unknown for key, line in facts.items() if line.why_unknown}
    assert reasons == {
        "won": "Opportunity was not completely pulled: the query timed out.",
        "won_amount": "Opportunity was not completely pulled: the query timed out.",
        "last_touch": "Opportunity was not completely pulled: the query timed out.",
        "silence": "Opportunity was not completely pulled: the query timed out.",
        "usage": "it is from 2026-01-01, older than 60 days",
    }


def test_a_fact_of_unknown_age(customer: Book, mirror: Mirror) -> None:
    facts = {line.key: line for line in explained(customer, mirror).facts}
    assert facts["usage"].why_unknown == "the date that it is from is unknown"


WHY_NOT: dict[str, tuple[dict[str, Any], str, str]] = {
    "an override stands": ({"Override__c": "ending"}, "settled", "an override stands: no rule is consulted"),
    "a value that is no stage": ({"Stage__c": "Champion"}, "settled", "'Champion' is no stage of this model"),
}


@pytest.mark.parametrize("case", WHY_NOT)
def test_why_no_rule_is_asked(customer: Book, mirror: Mirror, case: str) -> None:
    fields, stage, verdict = WHY_NOT[case]
    customer.rows["Account"][0] |= fields
    assert verdicts(explained(customer, mirror))[stage].startswith(verdict)


def test_held_by_a_person(customer: Book, mirror: Mirror) -> None:
    customer.rows["Account"][0]["Stage__c"] = "fresh"
    customer.add(
        "Task", AccountId=ACME, Lifecycle_Key__c=f"care:start.training:{ACME}:x", IsClosed=True, Status="Completed"
    )
    found = explained(customer, mirror)
    assert found.decision.moves[0].via is Via.MANUAL
    (settled,) = [line for line in found.stages if line.key == "settled"]
    assert (settled.verdict, settled.until) == ("held, because a person set the stage", date(2026, 10, 1))


def test_nobody_is_in_scope_yet(book: Book, mirror: Mirror) -> None:
    book.account(Name="Stranger")
    found = explained(book, mirror)
    assert (found.stage_label, found.scope, set(verdicts(found).values())) == ("no stage", False, {"out of scope"})
    assert [(c.text, c.truth) for c in found.scope_conditions] == [("won > 0", False), ("paying", False)]


def test_a_placement_that_waits_for_records(book: Book, mirror: Mirror) -> None:
    account = book.account()
    book.add("Opportunity", AccountId=account, IsWon=True)
    book.fails("Contract")
    found = explained(book, mirror)
    assert (found.stage_label, found.scope, found.decision.undecided) == ("no stage", True, ("gone",))
    assert verdicts(found)["gone"] == "a condition is unknown"


def test_an_unknown_record(book: Book, mirror: Mirror) -> None:
    with pytest.raises(FixFirst, match="no Account with the id 001000000000009AAA"):
        explained(book, mirror, "001000000000009AAA")


def test_explaining_leaves_the_book_as_it_was(customer: Book, mirror: Mirror) -> None:
    first = customer.judge(mirror)
    explained(customer, mirror)
    again = evaluate(
        mirror.connection, customer.model, customer.fill(mirror), describes=customer.model.describes,
        calendar=customer.calendar, installation=HERE,
    )  # fmt: skip
    assert (first.evaluations, first.stages) == (again.evaluations, again.stages)
