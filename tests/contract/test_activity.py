"""The activity stream over the wire: what facts over `activity` come to is what a plain reading of the org says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pulling import BULK, REST, Pulled, pulled

from connector.calendar import Calendar
from connector.data import Value
from connector.evaluate import Evaluated, evaluate
from connector.localorg.org import Clock, Org, Wish
from connector.localorg.server import LocalOrgServer
from connector.mapping import Mapping, describe_shape, load_mapping
from connector.orgsetup import fields_of
from connector.settings import PullSettings

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
KEY = "Lifecycle_Key__c"
MODEL = """\
format: 1
model: touches
label: Touches
scope: Name != ''
facts:
  touches: count(activity)
  met: count(activity where two_way and done)
  last: max(activity.date where done)
  campaigns: count(CampaignMember)
stages:
  - key: all
    label: All
    enter_when: touches >= 0
    next: [quiet]
  - key: quiet
    label: Quiet
    kind: terminal
    enter_when: touches < 0
    next: [all]
order: [quiet, all]
write:
  stage: Stage__c
  state: State__c
ctas:
  - key: call
    type: lifecycle
    open_when: met = 0
    subject: Call {Name}
campaigns:
  - key: welcome
    campaign: 701000000000001AAA
    add_when: touches >= 0
    people:
      who: Contact
      roles_from: OpportunityContactRole
      at_most: 3
