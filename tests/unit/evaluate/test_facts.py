"""Facts, health and parameters over a book in the mirror: what is known, what is unknown, and why."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from mirrored import HERE, Book, by_name, care

from connector.calendar import Calendar
from connector.data import Value
from connector.evaluate import evaluate
from connector.mapping import Mapping as Model
from connector.mapping import load_mapping
from connector.store.mirror import Mirror

ACME = "001000000000001AAA"


@pytest.fixture(scope="module")
def shared_activities(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The model in an org with Shared Activities."""
    folder = tmp_path_factory.mktemp("shared")
    care(folder)
    invited = [{"name": "IsInvitee", "type": "boolean", "label": "Is Invitee", "nillable": False}]
    known = json.loads((folder / "describe.json").read_text(encoding="utf-8"))
    known.append({"name": "EventRelation", "label": "Event Relation", "fields": invited})
    (folder / "describe.json").write_text(json.dumps(known), encoding="utf-8")
    return load_mapping(folder)


def facts(book: Book, mirror: Mirror, account: str = ACME) -> dict[str, Value]:
    """All facts of one account; asked for by name, so that an idle one is there too."""
    (found,) = book.judge(mirror, accounts=frozenset({account})).evaluations
    return dict(found.facts)


def at(day: int, hour: int = 10, month: int = 8) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def test_facts_read_child_records(customer: Book, mirror: Mirror) -> None:
    customer.add("Opportunity", AccountId=ACME, IsWon=True, Amount=Decimal("10000.55"))
    customer.add("Opportunity", AccountId=ACME, IsWon=False, Amount=5)
    customer.add("Opportunity", AccountId="001000000000009AAA", IsWon=True, Amount=7)
    customer.add("Opportunity", AccountId=ACME, IsWon=True, Amount=1, IsDeleted=True)
    found = facts(customer, mirror)
    assert (found["won"], found["won_amount"]) == (2, Decimal("100000.55"))
    assert (found["paying"], found["next_end"], found["days_left"]) == (True, date(2027, 6, 30), 302)


def test_nothing_to_count_is_zero_and_nothing_to_choose_from_is_unknown(book: Book, mirror: Mirror) -> None:
    book.account(Name="Empty")
    found = facts(book, mirror)
    assert (found["won"], found["won_amount"], found["paying"]) == (0, 0, False)
    assert (found["next_end"], found["days_left"], found["silence"]) == (None, None, None)


def test_fields_of_parents(customer: Book, mirror: Mirror) -> None:
    assert facts(customer, mirror)["owner_active"] is True
    customer.rows["User"].clear()
    assert facts(customer, mirror)["owner_active"] is None, "we see no such user"


def test_a_blank_text_is_known(customer: Book, mirror: Mirror) -> None:
    assert facts(customer, mirror)["partner"] is False


# --- stale ------------------------------------------------------------------------------------------------------

FRESHNESS = {
    "fresh": (date(2026, 8, 1), Decimal("0.8")),
    "on the last day": (date(2026, 7, 3), Decimal("0.8")),
    "a day too old": (date(2026, 7, 2), None),
    "of unknown age": (None, None),
}


@pytest.mark.parametrize(("updated", "value"), FRESHNESS.values(), ids=FRESHNESS)
def test_a_stale_value_is_unknown(customer: Book, mirror: Mirror, updated: date | None, value: Decimal | None) -> None:
    customer.rows["Account"][0] |= {"Active_Users__c": 8, "Licensed_Users__c": 10, "Usage_Updated__c": updated}
    assert facts(customer, mirror)["usage"] == value


# --- activity ---------------------------------------------------------------------------------------------------

