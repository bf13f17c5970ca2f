"""What a checked expression knows about itself: types, reads, dependencies, conditions, and how it moves with time."""

from dataclasses import replace

import pytest
from small_org import SCOPE, at

from connector.errors import FileProblems
from connector.mapping.language import Expression, Kind, Scope, names_in, parse, parse_template, try_parse_template
from connector.mapping.language.scope import ACTIVITY_READS
from connector.mapping.language.template import names_in_template
from connector.mapping.language.tree import Aggregate, Compare, Field, Literal, Logic, Not, aggregates_in


def read(text: str, scope: Scope = SCOPE) -> Expression:
    return parse(text, at(text), scope)


TYPES = [
    ("count(Opportunity)", Kind.NUMBER, (10, 0)),
    ("sum(Opportunity.Amount)", Kind.NUMBER, (26, 2)),
    ("avg(Opportunity.Amount)", Kind.NUMBER, None),
    ("max(Opportunity.Amount)", Kind.NUMBER, (16, 2)),
    ("max(Opportunity.CloseDate)", Kind.DATE, None),
    ("latest(Opportunity.StageName by CloseDate)", Kind.TEXT, None),
    ("max(activity.date where done)", Kind.DATE, None),
    ("exists(Opportunity)", Kind.BOOLEAN, None),
    ("AnnualRevenue + 1", Kind.NUMBER, (17, 2)),
    ("AnnualRevenue * 0.05", Kind.NUMBER, (17, 4)),
    ("AnnualRevenue / 2", Kind.NUMBER, None),
    ("AnnualRevenue * AnnualRevenue * AnnualRevenue", Kind.NUMBER, None),
    ("Renewal__c - today", Kind.DAYS, (7, 0)),
    ("now - CreatedDate", Kind.DAYS, None),
    ("(Renewal__c - today) / 30", Kind.NUMBER, None),
    ("Renewal__c + 5 business days", Kind.DATE, None),
    ("CreatedDate + 8 hours", Kind.DATETIME, None),
    ("IF(won, 1, 2.50)", Kind.NUMBER, (1, 2)),
    ("IF(won, Renewal__c, null)", Kind.DATE, None),
    ("BLANKVALUE(silence, 0)", Kind.NUMBER, (7, 0)),
    ("ROUND(AnnualRevenue / 3, 2)", Kind.NUMBER, (28, 2)),
    ("MIN(1, 22, 3.5)", Kind.NUMBER, (2, 1)),
    ("launch_after", Kind.DURATION, None),
    ("stage", Kind.TEXT, None),
    ("health.score", Kind.NUMBER, (3, 2)),
]


@pytest.mark.parametrize(("text", "kind", "digits"), TYPES, ids=[t[0] for t in TYPES])
def test_type(text: str, kind: Kind, digits: tuple[int, int] | None) -> None:
    found = read(text).type
    assert (found.kind, found.digits) == (kind, digits)


def test_a_picklist_keeps_its_values_through_an_aggregate() -> None:
    with pytest.raises(FileProblems, match="did you mean 'Closed Won'"):
        read("latest(Opportunity.StageName by CloseDate) = 'Closed Wonn'")