"""
WAYS = {"REST": REST, "Bulk": BULK}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Mapping:
    folder = tmp_path_factory.mktemp("touches")
    (folder / "model.yaml").write_text(MODEL, encoding="utf-8")
    return load_mapping(folder)


@dataclass
class Book:
    """An org with companies, persons and what was done with them, and the mirror that is to know it."""

    here: Pulled
    model: Mapping
    rng: Random = field(default_factory=lambda: Random(4))

    @property
    def org(self) -> Org:
        return self.here.org

    def create(self, sobject: str, **values: Any) -> str:
        return self.org.create_record(sobject, values)

    def person(self, name: str) -> tuple[str, str]:
        """A person account and its Contact."""
        kinds = self.org.records("RecordType", {"IsPersonType": True})
        kind = kinds[0]["Id"] if kinds else self.org.setup.add_record_type("Account", "Person", person=True)
        account = self.create("Account", LastName=name, RecordTypeId=kind)
        return account, self.org.records("Account", {"Id": account})[0]["PersonContactId"]

    def judged(self) -> Evaluated:
        result = self.here.pull()
        everybody = frozenset(row["Id"] for row in self.org.records("Account"))
        return evaluate(
            self.here.mirror.connection, self.model, result, describes=self.here.mirror.describes(),
            calendar=Calendar(), installation="test", accounts=everybody,
        )  # fmt: skip

    def facts(self) -> dict[str, dict[str, Value]]:
        """Account -> what the facts over the stream came to."""
        found = self.judged()
        assert found.unknown == {}
        return {e.subject: {k: e.facts[k] for k in ("touches", "met", "last")} for e in found.evaluations}


@pytest.fixture
def book(model: Mapping) -> Iterator[Book]:
    org = Org.create(clock=Clock(NOW), seed=1, features=["PersonAccounts"])
    org.define_fields([describe_shape(definition) for definition in fields_of([model])])
    org.add_status("Not needed", closed=True)
    org.add_client("key", "secret", org.add_user("connector@example.com"))
    with LocalOrgServer(org) as server, pulled(server, model.needs) as here:
        yield Book(here, model)
    org.close()


# --- a plain reading of the org's records -----------------------------------------------------------------------


@dataclass(frozen=True)
class Touch:
    account: str | None
    day: date | None
    done: bool
    met: bool


def naive(org: Org, zone: ZoneInfo) -> dict[str, dict[str, Any]]:
    """What the facts must come to, read off the records one by one."""
    touches = [*_tasks(org, zone), *_events(org, zone), *_mails(org, zone)]
    found: dict[str, dict[str, Any]] = {}
    for account in org.records("Account"):
        own = [t for t in touches if t.account == account["Id"]]
        found[account["Id"]] = {
            "touches": len(own), "met": sum(t.met and t.done for t in own),
            "last": max((t.day for t in own if t.done and t.day), default=None),
        }  # fmt: skip
    return found


def _owners(org: Org) -> dict[str, str | None]:
    owners: dict[str, str | None] = {row["Id"]: row["Id"] for row in org.records("Account")}
    for sobject in ("Opportunity", "Case", "Contract", "Asset", "Contact"):
        owners |= {row["Id"]: row["AccountId"] for row in org.records(sobject)}
    return owners | {row["Id"]: row["ConvertedAccountId"] for row in org.records("Lead")}


def _live(org: Org, sobject: str) -> list[dict[str, Any]]:
    return [row for row in org.records(sobject, include_deleted=True) if not row["IsDeleted"]]


def _tasks(org: Org, zone: ZoneInfo) -> Iterator[Touch]:
    owners, mailed = _owners(org), {row["ActivityId"] for row in _live(org, "EmailMessage")}
    for row in _live(org, "Task"):
        if row["IsRecurrence"] or row["TaskSubtype"] == "ListEmail" or row[KEY] or row["Id"] in mailed:
            continue
        account = row["AccountId"] or owners.get(row["WhatId"]) or owners.get(row["WhoId"])
        completed = row["CompletedDateTime"] and row["CompletedDateTime"].astimezone(zone).date()
        day = min((d for d in (completed, row["ActivityDate"]) if d), default=None)
        spoken = row["CallDurationInSeconds"] is None or row["CallDurationInSeconds"] > 0
        yield Touch(account, day, row["IsClosed"], row["TaskSubtype"] == "Call" and row["IsClosed"] and spoken)


def _events(org: Org, zone: ZoneInfo) -> Iterator[Touch]:
    owners, answers = _owners(org), _live(org, "EventRelation")
    for row in _live(org, "Event"):
        if row["IsRecurrence"] or row["IsChild"] or row["GroupEventType"] == "3":
            continue
        account = row["AccountId"] or owners.get(row["WhatId"]) or owners.get(row["WhoId"])
        mine = [a["Status"] for a in answers if a["EventId"] == row["Id"] and a["RelationId"][:3] in ("003", "00Q")]
        past = row["EndDateTime"] <= NOW
        yield Touch(account, row["EndDateTime"].astimezone(zone).date(), past, past and set(mine) != {"Declined"})


def _mails(org: Org, zone: ZoneInfo) -> Iterator[Touch]:
    owners = _owners(org)
    tasks = {row["Id"]: row for row in org.records("Task", include_deleted=True)}
    for row in _live(org, "EmailMessage"):
        task = tasks.get(row["ActivityId"], {})
        if row["Status"] == "5" or task.get("TaskSubtype") == "ListEmail":
            continue
        ids = (row["RelatedToId"] or task.get("WhatId"), row["ParentId"], task.get("WhoId"))
        account = task.get("AccountId") or next((a for i in ids if (a := owners.get(i or ""))), None)
        yield Touch(account, row["MessageDate"].astimezone(zone).date(), row["MessageDate"] <= NOW, row["Incoming"])


# --- books ------------------------------------------------------------------------------------------------------


def fill(book: Book, each: int = 70) -> None:
    """All kinds of activities about all kinds of records, at random; archived, deleted and future ones among them."""
    org, rng = book.org, book.rng
    accounts = [book.create("Account", Name=f"Company {n}") for n in range(4)] + [book.person("Doe")[0]]
    contacts = [row["Id"] for row in org.records("Contact")]
    contacts += [book.create("Contact", LastName="Roe", AccountId=a) for a in (*accounts[:3], None)]
    leads = [book.create("Lead", LastName="Lee", Company="C") for _ in range(2)]
    about = [*accounts, book.create("Campaign", Name="Fair")]
    for account in accounts[:3]:
        about += [
            book.create("Opportunity", Name="O", AccountId=account, StageName="Prospecting", CloseDate="2026-10-01"),
            book.create("Case", Subject="C", AccountId=account), book.create("Asset", Name="A", AccountId=account),
            book.create("Contract", AccountId=account),
        ]  # fmt: skip
    whats, whos = [*about, None, None], [*contacts, None, None]
    tasks = org.load("Task", [_task(rng, n, whats, [*whos, *leads]) for n in range(each)])
    events = org.load("Event", [_event(rng, whats, [*whos, *leads]) for _ in range(each)])
    people = [*contacts, *leads, org.admin_id]
    org.load("EventRelation", [_answer(rng, events, people) for _ in range(each)])
    org.load("EmailMessage", [_mail(rng, task, whats) for task in rng.sample(tasks, each // 2)])
    org.convert_lead(leads[0], Wish(account_id=accounts[0]))


def _moment(rng: Random) -> datetime:
    return NOW + timedelta(hours=rng.randint(-9000, 400))


def _about(rng: Random, whats: list[str | None], whos: list[str | None]) -> dict[str, Any]:
    who = rng.choice(whos)
    return {"WhatId": None if who and who.startswith("00Q") else rng.choice(whats), "WhoId": who}


def _task(rng: Random, number: int, whats: list[str | None], whos: list[str | None]) -> dict[str, Any]:
    done = rng.random() < 0.7
    return _about(rng, whats, whos) | {
        "Subject": "s", "TaskSubtype": rng.choice(["Call", "Call", "Email", "Task", "ListEmail"]),
        "Status": "Completed" if done else "Not Started", "IsClosed": done, "IsDeleted": rng.random() < 0.1,
        "CompletedDateTime": min(_moment(rng), NOW) if done else None, "ActivityDate": _moment(rng).date(),
        "CallDurationInSeconds": rng.choice([None, 0, 60]), "IsRecurrence": rng.random() < 0.1,
        "IsArchived": done and rng.random() < 0.3, KEY: f"touches:call:x::{number}" if rng.random() < 0.1 else None,
    }  # fmt: skip


def _event(rng: Random, whats: list[str | None], whos: list[str | None]) -> dict[str, Any]:
    starts = _moment(rng)
    return _about(rng, whats, whos) | {
        "Subject": "s", "StartDateTime": starts, "DurationInMinutes": 60, "IsDeleted": rng.random() < 0.1,
        "IsRecurrence": rng.random() < 0.1, "IsChild": rng.random() < 0.2, "IsRecurrence2": rng.random() < 0.2,
        "GroupEventType": rng.choice(["0", "0", "1", "3"]), "IsArchived": starts < NOW and rng.random() < 0.3,
    }  # fmt: skip


def _answer(rng: Random, events: list[str], people: list[str]) -> dict[str, Any]:
    status = rng.choice(["Declined", "Declined", "Accepted", "New"])
    gone = rng.random() < 0.1
    return {"EventId": rng.choice(events), "RelationId": rng.choice(people), "Status": status, "IsDeleted": gone}


def _mail(rng: Random, task: str, whats: list[str | None]) -> dict[str, Any]:
    related = rng.choice(whats)
    return {
        "ActivityId": rng.choice([task, None]), "RelatedToId": related, "Subject": "s", "Incoming": rng.random() < 0.5,
        "ParentId": related if related and related.startswith("500") else None, "MessageDate": _moment(rng),
        "Status": rng.choice(["1", "3", "5"]), "IsDeleted": rng.random() < 0.1,
    }  # fmt: skip


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
def test_facts_over_the_stream_say_what_the_records_say(book: Book, how: PullSettings) -> None:
    book.here.how = how
    fill(book)
    book.here.later(minutes=1)
    zone = ZoneInfo(book.org.records("Organization")[0]["TimeZoneSidKey"])
    expected = naive(book.org, zone)
    assert sum(found["touches"] for found in expected.values()) > 40, "there is something to compare"
    assert book.facts() == expected


def test_what_is_done_with_a_person_is_done_with_the_account(book: Book) -> None:
    account, contact = book.person("Doe")
    book.create("Task", Subject="call", WhoId=contact, TaskSubtype="Call", Status="Completed")
    deal = book.create("Opportunity", Name="O", AccountId=account, StageName="Prospecting", CloseDate="2026-10-01")
    book.create("OpportunityContactRole", OpportunityId=deal, ContactId=contact, Role="Decision Maker")
    book.create("CampaignMember", CampaignId=book.create("Campaign", Name="Fair"), ContactId=contact)
    book.here.later(minutes=1)
    found = book.judged()
    (person,) = found.evaluations
    assert (person.facts["touches"], person.facts["met"], person.facts["campaigns"]) == (1, 1, 1)
    assert [p.id for p in person.campaigns[0].people] == [contact]


def test_a_meeting_that_is_declined_later_is_no_contact_any_more(book: Book) -> None:
    account = book.create("Account", Name="Acme")
    contact = book.create("Contact", LastName="Doe", AccountId=account)
    meeting = book.create("Event", Subject="qbr", WhatId=account, StartDateTime="2026-08-20T10:00:00Z",
                          DurationInMinutes=60)  # fmt: skip
    colleague = book.create("EventRelation", EventId=meeting, RelationId=book.org.add_user("olga@example.com"))
    answer = book.create("EventRelation", EventId=meeting, RelationId=contact)
    book.here.later(minutes=1)
    assert book.facts()[account] == {"touches": 1, "met": 1, "last": date(2026, 8, 20)}
    book.org.update_record("EventRelation", answer, {"Status": "Declined"})
    book.org.update_record("EventRelation", colleague, {"Status": "Accepted"})
    book.here.later(minutes=1)
    assert book.facts()[account] == {"touches": 1, "met": 0, "last": date(2026, 8, 20)}
    book.org.delete_record("EventRelation", answer)
    book.here.later(minutes=1)
    assert book.facts()[account]["met"] == 1


@pytest.mark.parametrize("sobject", ["EventRelation", "Asset"])
def test_an_object_that_the_user_may_not_see_makes_the_stream_unknown(book: Book, sobject: str) -> None:
    book.create("Account", Name="Acme")
    book.org.hide_object(None, sobject)
    found = book.judged()
    assert {e.facts["touches"] for e in found.evaluations} == {None}
    assert found.unknown["touches"].startswith(f"{sobject} does not exist in this org, or")
