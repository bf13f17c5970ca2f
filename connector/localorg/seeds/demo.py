"""The demo book: about 500 accounts with two years of believable history, the same for the same seed and moment.

Called by `seeds.load_seed`. The small book for tests is the same book with fewer accounts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from connector.localorg.seeds.book import Book, Ref, at, stamps
from connector.localorg.seeds.history import live_through
from connector.localorg.seeds.marketing import invite_contacts, write_campaigns, write_converted_lead, write_leads
from connector.localorg.seeds.personas import Persona, cast_personas
from connector.localorg.seeds.setup_rows import write_holidays
from connector.localorg.seeds.staff import Staff, hire_staff
from connector.localorg.seeds.story import Story
from connector.localorg.seeds.words import (
    CITIES,
    FIRST_NAMES,
    HOSTILE_NAMES,
    INDUSTRIES,
    LAST_NAMES,
    TITLES,
    company_name,
    mail_domain,
)

_HOSTILE_EVERY = 13
_ACCOUNT_TYPES = {"prospect": "Prospect", "partner": "Channel Partner / Reseller"}
_SIZES = ((0.55, (6, 24), (1, 9)), (0.85, (25, 95), (10, 49)), (1.0, (100, 420), (50, 900)))


def write_demo(now: datetime, seed: int, size: int, profile_id: str) -> Book:
    """The whole book as of `now`: staff, campaigns, every account with its history, leads."""
    book = Book()
    rng = Random(f"{seed}:book")
    staff = hire_staff(book, profile_id, now - timedelta(days=800))
    write_holidays(book, now)
    product = book.add(
        "Product2",
        Name="Northstar Platform",
        ProductCode="NSP-1",
        IsActive=True,
        Family="None",
        **stamps(now - timedelta(days=790)),
    )
    campaigns = write_campaigns(book, staff, now)
    taken: set[str] = set()
    contacts: list[Ref] = []
    for n, persona in enumerate(cast_personas(size, rng)):
        story = _open_story(book, staff, Random(f"{seed}:account:{n}"), now, n, persona, taken)
        live_through(story, persona, product)
        contacts += story.contacts
    write_leads(book, staff, campaigns, rng, now, size // 3, taken)
    invite_contacts(book, campaigns, contacts, rng, now)
    return book


def _open_story(
    book: Book, staff: Staff, rng: Random, now: datetime, n: int, persona: Persona, taken: set[str]
) -> Story:
    name = (
        HOSTILE_NAMES[(n // _HOSTILE_EVERY) % len(HOSTILE_NAMES)]
        if n % _HOSTILE_EVERY == 4
        else company_name(rng, taken)
    )
    yearly, revenue = _size_up(rng)
    csm = rng.choice(staff.csms)
    created = at(now.date() - timedelta(days=rng.randint(735, 790)), rng.randint(8, 16))
    if persona.began and not persona.lapse:
        created = now - timedelta(days=persona.began[1] + rng.randint(60, 160))
    account = book.add("Account", **_account_fields(rng, n, name, persona, revenue), **stamps(created))
    is_customer = persona.key not in ("prospect", "partner")
    orphaned = rng.random() < 0.04
    book.row(account).update(
        OwnerId=staff.left if orphaned else rng.choice(staff.sellers), CSM__c=csm if is_customer else None
    )
    if is_customer and rng.random() < 0.6:
        book.add(
            "AccountTeamMember",
            AccountId=account,
            UserId=csm,
            TeamMemberRole="Customer Success Manager",
            **stamps(created),
        )
    contacts = tuple(_contact(book, rng, account, name, csm, created) for _ in range(rng.randint(2, 6)))
    seller = rng.choice(staff.sellers)
    if rng.random() < 0.12:
        write_converted_lead(book, account, contacts[0], seller, rng)
    return Story(book, rng, now, account, name, mail_domain(name), csm, seller, contacts, yearly)


def _size_up(rng: Random) -> tuple[Decimal, Decimal]:
    """What the customer pays a year, and its own revenue: few are large."""
    chance = rng.random()
    _, thousands, millions = next(size for size in _SIZES if chance < size[0])
    return Decimal(rng.randint(*thousands) * 1000), Decimal(rng.randint(*millions) * 1_000_000)


def _account_fields(rng: Random, n: int, name: str, persona: Persona, revenue: Decimal) -> dict[str, Any]:
    city, country = rng.choice(CITIES)
    hostile = name in HOSTILE_NAMES
    return {
        "Name": name,
        "AccountNumber": f"NS-{n:05d}",
        "Type": _ACCOUNT_TYPES.get(persona.key, "Customer - Direct"),
        "Industry": rng.choice(INDUSTRIES),
        "AnnualRevenue": revenue,
        "NumberOfEmployees": rng.randint(12, 9000),
        "BillingStreet": f"{rng.randint(1, 240)} Main Street" + ('\nFloor 3,\r\n"Suite" B' if hostile else ""),
        "BillingCity": city,
        "BillingCountry": country,
        "Phone": f"+{rng.randint(1, 99)} {rng.randint(100, 999)} {rng.randint(100000, 999999)}",
        "Website": f"https://www.{mail_domain(name)}",
        "Rating": rng.choice(("Hot", "Warm", "Cold", None)),
        "AccountSource": rng.choice(("Web", "Partner Referral", "Other")),
        "Description": f'Known as {name}; see <b>notes</b>, "quoted"\nsecond line' if hostile else None,
    }


def _contact(book: Book, rng: Random, account: Ref, company: str, owner: Ref, created: datetime) -> Ref:
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    local = "".join(c for c in f"{first}.{last}".lower() if c.isascii() and (c.isalnum() or c == "."))
    bounced = rng.random() < 0.03
    return book.add(
        "Contact",
        AccountId=account,
        FirstName=first,
        LastName=last,
        Name=f"{first} {last}",
        Title=rng.choice(TITLES),
        Email=None if rng.random() < 0.03 else f"{local}@{mail_domain(company)}",
        Phone=f"+{rng.randint(1, 99)} {rng.randint(1000000, 9999999)}",
        HasOptedOutOfEmail=rng.random() < 0.06,
        DoNotCall=rng.random() < 0.03,
        IsEmailBounced=bounced,
        EmailBouncedDate=created + timedelta(days=30) if bounced else None,
        EmailBouncedReason="550 No such mailbox" if bounced else None,
        OwnerId=owner,
        LeadSource=rng.choice(("Web", "Partner Referral", "Other")),
        **stamps(created),
    )
