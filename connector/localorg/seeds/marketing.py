"""Leads, campaigns and who is in them. Called by the demo seed after the accounts are written."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random

from connector.localorg.seeds.book import Book, Ref, at, stamps
from connector.localorg.seeds.staff import Staff
from connector.localorg.seeds.words import FIRST_NAMES, HOSTILE_NAMES, INDUSTRIES, LAST_NAMES, company_name, mail_domain

WELCOME_CAMPAIGN = "Customer welcome"
_LEAD_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
_OPEN_STATUSES = ("Open - Not Contacted", "Open - Not Contacted", "Working - Contacted", "Closed - Not Converted")


def write_campaigns(book: Book, staff: Staff, now: datetime) -> dict[str, Ref]:
    """Campaigns of the last two years with their member statuses; the first one welcomes new customers and is empty."""
    today = now.date()
    plans = (
        (WELCOME_CAMPAIGN, "Email", "In Progress", today - timedelta(days=400), None),
        ("Customer newsletter", "Email", "In Progress", today - timedelta(days=700), None),
        (
            "Spring webinar: reports that people read",
            "Webinar",
            "Completed",
            today - timedelta(days=150),
            today - timedelta(days=148),
        ),
        ("Autumn conference", "Conference", "Planned", today + timedelta(days=40), today + timedelta(days=42)),
        ('Win-back "we miss you", 20% off', "Direct Mail", "In Progress", today - timedelta(days=90), None),
    )
    campaigns = {
        name: _campaign(book, staff, name, kind, status, start, end, now) for name, kind, status, start, end in plans
    }
    _statuses(book, campaigns[WELCOME_CAMPAIGN], ("Planned", "Sent", "Responded", "Exited"), now)
    for name, _, _, start, _ in plans[1:]:
        _statuses(book, campaigns[name], ("Sent", "Responded"), min(at(start), now))
    return campaigns


def _campaign(
    book: Book, staff: Staff, name: str, kind: str, status: str, start: date, end: date | None, now: datetime
) -> Ref:
    return book.add(
        "Campaign",
        Name=name,
        Type=kind,
        Status=status,
        IsActive=status != "Completed",
        StartDate=start,
        EndDate=end,
        OwnerId=staff.marketing,
        **stamps(min(at(start - timedelta(days=20)), now)),
    )


def _statuses(book: Book, campaign: Ref, labels: tuple[str, ...], when: datetime) -> None:
    for order, label in enumerate(labels, start=1):
        book.add(
            "CampaignMemberStatus",
            CampaignId=campaign,
            Label=label,
            SortOrder=order,
            IsDefault=order == 1,
            HasResponded=label == "Responded",
            **stamps(when),
        )


def invite_contacts(book: Book, campaigns: dict[str, Ref], contacts: list[Ref], rng: Random, now: datetime) -> None:
    """Put contacts into the newsletter and the webinar; some respond."""
    for name, share, ago in (
        ("Customer newsletter", 0.4, 500),
        ("Spring webinar: reports that people read", 0.15, 160),
    ):
        for contact in contacts:
            if rng.random() < share:
                earliest = book.row(contact)["CreatedDate"]
                joined = max(earliest, now - timedelta(days=rng.randint(ago // 2, ago)))
                _member(book, campaigns[name], joined, rng, now, ContactId=contact)


def _member(book: Book, campaign: Ref, joined: datetime, rng: Random, now: datetime, **person: Ref) -> None:
    responded = rng.random() < 0.25
    answered = min(joined + timedelta(days=rng.randint(0, 12)), now)
    book.add(
        "CampaignMember",
        CampaignId=campaign,
        Status="Responded" if responded else "Sent",
        HasResponded=responded,
        FirstRespondedDate=answered.date() if responded else None,
        **person,
        **stamps(joined, answered if responded else joined),
    )


def write_leads(
    book: Book, staff: Staff, campaigns: dict[str, Ref], rng: Random, now: datetime, count: int, taken: set[str]
) -> None:
    """Leads that are open, being worked or given up, some with hostile names, some in the webinar."""
    for n in range(count):
        hostile = n % 12 == 5
        company = HOSTILE_NAMES[n % len(HOSTILE_NAMES)] if hostile else company_name(rng, taken)
        created = now - timedelta(days=rng.randint(1, 300), hours=rng.randint(0, 20))
        lead = book.add(
            "Lead",
            **_person(rng, company),
            Company=company,
            Status=rng.choice(_OPEN_STATUSES),
            LeadSource=rng.choice(_LEAD_SOURCES),
            Industry=rng.choice(INDUSTRIES),
            OwnerId=rng.choice(staff.sellers),
            HasOptedOutOfEmail=rng.random() < 0.05,
            **stamps(created, min(created + timedelta(days=rng.randint(0, 30)), now)),
        )
        if rng.random() < 0.2:
            _member(book, campaigns["Spring webinar: reports that people read"], created, rng, now, LeadId=lead)


def write_converted_lead(book: Book, account: Ref, contact: Ref, seller: Ref, rng: Random) -> None:
    """The lead that an account and its first contact were made from."""
    person, company = book.row(contact), book.row(account)
    converted = company["CreatedDate"]
    book.add(
        "Lead",
        FirstName=person["FirstName"],
        LastName=person["LastName"],
        Name=person["Name"],
        Company=company["Name"],
        Email=person["Email"],
        Status="Closed - Converted",
        LeadSource=rng.choice(_LEAD_SOURCES),
        OwnerId=seller,
        IsConverted=True,
        ConvertedDate=converted.date(),
        ConvertedAccountId=account,
        ConvertedContactId=contact,
        **stamps(converted - timedelta(days=rng.randint(2, 40)), converted),
    )


def _person(rng: Random, company: str) -> dict[str, str]:
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    local = "".join(c for c in f"{first}.{last}".lower() if c.isascii() and (c.isalnum() or c == "."))
    return {"FirstName": first, "LastName": last, "Name": f"{first} {last}", "Email": f"{local}@{mail_domain(company)}"}
