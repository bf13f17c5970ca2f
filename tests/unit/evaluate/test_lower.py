# ruff: noqa: DTZ001  (the mirror keeps moments as UTC without a zone)
"""What expressions come to: for an Account with everything, one with nothing in any field, one without records."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from small_book import ALONE, BLANK, FULL, Book, reason

U = None
"""Unknown."""


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    found = Book()
    yield found
    found.connection.close()


def D(text: str) -> Decimal:
    return Decimal(text)


FULL_AND_BLANK = [
    # blank text is the known text '', everything else that is missing is unknown
    ("Type != 'Customer'", True, True),
    ("Type = ''", False, True),
    ("Name", "Acme 'n' Söhne", ""),
    ("AnnualRevenue > 5", True, U),
    ("not (AnnualRevenue > 5)", False, U),
    ("Renewal = DATE(2026, 10, 31)", True, U),
    ("Active", True, False),
    ("OwnerId = '005000000000001AAA'", True, U),
    ("Owner.Name", "Ana", U),
    ("Owner.Title = ''", True, U),
    ("Owner.IsActive", True, U),
    ("Parent.Name", "", U),
    ("Account.Name = Name", True, True),
    # is null is known
    ("AnnualRevenue is null", False, True),
    ("AnnualRevenue is not null", True, False),
    ("Type is null", False, True),
    ("Type is not null", True, False),
    ("ISBLANK(OwnerId)", False, True),
    ("ISNULL(Parent.Name)", True, True),
    ("word is null", True, True),
    ("maybe is null", True, True),
    # logic
    ("yes and maybe", U, U),
    ("no and maybe", False, False),
    ("yes or maybe", True, True),
    ("no or maybe", U, U),
    ("not maybe", U, U),
    ("yes and (no or yes) and not no", True, True),
    ("AND(yes, OR(no, yes), NOT(no))", True, True),
    ("yes && !no || maybe", True, True),
    # comparisons
    ("AnnualRevenue between 1000000.10 and 1000000.10", True, U),
    ("AnnualRevenue not between 1 and 2", True, U),
    ("Renewal between today - 1 day and today + 3 months", True, U),
    ("Type in big", True, False),
    ("Type in ('Partner', 'x')", True, False),
    ("Type not in ('Partner', 'x')", False, True),
    ("Type in none", False, False),
    ("Type not in none", True, True),
    ("NumberOfEmployees in (6, 7)", True, U),
    ("today in (Renewal, DATE(2026, 9, 1))", True, True),
    ("stage = 'onboarding' and time_in_stage >= 62", True, True),
    ("time_in_stage > after", False, False),
    ("time_in_stage > 8 weeks", True, True),
    ("gap = 30 and gap < after", True, True),
    ("now - Signed >= 0", True, U),
    ("now + 8 hours - now = 8 hours", True, True),
    # numbers
    ("AnnualRevenue + 0.20", D("1000000.30"), U),
    ("AnnualRevenue * 1.5", D("1500000.150"), U),
    ("AnnualRevenue - NumberOfEmployees", D("999993.10"), U),
    ("cents + cents + cents", D("0.30"), D("0.30")),
    ("-cents", D("-0.10"), D("-0.10")),
    ("- -cents", D("0.10"), D("0.10")),
    ("+cents", D("0.10"), D("0.10")),
    ("100000 * 100000 * 100000 * 100000", D(10**20), D(10**20)),
    ("99999999999999999999 * 99999999999999999999", 1e40, 1e40),
    ("10 / 4", 2.5, 2.5),
    ("AnnualRevenue / 0", U, U),
    ("AnnualRevenue / (NumberOfEmployees - 7)", U, U),
    ("2 + 3 * 4 ^ 2", 50.0, 50.0),
    ("(2 + 3) * 4", D(20), D(20)),
    ("-2 ^ 2", -4.0, -4.0),
    ("10 ^ 400", U, U),
    ("(0 - 8) ^ 0.5", U, U),
    ("nothing + 1", U, U),
    ("ROUND(2.345, 2)", D("2.35"), D("2.35")),
    ("ROUND(-2.5, 0)", D("-3"), D("-3")),
    ("ROUND(2.5)", D("3"), D("3")),
    ("ROUND(1234.5, -2)", D("1200"), D("1200")),
    ("ROUND(162272.205, 2)", D("162272.21"), D("162272.21")),
    ("ROUND(ratio + 0.2, 10)", D("0.3"), D("0.3")),
    ("ROUND(AnnualRevenue / 3, 2)", D("333333.37"), U),
    ("ABS(-7.5)", D("7.5"), D("7.5")),
    ("FLOOR(-7.5)", D("-7"), D("-7")),
    ("CEILING(-7.5)", D("-8"), D("-8")),
    ("MFLOOR(-7.5)", D("-8"), D("-8")),
    ("MCEILING(-7.5)", D("-7"), D("-7")),
    ("FLOOR(7.5) + CEILING(7.5) + TRUNC(7.9)", D("22"), D("22")),
    ("FLOOR(AnnualRevenue)", D(1000000), U),
    ("MOD(-7, 3)", D("-1"), D("-1")),
    ("MOD(7.5, 2)", D("1.5"), D("1.5")),
    ("MOD(7, 0)", U, U),
    ("MIN(3, 1, 2) + MAX(1, 2)", D(3), D(3)),
    ("MAX(3, AnnualRevenue)", D("1000000.10"), U),
    ("MIN(today, Renewal)", date(2026, 9, 1), U),
    ("SQRT(9)", 3.0, 3.0),
    ("SQRT(0 - 9)", U, U),
    ("LN(EXP(0))", 0.0, 0.0),
    ("LN(0)", U, U),
    ("LOG(1000)", 3.0, 3.0),
    ("LOG(-1)", U, U),
    ("EXP(99999)", U, U),
    # dates
    ("today", date(2026, 9, 1), date(2026, 9, 1)),
    ("NOW()", datetime(2026, 8, 31, 22, 30), datetime(2026, 8, 31, 22, 30)),
    ("Renewal - today", 60, U),
    ("today - Renewal < 0 days", True, U),
    ("Renewal + 2", date(2026, 11, 2), U),
    ("2 + Renewal", date(2026, 11, 2), U),
    ("Renewal - 1 week", date(2026, 10, 24), U),
    ("Renewal - 2.9", date(2026, 10, 29), U),
    ("Renewal + 99999999", U, U),
    ("Renewal - after", date(2026, 8, 2), U),
    ("Renewal + (Renewal - today)", date(2026, 12, 30), U),
    ("(Renewal - today) * 2", D(120), U),
    ("Renewal - today + 1", 61, U),
    ("gap + 5 days", 35, 35),
    ("Renewal + 4 months", date(2027, 2, 28), U),
    ("Renewal - 1 year", date(2025, 10, 31), U),
    ("today + 30 days + 1 month", date(2026, 11, 1), date(2026, 11, 1)),
    ("today + (30 days + after)", date(2026, 12, 30), date(2026, 12, 30)),
    ("today - -30 days", date(2026, 10, 1), date(2026, 10, 1)),
    ("Signed + 1.5", datetime(2026, 9, 2, 10, 30), U),
    ("Signed + 90 days", datetime(2026, 11, 29, 22, 30), U),
    ("Signed - 8 hours", datetime(2026, 8, 31, 14, 30), U),
    ("DATEVALUE(Signed)", date(2026, 9, 1), U),
    ("DATEVALUE(Signed) = today", True, U),
    ("DATEVALUE('2026-12-31')", date(2026, 12, 31), date(2026, 12, 31)),
    ("DATEVALUE('soon')", U, U),
    ("DATEVALUE(Renewal)", date(2026, 10, 31), U),
    ("DATETIMEVALUE('2026-12-31 17:00:00')", datetime(2026, 12, 31, 17), datetime(2026, 12, 31, 17)),
    ("DATETIMEVALUE(Renewal)", datetime(2026, 10, 31), U),
    ("DATE(YEAR(Renewal), MONTH(Renewal), 1)", date(2026, 10, 1), U),
    ("DATE(NumberOfEmployees + 2019, 2, 30)", U, U),
    ("DATE(2026, NumberOfEmployees, DAY(Renewal))", date(2026, 7, 31), U),
    ("WEEKDAY(DATE(2026, 9, 6)) + WEEKDAY(DATE(2026, 9, 5)) * 10", D(71), D(71)),
    ("DAYOFYEAR(DATE(2026, 2, 1))", 32, 32),
    ("ADDMONTHS(DATE(2026, 2, 28), 1)", date(2026, 3, 31), date(2026, 3, 31)),
    ("ADDMONTHS(DATE(2026, 1, 30), 1)", date(2026, 2, 28), date(2026, 2, 28)),
    ("ADDMONTHS(DATE(2026, 1, 15), -1)", date(2025, 12, 15), date(2025, 12, 15)),
    ("ADDMONTHS(DATE(2026, 4, 30), 1)", date(2026, 5, 31), date(2026, 5, 31)),
    ("ADDMONTHS(Signed, 1)", datetime(2026, 9, 30, 22, 30), U),
    ("ADDMONTHS(Renewal, 99999999)", U, U),
    ("DATE(2026, 2, 28) + 1 month", date(2026, 3, 28), date(2026, 3, 28)),
    # business days: 7 September 2026 is a holiday
    ("today + 3 business days", date(2026, 9, 4), date(2026, 9, 4)),
    ("today + 4 business days", date(2026, 9, 8), date(2026, 9, 8)),
    ("today + work", date(2026, 9, 4), date(2026, 9, 4)),
    ("today - 2 business days", date(2026, 8, 28), date(2026, 8, 28)),
    ("DATE(2026, 9, 6) + 1 business day", date(2026, 9, 8), date(2026, 9, 8)),
    ("DATE(2026, 9, 6) - 1 business day", date(2026, 9, 4), date(2026, 9, 4)),
    ("DATE(2026, 9, 6) + 0 business days", date(2026, 9, 8), date(2026, 9, 8)),
    ("today + 0 business days", date(2026, 9, 1), date(2026, 9, 1)),
    ("Renewal + 5 business days", date(2026, 11, 6), U),
    ("today + 3 business days + 3 business days", date(2026, 9, 10), date(2026, 9, 10)),
    ("(today + 3 business days) - today", 3, 3),
    ("DATE(1999, 1, 1) + 3 business days", U, U),
    # choices
    ("IF(Active, 1, 2)", D(1), D(2)),
    ("IF(maybe, 1, 2)", U, U),
    ("IF(AnnualRevenue > 5, 'big', 'small')", "big", U),
    ("IF(no, 1, null)", U, U),
    ("CASE(Type, 'Partner', 1, '', 2, 3)", D(1), D(2)),
    ("CASE(NumberOfEmployees, 1, 'one', 7, 'seven', 'other')", "seven", U),
    ("BLANKVALUE(AnnualRevenue, 0)", D("1000000.10"), D("0")),
    ("NULLVALUE(Type, 'none')", "Partner", "none"),
    ("BLANKVALUE(word, 'none')", "none", "none"),
    ("today - BLANKVALUE(Renewal, today)", -60, 0),
    # texts
    ("Name & '/' + Type", "Acme 'n' Söhne/Partner", "/"),
    ("'it''s' & \"\"", "it's", "it's"),
    ("TEXT(Type)", "Partner", ""),
    ("TEXT(1.50)", "1.5", "1.5"),
    ("TEXT(100)", "100", "100"),
    ("TEXT(AnnualRevenue)", "1000000.1", U),
    ("TEXT(10 / 4)", "2.5", "2.5"),
    ("TEXT(Renewal)", "2026-10-31", U),
    ("TEXT(Signed)", "2026-08-31 22:30:00Z", U),
    ("VALUE(' 12.50 ')", D("12.5"), D("12.5")),
    ("VALUE('twelve')", U, U),
    ("VALUE(Name)", U, U),
    ("ISNUMBER('12') and not ISNUMBER('x')", True, True),
    ("ISNUMBER(word)", U, U),
    ("LEN(Name)", 14, 0),
    ("LEFT(Name, 4) & RIGHT(Name, 2)", "Acmene", ""),
    ("LEFT(Name, -1) & RIGHT(Name, -1)", "", ""),
    ("LEFT(Name, nothing)", U, U),
    ("MID(Name, 2, 3)", "cme", ""),
    ("MID(Name, 0, 2)", "Ac", ""),
    ("TRIM('  a b ')", "a b", "a b"),
    ("UPPER(Name)", "ACME 'N' SÖHNE", ""),
    ("LOWER(Type)", "partner", ""),
    ("SUBSTITUTE(Name, \"'\", '')", "Acme n Söhne", ""),
    ("LPAD('7', 3, '0') & RPAD('7', 3)", "0077  ", "0077  "),
    ("LPAD('12345', 3)", "123", "123"),
    ("FIND('m', Name)", 3, 0),
    ("FIND(\"n\", Name, 7)", 7, 0),
    ("FIND(\"n\", Name, 8)", 13, 0),
    ("CONTAINS(Name, 'me')", True, False),
    ("BEGINS(Name, 'Ac')", True, False),
    ("INCLUDES(Tags, 'green')", False, False),
    ("INCLUDES(Tags, 'dark green')", True, False),
    ("PICKLISTCOUNT(Tags)", 2, 0),
    ("ISPICKVAL(Type, 'Partner')", True, False),
    ("cta_done('training') and not cta_done('never')", True, True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "full", "blank"), FULL_AND_BLANK, ids=[c[0] for c in FULL_AND_BLANK])
def test_value(book: Book, text: str, full: Any, blank: Any) -> None:
    assert (book.value(text, FULL), book.value(text, BLANK)) == (full, blank)


OVER_CHILDREN = [
    # (expression, with four opportunities, with one that is blank, with none)
    ("count(Opportunity)", 4, 1, 0),
    ("count(Opportunity where IsWon)", 2, 0, 0),
    ("count(Opportunity where not IsWon)", 2, 0, 0),
    ("count(Opportunity where StageName = '')", 1, 1, 0),
    ("count(Opportunity where Amount > 150)", 2, 0, 0),
    ("count(Opportunity where Amount is null)", 1, 1, 0),
    ("count(Opportunity where Owner.Name = 'Ana')", 2, 0, 0),
    ("count(Opportunity where Account.Type = 'Partner')", 4, 0, 0),
    ("count(Opportunity where CloseDate > today - after)", 3, 0, 0),
    ("count(Opportunity where CloseDate > today - 2 business days)", 2, 0, 0),
    ("count(Opportunity where CloseDate + 1 business day >= today)", 2, 0, 0),
    ("count(Opportunity where StageName in ('Open', 'x'))", 1, 0, 0),
    ("exists(Opportunity)", True, True, False),
    ("exists(Opportunity where Amount > 300)", True, False, False),
    ("not exists(Opportunity where Amount > 300)", False, True, True),
    ("sum(Opportunity.Amount)", D("600.60"), D(0), D(0)),
    ("sum(Opportunity.Amount where IsWon)", D("300.30"), D(0), D(0)),
    ("sum(Opportunity.Quantity)", 7, 0, 0),
    ("sum(Opportunity.Amount where IsWon) * 1.1", D("330.330"), D(0), D(0)),
    ("min(Opportunity.CloseDate where IsWon)", date(2026, 8, 1), U, U),
    ("max(Opportunity.CloseDate)", date(2026, 12, 1), U, U),
    ("max(Opportunity.Amount where StageName = 'none such')", U, U, U),
    ("ROUND(avg(Opportunity.Amount), 2)", D("200.20"), U, U),
    ("avg(Opportunity.Quantity where IsWon)", 1.5, U, U),
    ("median(Opportunity.Amount)", 200.2, U, U),
    ("distinct(Opportunity.StageName)", 2, 0, 0),
    ("distinct(Opportunity.OwnerId)", 1, 0, 0),
    ("latest(Opportunity.StageName by CreatedDate)", "", U, U),
    ("latest(Opportunity.Amount by CreatedDate where IsWon)", D("200.20"), U, U),
    ("first(Opportunity.Amount by CreatedDate)", D("100.10"), U, U),
    ("latest(Opportunity.Amount by CloseDate)", D("200.20"), U, U),
    ("latest(Opportunity.IsWon by CloseDate)", False, U, U),
    ("latest(Opportunity.StageName by CloseDate where IsWon) is null", False, True, True),
    ("BLANKVALUE(max(Opportunity.Amount), 0)", D("300.30"), D(0), D(0)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "full", "blank", "alone"), OVER_CHILDREN, ids=[c[0] for c in OVER_CHILDREN])
def test_value_over_child_records(book: Book, text: str, full: Any, blank: Any, alone: Any) -> None:
    assert [book.value(text, a) for a in (FULL, BLANK, ALONE)] == [full, blank, alone]


TRUTH = {True: "yes", False: "no", None: "maybe"}


@pytest.mark.parametrize("left", [True, False, None])
@pytest.mark.parametrize("right", [True, False, None])
def test_kleene_truth_tables(book: Book, left: bool | None, right: bool | None) -> None:
    both = False if False in (left, right) else None if None in (left, right) else True
    either = True if True in (left, right) else None if None in (left, right) else False
    assert book.value(f"{TRUTH[left]} and {TRUTH[right]}") is both
    assert book.value(f"{TRUTH[left]} or {TRUTH[right]}") is either
    assert book.value(f"not {TRUTH[left]}") is (None if left is None else not left)
    assert book.value(f"{TRUTH[left]} = {TRUTH[right]}") is (None if None in (left, right) else left == right)


HIDDEN = [
    # (expression, what could not be read, value for the full Account, for the one without records)
    ("count(Opportunity)", {("Opportunity", "*")}, U, U),
    ("sum(Opportunity.Amount)", {("Opportunity", "*")}, U, U),
    ("exists(Opportunity) or yes", {("Opportunity", "*")}, True, True),
    ("exists(Opportunity) and yes", {("Opportunity", "*")}, U, U),
    ("not exists(Opportunity)", {("Opportunity", "*")}, U, U),
    ("count(Opportunity where IsWon)", {("Opportunity", "IsWon")}, U, U),
    ("count(Opportunity where Owner.Name != 'x')", {("User", "Name")}, U, U),
    ("max(Opportunity.CloseDate)", {("Opportunity", "CloseDate")}, U, U),
    ("max(Opportunity.CloseDate) is null", {("Opportunity", "CloseDate")}, U, U),
    ("latest(Opportunity.Amount by CloseDate)", {("Opportunity", "CloseDate")}, U, U),
    ("count(Opportunity)", {("Opportunity", "Amount")}, 4, 0),
    ("count(Opportunity)", {("Opportunity", "AccountId")}, U, U),
    ("BLANKVALUE(count(Opportunity), 0) = 0", {("Opportunity", "*")}, U, U),
    ("cta_done('never')", {("Task", "*")}, U, U),
    ("Type != 'Customer'", {("Account", "Type")}, U, U),
    ("Type is null", {("Account", "Type")}, U, U),
    ("Type is not null", {("Account", "Type")}, U, U),
    ("AnnualRevenue is null", {("Account", "AnnualRevenue")}, U, U),
    ("AnnualRevenue is not null", {("Account", "AnnualRevenue")}, U, U),
    ("BLANKVALUE(Type, 'none')", {("Account", "Type")}, U, U),
    ("BLANKVALUE(AnnualRevenue, 0)", {("Account", "AnnualRevenue")}, U, U),
    ("Owner.Name = 'Ana'", {("Account", "OwnerId")}, U, U),
    ("Owner.Name = 'Ana'", {("User", "Name")}, U, U),
    ("ISBLANK(Owner.Name)", {("User", "Name")}, U, U),
]  # fmt: skip


@pytest.mark.parametrize(("text", "hidden", "full", "alone"), HIDDEN)
def test_what_could_not_be_read_is_unknown(
    book: Book, text: str, hidden: set[tuple[str, str]], full: Any, alone: Any
) -> None:
    values = [book.value(text, a, hidden=frozenset(hidden)) for a in (FULL, ALONE)]
    assert values == [full, alone]


DOUBTFUL = [
    ("word is null", U), ("yes is null", False), ("yes is not null", True), ("BLANKVALUE(word, 'x')", U),
    ("BLANKVALUE(cents, 1)", D("0.10")), ("BLANKVALUE(nothing, 1)", U), ("nothing is null", U),
    ("nothing is not null", U),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), DOUBTFUL)
def test_a_fact_over_something_hidden_is_missing_only_where_that_is_known(book: Book, text: str, value: Any) -> None:
    assert book.value(text, doubtful=frozenset({"word", "yes", "cents", "nothing"})) == value


def test_the_reason_names_what_could_not_be_read() -> None:
    hidden = frozenset({("Opportunity", "Amount")})
    assert reason("yes and sum(Opportunity.Amount) > 1", hidden) == "Opportunity.Amount is hidden"
    assert reason("yes and count(Opportunity) > 1", hidden) is None


def test_text_of_a_rule_stays_a_value(book: Book) -> None:
    assert book.value("Name = \"x' OR '1'='1\"") is False
    assert book.value(r"Name = 'Acme \'n\' Söhne'") is True
    assert book.value('Name & \'"; DROP TABLE "Account"; --\'').endswith('"; DROP TABLE "Account"; --')
