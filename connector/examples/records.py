"""The records of a worked example: what the author gave, completed to what an ordinary org would hold.

Called by run.py of this package. An author writes only what the rules look at; ids, owners, references to the
account, and what Salesforce derives from other fields are filled in here. Pure: the same example gives the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from connector.data import State, Value, Via
from connector.describe import FieldDescribe, ObjectDescribe
from connector.ids import full_id
from connector.mapping import Mapping as Model
from connector.mapping.check_examples import STAGE
from connector.mapping.model import Example, GivenStage
from connector.mapping.sources import GIVEN_FACTS, given_rows, undated
from connector.mapping.texts import QUEUE
from connector.plan.keys import cta_key, member_key, step_key

ORG_ID = "00D000000000001AAA"
INSTALLATION = "example"
Row = dict[str, Value]
_ROOM = 10_000
"""More records than an example has of one sObject."""
_PREFIXES = {"Account": "001", "Contact": "003", "Opportunity": "006", "User": "005", "Campaign": "701", "Lead": "00Q"}


@dataclass
class Book:
    """One example's rows by sObject, pointing at each other by id. Books of one day share a mirror."""

    number: int
    as_of: datetime
    rows: dict[str, list[Row]] = field(default_factory=dict)
    beside: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The subject's row in each file or query, its key included."""

    def add(self, sobject: str, given: Mapping[str, Any]) -> Row:
        rows = self.rows.setdefault(sobject, [])
        id_ = record_id(sobject, self.number * _ROOM + len(rows))
        row = {"Id": id_, "SystemModstamp": self.as_of, "IsDeleted": False, **given}
        rows.append(row)
        return row

    def first(self, sobject: str) -> str | None:
        ids = self.ids(sobject)
        return ids[0] if ids else None

    def ids(self, sobject: str) -> list[str]:
        return [str(row["Id"]) for row in self.rows.get(sobject, [])]


def record_id(sobject: str, number: int) -> str:
    """An id that no org has; the same for the same place in the same example."""
    prefix = _PREFIXES.get(sobject, "e" + sobject[:1].upper() + sobject[-1:].upper())
    return full_id(f"{prefix}{sum(map(ord, sobject)) % 1000:03d}{number:09d}")


def book_of(example: Example, number: int, model: Model, as_of: datetime) -> Book:
    """Every record that the example stands for, with all fields that the model needs. What `setup_of` gives is not in
    it, but may be pointed at."""
    book = Book(number, as_of)
    owner = book.add("User", {"Name": "Olga Owner", "IsActive": True, "UserType": "Standard"})
    manager = book.add("User", {"Name": "Max Manager", "IsActive": True, "UserType": "Standard"})
    owner["ManagerId"] = manager["Id"]
    subject = book.add(
        model.model.subject, {"Name": "Acme", **_cast(model, model.model.subject, _subject(example, model))}
    )
    subject |= _stage_fields(example, model, str(subject["Id"]))
    for sobject in _parents_first(example, model):
        for given in example.given[sobject]:
            ours = _key(sobject, given, book, example, model)
            book.add(sobject, {**_cast(model, sobject, given), **ours})
    _complete_all(book, model)
    book.beside.update(_beside(example, model, subject, as_of))
    return book


