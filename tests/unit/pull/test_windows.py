"""Which query reads what an object still lacks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest

from connector.describe import FieldDescribe, ObjectDescribe
from connector.pull.windows import ObjectQuery, plan_queries, queries_by_id, visible

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
OVERLAP = timedelta(minutes=15)


def described(sobject: str, *fields: str) -> ObjectDescribe:
    return ObjectDescribe(sobject, sobject, {f: FieldDescribe(f, "string") for f in fields})


ACCOUNT = described("Account", "Id", "SystemModstamp", "IsDeleted", "Name", "Industry")
MEMBER = described("CampaignMember", "Id", "SystemModstamp", "IsDeleted", "Status")
GROUP = described("Group", "Id", "SystemModstamp", "DeveloperName")
USER = described("User", "Id", "SystemModstamp", "Name")
STATUS = described("PartnerRole", "Id", "MasterLabel")
ORGANIZATION = described("Organization", "Id", "SystemModstamp", "TimeZoneSidKey")


def plan(describe: ObjectDescribe, cursor: datetime | None, size: int = 10) -> ObjectQuery:
    name = describe.name
    fields = {name: frozenset(describe.fields)}
    (query,) = plan_queries({name: describe}, fields, {name: cursor}, {name: size}, as_of=NOW, overlap=OVERLAP)
    return query


HOUR_AGO = NOW - timedelta(hours=1)
WINDOW = HOUR_AGO - OVERLAP

WINDOWS: dict[str, tuple[ObjectDescribe, datetime | None, int, datetime | None, bool]] = {
    "first time": (ACCOUNT, None, 0, None, False),
    "an hour later, back behind the cursor by the overlap": (ACCOUNT, HOUR_AGO, 10, WINDOW, False),
    "two weeks later": (ACCOUNT, NOW - timedelta(days=14), 10, NOW - timedelta(days=14) - OVERLAP, False),
    "later than the recycle bin keeps": (ACCOUNT, NOW - timedelta(days=14, seconds=1), 10, None, False),
    "the org's servers differ by a second": (ACCOUNT, NOW + timedelta(seconds=1), 10, NOW - OVERLAP, False),
    "the org's clock was ahead for a time": (ACCOUNT, NOW + timedelta(days=1), 10, None, False),
    "no stamp to go by": (STATUS, HOUR_AGO, 10, None, False),
    "members vanish: counted": (MEMBER, HOUR_AGO, 10, WINDOW, True),
    "members, first time": (MEMBER, None, 0, None, False),
    "queues vanish: few are read whole": (GROUP, HOUR_AGO, 2000, None, False),
    "queues vanish: many are counted": (GROUP, HOUR_AGO, 2001, WINDOW, True),
    "users are never deleted": (USER, HOUR_AGO, 10, WINDOW, False),
    "the organization is always read": (ORGANIZATION, HOUR_AGO, 1, None, False),
}


@pytest.mark.parametrize(("describe", "cursor", "size", "since", "counted"), WINDOWS.values(), ids=WINDOWS.keys())
def test_window(
    describe: ObjectDescribe, cursor: datetime | None, size: int, since: datetime | None, counted: bool
) -> None:
    query = plan(describe, cursor, size)
    assert (query.since, query.counted) == (since, counted)


def test_the_organization_comes_first_and_the_rest_by_name() -> None:
    describes = {d.name: d for d in (USER, ACCOUNT, ORGANIZATION, MEMBER)}
    fields = {name: frozenset[str]() for name in describes}
    queries = plan_queries(describes, fields, {}, {}, as_of=NOW, overlap=OVERLAP)
    assert [q.sobject for q in queries] == ["Organization", "Account", "CampaignMember", "User"]


def test_what_is_asked() -> None:
    request = plan(ACCOUNT, HOUR_AGO).request
    assert unquote(request.url) == (
        "queryAll?q=SELECT Id,SystemModstamp,IsDeleted,Industry,Name FROM Account "
        "WHERE SystemModstamp >= 2026-09-01T10:45:00Z"
    )


def test_live_records_are_counted_with_the_archived_ones() -> None:
    query = plan(MEMBER, HOUR_AGO)
    assert unquote(query.count_request.url) == "queryAll?q=SELECT COUNT() FROM CampaignMember WHERE IsDeleted = false"
    assert query.count_request.reference != query.request.reference


def test_a_select_list_that_is_too_long_for_an_address_is_said_to_be() -> None:
    wide = described("Account", "Id", *(f"A_Field_With_A_Long_Name_{n}__c" for n in range(300)))
    assert plan(wide, None).is_too_long
    assert not plan(ACCOUNT, None).is_too_long


def test_a_window_is_halved_without_a_gap_and_not_for_ever() -> None:
    window = plan(ACCOUNT, HOUR_AGO)
    first, second = window.halves(NOW) or (window, window)
    assert first is not window
    assert (first.since, second.until) == (window.since, None)
    assert first.until == second.since
    assert (first.cursor, second.cursor) == (None, None)
    parts, rounds = [first], 0
    while parts and rounds < 50:
        parts, rounds = [p for part in parts for p in (part.halves(NOW) or ())], rounds + 1
    assert rounds == 3
    assert plan(ACCOUNT, None).halves(NOW) is None


def test_records_are_asked_for_by_id_in_addresses_that_are_short_enough() -> None:
    ids = [f"001{n:015}" for n in range(1234)]
    wide = described("Account", "Id", *(f"A_Field_With_A_Long_Name_{n}__c" for n in range(100)))
    queries = queries_by_id(wide, frozenset(wide.fields), ids)
    assert [i for q in queries for i in q.ids] == ids
    assert not any(q.is_too_long for q in queries)
    assert len({q.reference for q in queries}) == len(queries)


def test_fields_are_found_in_any_case_and_the_missing_are_named() -> None:
    shown, hidden = visible(ACCOUNT, frozenset({"name", "Industry", "Secret__c"}))
    assert shown == {"Name", "Industry"}
    assert set(hidden) == {"Secret__c"}
    assert "Account.Secret__c" in hidden["Secret__c"]
