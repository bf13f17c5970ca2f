"""The hostile book: one customer per nasty text, with the text in every field that takes it. Called by `load_seed`.

Breaks naive CSV, SOQL quoting, HTML, spreadsheets and Unicode handling.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from connector.localorg.seeds.book import Book, stamps
from connector.localorg.seeds.staff import Staff, hire_staff
from connector.localorg.seeds.story import Story, write_case, write_contract, write_deal, write_task
from connector.localorg.seeds.words import HOSTILE_NAMES, mail_domain


def write_hostile(now: datetime, seed: int, _size: int, profile_id: str) -> Book:
    """A customer in good standing for each hostile text."""
    book = Book()
    staff = hire_staff(book, profile_id, now - timedelta(days=400))
    for n, text in enumerate(HOSTILE_NAMES):
        _write_customer(book, staff, Random(f"{seed}:hostile:{n}"), now, n, text)
    return book


def _write_customer(book: Book, staff: Staff, rng: Random, now: datetime, n: int, text: str) -> None:
    created = now - timedelta(days=200)
    account = book.add(
        "Account",
        Name=text[:255],
        AccountNumber=f"HO-{n:05d}",
        Description=text,
        BillingStreet=text[:255],
        BillingCity=text[:40].strip(),
        OwnerId=staff.sellers[0],
        **stamps(created),
    )
    contact = book.add(
        "Contact",
        AccountId=account,
        FirstName=text[:40].strip(),
        LastName=text[:80].strip(),
        Name=f"{text[:40].strip()} {text[:80].strip()}",
        Title=text[:128].strip(),
        Email=f"person{n}@{mail_domain(text)}",
        OwnerId=staff.csms[0],
        **stamps(created),
    )
    story = Story(
        book,
        rng,
        now,
        account,
        text,
        mail_domain(text),
        staff.csms[0],
        staff.sellers[0],
        (contact,),
        Decimal(1000 * (n + 1)),
    )
    began = now.date() - timedelta(days=90)
    write_deal(story, "New Business", "Closed Won", began, opened_before=60)
    write_contract(story, began)
    write_task(story, text[:255].strip(), now.date() + timedelta(days=3), done=False, Description=text)
    write_case(story, now.date() - timedelta(days=9), escalated=False)
    book.rows["Case"][-1].update(Subject=text[:255].strip(), Description=text)
