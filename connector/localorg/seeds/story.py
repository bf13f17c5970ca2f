"""The pen that writes one account's records: deals, contracts, calls, meetings, emails, cases, onboarding.

Called by `history`, which knows what happens; this module knows which records Salesforce would hold then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from connector.localorg.seeds.book import Book, Ref, at, stamps
from connector.localorg.seeds.words import ROLES

ARCHIVE_AFTER = timedelta(days=365)
_PROBABILITY = {
    "Prospecting": 10, "Qualification": 10, "Needs Analysis": 20, "Proposal/Price Quote": 75,
    "Negotiation/Review": 90, "Closed Won": 100, "Closed Lost": 0,
}  # fmt: skip
_FORECAST = {"Negotiation/Review": "Forecast", "Closed Won": "Closed", "Closed Lost": "Omitted"}
_ONBOARDING = (
    ("Kickoff call", 5),
    ("Technical set-up done", 15),
    ("Onboarding training", 25),
    ("First value review", 45),
)


@dataclass(frozen=True, slots=True)
class Story:
    """One account and what is needed to write about it. `now` is the moment of the seed."""

    book: Book
    rng: Random
    now: datetime
    account: Ref
    name: str
    domain: str
    csm: Ref
    seller: Ref
    contacts: tuple[Ref, ...]
    yearly: Decimal

    @property
    def today(self) -> date:
        return self.now.date()


def days_between(story: Story, days: tuple[int, int]) -> int:
    """A number of days from a range, both ends included."""
    return story.rng.randint(*days)


def workday(day: date) -> date:
    """The day itself, or the Friday before a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def add_years(day: date, years: int) -> date:
    """The same day in another year; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def write_deal(
    story: Story, kind: str, stage: str, closes: date, *, opened_before: int, amount: Decimal | None = None
) -> Ref:
    """An Opportunity with its history and contact roles; a closed stage was reached on the day it closes."""
    value = amount or story.yearly
    opened = min(workday(closes - timedelta(days=opened_before)), story.today)
    is_closed = stage.startswith("Closed")
    moved = at(closes, 15) if is_closed else at(workday(opened + (story.today - opened) // 2), 11)
    deal = story.book.add(
        "Opportunity",
        Name=f"{story.name} - {kind} {closes.year}"[:120].strip(),
        AccountId=story.account,
        Type=kind,
        StageName=stage,
        IsClosed=is_closed,
        IsWon=stage == "Closed Won",
        Probability=Decimal(_PROBABILITY[stage]),
        Amount=value,
        CloseDate=closes,
        OwnerId=story.seller,
        CreatedById=story.seller,
        LastStageChangeDate=moved,
        **stamps(at(opened, 10), moved),
    )
    _write_stage_history(story, deal, stage, value, closes, opened, moved)
    _write_roles(story, deal, at(opened, 10))
    return deal


def _write_stage_history(
    story: Story, deal: Ref, stage: str, amount: Decimal, closes: date, opened: date, moved: datetime
) -> None:
    steps = [("Prospecting", at(opened, 10))]
    if stage.startswith("Closed"):
        steps.append(("Proposal/Price Quote", at(opened, 10) + (moved - at(opened, 10)) / 2))
    if stage != "Prospecting":
        steps.append((stage, moved))
    for name, when in steps:
        story.book.add(
            "OpportunityHistory",
            OpportunityId=deal,
            StageName=name,
            Amount=amount,
            CloseDate=closes,
            Probability=Decimal(_PROBABILITY[name]),
            ExpectedRevenue=amount * _PROBABILITY[name] / 100,
            ForecastCategory=_FORECAST.get(name, "Pipeline"),
            CreatedById=story.seller,
            CreatedDate=when.replace(microsecond=0),
            SystemModstamp=when.replace(microsecond=0),
        )


def _write_roles(story: Story, deal: Ref, when: datetime) -> None:
    people = story.rng.sample(story.contacts, k=min(len(story.contacts), story.rng.randint(1, 3)))
    for i, person in enumerate(people):
        story.book.add(
            "OpportunityContactRole",
            OpportunityId=deal,
            ContactId=person,
            Role=story.rng.choice(ROLES),
            IsPrimary=i == 0,
            **stamps(when),
        )


def write_contract(story: Story, starts: date) -> Ref:
    """A contract of twelve months, activated on its first day or, when it starts later, still a draft."""
    running = starts <= story.today
    signed = min(at(workday(starts), 8), story.now)
    more: dict[str, Any] = {"ActivatedDate": signed, "ActivatedById": story.seller} if running else {}
    return story.book.add(
        "Contract",
        AccountId=story.account,
        OwnerId=story.seller,
        StartDate=starts,
        ContractTerm=12,
        EndDate=term_end(starts),
        Status="Activated" if running else "Draft",
        StatusCode="Activated" if running else "Draft",
        CustomerSignedId=story.contacts[0],
        CreatedById=story.seller,
        **more,
        **stamps(signed),
    )


def term_end(starts: date) -> date:
    """Last day of a twelve-month term."""
    return add_years(starts, 1) - timedelta(days=1)


def write_task(story: Story, subject: str, due: date, *, done: bool, **more: Any) -> Ref:
    """A Task on the account; a closed one was completed on its due date."""
    completed = min(at(due, 16), story.now)
    created = min(at(due - timedelta(days=7), 9), story.now - timedelta(hours=1))
    fields: dict[str, Any] = {
        "WhatId": story.account,
        "WhoId": story.rng.choice(story.contacts),
        "AccountId": story.account,
        "OwnerId": story.csm,
        "CreatedById": story.csm,
        "Subject": subject,
        "ActivityDate": due,
        "Status": "Completed" if done else "Not Started",
        "IsClosed": done,
        "Priority": "Normal",
        "TaskSubtype": "Task",
        "IsArchived": done and story.today - due >= ARCHIVE_AFTER,
        "CompletedDateTime": completed if done else None,
        **stamps(created, completed if done else created),
    }
    return story.book.add("Task", **{**fields, **more})


def write_call(story: Story, day: date, *, connected: bool) -> None:
    """A logged call; one that did not connect is an attempt, not a contact."""
    write_task(
        story,
        "Call" if connected else "Call: no answer",
        day,
        done=True,
        TaskSubtype="Call",
        Type="Call",
        CallType="Outbound",
        CallDisposition="Connected" if connected else "No answer",
        CallDurationInSeconds=story.rng.randint(120, 2400) if connected else 0,
    )


def write_email(story: Story, day: date, *, incoming: bool) -> None:
    """An email with its Task, as Enhanced Email keeps it."""
    subject = story.rng.choice(
        ("Quick question", "Follow-up on our last call", "Invoice", "New colleagues to invite", "Reporting")
    )
    task = write_task(story, f"Email: {subject}", day, done=True, TaskSubtype="Email", Type="Email")
    ours, theirs = "success@northstarsoftware.example", f"office@{story.domain}"
    when = min(at(day, 13, story.rng.randint(0, 59)), story.now)
    story.book.add(
        "EmailMessage",
        ActivityId=task,
        RelatedToId=story.account,
        Subject=("Re: " if incoming else "") + subject,
        Incoming=incoming,
        FromAddress=theirs if incoming else ours,
        ToAddress=ours if incoming else theirs,
        Status="1" if incoming else "3",
        MessageDate=when,
        TextBody="Thanks, that helps." if incoming else "Please let us know how it goes.",
        **stamps(when),
    )


def write_meeting(story: Story, day: date, subject: str = "Check-in") -> None:
    """A meeting of an hour, past or still to come."""
    starts = at(day, story.rng.randint(8, 15))
    written = min(starts - timedelta(days=5), story.now - timedelta(hours=2))
    story.book.add(
        "Event",
        WhatId=story.account,
        WhoId=story.rng.choice(story.contacts),
        AccountId=story.account,
        OwnerId=story.csm,
        CreatedById=story.csm,
        Subject=subject,
        StartDateTime=starts,
        EndDateTime=starts + timedelta(hours=1),
        ActivityDateTime=starts,
        ActivityDate=day,
        DurationInMinutes=60,
        IsAllDayEvent=False,
        ShowAs="Busy",
        IsArchived=story.today - day >= ARCHIVE_AFTER,
        **stamps(written),
    )


def write_onboarding(story: Story, starts: date, *, trained: bool) -> None:
    """The set-up Tasks of a new customer; training is done only where the customer is trained."""
    write_meeting(story, min(workday(starts + timedelta(days=5)), story.today), f"Kickoff {story.name}"[:255].strip())
    for subject, offset in _ONBOARDING:
        due = workday(starts + timedelta(days=offset))
        needs_training = offset >= 25
        write_task(story, subject, due, done=due <= story.today and (trained or not needs_training))


def write_case(story: Story, day: date, *, escalated: bool) -> None:
    """A support case; an escalated one is still open."""
    opened = at(day, 10)
    closed = None if escalated else min(opened + timedelta(days=story.rng.randint(1, 9)), story.now)
    story.book.add(
        "Case",
        AccountId=story.account,
        ContactId=story.rng.choice(story.contacts),
        OwnerId=story.csm,
        Subject=story.rng.choice(
            ("Cannot log in", "Export is slow", "Wrong totals in a report", "Integration stopped")
        ),
        Status="Closed" if closed else "Escalated",
        IsClosed=closed is not None,
        ClosedDate=closed,
        Priority="High" if escalated else story.rng.choice(("Low", "Medium", "Medium", "High")),
        Origin=story.rng.choice(("Email", "Web", "Phone")),
        IsEscalated=escalated,
        **stamps(opened, closed),
    )


def write_asset(story: Story, product: Ref, starts: date, seats: int) -> None:
    """The product as installed at the customer."""
    day = min(starts + timedelta(days=10), story.today)
    story.book.add(
        "Asset",
        Name="Northstar Platform",
        AccountId=story.account,
        ContactId=story.contacts[0],
        Product2Id=product,
        OwnerId=story.csm,
        InstallDate=day,
        PurchaseDate=starts,
        UsageEndDate=term_end(starts),
        Status="Installed",
        Price=story.yearly,
        Quantity=Decimal(seats),
        **stamps(min(at(day, 9), story.now)),
    )