READS = [
    ("won and score > 1", {}),
    ("annualrevenue > 1", {"Account": {"AnnualRevenue"}}),
    ("account.name = ''", {"Account": {"Name"}}),
    ("Owner.IsActive", {"Account": {"OwnerId"}, "User": {"IsActive"}}),
    ("owner.manager.name = ''", {"Account": {"OwnerId"}, "User": {"ManagerId", "Name"}}),
    ("Parent.Owner.Name = ''", {"Account": {"ParentId", "OwnerId"}, "User": {"Name"}}),
    ("count(opportunity)", {"Opportunity": {"AccountId"}}),
    ("sum(Opportunity.Amount where IsWon and Owner.IsActive and Account.Type = 'Partner')",
     {"Opportunity": {"AccountId", "Amount", "IsWon", "OwnerId"}, "User": {"IsActive"}, "Account": {"Type"}}),
    ("latest(Opportunity.StageName by CloseDate)", {"Opportunity": {"AccountId", "StageName", "CloseDate"}}),
    ("count(Deal__c via reseller__c)", {"Deal__c": {"Reseller__c"}}),
    ("count(Account via ParentId where Account.Type = Type)", {"Account": {"ParentId", "Type"}}),
    ("count(Task)", {"Task": {"AccountId"}}),
    ("count(Contact where IsDeleted)", {"Contact": {"AccountId", "IsDeleted"}}),
    ("count(Task where Owner.Name = 'Ana')", {"Task": {"AccountId", "OwnerId"}, "User": {"Name"}}),
    ("count(CampaignMember)",
     {"CampaignMember": {"ContactId", "LeadId"}, "Contact": {"AccountId"}, "Lead": {"ConvertedAccountId"}}),
    ("cta_done('training')", {"Task": {"Status", "IsClosed", "IsDeleted"}}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fields"), READS, ids=[r[0] for r in READS])
def test_fields_that_have_to_be_pulled(text: str, fields: dict[str, set[str]]) -> None:
    assert {k: set(v) for k, v in read(text).fields.items()} == fields


def test_activity_reads_what_the_org_has_of_its_sources() -> None:
    """What it is about, and with whom it was, up to the account; Tasks of ours are told by their key."""
    fields = read("max(activity.date)").fields
    assert fields == {
        "Task": {"AccountId", "WhatId", "OwnerId", "Subject", "IsClosed", "ActivityDate"},
        "Opportunity": {"AccountId"}, "Contact": {"AccountId"}, "Lead": {"ConvertedAccountId"},
    }  # fmt: skip
    keyed = replace(SCOPE, task_key="Lifecycle_Key__c")
    assert "Lifecycle_Key__c" in read("max(activity.date)", keyed).fields["Task"]
    assert {"Event", "EventRelation", "EmailMessage", "Case", "Contract", "Asset"} < ACTIVITY_READS.keys()


def test_names_of_every_kind_in_any_case() -> None:
    found = read(
        "WON and Launch_After > time_in_stage and STAGE = 'churned' and Health.Band = 'red' and cta_done('training')"
    )
    assert (found.facts, found.params, found.cta_keys) == ({"won"}, {"launch_after"}, {"training"})
    assert found.names == {"time_in_stage", "stage", "health.band"}
    assert found.stage_dependent
    assert not read("won").stage_dependent


def test_in_a_where_bare_names_are_the_childs() -> None:
    (aggregate,) = read("count(Opportunity where Name = Account.Name and big > 1)").aggregates
    assert isinstance(aggregate, Aggregate)
    assert isinstance(aggregate.where, Logic)
    same = aggregate.where.parts[0]
    assert isinstance(same, Compare)
    assert isinstance(same.left, Field)
    assert isinstance(same.right, Field)
    assert (same.left.root, same.left.sobject, same.right.root) == ("child", "Opportunity", "subject")


def test_a_place_over_people_reads_the_person_bare() -> None:
    scope = replace(SCOPE, child="Contact", aggregates=False)
    found = read("Title != 'Assistant' and Account.Type = 'Partner'", scope)
    assert found.fields == {"Contact": {"Title"}, "Account": {"Type"}}


def test_equal_aggregates_are_one() -> None:
    text = "count(Opportunity where IsWon) > 0 or COUNT( opportunity  where iswon ) / count(Opportunity) > 1"
    found = aggregates_in(read(text).tree)
    assert [a.where is None for a in found] == [False, True]


# --- time ---------------------------------------------------------------------------------------------------

COUNTERS = [
    ("today", True), ("now", True), ("today - first_won", True), ("silence", True), ("time_in_stage", True),
    ("silence + 1", True), ("first_won + 30 days", False), ("today - 30 days", True), ("TEXT(today)", True),
    ("today > first_won", False), ("silence > 30", False), ("first_won between today and today + 3", False),
    ("first_won in (today, today)", False), ("silence is null", False), ("not (silence > 3)", False),
    ("IF(silence > 30, 1, 2)", False), ("IF(won, silence, 0)", True), ("CASE(silence, 1, 'a', 'b')", False),
    ("CASE(plan, 'x', silence, 0)", True), ("BLANKVALUE(first_won, today)", True), ("YEAR(today)", False),
    ("MONTH(today)", False), ("DAY(today)", True), ("count(Opportunity where CloseDate > today)", False),
    ("max(Opportunity.CloseDate where CloseDate <= today)", False), ("-silence", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "counter"), COUNTERS, ids=[c[0] for c in COUNTERS])
def test_a_counter_differs_every_day(text: str, counter: bool) -> None:
    assert read(text).counter is counter


@pytest.mark.parametrize(("text", "clock"), [
    ("today > first_won", True), ("count(Opportunity where CloseDate > today) > 1", True), ("time_in_stage > 3", True),
    ("won", False), ("NOW() > CreatedDate", True),
])  # fmt: skip
def test_the_clock_alone_may_change_it(text: str, clock: bool) -> None:
    assert read(text).clock is clock


# --- conditions ---------------------------------------------------------------------------------------------


def test_conditions_come_with_their_own_text() -> None:
    found = read("won and\n (score > 3 or not plan = 'x')  and not (won or score is null)").conditions()
    assert [(c.depth, c.leaf, c.text) for c in found] == [
        (0, False, "won and (score > 3 or not plan = 'x') and not (won or score is null)"),
        (1, True, "won"),
        (1, False, "(score > 3 or not plan = 'x')"),
        (2, True, "score > 3"),
        (2, True, "not plan = 'x'"),
        (1, False, "not (won or score is null)"),
        (2, True, "won"),
        (2, True, "score is null"),
    ]
    assert isinstance(found[4].tree, Not)


def test_what_is_no_condition_has_none() -> None:
    assert read("score + 1").conditions() == ()


def test_salesforce_spelling_gives_the_same_tree() -> None:
    pasted = 'AND(ISPICKVAL(Type, "Partner"), NOT(ISBLANK(Renewal__c)), OR(AnnualRevenue <> 5, Active__c == true))'
    plain = "Type = 'Partner' and not (Renewal__c is null) and (AnnualRevenue != 5 or Active__c = true)"
    assert read(pasted).tree == read(plain).tree
    assert read("won && !won || won /* why not */").tree == read("won and not won or won").tree


@pytest.mark.parametrize(("text", "same"), [
    ("won or won and not won", "won or (won and (not won))"),
    ("not score > 3 and won", "(not (score > 3)) and won"),
    ("score + 2 * 3 ^ 2 > 1", "(score + (2 * (3 ^ 2))) > 1"),
    ("score - 1 - 2 > 1", "((score - 1) - 2) > 1"),
    ("-score ^ 2 > 1", "(-(score ^ 2)) > 1"),
    ("score between 1 + 1 and 2 and won", "(score between (1 + 1) and 2) and won"),
])  # fmt: skip
def test_precedence(text: str, same: str) -> None:
    assert read(text).tree == read(same).tree


def test_dates_that_are_written_out_are_values() -> None:
    assert isinstance(read("DATE(2026, 2, 28)").tree, Literal)


# --- before types are known ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "names"), [
    ("Won and score > launch_after", {"won", "score", "launch_after"}),
    ("count(Opportunity where won and Amount > big) > open_renewals", {"open_renewals"}),
    ("MIN(first_won, today) < max(Opportunity.CloseDate)", {"first_won", "today"}),
    ("Owner.IsActive and health.band = 'red'", {"owner.isactive", "health.band"}),
    ("x in won_types", {"x", "won_types"}),
    ("won and and score", {"won", "score"}),
    ("'unfinished", set()),
])  # fmt: skip
def test_names_that_an_expression_may_depend_on(text: str, names: set[str]) -> None:
    assert names_in(text) == names


