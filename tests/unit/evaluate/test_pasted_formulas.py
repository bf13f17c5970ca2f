# ruff: noqa: E501, DTZ001  (formulas as they stand in Setup; the mirror keeps moments as UTC without a zone)
"""Formulas as administrators write them in Salesforce Setup: they work as pasted, or say which part is missing.

Over one Opportunity with everything filled in and one with nothing. Where the blank one is unknown (U), Salesforce would
show blank, #Error!, or a result that takes blank for zero; check warns of the last kind.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pasted_book import BLANK, FULL, SCOPE, PastedBook

from connector.errors import FileProblems
from connector.mapping.language import Position, parse

U = None
"""Unknown."""
D = Decimal


@pytest.fixture(scope="module")
def book() -> Iterator[PastedBook]:
    found = PastedBook()
    yield found
    found.connection.close()


PASTED = [
    # picklists
    ('ISPICKVAL(StageName, "Negotiation")', True, False),
    ('NOT(ISPICKVAL(Type, "Renewal"))', False, True),
    ('ISPICKVAL(Type, "")', False, True),
    ('TEXT(StageName) = "Negotiation"', True, False),
    ('TEXT(StageName) <> "Closed Won" && TEXT(StageName) != "Closed Lost"', True, True),
    ('CASE(StageName, "Prospecting", 10, "Negotiation", 80, "Closed Won", 100, 0)', D(80), D(0)),
    ('CASE(LeadSource, "Partner", "Indirect", "Web", "Inbound", "Other")', "Indirect", "Other"),
    ('IF(ISPICKVAL(ForecastCategoryName, "Commit") || ISPICKVAL(ForecastCategoryName, "Best Case"), "Upside", "")', "Upside", ""),
    ('CONTAINS("Renewal:Upsell", TEXT(Type))', True, True),
    ('IF(INCLUDES(Competitors__c, "Initech"), "Threat", "Clear")', "Threat", "Clear"),
    ('INCLUDES(Competitors__c, "Globex") && !INCLUDES(Competitors__c, "Umbrella")', True, False),
    ('PICKLISTCOUNT(Competitors__c) >= 2', True, False),
    ('IF(ISBLANK(TEXT(LeadSource)), "unknown", TEXT(LeadSource))', "Partner", "unknown"),
    # money and percentages
    ("Amount * 0.02", D("2400.0000"), U),
    ("Amount * (1 - Discount__c / 100)", 105000.0, U),
    ("ROUND(Amount * Probability / 100, 2)", D("90000.00"), U),
    ("BLANKVALUE(Amount, 0) + BLANKVALUE(Unit_Price__c, 0)", D("120250.00"), D("0.00")),
    ("Seats__c * Unit_Price__c * 12", D("120000.0000"), U),
    ("IF(Amount > 100000, 0.09, IF(Amount > 50000, 0.08, 0.05))", D("0.09"), U),
    ("IF(AND(NOT(ISBLANK(Amount)), Amount >= 100000), 'Large', 'Small')", "Large", "Small"),
    ("MIN(Amount, 100000) * 0.1 + MAX(Amount - 100000, 0) * 0.05", D("11000.0000"), U),
    ("CEILING(Seats__c / 12)", D(4), U),
    ("MOD(Seats__c, 12)", D("4.00"), U),
    ("ABS(Amount - Unit_Price__c * Seats__c) < 0.01", False, U),
    ("Amount ^ 0.5 > 300", True, U),
    ("(Amount - 20000) / Seats__c", 2500.0, U),
    ("IF(Seats__c <> 0, Amount / Seats__c, NULL)", 3000.0, U),
    ("BLANKVALUE(Amount / Seats__c, 0)", 3000.0, 0.0),
    # dates
    ("CloseDate - TODAY()", 29, U),
    ("TODAY() > CloseDate", False, U),
    ("AND(NOT(IsClosed), CloseDate < TODAY())", False, U),
    ("TODAY() - DATEVALUE(CreatedDate)", 90, U),
    ("IF(TODAY() - LastActivityDate > 30, 'Stale', 'Fresh')", "Fresh", U),
    ("IF(ISBLANK(LastActivityDate), 'Never', TEXT(TODAY() - LastActivityDate) & ' days ago')", "7 days ago", "Never"),
    ('CASE(MOD(CloseDate - DATE(1900, 1, 7), 7), 0, "Sunday", 1, "Monday", 2, "Tuesday", 3, "Wednesday", 4, "Thursday", 5, "Friday", "Saturday")', "Wednesday", U),
    ('CASE(WEEKDAY(CloseDate), 1, "Weekend", 7, "Weekend", "Working day")', "Working day", U),
    ("DATE(YEAR(CloseDate), MONTH(CloseDate) + 1, 1) - 1", date(2026, 9, 30), U),
    ("IF(MONTH(CloseDate) = 12, DATE(YEAR(CloseDate), 12, 31), DATE(YEAR(CloseDate), MONTH(CloseDate) + 1, 1) - 1)", date(2026, 9, 30), U),
    ("CEILING(MONTH(CloseDate) / 3)", D(3), U),
    ('"Q" & TEXT(CEILING(MONTH(CloseDate) / 3)) & " " & TEXT(YEAR(CloseDate))', "Q3 2026", U),
    ("ADDMONTHS(Start__c, 12) - 1 = End__c", True, U),
    ("(YEAR(End__c) - YEAR(Start__c)) * 12 + MONTH(End__c) - MONTH(Start__c)", D(11), U),
    ("IF(AND(CloseDate >= DATE(2026, 7, 1), CloseDate <= DATE(2026, 9, 30)), 'H2-Q3', 'other')", "H2-Q3", U),
    ("FLOOR((CloseDate - DATEVALUE(CreatedDate)) / 7)", D(17), U),
    ("DATEVALUE('2026-12-31') - CloseDate", 92, U),
    ("ISOWEEK(CloseDate)", 40, U),
    # a count of working days, as every org has one
    ("CASE(MOD(Start__c - DATE(1985, 6, 24), 7), 0, CASE(MOD(End__c - Start__c, 7), 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 6, 5, 1), "
     "3, CASE(MOD(End__c - Start__c, 7), 1, 2, 2, 2, 3, 2, 4, 3, 5, 4, 6, 5, 1), 999) + FLOOR((End__c - Start__c) / 7) * 5", D(261), U),
    # dates with time
    ("NOW() - CreatedDate > 30", True, U),
    ("ROUND((NOW() - Approved_At__c) * 24, 1)", D("39.3"), U),
    ("CreatedDate + 90 > NOW()", True, U),
    ("HOUR(TIMEVALUE(Approved_At__c)) < 9", True, U),
    ("TIMEVALUE(Approved_At__c) < TIMEVALUE(Opens_At__c)", True, U),
    ("FORMATDURATION(Approved_At__c, NOW())", "1:15:15:00", U),
    ('DATETIMEVALUE(TEXT(CloseDate) & " 12:00:00")', datetime(2026, 9, 30, 12), U),
    ("(UNIXTIMESTAMP(NOW()) - UNIXTIMESTAMP(Approved_At__c)) / 3600", 39.25, U),
    # texts
    ('LEFT(Region_Code__c, FIND("-", Region_Code__c) - 1)', "EMEA", ""),
    ('MID(Region_Code__c, 6, 2) = "DE"', True, False),
    ('VALUE(RIGHT(Region_Code__c, 3))', D(42), U),
    ('IF(LEN(NextStep) = 0, "missing", UPPER(LEFT(NextStep, 1)) & LOWER(MID(NextStep, 2, LEN(NextStep) - 1)))', "Call cfo", "missing"),
    ('SUBSTITUTE(SUBSTITUTE(SUBSTITUTE(Account.Phone, "(", ""), ")", ""), " ", "")', "+49301234-56", U),
    ('REGEX(Region_Code__c, "[A-Z]{2,4}-[A-Z]{2}-\\\\d{3}")', True, False),
    ('BEGINS(Name, "Acme") && CONTAINS(Name, "Renewal")', True, False),
    ('TRIM(Name) & IF(ISBLANK(NextStep), "", " (" & NextStep & ")")', "Acme - Renewal 2026 (Call CFO)", ""),
    ('"Dear " & Owner.FirstName & "," & BR() & "see \\"" & Name & "\\""', 'Dear Ana,\nsee "Acme - Renewal 2026"', U),
    ("'It''s ' & Owner.FirstName & '\\'s'", "It's Ana's", U),
    ('LPAD(TEXT(Seats__c), 6, "0")', "000040", U),
    ('IF(ISNUMBER(Quarter_Text__c), VALUE(Quarter_Text__c) / 4, 0)', 3.0, 0.0),
    # parents
    ('Account.Owner.Name = Owner.Name', True, U),
    ('ISPICKVAL(Account.Industry, "Energy") || ISPICKVAL(Account.Industry, "Banking")', True, U),
    ('CONTAINS("CA:NV:WA", Account.BillingState)', True, U),
    ('IF(Account.NumberOfEmployees > 200 && Account.AnnualRevenue > 1000000, "Enterprise", "SMB")', "Enterprise", U),
    ('IF(ISBLANK(AccountId), "no account", Account.Name)', "Acme & Sons", "no account"),
    ('Owner:User.IsActive', True, U),
    ('RecordType.DeveloperName = "Renewal_Deal"', True, U),
    ('CASESAFEID(OwnerId) = "005000000000001AAA"', True, U),
    ('MID(Account.Website, FIND("//", Account.Website) + 2, FIND("/", Account.Website, 9) - FIND("//", Account.Website) - 2)', "www.acme.example", U),
    # spelling: comments, line breaks, capitals, operators
    ("/* who */ isclosed == FALSE /* yet */", True, True),
    ("IF(\n  iswon,\n  'won',\n  IF(isclosed, 'lost', 'open')\n)", "open", "open"),
    ("NOT IsWon && TRUE", True, True),
    ("NULLVALUE(Score__c, 0) >= 5 || IsWon", True, False),
    ("IF(ISNULL(Amount), 0, Amount) = 0", False, True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "full", "blank"), PASTED, ids=[p[0][:60] for p in PASTED])
def test_a_pasted_formula_gives_what_it_gives_in_salesforce(book: PastedBook, text: str, full: Any, blank: Any) -> None:
    assert (book.value(text, FULL), book.value(text, BLANK)) == (full, blank)


def test_the_corpus_is_large_enough() -> None:
    assert len({text for text, _, _ in PASTED}) >= 60


MISSING = [
    ('IMAGE("/img/flag_red.gif", "red", 10, 10)', "IMAGE is not available"),
    ('HYPERLINK("/" & Id, Name)', "HYPERLINK is not available"),
    ('IF(ISPICKVAL(Account.Rating, "Hot"), IMAGE("a.gif", "a"), IMAGE("b.gif", "b"))', "IMAGE is not available"),
    ("AND(ISCHANGED(StageName), PRIORVALUE(Amount) > 0)", "ISCHANGED is not available"),
    ("ISNEW() || ISCLONE()", "ISNEW is not available"),
    ('$User.Id <> OwnerId', "$User.Id is not available"),
    ('IF($Profile.Name = "System Administrator", TRUE, FALSE)', "$Profile.Name is not available"),
    ('$Setup.Limits__c.Max__c < Amount', "$Setup.Limits__c.Max__c is not available"),
    ('Name & $Label.Suffix', "$Label.Suffix is not available"),
    ('VLOOKUP($ObjectType.Zip__c.Fields.City__c, $ObjectType.Zip__c.Fields.Name, "1")', "$ObjectType.Zip__c.Fields.City__c is not available"),
    ("DISTANCE(GEOLOCATION(1, 2), GEOLOCATION(3, 4), 'km') < 5", "GEOLOCATION is not available"),
    ("CURRENCYRATE('EUR') * Amount", "CURRENCYRATE is not available"),
    ("Amount = NULL", "nothing equals null; write `is null`"),
    ("CreatedDate > TODAY()", "write DATEVALUE(...) around the one with time"),
    ('ISPICKVAL(StageName, "Negotiaton")', "did you mean 'Negotiation'?"),
    ('Competitors__c = "Globex"', "write INCLUDES(Competitors__c, 'value')"),
    ("Amount & ' EUR'", "write TEXT(...) around it"),
    ("{!Amount} > 5", "a name in it is written without them"),
    ("URLFOR($Action.Account.New)", "$Action.Account.New is not available"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISSING, ids=[m[0][:60] for m in MISSING])
def test_what_is_missing_is_named(text: str, message: str) -> None:
    with pytest.raises(FileProblems) as caught:
        parse(text, Position.of_text(text, "pasted"), SCOPE)
    assert message in str(caught.value)


def test_thirty_choices_one_inside_the_other_are_read(book: PastedBook) -> None:
    text = "".join(f"IF(Amount > {1000000 - n * 1000}, {n}, " for n in range(30)) + "99" + ")" * 30
    assert book.value(text, FULL) == 99
