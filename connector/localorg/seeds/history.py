"""What happened to one account, by its persona: from the first deal to today. Called by the demo seed per account."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from connector.localorg.seeds.book import Ref, Row, at
from connector.localorg.seeds.personas import Persona
from connector.localorg.seeds.story import (
    Story,
    add_years,
    days_between,
    term_end,
    workday,
    write_asset,
    write_call,
    write_case,
    write_contract,
    write_deal,
    write_email,
    write_meeting,
    write_onboarding,
    write_task,
)

_SEAT_PRICE = 240


def live_through(story: Story, persona: Persona, product: Ref) -> None:
    """Write the account's history and leave the account row as it stands today."""
    if persona.key == "prospect":
        _court(story, persona)
    elif persona.key == "partner":
        _touch(story, persona, story.today - timedelta(days=400))
    else:
        _be_customer(story, persona, product)
    _settle_account(story)


def _court(story: Story, persona: Persona) -> None:
    """Never bought: deals under way or lost."""
    opened = days_between(story, (30, 200))
    if story.rng.random() < 0.4:
        write_deal(
            story, "New Business", "Closed Lost", workday(story.today - timedelta(days=opened)), opened_before=60
        )
    else:
        stage = story.rng.choice(("Prospecting", "Qualification", "Needs Analysis", "Proposal/Price Quote"))
        write_deal(story, "New Business", stage, story.today + timedelta(days=45), opened_before=45 + opened)
    _touch(story, persona, story.today - timedelta(days=opened))


def _be_customer(story: Story, persona: Persona, product: Ref) -> None:
    starts = _last_start(story, persona)
    terms = days_between(story, persona.earlier_terms)
    first = add_years(starts, -terms)
    before = _lapsed_terms(story, persona, starts)
    for n in range(terms + 1):
        term_start = add_years(first, n)
        kind = "Renewal" if n else "New Business"
        write_deal(
            story,
            kind,
            "Closed Won",
            workday(term_start - timedelta(days=3)),
            opened_before=days_between(story, (40, 90)),
        )
        write_contract(story, term_start)
    write_onboarding(story, first, trained=persona.trained or story.today - first > timedelta(days=200))
    _renew(story, persona, term_end(starts))
    _expand(story, persona, starts)
    _touch(story, persona, before or first)
    _complain(story, persona, starts)
    seats = max(5, int(story.yearly) // _SEAT_PRICE)
    write_asset(story, product, starts, seats)
    _report_usage(story, persona, seats)


def _last_start(story: Story, persona: Persona) -> date:
    """First day of the running, or the last, contract."""
    if persona.began:
        return story.today - timedelta(days=days_between(story, persona.began))
    end = story.today + timedelta(days=days_between(story, persona.ends or (0, 0)))
    return add_years(end + timedelta(days=1), -1)


def _lapsed_terms(story: Story, persona: Persona, starts: date) -> date | None:
    """An earlier contract that was lost before the customer came back."""
    if persona.lapse is None:
        return None
    ended = starts - timedelta(days=days_between(story, persona.lapse))
    began = add_years(ended + timedelta(days=1), -1)
    write_deal(story, "New Business", "Closed Won", workday(began - timedelta(days=3)), opened_before=50)
    write_contract(story, began)
    write_deal(story, "Renewal", "Closed Lost", workday(ended - timedelta(days=4)), opened_before=70)
    write_onboarding(story, began, trained=True)
    return began


def _renew(story: Story, persona: Persona, ends: date) -> None:
    if persona.renewal == "open":
        stage = story.rng.choice(("Prospecting", "Needs Analysis", "Proposal/Price Quote", "Negotiation/Review"))
        write_deal(story, "Renewal", stage, workday(ends), opened_before=100 + (ends - story.today).days)
    if persona.renewal == "lost":
        write_deal(
            story,
            "Renewal",
            "Closed Lost",
            workday(ends - timedelta(days=days_between(story, (0, 10)))),
            opened_before=75,
        )


def _expand(story: Story, persona: Persona, starts: date) -> None:
    """More seats in the middle of a term; some are still being talked about."""
    if story.rng.random() >= persona.expansion_chance:
        return
    amount = (story.yearly / 5).quantize(Decimal(100))
    bought = workday(starts + timedelta(days=days_between(story, (30, 150))))
    if bought < story.today:
        write_deal(story, "Expansion", "Closed Won", bought, opened_before=30, amount=amount)
    else:
        write_deal(
            story, "Expansion", "Qualification", bought, opened_before=30 + (bought - story.today).days, amount=amount
        )


def _touch(story: Story, persona: Persona, since: date) -> None:
    """Contacts from `since` to the last one, and attempts after it that reached nobody."""
    last = story.today - timedelta(days=days_between(story, persona.last_touch))
    day = max(since, story.today - timedelta(days=730))
    while day < last:
        _write_contact(story, workday(day))
        day += timedelta(days=max(2, round(persona.touch_every * story.rng.uniform(0.6, 1.7))))
    _write_contact(story, workday(max(since, last)))
    for back in range(20, (story.today - last).days - 10, 25):
        write_call(story, workday(story.today - timedelta(days=back)), connected=False)
    if (story.today - last).days < 21:
        _plan_ahead(story)


def _write_contact(story: Story, day: date) -> None:
    chance = story.rng.random()
    if chance < 0.45:
        write_call(story, day, connected=True)
    elif chance < 0.75:
        write_meeting(story, day)
    else:
        write_email(story, day, incoming=True)
    if chance > 0.9:
        write_email(story, day, incoming=False)


def _plan_ahead(story: Story) -> None:
    soon = workday(story.today + timedelta(days=days_between(story, (2, 25))))
    if story.rng.random() < 0.5:
        write_meeting(story, max(soon, story.today), "Business review")
    else:
        write_task(story, "Send summary and next steps", max(soon, story.today), done=False)


def _complain(story: Story, persona: Persona, since: date) -> None:
    age = (story.today - since).days
    if age < 5 or story.rng.random() >= persona.case_chance:
        return
    for _ in range(story.rng.randint(1, 3)):
        write_case(story, workday(story.today - timedelta(days=story.rng.randint(3, age))), escalated=False)
    if persona.escalated:
        write_case(story, workday(story.today - timedelta(days=story.rng.randint(3, 30))), escalated=True)


def _report_usage(story: Story, persona: Persona, seats: int) -> None:
    """Usage as the product reports it; a few feeds have been broken for months."""
    broken = story.rng.random() < 0.05
    reported = story.today - timedelta(days=days_between(story, (70, 160) if broken else (0, 6)))
    story.book.row(story.account).update(
        Licensed_Users__c=Decimal(seats),
        Active_Users__c=Decimal(round(seats * story.rng.uniform(*persona.used))),
        Usage_Updated__c=reported,
    )


def _settle_account(story: Story) -> None:
    """LastActivityDate and stamps of the account follow from what was written about it."""
    rows = story.book.rows
    done = [
        r["ActivityDate"]
        for o in ("Task", "Event")
        for r in _own(rows.get(o, []), story.account)
        if r["ActivityDate"] <= story.today
    ]
    account = story.book.row(story.account)
    last = max(done, default=None)
    moved = max(account["CreatedDate"], min(at(last, 17), story.now) if last else account["CreatedDate"])
    account.update(LastActivityDate=last, LastModifiedDate=moved, SystemModstamp=moved)


def _own(rows: list[Row], account: Ref) -> list[Row]:
    """Rows of one account: they were written last, so look from the end."""
    own = []
    for row in reversed(rows):
        if row["AccountId"] != account:
            break
        own.append(row)
    return own