# --- texts with names ---------------------------------------------------------------------------------------


def test_a_text_with_names() -> None:
    parts = parse_template("No renewal for {Name}, {{ends}} { Owner.Name }", at(""), SCOPE)
    assert [p if isinstance(p, str) else p.fields for p in parts] == [
        "No renewal for ",
        {"Account": {"Name"}},
        ", {ends} ",
        {"Account": {"OwnerId"}, "User": {"Name"}},
    ]
    assert names_in_template("{Name} {{x}} { Owner . Name } {1 + 1}") == {"name", "owner.name", "1+1"}


@pytest.mark.parametrize(("text", "column", "message"), [
    ("For {Nme}", 6, "unknown name 'Nme'; did you mean 'Name'?"),
    ("For {score + 1}", 5, "braces take a name, such as {Name} or {Owner.Name}; give a calculation a name as a fact"),
    ("For {}", 5, "braces take a name, such as {Name} or {Owner.Name}; give a calculation a name as a fact"),
    ("For {Name", 5, "this '{' has no partner; a brace in the text itself is written twice"),
    ("For Name}", 9, "this '}' has no partner; a brace in the text itself is written twice"),
])  # fmt: skip
def test_a_slip_in_a_text(text: str, column: int, message: str) -> None:
    problems: list = []
    assert try_parse_template(text, at(text), SCOPE, problems) is None
    assert [(p.column, p.message) for p in problems] == [(column, message)]
