"""Record ids: checksum, both lengths, never twice."""

from __future__ import annotations

import pytest
from local_client import NOW

from connector.localorg.ids import id_series, make_id, make_pod, to_id18
from connector.localorg.org import Clock, Org

REAL_PAIRS = (
    ("001Da00000xnAkB", "001Da00000xnAkBIAU"),
    ("0035500001H9kZu", "0035500001H9kZuAAJ"),
    ("0065500000KQ12X", "0065500000KQ12XAAT"),
    ("0019H00000H1RMD", "0019H00000H1RMDQA3"),
)


@pytest.mark.parametrize(("short", "long"), REAL_PAIRS)
def test_checksum_is_that_of_recorded_ids(short: str, long: str) -> None:
    assert to_id18(short) == long
    assert to_id18(long) == long


def test_checksum_may_come_in_lower_case() -> None:
    assert to_id18("001Da00000xnAkBiau") == "001Da00000xnAkBIAU"


@pytest.mark.parametrize(
    "text", ["", "Acme", "001Da00000xnAk", "001Da00000xnAkBIAA", "001Da00000xnAk-", "001Da00000xnAkß"]
)
def test_what_is_no_id(text: str) -> None:
    assert to_id18(text) is None


def test_ids_differ_by_seed_and_number() -> None:
    ids = {make_id("001", make_pod(seed), n) for seed in range(20) for n in range(1, 100)}
    assert len(ids) == 20 * 99
    assert all(len(i) == 18 and to_id18(i) == i for i in ids)


def test_same_seed_gives_the_same_ids() -> None:
    first, second = (Org.create(clock=Clock(NOW), seed=7) for _ in range(2))
    assert first.create_record("Account", {"Name": "A"}) == second.create_record("Account", {"Name": "A"})


def test_a_hard_deleted_id_is_never_used_again(org: Org, account: str) -> None:
    contact = org.create_record("Contact", {"LastName": "Doe", "AccountId": account})
    campaign = org.create_record("Campaign", {"Name": "Welcome"})
    member = {"CampaignId": campaign, "ContactId": contact}
    first = org.create_record("CampaignMember", member)
    org.delete_record("CampaignMember", first)
    assert org.create_record("CampaignMember", member) != first


@pytest.mark.parametrize("counter", [1, 35, 61, 62, 3843, 238327, 238328, 9_999_999, 62**5 - 1])
def test_a_series_makes_the_same_ids(counter: int) -> None:
    assert id_series("00T", "Bz")(counter) == make_id("00T", "Bz", counter)