CALL: dict[str, Any] = {
    "TaskSubtype": "Call", "IsClosed": True, "Status": "Completed", "CompletedDateTime": at(20), "AccountId": ACME,
}  # fmt: skip
EVENT: dict[str, Any] = {
    "AccountId": ACME,
    "IsAllDayEvent": False,
    "EndDateTime": at(20),
    "ActivityDate": date(2026, 8, 20),
}
ALL_DAY = EVENT | {"IsAllDayEvent": True, "EndDateTime": None}
EMAIL: dict[str, Any] = {"RelatedToId": ACME, "Incoming": True, "MessageDate": at(20)}

TOUCHES: dict[str, tuple[str, dict[str, Any], date | None]] = {
    "a connected call": ("Task", CALL | {"CallDisposition": "Connected"}, date(2026, 8, 20)),
    "a logged call of which nothing else is known": ("Task", CALL, date(2026, 8, 20)),
    "nobody answered": ("Task", CALL | {"CallDisposition": "No answer"}, None),
    "no second was spoken": ("Task", CALL | {"CallDurationInSeconds": 0, "CallDisposition": "Connected"}, None),
    "a call still to be made": ("Task", CALL | {"IsClosed": False, "CompletedDateTime": None}, None),
    "the due date, where it was done later": ("Task", CALL | {"ActivityDate": date(2026, 8, 10)}, date(2026, 8, 10)),
    "done before it was due": ("Task", CALL | {"ActivityDate": date(2026, 8, 30)}, date(2026, 8, 20)),
    "an evening call, by the clock of the org": ("Task", CALL | {"CompletedDateTime": at(20, 23)}, date(2026, 8, 21)),
    "any other Task": ("Task", CALL | {"TaskSubtype": "Task"}, None),
    "the head of a recurring series": ("Task", CALL | {"IsRecurrence": True}, None),
    "list mail": ("Task", CALL | {"TaskSubtype": "ListEmail"}, None),
    "a deleted call": ("Task", CALL | {"IsDeleted": True}, None),
    "a Task of ours": ("Task", CALL | {"Lifecycle_Key__c": f"care:risk:{ACME}::1"}, None),
    "a meeting": ("Event", EVENT, date(2026, 8, 20)),
    "an invitee's copy of a meeting": ("Event", EVENT | {"IsChild": True}, None),
    "a meeting still to come": ("Event", EVENT | {"EndDateTime": at(1, 13, 9)}, None),
    "an all-day meeting": ("Event", ALL_DAY, date(2026, 8, 20)),
    "a meeting that lasts all of today": ("Event", ALL_DAY | {"ActivityDate": date(2026, 9, 1)}, None),
    "mail from the customer": ("EmailMessage", EMAIL, date(2026, 8, 20)),
    "mail to the customer": ("EmailMessage", EMAIL | {"Incoming": False}, None),
    "mail about a deal": ("EmailMessage", EMAIL | {"RelatedToId": "006000000000001AAA"}, date(2026, 8, 20)),
    "mail of nobody": ("EmailMessage", EMAIL | {"RelatedToId": None}, None),
    "a draft": ("EmailMessage", EMAIL | {"Status": "5"}, None),
    "an answer that was read": ("EmailMessage", EMAIL | {"Status": "1"}, date(2026, 8, 20)),
    "mail dated in the future": ("EmailMessage", EMAIL | {"MessageDate": at(2, month=9)}, None),
    "an archived call": ("Task", CALL | {"ActivityDate": date(2025, 1, 7)}, date(2025, 1, 7)),
    "a key that is blank": ("Task", CALL | {"Lifecycle_Key__c": ""}, date(2026, 8, 20)),
    "the head of a Classic series of meetings": ("Event", EVENT | {"IsRecurrence": True}, None),
    "the pattern of a Lightning series": ("Event", EVENT | {"IsRecurrence2": True, "GroupEventType": "3"}, None),
    "an occurrence of a Lightning series": (
        "Event", EVENT | {"IsRecurrence2": True, "GroupEventType": "0"}, date(2026, 8, 20)
    ),
    "an occurrence of a series of calls": ("Task", CALL | {"RecurrenceActivityId": "00T1"}, date(2026, 8, 20)),
    "the event of which others have copies": (
        "Event", EVENT | {"IsGroupEvent": True, "GroupEventType": "1"}, date(2026, 8, 20)
    ),
    "a private event, which is about nothing": ("Event", EVENT | {"AccountId": None, "IsPrivate": True}, None),
}  # fmt: skip


