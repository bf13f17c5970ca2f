# ruff: noqa: E501  (a message stands on one line, as its reader sees it)
"""What an author is told: the message, and the column that it points at."""

from dataclasses import replace

import pytest
from small_org import SCOPE, at

from connector.errors import FileProblems
from connector.mapping.language import TEXT, Kind, Position, parse, try_parse
from connector.mapping.language.scope import Scope

RULE = replace(SCOPE, aggregates=False)
FACT = replace(SCOPE, visit=False, health=False)

WRONG = [
    # the characters and the form
    ("Name = 'Acme", 8, "this text has no closing quote"),
    ("Name = “Acme”", 8, "typographic quotes are no quotes; write '...'"),
    ("won;", 4, "an expression has no `;`; conditions are joined with `and` or `or`"),
    ("$User.Id = OwnerId", 1, "$User.Id is not available: a rule is the same for everyone; name a field of the record, "
     "such as OwnerId or Owner.IsActive"),
    ("Name = $Label.Greeting", 8, "$Label.Greeting is not available: labels are not read; write the text itself"),
    ("$RecordType.Name = 'x'", 1, "$RecordType.Name is not available: write RecordType.DeveloperName, or RecordType.Name"),
    ("$Permission.Admin or won", 1, "$Permission.Admin is not available: a rule is the same for everyone, whatever they may do"),
    ("$CustomMetadata.A__mdt.b.C__c > 1", 1, "$CustomMetadata.A__mdt.b.C__c is not available: settings in the org are not read; "
     "use a parameter, which a segment may override"),
    ("Name = {!Type}", 8, "an expression has no braces; a name in it is written without them (Name, not {!Name})"),
    ("won /* until", 5, "this comment has no end; it is closed by */"),
    (r"Name = 'a\d'", 10, r"`\d` has no meaning in a text; a backslash is written twice: `\\d`"),
    ("Owner:Queue.Name = 'x'", 7, "found `Queue`; owners are users here: Owner:User.Name, or Owner.Name"),
    ("score > 60 %", 12, "a percentage cannot stand in an expression; write the share as a number, such as 0.6"),
    ("   ", 1, "there is nothing here; an expression was expected"),
    ("won and", 8, "found the end; a value was expected here: a name, a number, a 'text' or a function"),
    ("(won or not won", 16, "found the end; expected `)` to close the parenthesis"),
    ("won not won", 9, "found `won`; after a value, `not` is followed by `in` or `between`"),
    ("open_renewals open_renewals", 15, "found `open_renewals`; expected the end, or an operator such as `and`"),
    ("1 < score < 5", 11, "comparisons cannot be chained; write `x between 1 and 5`, or `1 < x and x < 5`"),
    ("IF(won,, 2)", 8, "found `,`; a value was expected here: a name, a number, a 'text' or a function"),
    ("Type in 'Partner'", 9, "found 'Partner'; `in` is followed by the name of a list, or by values in parentheses"),
    ("Name is blank", 9, "found `blank`; expected `null` (or `not null`) after `is`"),
    ("first_won > 2026-01-31", 13, "a date is written DATE(2026, 1, 31)"),
    ("silence > 30 dys", 14, "`dys` is no unit of time; did you mean days?"),
    ("silence > 30 parsecs", 14, "`parsecs` is no unit of time; durations count hours, days, business days, weeks, months, years"),
    ("silence > 1.5 days", 11, "a duration is a whole number of days, below ten thousand (years: one thousand)"),
    ("first_won + 1000 years", 13, "a duration is a whole number of years, below ten thousand (years: one thousand)"),
    ("score > " + "9" * 39, 9, "this number has more than 38 digits"),
    # names
    ("opn_renewals > 1", 1, "unknown name 'opn_renewals'; did you mean 'open_renewals'?"),
    ("AnualRevenue > 1", 1, "unknown name 'AnualRevenue'; did you mean 'AnnualRevenue'?"),
    ("xyzzy = 1", 1, "unknown name 'xyzzy'; expected a field of Account, a fact or a parameter"),
    ("won and Owner.IsActve", 15, "unknown name 'IsActve' on User; did you mean 'IsActive'?"),
    ("Owner . Manger.Name = ''", 9, "unknown name 'Manger' on User; did you mean 'Manager'?"),
    ("OwnerId.Name = ''", 1, "'OwnerId' is the reference itself; through it one reads Owner.Name and so on"),
    ("Owner = 'x'", 1, "'Owner' is a related record; write Owner.Name, or OwnerId"),
    ("BillingAddress = ''", 1, "Account.BillingAddress is made of several fields; name one of those"),
    ("won_types = 'New'", 1, "'won_types' is a list; it is used as `x in won_types`"),
    ("Opportunity.Amount > 1", 1, "'Opportunity' is not a parent of Account; its records are counted or summed, such as "
     "max(Opportunity.Amount) or count(Opportunity where ...)"),
    ("Parent.Parent.Parent.Parent.Parent.Parent.Name = ''", 1, "a path may follow 5 references, this one follows 6"),
    # values
    ("Type = 'Partnr'", 8, "'Partnr' is not a value that this can have; did you mean 'Partner'?"),
    ("'partner' = Type", 1, "'partner' is not a value that this can have; did you mean 'Partner'?"),
    ("Type in ('Partner', 'Xyz')", 21, "'Xyz' is not a value that this can have; allowed: 'Customer', 'Partner', 'Prospect'"),
    ("count(Opportunity where Type in odd_types)", 33, "'Old' is not a value that this can have; allowed: 'New', 'Renewal'"),
    ("stage = 'onbording'", 9, "'onbording' is not a value that this can have; did you mean 'onboarding'?"),
    ("CASE(Type, 'Partnr', 1, 2) = 1", 12, "'Partnr' is not a value that this can have; did you mean 'Partner'?"),
    ("ISPICKVAL(Type, 'Partnr')", 17, "'Partnr' is not a value that this can have; did you mean 'Partner'?"),
    ("INCLUDES(Tags__c, 'gren')", 19, "'gren' is not a value that this can have; did you mean 'green'?"),
    ("Tags__c = 'red'", 1, "`Tags__c` holds several values; write INCLUDES(Tags__c, 'value')"),
    ("OwnerId = ''", 11, "a reference is never blank text; write `is null`, or `is not null`"),
    ("OwnerId = '005000000000001'", 11, "ids have 18 characters here; write '005000000000001AAA'"),
    ("Parent.OwnerId in ('Ana')", 20, "a reference is compared with a record id; 'Ana' is not a record id: give its 15 or 18 letters and digits, as in the record's address."),
    ("cta_done('trainin')", 10, "no CTA or playbook step is called 'trainin'; did you mean 'training'?"),
    # types
    ("Name > 5", 6, "text cannot be compared with a number; VALUE(...) makes a number of a text"),
    ("Name < 'x'", 6, "`<` compares numbers, dates and durations, not text"),
    ("first_won = null", 11, "nothing equals null; write `is null`"),
    ("first_won <> null", 11, "nothing equals null; write `is not null`"),
    ("first_won < '2026-01-01'", 11, "a date cannot be compared with text; a date is written DATE(2026, 12, 31)"),
    ("first_won > 30 days", 11, "a date cannot be compared with a duration; subtract two dates to get days, or write today - 30 days"),
    ("CreatedDate > today", 13, "a date and a date with time cannot be compared; write DATEVALUE(...) around the one with time"),
    ("CreatedDate - today > 1", 13, "a date and a date with time cannot be subtracted; write DATEVALUE(...) around the one with time"),
    ("silence > 3 months", 9, "a number of days cannot be compared with months; compare dates, such as since < today - 3 months"),
    ("score > 3 days", 7, "a number cannot be compared with a duration; subtract two dates to get days"),
    ("today + first_won > today", 7, "two dates cannot be added; write `-` for the days between them"),
    ("today + 3 hours > today", 7, "a date has no hours; count in days, or use a date with time"),
    ("now + 3 business days > now", 5, "business days are counted from a date; write DATEVALUE(...) around the date with time"),
    ("30 days + 2 months > launch_after", 9, "days and months cannot be added"),
    ("Name + 1 = 'x'", 6, "only texts can be joined, and this is a number; write TEXT(...) around it"),
    ("score + null > 1", 7, "`+` with null is never known; use BLANKVALUE(...) to say what a missing value counts as"),
    ("Name * 2 > 1", 6, "`*` calculates with numbers, not with text"),
    ("score and won", 1, "`and` joins conditions; each must be a condition (true or false), but `score` is a number"),
    ("not score", 5, "what follows `not` must be a condition (true or false), but `score` is a number"),
    ("IF(won, 1, 'x') = 1", 1, "the alternatives must be of one type, but one is a number and one is text"),
    ("ROUND(Name, 2) > 1", 7, "ROUND(number, [decimals]): number must be a number or a number of days, but `Name` is text"),
    ("ROUND(score, big) > 1", 1, "ROUND takes its decimals as a plain number between -9 and 10"),
    ("LEFT(Name) = 'x'", 1, "LEFT is used as LEFT(text, count), not with 1 value"),
    ("TODAY(1) = today", 1, "TODAY is used as TODAY(), not with 1 value"),
    ("DATE(2026, 2, 30) = today", 1, "there is no day 2026-2-30; DATE takes year, month, day"),
    ("LPAD(Name, 5, '') = ''", 1, "a text is filled up with a written text that is not blank"),
    ("LPAD(Name, 999999) = ''", 1, "the length is a plain number up to 3900"),
    ("CASE(Type, 'Partner', 1) = 1", 1, "CASE is used as CASE(value, case, result, ..., otherwise), not with 3 values"),
    ("CASE(Type, 'Partner', 1, 'Customer', 2) = 1", 1,
     "CASE ends with what it gives otherwise: CASE(value, case, result, ..., otherwise)"),
    ("3 hours < 2 days", 9, "hours and days cannot be compared"),
    ("won = 3", 5, "a condition (true or false) cannot be compared with a number"),
    ("won + 1 > 1", 5, "`+` calculates with numbers, dates and durations, not with a condition (true or false)"),
    ("today + won > today", 7, "days or a duration can be added to a date, not a condition (true or false)"),
    ("today + Name = ''", 7, "only texts can be joined, and this is a date; write TEXT(...) around it"),
    ("Name - 1 = ''", 6, "`-` calculates with numbers and dates, not with text"),
    ("1 - today > 1", 3, "a date cannot be taken from a number"),
    ("silence + 3 months > 1", 9, "a number of days and a duration in months cannot be added"),
    ("score + 3 days > 1", 7, "a number and a duration in days cannot be added"),
    ("-Name = ''", 2, "what follows `-` must be a duration, a number or a number of days, but `Name` is text"),
    # functions
    ("ROUNDD(score, 2) > 1", 1, "unknown function 'ROUNDD'; did you mean ROUND?"),
    ("HYPERLINK('x', 'y') = ''", 1, "HYPERLINK is not available: it makes a link, an image or a page, not a value"),
    ("ISCHANGED(Type)", 1, "ISCHANGED is not available: it looks at a record while a person saves it; rules look at "
     "records as they are"),
    ("VLOOKUP(1) = 1", 1, "VLOOKUP is not available: it searches other records; write latest(X.Field by CreatedDate "
     "where ...) as a fact"),
    ("ever_in('churned')", 1, "EVER_IN is not available: rules that look back at visits or earlier values are not available yet"),
    ("LEFT(Name where won)", 1, "LEFT takes no where, by or via; those belong to count, sum, latest and their like"),
    ("cta_done(1)", 1, "cta_done takes the key of a CTA or playbook step, such as cta_done('kickoff')"),
    ("IMAGE('a.png', 'x') = ''", 1, "IMAGE is not available: it makes a link, an image or a page, not a value"),
    ("DISTANCE(1, 2) > 1", 1, "DISTANCE is not available: places on the map are not available"),
    ("INITCAP(Name) = 'X'", 1, "INITCAP is not available: its result differs between engines"),
    ("REGEX(Name, Type)", 1, "a pattern is a written text, such as REGEX(Phone, '[0-9 ]+')"),
    ("REGEX(Name, '(?=a)')", 1, "`(?=` cannot be read in a pattern; there are sets, groups, |, repetitions, \\d, \\w, \\s (each "
     "written with two \\ in a formula) and (?i)"),
    ("REGEX(Name, '((a{99}){99})')", 1, "this pattern repeats or nests too much"),
    ("REGEX(Name, '[z-a]')", 1, "this pattern cannot be read: bad character range z-a at position 1"),
    ("REGEX(Name, 'a)')", 1, "a `)` closes nothing in this pattern"),
    ("REGEX(Name, '(a')", 1, "a `(` is never closed in this pattern"),
    ("REGEX(Name, '*')", 1, "`*` repeats nothing in this pattern"),
    ("HOUR(now) > 9", 6, "HOUR(clock): clock must be a time of day, but `now` is a date and time"),
    ("TIMEVALUE(now)", 1, "a time of day is no value of its own; compare it, or take HOUR(...) of it"),
    ("TIMEVALUE(now) > '09:00'", 16, "a time of day cannot be compared with text; TIMEVALUE(...) makes a time of day of a text or of "
     "a date with time"),
    ("TIMEVALUE(now) + TIMEVALUE(now) > TIMEVALUE(now)", 16, "milliseconds can be added to a time of day, not a time of day"),
    ("FORMATDURATION(now) = ''", 1, "FORMATDURATION takes a number of seconds, or two times to go between"),
    ("FORMATDURATION(now, won) = ''", 1, "FORMATDURATION goes between two of one kind, or takes seconds and whether to count days"),
    ("TRUNC(score, big) > 1", 1, "TRUNC takes its decimals as a plain number between -9 and 10"),
    ("CASESAFEID(Name) = 'x'", 1, "CASESAFEID takes an id; a text is compared as it is"),
    ("TEXT(Type) = 'Partnr'", 14, "'Partnr' is not a value that this can have; did you mean 'Partner'?"),
    ("max()  > 1", 1, "max takes child records and a condition, such as max(Opportunity.Amount where IsWon)"),
    # aggregates
    ("count(Oportunity)", 7, "unknown sObject 'Oportunity'; did you mean 'Opportunity'?"),
    ("count(Deals)", 7, "unknown sObject 'Deals'; did you mean 'Deal__c'?"),
    ("count()", 1, "count takes child records and a condition, such as count(Opportunity where IsWon)"),
    ("count(Opportunity.Amount)", 1, "count counts records; write count(Opportunity where ...), or "
     "distinct(Opportunity.Amount) for different values"),
    ("sum(Opportunity)", 1, "sum takes a field of the child records, such as sum(Opportunity.CreatedDate)"),
    ("sum(Opportunity.Name)", 5, "sum takes a number, and Name is text"),
    ("max(Opportunity.StageName)", 5, "max takes a date, a date and time or a number, and StageName is text"),
    ("latest(Opportunity.StageName)", 1, "latest must say in which order: latest(Opportunity.StageName by CreatedDate)"),
    ("latest(Opportunity.StageName by Amount)", 33, "latest goes by the order of time: what follows `by` must be a date or "
     "a date and time, but `Amount` is a number"),
    ("sum(Opportunity.Amount by CloseDate)", 1, "`by` belongs to first and latest, not to sum"),
    ("sum(Opportunity.Amont where IsWn)", 17, "unknown name 'Amont' on Opportunity; did you mean 'Amount'?"),
    ("count(Opportunity where Amount)", 25, "what follows `where` must be a condition (true or false), but `Amount` is a number"),
    ("count(Opportunity where won)", 25, "'won' is a fact; here stand fields of Opportunity, Account.X, parameters and lists only"),
    ("count(Opportunity where count(Task) > 1)", 25, "count cannot stand here; make it a fact of its own"),
    ("count(Deal__c)", 7, "Deal__c refers to Account in several fields (Customer__c, Reseller__c); say which: `via Customer__c`"),
    ("count(Deal__c via Custmer__c)", 19, "Deal__c.Custmer__c is no field that refers to Account; write Customer__c or Reseller__c"),
    ("count(Campaign)", 7, "Campaign has no field that refers to Account, so none of its records belong to one"),
    ("max(activity.dat)", 14, "unknown name 'dat'; did you mean 'date'?"),
    ("count(activity via AccountId)", 20, "activity reaches the subject by itself; leave out `via`"),
    ("count(Task where Owner.Nme = '')", 24, "unknown name 'Nme' on User; did you mean 'Name'?"),
    ("count(Task where What.Name = '')", 18, "Task.What can be one of several kinds of record (Account, Opportunity); its "
     "fields cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "message"), WRONG, ids=[w[0] for w in WRONG])
def test_a_slip_is_named_where_it_stands(text: str, column: int, message: str) -> None:
    with pytest.raises(FileProblems) as caught:
        parse(text, at(text), SCOPE)
    first = caught.value.problems[0]
    assert (first.message, first.line, first.column) == (message, 1, column)
    assert str(first) == f"m.yaml:1:{column}: {message}\n    {text}\n    {' ' * (column - 1)}^"


@pytest.mark.parametrize(("text", "scope", "message"), [
    ("count(Opportunity) > 1", RULE, "only facts read child records; make `count(Opportunity)` a fact and name it here"),
    ("stage = 'churned'", FACT, "'stage' is known to rules only; facts read records"),
    ("health.score > 3", FACT, "health.band and health.score are known to rules only, in a model that has health"),
    ("xyz > 3", replace(SCOPE, child="Contact"), "unknown name 'xyz'; expected a field of Contact"),
    ("max(activity.date) > today", replace(SCOPE, subject="Contact"),
     "activity is available for Account, and the subject is Contact; use Task or Event"),
    ("activity > 3", SCOPE, "activity is read by aggregates, such as max(activity.date where two_way and done)"),
    ("Owner.Name = 'x'", replace(SCOPE, describes={"Account": SCOPE.describes["Account"]}),
     "nothing is known about the sObject 'User': the org does not show it to this user"),
    ("Name = 'x'", replace(SCOPE, facts={"name": TEXT}),
     "'Name' is a field of Account and also a key of this model; rename the key"),
])  # fmt: skip
def test_what_a_place_does_not_know(text: str, scope: Scope, message: str) -> None:
    problems: list = []
    assert try_parse(text, at(text), scope, problems) is None
    assert [p.message for p in problems] == [message]


def test_everything_wrong_is_told_at_once_and_once() -> None:
    text = "opn_renewals > 1 and Nme = 'x' and Type = 'Partnr' and (opn_renewals + 1) * 2 > 'x'"
    problems: list = []
    assert try_parse(text, at(text), SCOPE, problems) is None
    assert [p.column for p in problems] == [1, 22, 43, 57]


def test_a_place_says_which_kinds_of_value_it_can_use() -> None:
    problems: list = []
    assert try_parse("score", at("score"), SCOPE, problems, want=Kind.BOOLEAN) is None
    assert problems[0].message == "this must be a condition (true or false), but `score` is a number"
    assert parse("today", at("today"), SCOPE, want=(Kind.DATE, Kind.DATETIME)).type.kind is Kind.DATE


def test_null_alone_is_no_value() -> None:
    problems: list = []
    assert try_parse("IF(won, null, null)", at(""), SCOPE, problems) is None
    assert problems[0].message == "this is null in every case; give it a value in one"


def test_an_open_picklist_only_warns_when_the_values_are_not_the_orgs_own() -> None:
    text = "Industry = 'Retial'"
    problems: list = []
    expression = try_parse(text, at(text), replace(SCOPE, known_values=False), problems)
    assert expression is not None
    assert [(p.severity, p.column) for p in expression.warnings] == [("warning", 12)]
    assert problems == list(expression.warnings)
    assert try_parse(text, at(text), SCOPE, []) is None


def test_a_share_looks_wrong_for_a_percentage() -> None:
    problems: list = []
    assert try_parse("count(Opportunity where Probability > 0.5)", at(""), SCOPE, problems)
    assert [(p.severity, p.message) for p in problems] == [
        ("warning", "Probability is a percentage: 50 % is 50 here, not 0.5; did you mean 50.0?")
    ]


BLANK = "where {0} is blank this is unknown, while a formula in Salesforce counts 0; for that write BLANKVALUE({0}, 0)"
SHARE = "Probability is a percentage: 50 % is 50 here, 0.5 in a formula; write Probability / 100"


@pytest.mark.parametrize(("text", "messages"), [
    ("AnnualRevenue = 0", [(1, BLANK.format("AnnualRevenue"))]),
    ("1000 > AnnualRevenue", [(8, BLANK.format("AnnualRevenue"))]),
    ("Parent.NumberOfEmployees <= 10", [(1, BLANK.format("Parent.NumberOfEmployees"))]),
    ("AnnualRevenue + NumberOfEmployees > 5", [(1, BLANK.format("AnnualRevenue")), (17, BLANK.format("NumberOfEmployees"))]),
    ("count(Opportunity where Amount < 5) > 0", [(25, BLANK.format("Amount"))]),
    ("AnnualRevenue between 0 and 10", [(1, BLANK.format("AnnualRevenue"))]),
    ("AnnualRevenue between 5 and 10", []),
    ("AnnualRevenue > 1000", []),
    ("AnnualRevenue != 0", []),
    ("BLANKVALUE(AnnualRevenue, 0) < 1000", []),
    ("AnnualRevenue is not null and AnnualRevenue < 1000", []),
    ("ISBLANK(AnnualRevenue) or AnnualRevenue < 1000", []),
    ("open_renewals = 0", []),
    ("sum(Opportunity.Amount where Amount * Probability > 500) = 0", [(39, SHARE)]),
    ("sum(Opportunity.Amount where Amount * Probability / 100 > 500) = 0", []),
    ("sum(Opportunity.Amount where Amount * (Probability / 100) > 500) = 0", []),
    ("sum(Opportunity.Amount where Amount * Probability * 0.01 > 500) = 0", []),
])  # fmt: skip
def test_habits_of_formulas_that_mean_something_else_here_are_warned_of(text: str, messages: list) -> None:
    problems: list = []
    assert try_parse(text, at(text), SCOPE, problems)
    assert [(p.column, p.message) for p in problems] == messages
    assert {p.severity for p in problems} <= {"warning"}


def test_columns_follow_a_text_over_several_lines() -> None:
    lines = ("  scope: |", "    won and", "    opn_renewals > 1")
    text = "won and\nopn_renewals > 1"
    place = Position("m.yaml", 2, 5, lines)
    with pytest.raises(FileProblems) as caught:
        parse(text, place, SCOPE)
    assert str(caught.value.problems[0]).splitlines()[0].startswith("m.yaml:3:5: unknown name")


def test_columns_follow_pieces_where_the_file_folds_a_text() -> None:
    text = "won and opn_renewals > 1"
    place = Position("m.yaml", 2, 5, pieces=((0, 2, 5), (8, 3, 9)))
    with pytest.raises(FileProblems) as caught:
        parse(text, place, SCOPE)
    assert (caught.value.problems[0].line, caught.value.problems[0].column) == (3, 9)
