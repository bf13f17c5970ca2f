"""Worked examples: those that we ship hold, and one that does not hold says where and why."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.examples import run_examples
from connector.examples.compare import Came, compare, same_value
from connector.examples.records import book_of, record_id, setup_of
from connector.mapping import Mapping, load_mapping

ROOT = Path(__file__).parents[3]
POST_SALE = ROOT / "mappings" / "post_sale"
DESIGN = ROOT / "tests" / "unit" / "mapping" / "data" / "example"
AS_OF = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("source", [DESIGN, POST_SALE], ids=["the design's example", "post_sale"])
def test_the_examples_that_we_show_hold(source: Path) -> None:
    mapping = load_mapping(source)
    assert mapping.model.examples
    assert [str(p) for p in run_examples(mapping)] == []


def test_post_sale_has_an_example_of_every_stage_and_every_cta() -> None:
    mapping = load_mapping(POST_SALE)
    expected = [example.expect for example in mapping.model.examples]
    assert len(expected) >= 10
    assert {e.stage for e in expected if e.stage} == {stage.key for stage in mapping.model.stages}
    assert {cta for e in expected for cta in e.ctas or ()} == {cta.key for cta in mapping.model.ctas}


EXAMPLES = """\
examples:
  - name: Everything expected is wrong
    as_of: 2026-09-01
    given:
      Account: {Name: Acme}
      stage: {key: adopting, since: 2026-01-10}
      Contract:
        - {StatusCode: Activated, StartDate: 2025-10-01, EndDate: 2026-09-29}
      Opportunity:
        - {IsWon: true, Amount: 90000, CloseDate: 2025-09-28}
    expect:
      stage: launched
      proposed: will_churn
      facts:
        won_12m: 90001
        last_contract_end: null
        paying: true
      health: green
      ctas: [renewal_unowned]
      steps: [kickoff]
      campaigns: [welcome]
      closes: [kickoff]
  - name: No stage is expected
    as_of: 2026-09-01
    given:
      Contract:
        - {StatusCode: Activated, StartDate: 2025-10-01, EndDate: 2026-09-29}
    expect:
      unstaged: true
  - name: Another day
    as_of: 2026-03-01
    given:
      stage: {key: adopting, since: 2026-02-10}
      Contract:
        - {StatusCode: Activated, StartDate: 2025-10-01, EndDate: 2026-09-29}
      Event:
        - {EndDateTime: 2026-02-20T10:00:00Z}
    expect:
      stage: adopting
      facts: {days_to_renewal: 212}
"""


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Mapping:
    folder = tmp_path_factory.mktemp("post_sale")
    for path in POST_SALE.glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "examples.yaml").write_text(EXAMPLES)
    return load_mapping(folder)


def test_every_difference_is_told_at_its_line_with_what_was_found(wrong: Mapping) -> None:
    found = {(p.line, p.column): p.message for p in run_examples(wrong)}
    assert "expected stage launched, found renewal (" in found[12, 14]
    assert "expected will_churn to be proposed, found nothing" in found[13, 17]
    assert "expected won_12m = 90001, found 90000" in found[15, 18]
    assert "expected last_contract_end = unknown, found 2026-09-29" in found[16, 28]
    assert "expected health green, found red" in found[18, 15]
    assert "expected open CTAs: renewal_unowned; found: " in found[19, 13]
    assert "renewal_review" in found[19, 13]
    assert "expected open playbook steps: onboard.kickoff; found: none" in found[20, 14]
    assert "expected memberships in: welcome; found: none" in found[21, 18]
    assert "expected Tasks to be closed: onboard.kickoff; found: none" in found[22, 15]
    assert "expected no stage, found will_churn" in found[29, 17]
    assert {line for line, _ in found} == {12, 13, 15, 16, 18, 19, 20, 21, 22, 29}


def test_what_is_not_expected_is_not_looked_at(wrong: Mapping) -> None:
    came = Came(stage="adopting", facts={"days_to_renewal": Decimal(212)}, ctas=frozenset({"silent_customer"}))
    assert compare(wrong, 2, came) == ()


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        (28, Decimal("28.00"), True),
        (Decimal("0.333333"), Decimal("0.33333333"), True),
        (28, Decimal("28.5"), False),
        (True, True, True),
        (1, True, False),
        (False, None, False),
        (None, None, True),
        (0, None, False),
        (date(2026, 9, 1), date(2026, 9, 1), True),
        (date(2026, 9, 1), datetime(2026, 9, 1, 8, tzinfo=UTC), True),
        (datetime(2026, 9, 1, 8, tzinfo=UTC), datetime(2026, 9, 1, 8, tzinfo=UTC), True),
        ("", "", True),
        ("a", "b", False),
    ],
)
def test_a_value_in_a_file_and_a_value_of_a_fact(wanted: Any, found: Any, same: bool) -> None:
    assert same_value(wanted, found) is same


@pytest.mark.parametrize(
    ("sobject", "number", "expected"),
    [
        ("Opportunity", 0, {"IsWon": True, "IsClosed": True}),
        ("Contract", 0, {"StatusCode": "Activated", "AccountId": record_id("Account", 10_000)}),
        ("OpportunityContactRole", 0, {"ContactId": record_id("Contact", 10_000), "IsPrimary": True}),
        ("Account", 0, {"OwnerId": record_id("User", 10_000), "Lifecycle_Stage__c": None}),
        ("User", 0, {"IsActive": True, "ManagerId": record_id("User", 10_001)}),
        ("Contact", 0, {"HasOptedOutOfEmail": False, "IsEmailBounced": False}),
    ],
)
def test_records_are_completed_as_an_ordinary_org_has_them(
    sobject: str, number: int, expected: dict[str, object]
) -> None:
    mapping = load_mapping(POST_SALE)
    example = next(e for e in mapping.model.examples if e.name == "A customer in the first week")
    row = book_of(example, 1, mapping, AS_OF).rows[sobject][number]
    assert {key: row.get(key) for key in expected} == expected
    assert mapping.needs.fields[sobject] <= row.keys() | {"Lifecycle_Stage__c"} or sobject == "Account"


def test_ids_are_of_18_characters_and_no_two_books_share_one() -> None:
    mapping = load_mapping(POST_SALE)
    books = [
        setup_of(mapping, AS_OF),
        *(book_of(e, n + 1, mapping, AS_OF) for n, e in enumerate(mapping.model.examples)),
    ]
    ids = [(name, str(row["Id"])) for book in books for name, rows in book.rows.items() for row in rows]
    assert len(set(ids)) == len(ids)
    assert {len(i) for _, i in ids} == {18}


def test_the_given_stage_comes_with_the_memory_that_the_engine_would_have() -> None:
    mapping = load_mapping(POST_SALE)
    example = next(e for e in mapping.model.examples if e.name == "A lost renewal, one week later")
    row = book_of(example, 1, mapping, AS_OF).rows["Account"][0]
    assert row["Lifecycle_Stage__c"] == "renewal"
    assert '"timers":{"enter:will_churn":"2026-08-25"}' in str(row["Lifecycle_State__c"])
    assert row["Lifecycle_Stage_Entered__c"] == date(2026, 8, 17)