@pytest.mark.parametrize("case", TOUCHES)
def test_what_counts_as_two_way_contact(customer: Book, mirror: Mirror, case: str) -> None:
    sobject, fields, touched = TOUCHES[case]
    customer.add(sobject, **fields)
    assert facts(customer, mirror)["last_touch"] == touched


def test_mail_and_its_task_are_one_activity(customer: Book, mirror: Mirror) -> None:
    task = customer.add("Task", AccountId=ACME, TaskSubtype="Email", IsClosed=True, CompletedDateTime=at(25))
    customer.add("EmailMessage", ActivityId=task, Incoming=True, MessageDate=at(20), RelatedToId=None)
    assert facts(customer, mirror)["last_touch"] == date(2026, 8, 20)


COUNTED: dict[str, tuple[dict[str, Any], dict[str, Any] | None, int]] = {
    "a Task and its mail": ({}, {}, 1),
    "a Task whose mail was deleted": ({}, {"IsDeleted": True}, 1),
    "a Task that keeps a draft": ({}, {"Status": "5"}, 0),
    "a Task without mail": ({}, None, 1),
    "list mail and its Task": ({"TaskSubtype": "ListEmail"}, {}, 0),
    "mail whose Task was deleted": ({"IsDeleted": True}, {}, 1),
    "a Task of ours": ({"Lifecycle_Key__c": f"care:risk:{ACME}::1"}, None, 0),
    "a Task of another model": ({"Lifecycle_Key__c": f"other:risk:{ACME}::1"}, None, 0),
}


def stream(book: Book, mirror: Mirror) -> dict[str, dict[str, Any]]:
    """The activity stream of one run, by the id of the record."""
    book.judge(mirror)
    found = mirror.connection.execute("SELECT * FROM activity")
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    assert len({row["Id"] for row in rows}) == len(rows), "a record is in the stream once"
    return {row["Id"]: row for row in rows}


def test_activities_are_counted_once(customer: Book, mirror: Mirror) -> None:
    expected: dict[str, int] = {}
    kept: dict[str, set[str]] = {}
    for case, (task, mail, count) in COUNTED.items():
        kept[case] = {customer.add("Task", **{"AccountId": ACME, "TaskSubtype": "Email", "IsClosed": True, **task})}
        if mail is not None:
            kept[case].add(customer.add("EmailMessage", **{**EMAIL, "ActivityId": min(kept[case]), **mail}))
        expected[case] = count
    found = stream(customer, mirror)
    assert {case: len(ids & found.keys()) for case, ids in kept.items()} == expected


REACHED: dict[str, tuple[dict[str, Any], bool]] = {
    "the account that Salesforce found": ({"AccountId": ACME}, True),
    "which counts for more than what it is about": ({"AccountId": "001000000000002AAA", "WhatId": ACME}, False),
    "the account itself": ({"WhatId": ACME}, True),
    "an opportunity": ({"WhatId": "006000000000001AAA"}, True),
    "a case": ({"WhatId": "500000000000001AAA"}, True),
    "a contract": ({"WhatId": "800000000000001AAA"}, True),
    "an asset": ({"WhatId": "02i000000000001AAA"}, True),
    "something else": ({"WhatId": "701000000000001AAA"}, False),
    "a contact": ({"WhoId": "003000000000001AAA"}, True),
    "a contact of nobody": ({"WhoId": "003000000000002AAA"}, False),
    "a contact, about something else": ({"WhatId": "701000000000001AAA", "WhoId": "003000000000001AAA"}, True),
    "a case of another account, with a contact": (
        {"WhatId": "500000000000002AAA", "WhoId": "003000000000001AAA"}, False
    ),
    "a converted lead": ({"WhoId": "00Q000000000001AAA"}, True),
    "a lead": ({"WhoId": "00Q000000000002AAA"}, False),
}  # fmt: skip


