"""The demo book before it is loaded: the same for the same seed, believable, and it fits the org's own definitions."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from connector.localorg.schema import load_schema
from connector.localorg.seeds.book import Book, Ref
from connector.localorg.seeds.customer_fields import customer_definitions
from connector.localorg.seeds.demo import write_demo
from connector.localorg.seeds.hostile import write_hostile
from connector.localorg.seeds.personas import PERSONAS, cast_personas
from connector.localorg.seeds.story import add_years
from connector.localorg.seeds.words import HOSTILE_NAMES

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
TODAY = NOW.date()
PROFILE = "00e000000000001AAA"


@pytest.fixture(scope="module")
def demo() -> Book:
    return write_demo(NOW, 1, 500, PROFILE)


@pytest.fixture(scope="module")
def fields() -> dict[str, dict[str, Any]]:
    known = {name: {f["name"]: f for f in d["fields"]} for name, d in load_schema().items()}
    for definition in customer_definitions():
        known[definition["sobject"]][definition["name"]] = definition
    return known


def children(book: Book, sobject: str) -> dict[Ref, list[dict[str, Any]]]:
    found: dict[Ref, list[dict[str, Any]]] = {}
    for row in book.rows[sobject]:
        found.setdefault(row["AccountId"], []).append(row)
    return found


def paying_until(contracts: list[dict[str, Any]]) -> Any:
    return max((c["EndDate"] for c in contracts if c["StatusCode"] == "Activated"), default=None)


def test_the_same_seed_and_moment_write_the_same_book(demo: Book) -> None:
    assert write_demo(NOW, 1, 500, PROFILE).rows == demo.rows


@pytest.mark.parametrize(("now", "seed"), [(NOW, 2), (NOW + timedelta(days=1), 1)], ids=["another seed", "another day"])
def test_another_seed_or_day_writes_another_book(demo: Book, now: datetime, seed: int) -> None:
    assert write_demo(now, seed, 500, PROFILE).rows != demo.rows


def test_a_grown_book_keeps_every_storyline() -> None:
    for size in range(len(PERSONAS), 600, 7):
        cast = Counter(p.key for p in cast_personas(size, Random(3)))
        assert sum(cast.values()) == size
        assert set(cast) == {p.key for p in PERSONAS}


def test_too_small_a_book_is_refused_with_the_smallest_size() -> None:
    with pytest.raises(ValueError, match=f"at least {len(PERSONAS)} accounts"):
        write_demo(NOW, 1, 3, PROFILE)


@pytest.mark.parametrize("write", [write_demo, write_hostile], ids=["demo", "hostile"])
def test_every_value_fits_its_field(write: Any, fields: dict[str, dict[str, Any]]) -> None:
    wrong = Counter[tuple[str, ...]]()
    for sobject, rows in write(NOW, 1, 120, PROFILE).rows.items():
        for name, value in ((n, v) for row in rows for n, v in row.items()):
            field = fields[sobject].get(name)
            if field is None:
                wrong["no such field", sobject, name] += 1
            elif isinstance(value, str) and field.get("length") and len(value) > field["length"]:
                wrong["too long", sobject, name] += 1
            elif isinstance(value, str) and field.get("restrictedPicklist"):
                wrong["off the list", sobject, name] += value not in {v["value"] for v in field["picklistValues"]}
    assert not +wrong


def test_nothing_was_done_in_the_future(demo: Book) -> None:
    stamps = ("CreatedDate", "LastModifiedDate", "SystemModstamp", "CompletedDateTime", "ClosedDate", "ActivatedDate")
    late = [(o, n) for o, rows in demo.rows.items() for row in rows for n in stamps if (row.get(n) or NOW) > NOW]
    assert late == []


def test_nothing_was_changed_before_it_was_made(demo: Book) -> None:
    stamped = [(o, r) for o, rows in demo.rows.items() for r in rows if "LastModifiedDate" in r]
    assert [o for o, r in stamped if r["LastModifiedDate"] < r["CreatedDate"]] == []
    assert len(stamped) > 10_000


def test_the_book_holds_customers_at_every_point_of_their_life(demo: Book) -> None:
    deals, contracts, tasks = (children(demo, o) for o in ("Opportunity", "Contract", "Task"))
    found = Counter[str]()
    for n in range(500):
        ref = Ref("Account", n)
        won = [d for d in deals.get(ref, []) if d["IsWon"]]
        open_renewal = any(d["Type"] == "Renewal" and not d["IsClosed"] for d in deals.get(ref, []))
        ends = paying_until(contracts.get(ref, []))
        trained = any(t["Subject"] == "Onboarding training" and t["IsClosed"] for t in tasks.get(ref, []))
        if not won:
            found["never bought"] += 1
        elif ends < TODAY - timedelta(days=30):
            found["churned"] += 1
        elif ends <= TODAY + timedelta(days=120):
            found["renewal prepared" if open_renewal else "renewal without deal"] += 1
        else:
            found["set up" if trained else "being set up"] += 1
    expected = {
        "never bought": 45,
        "churned": 45,
        "renewal prepared": 45,
        "renewal without deal": 30,
        "being set up": 40,
        "set up": 200,
    }
    assert {k: (v, found[k]) for k, v in expected.items() if found[k] < v * 0.8} == {}


def test_churned_customers_lost_their_renewal(demo: Book) -> None:
    deals, contracts = children(demo, "Opportunity"), children(demo, "Contract")
    gone = [ref for ref, rows in contracts.items() if paying_until(rows) < TODAY - timedelta(days=30)]
    assert gone
    assert all(any(d["StageName"] == "Closed Lost" and d["Type"] == "Renewal" for d in deals[ref]) for ref in gone)


def test_some_customers_came_back_after_they_had_left(demo: Book) -> None:
    def has_gap(contracts: list[dict[str, Any]]) -> bool:
        ordered = sorted(contracts, key=lambda c: c["StartDate"])
        return any(b["StartDate"] - a["EndDate"] > timedelta(days=30) for a, b in pairwise(ordered))

    assert sum(has_gap(rows) for rows in children(demo, "Contract").values()) >= 15


def test_silent_customers_have_not_been_reached_for_two_months(demo: Book) -> None:
    reached: dict[Ref, Any] = {}
    for row in [*demo.rows["Task"], *demo.rows["Event"]]:
        is_contact = row.get("CallDisposition") == "Connected" or "StartDateTime" in row
        if is_contact and row["ActivityDate"] <= TODAY:
            reached[row["AccountId"]] = max(reached.get(row["AccountId"], row["ActivityDate"]), row["ActivityDate"])
    assert sum(day < TODAY - timedelta(days=60) for day in reached.values()) > 50


def test_closed_work_older_than_a_year_is_archived(demo: Book) -> None:
    old = [t for t in demo.rows["Task"] if t["IsClosed"] and t["ActivityDate"] <= TODAY - timedelta(days=365)]
    assert old
    assert all(t["IsArchived"] for t in old)
    assert not any(t["IsArchived"] for t in demo.rows["Task"] if not t["IsClosed"])


def test_last_activity_is_the_latest_thing_done(demo: Book) -> None:
    account = Ref("Account", 0)
    days = [r["ActivityDate"] for o in ("Task", "Event") for r in demo.rows[o] if r["AccountId"] == account]
    assert demo.row(account)["LastActivityDate"] == max(d for d in days if d <= TODAY)


def test_one_colleague_has_left_and_still_owns_accounts(demo: Book) -> None:
    left = [Ref("User", n) for n, u in enumerate(demo.rows["User"]) if not u["IsActive"]]
    assert len(left) == 1
    assert any(a["OwnerId"] == left[0] for a in demo.rows["Account"])
    assert not any(r["OwnerId"] == left[0] for o in ("Contact", "Task", "Event", "Lead", "Case") for r in demo.rows[o])


def test_people_have_opted_out_bounced_or_have_no_mail(demo: Book) -> None:
    contacts = demo.rows["Contact"]
    assert any(c["HasOptedOutOfEmail"] for c in contacts)
    assert any(c["IsEmailBounced"] for c in contacts)
    assert any(c["Email"] is None for c in contacts)


def test_hostile_names_are_spread_over_the_book(demo: Book) -> None:
    names = {a["Name"] for a in demo.rows["Account"]}
    assert len(names & set(HOSTILE_NAMES)) >= 35


def test_a_person_is_in_a_campaign_once(demo: Book) -> None:
    pairs = Counter((m["CampaignId"], m.get("ContactId"), m.get("LeadId")) for m in demo.rows["CampaignMember"])
    assert max(pairs.values()) == 1


@pytest.mark.parametrize(
    ("day", "years", "expected"),
    [("2024-02-29", 1, "2025-02-28"), ("2025-03-01", -1, "2024-03-01"), ("2024-02-29", 4, "2028-02-29")],
)
def test_terms_survive_leap_days(day: str, years: int, expected: str) -> None:
    assert add_years(datetime.fromisoformat(day).date(), years).isoformat() == expected