def _beside(example: Example, model: Model, subject: Row, as_of: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows that the values of `facts` stand for; a value without its date is of the day of the example."""
    rows, dates = given_rows(model.model, example.given), dict(undated(model.model, example.given))
    for source in model.sources:
        if source.name in rows:
            key = source.key
            subject[key.field] = subject.get(key.field) or subject["Id"]
            day = {dates[source.name]: as_of.date()} if source.name in dates else {}
            yield source.name, {**day, **rows[source.name], key.column: subject[key.field]}


def _complete_all(book: Book, model: Model) -> None:
    for sobject, rows in book.rows.items():
        for row in rows:
            _complete(sobject, row, book, model)


def _subject(example: Example, model: Model) -> dict[str, Any]:
    return dict(example.given.get(model.model.subject) or {})


def _parents_first(example: Example, model: Model) -> list[str]:
    order = {name: n for n, name in enumerate(("Campaign", "Contact", "Lead", "Contract", "Opportunity"))}
    given = [name for name in example.given if name not in (STAGE, GIVEN_FACTS, model.model.subject)]
    return sorted(given, key=lambda name: order.get(name, len(order)))


def _cast(model: Model, sobject: str, given: Mapping[str, Any]) -> Row:
    """Field names as the org spells them; numbers and dates as the mirror holds them."""
    describe = model.describes[sobject]
    found = {name: describe.find(name) for name in given}
    return {f.name: _value(given[name], f) for name, f in found.items() if f is not None}


def _value(raw: Any, described: FieldDescribe) -> Value:
    if isinstance(raw, bool) or raw is None:
        return raw
    if described.is_number and isinstance(raw, (int, Decimal)):
        return Decimal(raw)
    if described.type == "datetime" and isinstance(raw, date) and not isinstance(raw, datetime):
        return datetime.combine(raw, time(12), UTC)
    if isinstance(raw, datetime):
        moment = raw if raw.tzinfo else raw.replace(tzinfo=UTC)
        return moment.date() if described.type == "date" else moment.astimezone(UTC)
    return raw if isinstance(raw, date) else str(raw)


# --- the stage beforehand ---------------------------------------------------------------------------------


def _stage_fields(example: Example, model: Model, subject: str) -> Row:
    """The stage, and the memory that the engine would have written with it."""
    if STAGE not in example.given:
        return {}
    given, write = GivenStage.model_validate(example.given[STAGE]), model.model.write
    stage = model.model.stage(given.key)
    state = State(
        stage=given.key, since=given.since, via=Via(given.via), segment=given.segment or "",
        timers={f"enter:{key}": day for key, day in given.waiting.items()},
        playbooks={book.key: book.version for book in model.model.playbooks if book.on_enter == given.key},
        record=subject, org=ORG_ID, installation=INSTALLATION,
    )  # fmt: skip
    fields: Row = {write.stage: stage.api_value if stage else given.key, write.state: state.to_text()}
    return fields | ({write.entered: given.since} if write.entered else {})


# --- what we created before -------------------------------------------------------------------------------


def _key(sobject: str, given: Mapping[str, Any], book: Book, example: Example, model: Model) -> Row:
    """The key field of a Task or a membership that the author says is ours."""
    subject, keys = str(book.first(model.model.subject)), model.model.keys
    since = GivenStage.model_validate(example.given[STAGE]).since if STAGE in example.given else example.as_of
    if sobject == "Task" and "cta" in given:
        return {keys.task: cta_key(model.key, given["cta"], subject, _period(given.get("period")), 1)}
    if sobject == "Task" and "step" in given:
        playbook, step = _whole_step(given["step"], model)
        return {keys.task: step_key(model.key, playbook, step, subject, since)}
    if sobject == "CampaignMember" and "campaign" in given:
        person = str(book.first("Contact") or book.add("Contact", {"Name": "A Contact"})["Id"])
        number = [rule.key for rule in model.model.campaigns].index(given["campaign"])
        campaign = setup_of(model, book.as_of).ids("Campaign")[number]
        key = member_key(model.key, given["campaign"], person, since)
        return {keys.member: key, "CampaignId": campaign, "ContactId": person}
    return {}


def _period(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else "" if value is None else str(value)


def _whole_step(name: str, model: Model) -> tuple[str, str]:
    playbook, _, step = str(name).rpartition(".")
    books = [book.key for book in model.model.playbooks if any(s.key == step for s in book.steps)]
    return playbook or books[0], step


# --- what is there in any org -----------------------------------------------------------------------------


def setup_of(model: Model, as_of: datetime) -> Book:
    """What is there once for all examples: statuses, queues and campaigns that the model names."""
    book = Book(0, as_of)
    not_needed = model.model.keys.not_needed
    for label, closed in (("Not Started", False), ("Completed", True), (not_needed, True)):
        book.add("TaskStatus", {"MasterLabel": label, "ApiName": label, "IsClosed": closed})
    for name in sorted(_queues(model)):
        book.add("Group", {"Name": name, "DeveloperName": name, "Type": "Queue"})
    for rule in model.model.campaigns:
        campaign = book.add("Campaign", {"Name": rule.label or rule.key, "IsActive": True})
        campaign |= {"Id": rule.campaign.id} if rule.campaign.id else {rule.campaign.field: rule.campaign.value}
        for label in dict.fromkeys((rule.status.added, rule.status.left, rule.status.left_responded)):
            responded = label == rule.status.left_responded
            status = {"CampaignId": campaign["Id"], "Label": label, "HasResponded": responded}
            book.add("CampaignMemberStatus", status)
    _complete_all(book, model)
    return book


def _queues(model: Model) -> Iterator[str]:
    tasks = [*model.model.ctas, *(step for book in model.model.playbooks for step in book.steps)]
    for task in tasks:
        yield from (owner.removeprefix(QUEUE).strip() for owner in task.owner if owner.startswith(QUEUE))


# --- what follows from what was given ---------------------------------------------------------------------


def _complete(sobject: str, row: Row, book: Book, model: Model) -> None:
    derive = _DERIVED.get(sobject)
    if derive:
        derive(row, model.model.keys.not_needed)
    describe = model.describes[sobject]
    for name in sorted(model.needs.fields.get(sobject, frozenset())):
        described = describe.find(name)
        if described is not None and row.get(name) is None and name not in row:
            row[name] = _default(described, describe, book, row)


def _default(described: FieldDescribe, describe: ObjectDescribe, book: Book, row: Row) -> Value:
    """False for a checkbox, now for the creation, and the example's only record of the kind for a reference."""
    if described.type == "boolean":
        return False
    if described.name == "CreatedDate":
        return book.as_of
    targets = [t for t in described.reference_to if t != describe.name and book.first(t)]
    if described.name in _UNGIVEN or not targets:
        return None
    if described.name in _EITHER and any(row.get(other) for other in _EITHER[described.name]):
        return None
    return book.first("Account" if "Account" in targets else targets[0])


_UNGIVEN = frozenset({"WhoId", "ManagerId", "ConvertedAccountId", "ConvertedContactId", "ParentId", "ActivityId"})
"""References that most records leave empty."""
_EITHER = {"LeadId": ("ContactId",), "ContactId": ("LeadId",)}


def _derive_task(row: Row, not_needed: str) -> None:
    status = row.setdefault("Status", "Completed" if row.get("IsClosed") else "Not Started")
    row.setdefault("IsClosed", status in ("Completed", not_needed))
    done, day = row.get("CompletedDateTime"), row.get("ActivityDate")
    if isinstance(done, datetime):
        row.setdefault("ActivityDate", done.date())
    elif row["IsClosed"] and isinstance(day, date):
        row["CompletedDateTime"] = datetime.combine(day, time(12), UTC)
    row.setdefault("TaskSubtype", "Task")


def _derive_event(row: Row, _: str) -> None:
    end, day = row.get("EndDateTime"), row.get("ActivityDate")
    if isinstance(end, datetime):
        row.setdefault("ActivityDate", end.date())
    elif isinstance(day, date):
        row["EndDateTime"] = datetime.combine(day, time(12), UTC)
    row.setdefault("StartDateTime", row.get("EndDateTime"))


def _derive_opportunity(row: Row, _: str) -> None:
    stage = str(row.get("StageName") or "")
    row.setdefault("IsWon", stage == "Closed Won")
    row.setdefault("IsClosed", bool(row["IsWon"]) or stage.startswith("Closed"))


def _derive_contract(row: Row, _: str) -> None:
    row.setdefault("StatusCode", row.get("Status") or "Draft")


def _derive_case(row: Row, _: str) -> None:
    row.setdefault("IsClosed", row.get("Status") == "Closed")


_DERIVED: Mapping[str, Callable[[Row, str], None]] = {
    "Task": _derive_task, "Event": _derive_event, "Opportunity": _derive_opportunity, "Contract": _derive_contract,
    "Case": _derive_case,
}  # fmt: skip