@pytest.fixture
def related(customer: Book) -> Book:
    """Acme with one of each, and another account."""
    customer.add("Account", Name="Other")
    for sobject in ("Case", "Asset", "Contact"):
        customer.add(sobject, AccountId=ACME)
    customer.add("Case", AccountId="001000000000002AAA")
    customer.add("Contact", AccountId=None)
    customer.add("Lead", IsConverted=True, ConvertedAccountId=ACME)
    customer.add("Lead", IsConverted=False)
    return customer


@pytest.mark.parametrize("sobject", ["Task", "Event", "mail by its Task"])
def test_the_account_that_an_activity_reaches(related: Book, mirror: Mirror, sobject: str) -> None:
    made = {}
    for case, (about, _) in REACHED.items():
        if sobject == "Event":
            made[case] = related.add("Event", **{**EVENT, "AccountId": None, **about})
        else:
            made[case] = related.add("Task", **{**CALL, "AccountId": None, **about})
        if sobject == "mail by its Task":
            made[case] = related.add("EmailMessage", **{**EMAIL, "RelatedToId": None, "ActivityId": made[case]})
    found = stream(related, mirror)
    assert {c: found[id]["account"] == ACME for c, id in made.items()} == {c: r for c, (_, r) in REACHED.items()}


MAILED: dict[str, tuple[dict[str, Any], bool]] = {
    "an account": ({"RelatedToId": ACME}, True),
    "an opportunity": ({"RelatedToId": "006000000000001AAA"}, True),
    "a case": ({"RelatedToId": "500000000000001AAA"}, True),
    "a contract": ({"RelatedToId": "800000000000001AAA"}, True),
    "an asset": ({"RelatedToId": "02i000000000001AAA"}, True),
    "a case that it belongs to": ({"ParentId": "500000000000001AAA"}, True),
    "a case of another account": ({"ParentId": "500000000000002AAA"}, False),
}


def test_the_account_that_mail_reaches(related: Book, mirror: Mirror) -> None:
    mail = EMAIL | {"RelatedToId": None}
    made = {case: related.add("EmailMessage", **{**mail, **about}) for case, (about, _) in MAILED.items()}
    found = stream(related, mirror)
    assert {c: found[id]["account"] == ACME for c, id in made.items()} == {c: r for c, (_, r) in MAILED.items()}


PERSON, LEAD, USER = "003000000000001AAA", "00Q000000000001AAA", "005000000000001AAA"
NO = {"Status": "Declined"}
INVITED: dict[str, tuple[list[dict[str, Any]], bool]] = {
    "nobody was invited": ([], True),
    "nobody answered": ([{"RelationId": PERSON, "Status": "New"}], True),
    "all of the customer's declined": ([{"RelationId": PERSON, **NO}, {"RelationId": LEAD, **NO}], False),
    "one of them came": ([{"RelationId": PERSON, **NO}, {"RelationId": LEAD, "Status": "Accepted"}], True),
    "the customer declined, a colleague came": (
        [{"RelationId": PERSON, **NO}, {"RelationId": USER, "Status": "Accepted"}], False,
    ),
    "a colleague declined": ([{"RelationId": USER, **NO}], True),
    "the invitation was taken back": ([{"RelationId": PERSON, **NO, "IsDeleted": True}], True),
}  # fmt: skip
SHARED: dict[str, tuple[list[dict[str, Any]], bool]] = {
    "only related, not invited": ([{"RelationId": PERSON, **NO, "IsInvitee": False}], True),
    "invited, the others only related": (
        [{"RelationId": PERSON, **NO, "IsInvitee": True}, {"RelationId": LEAD, "Status": "New", "IsInvitee": False}],
        False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("shared", [False, True], ids=["", "shared activities"])
def test_a_meeting_that_the_customer_declined_is_no_contact(
    customer: Book, shared_activities: Model, mirror: Mirror, shared: bool
) -> None:
    cases = INVITED | SHARED if shared else INVITED
    if shared:
        customer.model = shared_activities
    made = {case: customer.add("Event", **EVENT) for case in cases}
    for case, (answers, _) in cases.items():
        for answer in answers:
            customer.add("EventRelation", **{"IsInvitee": True, "EventId": made[case], **answer})
    found = stream(customer, mirror)
    assert {case: found[id]["two_way"] for case, id in made.items()} == {case: met for case, (_, met) in cases.items()}
    assert all(found[id]["done"] for id in made.values())


STREAM = (
    "Task",
    "Event",
    "EventRelation",
    "EmailMessage",
    "Opportunity",
    "Case",
    "Contract",
    "Asset",
    "Contact",
    "Lead",
)


@pytest.mark.parametrize("sobject", STREAM)
def test_the_stream_is_unknown_without_any_of_its_objects(customer: Book, mirror: Mirror, sobject: str) -> None:
    customer.add("Event", **EVENT)
    customer.fails(sobject)
    found = customer.judge(mirror, accounts=frozenset({ACME}))
    assert found.evaluations[0].facts["last_touch"] is None
    assert found.unknown["last_touch"] == f"{sobject} was not completely pulled: the query timed out."


HIDDEN = [("Task", "Lifecycle_Key__c"), ("EventRelation", "Status"), ("Case", "AccountId"), ("Event", "GroupEventType")]


@pytest.mark.parametrize(("sobject", "field"), HIDDEN)
def test_the_stream_is_unknown_without_any_of_its_fields(
    customer: Book, mirror: Mirror, sobject: str, field: str
) -> None:
    customer.add("Event", **EVENT)
    customer.hides(sobject, field)
    found = customer.judge(mirror, accounts=frozenset({ACME}))
    assert found.evaluations[0].facts["last_touch"] is None
    assert found.unknown["last_touch"].startswith(f"{sobject}.{field} cannot be read")


def test_a_task_of_ours_counts_where_its_cta_says_so(folder: Path, mirror: Mirror) -> None:
    book = Book(care(folder, ("    subject: Save {Name}", "    subject: Save {Name}\n    counts_as: contact")))
    book.account()
    book.add("Task", **CALL, Lifecycle_Key__c=f"care:risk:{ACME}::1")
    assert facts(book, mirror)["last_touch"] == date(2026, 8, 20)


# --- members, our own Tasks -------------------------------------------------------------------------------------


def test_members_are_reached_through_contacts_and_converted_leads_each_person_once(
    customer: Book, mirror: Mirror
) -> None:
    contact = customer.add("Contact", AccountId=ACME, Name="Ann")
    converted = customer.add("Lead", IsConverted=True, ConvertedAccountId=ACME, ConvertedContactId=contact)
    open_lead = customer.add("Lead", IsConverted=False)
    customer.add("CampaignMember", CampaignId="701A", HasResponded=True, ContactId=contact)
    customer.add("CampaignMember", CampaignId="701A", HasResponded=True, LeadId=converted)
    customer.add("CampaignMember", CampaignId="701B", HasResponded=True, LeadId=converted)
    customer.add("CampaignMember", CampaignId="701C", HasResponded=True, LeadId=open_lead)
    assert facts(customer, mirror)["campaigns_seen"] == 2


DONE = {
    "done by a person": ({"IsClosed": True, "Status": "Completed"}, True),
    "closed by us": ({"IsClosed": True, "Status": "Not needed"}, False),
    "still open": ({"IsClosed": False, "Status": "Not Started"}, False),
    "deleted": ({"IsClosed": True, "Status": "Completed", "IsDeleted": True}, False),
}


@pytest.mark.parametrize(("fields", "done"), DONE.values(), ids=DONE)
def test_cta_done(customer: Book, mirror: Mirror, fields: dict[str, Any], done: bool) -> None:
    key = f"care:start.training:{ACME}:2026-03-01"
    customer.add("Task", AccountId=ACME, Lifecycle_Key__c=key, CreatedDate=at(1), **fields)
    assert facts(customer, mirror)["trained"] is done


def test_the_latest_of_our_tasks_counts(customer: Book, mirror: Mirror) -> None:
    for day, status in ((2, "Not needed"), (1, "Completed")):
        key = f"care:start.training:{ACME}:2026-0{day}-01"
        customer.add("Task", AccountId=ACME, Lifecycle_Key__c=key, CreatedDate=at(day), IsClosed=True, Status=status)
    assert facts(customer, mirror)["trained"] is False


def test_no_task_of_ours_means_not_done(customer: Book, mirror: Mirror) -> None:
    customer.add(
        "Task", AccountId=ACME, Lifecycle_Key__c=f"other:training:{ACME}::1", IsClosed=True, Status="Completed"
    )
    assert facts(customer, mirror)["trained"] is False


# --- what was not completely pulled -------------------------------------------------------------------------------


def test_facts_over_an_object_that_failed_are_unknown(customer: Book, mirror: Mirror) -> None:
    customer.fails("Opportunity")
    found = customer.judge(mirror, accounts=frozenset({ACME}))
    assert found.evaluations[0].facts["won"] is None
    assert found.evaluations[0].facts["won_amount"] is None
    assert found.unknown["won"] == "Opportunity was not completely pulled: the query timed out."
    assert "paying" not in found.unknown
    assert "impatient" not in found.unknown


def test_facts_over_a_hidden_field_are_unknown(customer: Book, mirror: Mirror) -> None:
    customer.hides("Contract", "EndDate")
    found = customer.judge(mirror, accounts=frozenset({ACME}))
    assert {found.evaluations[0].facts[k] for k in ("paying", "next_end", "days_left", "impatient")} == {None}
    assert "EndDate cannot be read" in found.unknown["impatient"], "through the facts below it"


def test_a_hidden_text_is_not_blank(customer: Book, mirror: Mirror) -> None:
    customer.hides("Account", "Type")
    assert facts(customer, mirror)["partner"] is None


def test_an_object_that_was_never_pulled_is_unknown(customer: Book, mirror: Mirror) -> None:
    pulled = customer.fill(mirror)
    objects = {name: pull for name, pull in pulled.objects.items() if name != "Opportunity"}
    found = evaluate(
        mirror.connection, customer.model, replace(pulled, objects=objects), describes=customer.model.describes,
        calendar=Calendar(), installation=HERE,
    )  # fmt: skip
    assert found.unknown["won"] == "Opportunity was not pulled."


# --- health -------------------------------------------------------------------------------------------------------

GOOD = {"Active_Users__c": 8, "Licensed_Users__c": 10, "Usage_Updated__c": date(2026, 8, 30)}
FAIR = GOOD | {"Active_Users__c": 6}

HEALTH: dict[str, tuple[dict[str, Any], int | None, str | None, Decimal | None]] = {
    "all green": (GOOD, 5, "green", Decimal(100)),
    "yellow use": (FAIR, 5, "yellow", Decimal(70)),
    "yellow touch": (GOOD, 45, "green", Decimal(80)),
    "on the lower bound of green": (FAIR | {"Active_Users__c": Decimal("7.5")}, 30, "green", Decimal(100)),
    "on the bound of yellow": (GOOD | {"Active_Users__c": 5}, 60, "yellow", Decimal(50)),
    "red touch forces red": (GOOD, 90, "red", Decimal(60)),
    "missing touch counts as red, and forces": (GOOD, None, "red", Decimal(60)),
    "use is dropped, the rest covers too little": ({}, 5, None, None),
}


@pytest.mark.parametrize("case", HEALTH)
def test_health(customer: Book, mirror: Mirror, case: str) -> None:
    fields, touched, band, score = HEALTH[case]
    customer.rows["Account"][0] |= fields
    if touched is not None:
        end = datetime(2026, 9, 1, tzinfo=UTC).timestamp() - touched * 86_400
        customer.add("Event", AccountId=ACME, IsAllDayEvent=False, EndDateTime=datetime.fromtimestamp(end, UTC))
    (found,) = customer.judge(mirror, accounts=frozenset({ACME})).evaluations
    assert (found.kpis.get("Band__c"), found.kpis.get("Score__c")) == (band, score)


def test_coverage_counts_weights(folder: Path, mirror: Mirror) -> None:
    book = Book(care(folder, ("min_coverage: 60 %", "min_coverage: 40 %")))
    account = book.account()
    book.add("Contract", AccountId=account, StatusCode="Activated", EndDate=date(2027, 6, 30))
    book.add("Event", AccountId=account, IsAllDayEvent=False, EndDateTime=at(31))
    (found,) = book.judge(mirror, accounts=frozenset({account})).evaluations
    assert (found.kpis["Band__c"], found.kpis["Score__c"]) == ("green", Decimal(100)), (
        "the dropped weight goes to the rest"
    )


@pytest.mark.parametrize(("days", "known"), [(20, False), (40, True)], ids=["in grace", "after it"])
def test_no_score_in_the_grace_period(folder: Path, mirror: Mirror, days: int, known: bool) -> None:
    grace = "health:\n  grace: 30 days\n  grace_from: today - NumberOfEmployees\n"
    book = Book(care(folder, ("health:\n", grace)))
    account = book.account(NumberOfEmployees=days, **GOOD)
    book.add("Contract", AccountId=account, StatusCode="Activated", EndDate=date(2027, 6, 30))
    (found,) = book.judge(mirror, accounts=frozenset({account})).evaluations
    assert ("Band__c" in found.kpis) is known


def test_a_measure_that_could_not_be_pulled_is_not_red(customer: Book, mirror: Mirror) -> None:
    customer.rows["Account"][0] |= GOOD
    customer.fails("Event")
    (found,) = customer.judge(mirror, accounts=frozenset({ACME})).evaluations
    assert "Band__c" not in found.kpis
    assert "Score__c" not in found.kpis


# --- segments -----------------------------------------------------------------------------------------------------


def test_the_pinned_segment_decides_the_parameters(book: Book, mirror: Mirror) -> None:
    for number, (segment, revenue) in enumerate((("big", 1), ("", 5_000_000), ("big", 5_000_000)), start=1):
        account = book.staged("settled", segment=segment, AnnualRevenue=revenue, Name=f"Account {number}")
        book.add("Contract", AccountId=account, StatusCode="Activated", EndDate=date(2026, 11, 30))
    found = by_name(book.judge(mirror))
    stages = {name: e.decision.stage for name, e in found.items()}
    assert stages == {"Account 1": "ending", "Account 2": "settled", "Account 3": "ending"}, (
        "90 days are few for big ones"
    )
    assert found["Account 2"].facts["impatient"] is False, "it was not big when its visit began"


def test_a_new_visit_takes_the_segment_that_matches_now(book: Book, mirror: Mirror) -> None:
    account = book.staged("gone", segment="", AnnualRevenue=5_000_000)
    book.rows["Account"][0]["Stage__c"] = "Gone away"
    book.add("Contract", AccountId=account, StatusCode="Activated", EndDate=date(2026, 11, 30))
    (found,) = book.judge(mirror).evaluations
    assert [m.to_stage for m in found.decision.moves] == ["fresh", "ending"], "from fresh on with 120 days of patience"
    assert found.decision.state.segment == "big"
    assert found.facts["impatient"] is True, "facts see the segment of the visit too"
