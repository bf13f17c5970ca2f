"""One run over a book: who moves and why, for whom something may have to be written, and what stops a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from mirrored import HERE, ORG, TODAY, Book, by_name, care

from connector.data import State, Via
from connector.errors import FixFirst, NeedsApproval, RetryLater
from connector.evaluate.evaluation import StageCount
from connector.mapping.language import Kind, Position, Scope, parse
from connector.store.mirror import Mirror

ACME = "001000000000001AAA"
OLGA = "005000000000001AAA"


def contract(book: Book, account: str, ends: date = date(2027, 6, 30)) -> None:
    book.add("Contract", AccountId=account, StatusCode="Activated", EndDate=ends)


# --- stages -------------------------------------------------------------------------------------------------------


def test_a_new_customer_is_placed_with_the_date_that_the_data_say(book: Book, mirror: Mirror) -> None:
    contract(book, book.account(Name="New"), date(2027, 8, 20))
    (found,) = book.judge(mirror).evaluations
    assert (found.decision.kind, found.decision.stage, found.decision.state.since) == (
        "placement",
        "fresh",
        date(2026, 8, 20),
    )
    assert found.decision.state.record == found.subject
    assert (found.decision.state.org, found.decision.state.installation) == (ORG, HERE)
    assert found.fresh, "dated twelve days ago"
    assert found.decision.moves[0].because.sentence == "Fresh: paying; not trained."


def test_a_placement_of_long_ago_starts_nothing(book: Book, mirror: Mirror) -> None:
    contract(book, book.account(), date(2027, 6, 30))
    (found,) = book.judge(mirror).evaluations
    assert (found.decision.state.since, found.fresh) == (date(2026, 6, 30), False)


def test_a_stage_dependent_rule_moves_on_in_a_further_pass(book: Book, mirror: Mirror) -> None:
    contract(book, book.account(), date(2027, 3, 1))
    (found,) = book.judge(mirror).evaluations
    moves = [(m.to_stage, m.since, m.passed_through) for m in found.decision.moves]
    assert moves == [("fresh", date(2026, 3, 1), False), ("settled", TODAY, False)], "184 days in Fresh by the data"
    assert found.decision.moves[1].because.sentence == "Settled: time in stage is 184 days (at least 90 days)."


def test_moved_by_the_clock_alone(customer: Book, mirror: Mirror) -> None:
    customer.write(customer.judge(mirror).evaluations)
    assert customer.judge(mirror).evaluations == ()
    (found,) = customer.later(date(2027, 5, 1)).judge(mirror).evaluations
    (move,) = found.decision.moves
    assert (move.from_stage, move.to_stage, move.via) == ("settled", "ending", Via.MOVED)
    assert move.because.rule == "stages.ending.enter_when"
    assert move.because.sentence == "Ending: days left is 60 days (at most 60 days)."
    assert move.because.evidence == (("days_left <= patience", "true"),)


def test_a_second_run_has_nothing_to_say(book: Book, mirror: Mirror) -> None:
    contract(book, book.account(Name="New", OwnerId=OLGA), date(2027, 8, 20))
    contract(book, book.staged("settled", Name="Old"))
    book.add("Opportunity", AccountId=book.account(Name="Lost"), IsWon=True, Amount=5)
    book.account(Name="Stranger")
    first = book.judge(mirror)
    assert sorted(by_name(first)) == ["Lost", "New", "Old"]
    book.write(first.evaluations)
    assert [(e.name, e.decision.kind) for e in book.judge(mirror).evaluations] == [("New", "unchanged")], (
        "steps are due"
    )


def test_the_key_of_a_stage_is_not_its_value(book: Book, mirror: Mirror) -> None:
    account = book.staged("settled")
    book.add("Opportunity", AccountId=account, IsWon=True)
    (found,) = book.judge(mirror).evaluations
    assert found.decision.stage == "gone"
    book.write([found])
    assert book.rows["Account"][0]["Stage__c"] == "Gone away"
    assert book.judge(mirror).evaluations == ()


def test_the_result_does_not_depend_on_the_order_of_the_records(customer: Book, mirror: Mirror) -> None:
    contract(customer, customer.account(Name="New", OwnerId=OLGA), date(2027, 8, 20))
    customer.add("Opportunity", AccountId=ACME, IsWon=True, Amount=1)
    first = customer.judge(mirror)
    for rows in customer.rows.values():
        rows.reverse()
    second = customer.judge(mirror)
    assert (first.evaluations, first.current, first.stages) == (second.evaluations, second.current, second.stages)


# --- memory ---------------------------------------------------------------------------------------------------------

NO_STATES = {
    "nothing": None,
    "a text": "onboarding since spring",
    "broken JSON": '{"v":1,"stage":',
    "a list": "[1,2]",
    "another format": '{"v":9,"stage":"settled"}',
    "another record's": State("settled", TODAY, record="001000000000099AAA", org=ORG).to_text(),
    "another org's": State("settled", TODAY, record=ACME, org="00D000000000099AAA").to_text(),
}


@pytest.mark.parametrize("text", NO_STATES.values(), ids=NO_STATES)
def test_a_stage_without_a_memory_of_ours_is_adopted(book: Book, mirror: Mirror, text: str | None) -> None:
    contract(book, book.account(Stage__c="settled", State__c=text, Entered__c=date(2026, 2, 2)))
    (found,) = book.judge(mirror).evaluations
    assert (found.decision.kind, found.decision.stage, found.decision.state.since) == (
        "adoption",
        "settled",
        date(2026, 2, 2),
    )
    assert found.decision.moves[0].because.sentence == "Settled: was there before the first run."


def test_a_change_by_hand_is_held(customer: Book, mirror: Mirror) -> None:
    customer.rows["Account"][0]["Stage__c"] = "fresh"
    (found,) = customer.judge(mirror).evaluations
    assert (found.decision.kind, found.decision.state.hold) == ("manual", TODAY + timedelta(days=30))
    assert found.decision.moves[0].because.sentence == "Fresh: set by a person; held until 2026-10-01."


def test_an_override_says_so(customer: Book, mirror: Mirror) -> None:
    customer.rows["Account"][0] |= {"Override__c": "ending", "Override_Until__c": date(2026, 9, 15)}
    found = customer.judge(mirror)
    decision = found.evaluations[0].decision
    assert (decision.stage, decision.state.via, decision.moves[0].because.rule) == (
        "ending",
        Via.OVERRIDE,
        "override.stage",
    )
    assert decision.moves[0].because.sentence == "Ending: set by an override, which wins over every rule."
    assert found.notes[-1] == "1 override has no reason; ask whoever set it, or clear it."


def test_an_override_that_ended_with_its_date(customer: Book, mirror: Mirror) -> None:
    account = customer.rows["Account"][0] | {"Override__c": "ending", "Override_Until__c": date(2026, 9, 15)}
    customer.rows["Account"][0] = account
    customer.write(customer.judge(mirror).evaluations)
    (found,) = customer.later(date(2026, 9, 16)).judge(mirror).evaluations
    assert found.decision.stage == "settled"


def test_a_value_that_is_no_stage_is_a_problem_and_left_alone(customer: Book, mirror: Mirror) -> None:
    customer.rows["Account"][0]["Stage__c"] = "Champion"
    (found,) = customer.judge(mirror).evaluations
    assert "'Champion' is no stage" in found.decision.problem
    assert found.decision.moves == ()


def test_blocked_rules_are_noted(book: Book, mirror: Mirror) -> None:
    contract(book, book.staged("settled", date(2026, 8, 1)))
    assert book.judge(mirror).notes == ("Blocked: for 1 in Settled the rule of Fresh holds, but no edge leads there.",)


# --- scope ----------------------------------------------------------------------------------------------------------


def leaving(book: Book) -> Book:
    """A customer in Ending with an open Task, whose contract was deleted and who never bought."""
    account = book.staged("ending", Name="Acme", OwnerId=OLGA)
    book.add("Task", AccountId=account, Lifecycle_Key__c=f"care:no_renewal:{account}:2026-09-20:1", IsClosed=False)
    return book


def test_out_of_scope_nothing_opens_or_closes_before_the_visit_ends(book: Book, mirror: Mirror) -> None:
    book = leaving(book)
    (first,) = book.judge(mirror).evaluations
    assert (first.decision.stage, first.decision.state.outside) == ("ending", TODAY)
    assert {s.open for s in first.signals} == {None}
    assert first.kpis == {}
    book.write([first])
    (third,) = book.later(date(2026, 9, 3)).judge(mirror).evaluations
    assert (third.decision.stage, third.decision.kind, third.decision.state.left) == ("", "out_of_scope", "ending")
    assert third.decision.moves[0].because.sentence == "Out of scope: Ending has ended."
    book.write([third])
    (again,) = book.later(date(2026, 9, 4)).judge(mirror).evaluations
    assert (again.decision.stage, again.decision.state.outside) == ("", TODAY), "its open Task is still to be closed"


def test_back_in_scope_the_visit_goes_on(book: Book, mirror: Mirror) -> None:
    account = book.account(Name="Acme")
    state = State("", date(2026, 3, 1), outside=date(2026, 8, 20), left="settled", record=account, org=ORG)
    book.rows["Account"][0]["State__c"] = replace(state, installation=HERE).to_text()
    contract(book, account)
    (found,) = book.judge(mirror).evaluations
    assert (found.decision.stage, found.decision.state.since) == ("settled", date(2026, 3, 1))
    assert found.decision.moves[0].because.sentence == "Back in scope: Settled goes on."


# --- what was not completely pulled ---------------------------------------------------------------------------------

FAILURES = ["Opportunity", "Contract", "Task", "Event", "EmailMessage", "User", "CampaignMember", "Contact"]


@pytest.mark.parametrize("sobject", FAILURES)
def test_a_failed_pull_moves_nobody_and_opens_nothing(book: Book, mirror: Mirror, sobject: str) -> None:
    contract(book, book.account(Name="New"), date(2027, 8, 20))
    contract(book, book.staged("settled", Name="Old"))
    contract(book, book.staged("ending", Name="Late"), date(2026, 9, 20))
    book.add("Opportunity", AccountId=book.staged("settled", Name="Lost"), IsWon=True, Amount=5)
    book.write(book.judge(mirror).evaluations)
    book.fails(sobject)
    for rows in (book.rows["Contract"], book.rows["Opportunity"]):
        rows.clear()
    found = book.judge(mirror)
    moved = {e.name: e.decision.kind for e in found.evaluations if e.decision.moves}
    expected = {} if sobject in {"Opportunity", "Contract"} else None
    assert expected is None or moved == expected
    if sobject == "Task":
        assert {s.open for e in found.evaluations for s in e.signals} <= {None}
        assert {s.when for e in found.evaluations for s in e.steps} <= {None}
    if sobject in {"CampaignMember", "Contact"}:
        assert {c.add for e in found.evaluations for c in e.campaigns} <= {None}


def test_nobody_is_placed_past_a_rule_that_could_not_be_judged(book: Book, mirror: Mirror) -> None:
    """Ending comes first, but rests on contracts; Gone and Fresh are not to be guessed at."""
    account = book.account(Name="New")
    book.add("Opportunity", AccountId=account, IsWon=True)
    contract(book, account)
    book.fails("Contract")
    found = book.judge(mirror, accounts=frozenset({account})).evaluations[0]
    assert (found.decision.stage, found.decision.undecided) == ("", ("gone",))


def test_a_hidden_field_moves_nobody(customer: Book, mirror: Mirror) -> None:
    customer.write(customer.judge(mirror).evaluations)
    customer.hides("Contract", "EndDate")
    found = customer.judge(mirror)
    assert [e for e in found.evaluations if e.decision.moves] == []
    assert found.stages[-1] == StageCount("settled", 1, Decimal("90000.00"))


def test_a_kpi_that_is_unknown_keeps_its_field(customer: Book, mirror: Mirror) -> None:
    customer.rows["Account"][0] |= {"Won_Amount__c": 1, "Next_End__c": date(2026, 1, 1)}
    customer.fails("Opportunity")
    (found,) = customer.judge(mirror).evaluations
    assert "Won_Amount__c" not in found.kpis
    assert found.kpis["Next_End__c"] == date(2027, 6, 30)


def test_without_the_subjects_nothing_is_evaluated(customer: Book, mirror: Mirror) -> None:
    customer.fails("Account", "the query timed out.")
    with pytest.raises(
        RetryLater, match=r"Account was not completely pulled: the query timed out\. Nothing was evaluated"
    ):
        customer.judge(mirror)


@pytest.mark.parametrize("name", ["State__c", "Stage__c", "Override__c", "Entered__c"])
def test_without_the_fields_of_its_memory_nothing_is_evaluated(customer: Book, mirror: Mirror, name: str) -> None:
    customer.hides("Account", name)
    with pytest.raises(FixFirst, match=f"Account has no field {name} that we may read.*setup export"):
        customer.judge(mirror)


def test_a_hidden_kpi_field_is_left_out(customer: Book, mirror: Mirror) -> None:
    customer.hides("Account", "Won_Amount__c")
    found = customer.judge(mirror, accounts=frozenset({ACME})).evaluations[0]
    assert "Won_Amount__c" not in found.kpis
    assert "Won_Amount__c" not in found.live


# --- refusals -------------------------------------------------------------------------------------------------------


def test_another_installation_stops_the_run(customer: Book, mirror: Mirror) -> None:
    account = customer.rows["Account"][0]
    account["State__c"] = replace(State.from_text(account["State__c"]) or State(), installation="laptop").to_text()
    with pytest.raises(
        NeedsApproval, match="1 records were last written by the installation 'laptop', this one is 'production'"
    ):
        customer.judge(mirror)


@pytest.mark.parametrize("status", [None, {"ApiName": "Not needed", "IsClosed": False}], ids=["not there", "open"])
def test_without_a_status_to_close_with_nothing_is_evaluated(
    customer: Book, mirror: Mirror, status: dict[str, Any] | None
) -> None:
    customer.rows["TaskStatus"] = [customer.rows["TaskStatus"][0] | status] if status else []
    with pytest.raises(FixFirst, match="no closed Task status 'Not needed'"):
        customer.judge(mirror)


@pytest.mark.parametrize(("edited", "of", "refused"), [(21, 200, True), (20, 200, False), (21, 1050, False)])
def test_a_bulk_edit_needs_a_person(book: Book, mirror: Mirror, edited: int, of: int, refused: bool) -> None:
    for number in range(of):
        account = book.staged("settled", date(2026, 8, 1))
        contract(book, account)
        if number < edited:
            book.rows["Account"][-1]["Stage__c"] = "fresh" if number % 2 else None
    if refused:
        with pytest.raises(NeedsApproval, match="21 stages were changed by hand"):
            book.judge(mirror)
    assert book.judge(mirror, accept_bulk_edit=True).subjects == of
    if not refused:
        assert book.judge(mirror).subjects == of


# --- whom to look at ------------------------------------------------------------------------------------------------


def test_only_some_accounts(customer: Book, mirror: Mirror) -> None:
    contract(customer, customer.account(Name="Other"))
    found = customer.judge(mirror, accounts=frozenset({ACME}))
    assert ([e.name for e in found.evaluations], found.subjects) == (["Acme"], 1)
    assert found.stages == (StageCount("settled", 1, Decimal("90000.00")),)


def test_only_those_for_whom_a_condition_is_true(customer: Book, mirror: Mirror) -> None:
    contract(customer, customer.account(Name="Other"))
    contract(customer, customer.account(Name="Unknown", NumberOfEmployees=None))
    customer.rows["Account"][1]["NumberOfEmployees"] = 12
    types = {k: customer.model.expressions[f"facts.{k}"].type for k in customer.model.fact_order}
    scope = Scope(describes=customer.model.describes, facts=types, visit=False, aggregates=False)
    only = parse("NumberOfEmployees > 10 and paying", Position("jobs/x.toml", 1, 1), scope, want=Kind.BOOLEAN)
    found = customer.judge(mirror, only=only)
    assert ([e.name for e in found.evaluations], found.subjects) == (["Other"], 1)


def test_stages_are_counted_with_their_worth(customer: Book, mirror: Mirror) -> None:
    contract(customer, customer.account(Name="New"), date(2027, 8, 20))
    customer.add("Opportunity", AccountId=customer.account(Name="Lost"), IsWon=True, Amount=5)
    contract(customer, customer.staged("settled", date(2026, 8, 15)))
    customer.account(Name="Stranger")
    assert customer.judge(mirror).stages == (
        StageCount("fresh", 1, Decimal(0)),
        StageCount("settled", 2, Decimal("90000.00")),
        StageCount("gone", 1, Decimal("5.00")),
    )


# --- KPIs -----------------------------------------------------------------------------------------------------------


def test_a_kpi_is_news_only_when_the_org_would_notice(customer: Book, mirror: Mirror) -> None:
    customer.write(customer.judge(mirror).evaluations)
    customer.rows["Opportunity"][0]["Amount"] = Decimal("90000.004")
    assert customer.judge(mirror).evaluations == (), "rounded to cents it is the same"
    customer.rows["Opportunity"][0]["Amount"] = Decimal("90000.01")
    (found,) = customer.judge(mirror).evaluations
    assert (found.decision.kind, found.kpis["Won_Amount__c"]) == ("unchanged", Decimal("90000.01"))


def test_what_is_written_once_is_not_written_again(folder: Path, mirror: Mirror) -> None:
    book = Book(care(folder, ("    write: Next_End__c\n", "    write: Next_End__c\n    write_once: true\n")))
    account = book.staged("settled", Next_End__c=date(2020, 1, 1))
    contract(book, account)
    book.write(book.judge(mirror).evaluations)
    book.rows["Account"][0]["Next_End__c"] = date(2020, 1, 1)
    assert book.judge(mirror).evaluations == ()


def test_the_entered_field_is_put_right(customer: Book, mirror: Mirror) -> None:
    customer.write(customer.judge(mirror).evaluations)
    customer.rows["Account"][0]["Entered__c"] = date(2020, 1, 1)
    (found,) = customer.judge(mirror).evaluations
    assert found.decision.state.since == date(2026, 3, 1)


def test_what_is_missing_for_the_next_stage(customer: Book, mirror: Mirror) -> None:
    (found,) = customer.judge(mirror).evaluations
    assert found.next_text == "For Ending: days left: at most patience", "segments have values of their own"


def test_what_is_next_stays_as_it_is_while_it_cannot_be_judged(customer: Book, mirror: Mirror) -> None:
    customer.write(customer.judge(mirror).evaluations)
    customer.fails("Contract")
    assert [e.next_text for e in customer.judge(mirror, accounts=frozenset({ACME})).evaluations] == [
        "For Ending: days left: at most patience"
    ]
    assert customer.judge(mirror).evaluations == (), "a failed pull writes nothing to anybody"


# --- CTAs -----------------------------------------------------------------------------------------------------------


def ending(book: Book) -> Book:
    """Acme in Ending with a contract end in 19 days, and nobody has talked to them for a while."""
    account = book.staged("ending", Name="Acme", OwnerId=OLGA, NumberOfEmployees=77)
    contract(book, account, date(2026, 9, 20))
    book.add("Event", AccountId=account, IsAllDayEvent=True, ActivityDate=date(2026, 7, 1))
    return book


def test_a_cta_that_opens_is_rendered(book: Book, mirror: Mirror) -> None:
    book = ending(book)
    queue = book.add("Group", Name="Triage", DeveloperName="Triage", Type="Queue")
    book.add(
        "AccountTeamMember", AccountId=ACME, UserId="005000000000007AAA", TeamMemberRole="Customer Success Manager"
    )
    book.add("AccountTeamMember", AccountId=ACME, UserId="005000000000008AAA", TeamMemberRole="Sales")
    book.rows["Account"][0]["Reason__c"] = "Ending: days left is 60 days."
    (found,) = book.judge(mirror).evaluations
    signal = found.signals[0]
    assert (signal.cta, signal.open, signal.period, signal.due) == ("no_renewal", True, "2026-09-20", date(2026, 9, 4))
    assert signal.texts == {
        "subject": "Acme ends on 2026-09-20",
        "body": "0 won,  secret. Ending: days left is 60 days.",
    }, "a sensitive fact stays out of texts"
    assert signal.owners == ("005000000000007AAA", queue, OLGA)
    assert signal.because.sentence == "Nothing prepared: stage is Ending; silence is 62 days (above 30 days)."
    assert signal.because.evidence == (("stage = 'ending'", "true"), ("silence > 30", "true"))


def test_an_open_cta_that_is_still_wanted_is_left_alone(book: Book, mirror: Mirror) -> None:
    book = ending(book)
    for key in (f"care:no_renewal:{ACME}:2026-09-20:1", f"care:risk:{ACME}::1"):
        book.add("Task", AccountId=ACME, Lifecycle_Key__c=key, IsClosed=False, Status="Not Started")
    book.write(book.judge(mirror).evaluations)
    assert book.judge(mirror).evaluations == ()


CTA_NEWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "closed by a person": ({"IsClosed": True, "Status": "Completed"}, {}),
    "deleted by a person": ({"IsDeleted": True}, {}),
    "for another period": ({"Lifecycle_Key__c": f"care:no_renewal:{ACME}:2025-09-20:1"}, {}),
    "no longer wanted": ({}, {"Stage__c": "settled"}),
}


@pytest.mark.parametrize(("task", "account"), CTA_NEWS.values(), ids=CTA_NEWS)
def test_a_cta_to_look_at(book: Book, mirror: Mirror, task: dict[str, Any], account: dict[str, Any]) -> None:
    book = ending(book)
    for key in (f"care:no_renewal:{ACME}:2026-09-20:1", f"care:risk:{ACME}::1"):
        book.add("Task", AccountId=ACME, Lifecycle_Key__c=key, IsClosed=False, Status="Not Started")
    book.write(book.judge(mirror).evaluations)
    book.rows["Task"][0] |= task
    book.rows["Account"][0] |= account
    found = book.judge(mirror)
    assert [e.name for e in found.evaluations] == ["Acme"]
    assert [t.key for t in found.current.tasks[ACME]] == [r["Lifecycle_Key__c"] for r in book.rows["Task"]]


def test_an_unknown_period_keeps_a_cta_unknown(folder: Path, mirror: Mirror) -> None:
    book = Book(care(folder, ("    period: next_end\n", "    period: Usage_Updated__c\n")))
    book = ending(book)
    (found,) = book.judge(mirror).evaluations
    assert found.signals[0].open is None


# --- playbooks and campaigns ------------------------------------------------------------------------------------------


def starting(book: Book, **fields: Any) -> Book:
    account = book.staged("fresh", date(2026, 8, 31), Name="Acme", OwnerId=OLGA, **fields)
    contract(book, account)
    return book


def test_the_steps_of_a_playbook(book: Book, mirror: Mirror) -> None:
    (found,) = starting(book, Type="Partner").judge(mirror).evaluations
    assert [(s.step, s.due, s.when, s.texts["subject"]) for s in found.steps] == [
        ("hello", date(2026, 9, 7), True, "Hello Acme"),
        ("training", date(2026, 9, 10), False, "Training"),
    ]
    assert found.steps[0].owners == (OLGA,)


def test_a_playbook_whose_steps_all_exist_is_left_alone(book: Book, mirror: Mirror) -> None:
    book = starting(book)
    book.write(book.judge(mirror).evaluations)
    for step in ("hello", "training"):
        key = f"care:start.{step}:{ACME}:2026-08-31"
        book.add("Task", AccountId=ACME, Lifecycle_Key__c=key, IsClosed=False, Status="Not Started")
    assert book.judge(mirror).evaluations == ()
    book.rows["Task"][1]["Lifecycle_Key__c"] = f"care:start.training:{ACME}:2026-01-01"
    assert [e.name for e in book.judge(mirror).evaluations] == ["Acme"], "a step of an earlier visit is still open"


def people(book: Book) -> Book:
    book = starting(book)
    fit = {"AccountId": ACME, "HasOptedOutOfEmail": False, "IsEmailBounced": False, "Title": "Boss"}
    for name, fields in {
        "Ann": {},
        "Bob": {"Title": "Assistant"},
        "Cid": {"HasOptedOutOfEmail": True},
        "Dan": {"IsEmailBounced": True},
        "Eve": {"AccountId": "001000000000077AAA"},
        "Fay": {"IsDeleted": True},
        "Gus": {"Title": None},
    }.items():
        book.add("Contact", **(fit | {"Name": name} | fields))
    book.add("Campaign", Id="701000000000001AAA", Name="Welcome", IsActive=True)
    return book


def test_the_people_of_a_campaign(book: Book, mirror: Mirror) -> None:
    found = people(book).judge(mirror)
    (signal,) = found.evaluations[0].campaigns
    assert signal.add is True
    assert [(p.name, p.reachable) for p in signal.people] == [
        ("Ann", True),
        ("Cid", False),
        ("Dan", False),
        ("Gus", True),
    ]
    assert found.current.campaigns == {"welcome": "701000000000001AAA"}


@pytest.mark.parametrize("bar", ["HasOptedOutOfEmail", "IsEmailBounced"])
def test_who_may_not_be_asked_is_not_reachable(book: Book, mirror: Mirror, bar: str) -> None:
    book = people(book)
    book.hides("Contact", bar)
    (signal,) = book.judge(mirror).evaluations[0].campaigns
    assert {p.reachable for p in signal.people} <= {None, False}


def test_people_by_their_role_in_deals_the_primary_first(folder: Path, mirror: Mirror) -> None:
    roles = "      who: Contact\n      roles_from: OpportunityContactRole\n      order_by: IsPrimary\n"
    book = people(Book(care(folder, ("      who: Contact\n", roles))))
    deal = book.add("Opportunity", AccountId=ACME, IsWon=False)
    other = book.add("Opportunity", AccountId="001000000000077AAA", IsWon=False)
    contacts = {r["Name"]: r["Id"] for r in book.rows["Contact"]}
    for name, opportunity, primary in (
        ("Ann", deal, False),
        ("Gus", deal, True),
        ("Gus", deal, False),
        ("Cid", other, True),
    ):
        book.add("OpportunityContactRole", ContactId=contacts[name], OpportunityId=opportunity, IsPrimary=primary)
    (signal,) = book.judge(mirror).evaluations[0].campaigns
    assert [p.name for p in signal.people] == ["Gus", "Ann"]


def test_members_of_ours_are_looked_at_until_they_have_left(book: Book, mirror: Mirror) -> None:
    book = people(book)
    book.rows["Contact"] = book.rows["Contact"][:1]
    contact = book.rows["Contact"][0]["Id"]
    member = f"care:welcome:{contact}:2026-08-31"
    book.add(
        "CampaignMember", CampaignId="701000000000001AAA", ContactId=contact, Status="Planned", Lifecycle_Key__c=member
    )
    for step in ("hello", "training"):
        key = f"care:start.{step}:{ACME}:2026-08-31"
        book.add("Task", AccountId=ACME, Lifecycle_Key__c=key, IsClosed=True, Status="Completed")
    book.rows["Account"][0] |= {"Stage__c": "settled"}
    book.rows["Account"][0]["State__c"] = State(
        "settled", date(2026, 8, 31), record=ACME, org=ORG, installation=HERE
    ).to_text()
    found = book.judge(mirror)
    assert [e.campaigns[0].add for e in found.evaluations] == [False]
    assert [m.key for m in found.current.members[contact]] == [member]
    assert found.current.members[contact][0].subject == ACME
    book.write(found.evaluations)
    assert len(book.judge(mirror).evaluations) == 1
    book.rows["CampaignMember"][0]["Status"] = "Exited"
    assert book.judge(mirror).evaluations == ()


# --- what is there now ------------------------------------------------------------------------------------------------


def test_who_may_own_tasks(book: Book, mirror: Mirror) -> None:
    book.add("User", Name="Gone", IsActive=False, UserType="Standard")
    book.add("User", Name="Robot", IsActive=True, UserType="AutomatedProcess")
    book.add("User", Name="Plain", IsActive=True, UserType=None)
    assert list(book.judge(mirror).current.users.values()) == [True, False, False, True]


def test_a_campaign_that_is_not_there_or_not_one_is_none(folder: Path, mirror: Mirror) -> None:
    book = Book(care(folder, ("    campaign: 701000000000001AAA", "    campaign: {Name: Welcome}")))
    book.add("Campaign", Id="701000000000001AAA", Name="Welcome", IsActive=True)
    assert book.judge(mirror).current.campaigns == {"welcome": "701000000000001AAA"}
    book.add("Campaign", Id="701000000000002AAA", Name="Welcome", IsActive=True)
    assert book.judge(mirror).current.campaigns == {}
    book.rows["Campaign"] = [row | {"IsActive": False} for row in book.rows["Campaign"][:1]]
    assert book.judge(mirror).current.campaigns == {}


def test_statuses_that_count_as_responded(book: Book, mirror: Mirror) -> None:
    for label, responded in (("Planned", False), ("Responded", True), ("Came", True)):
        book.add("CampaignMemberStatus", CampaignId="701A", Label=label, HasResponded=responded)
    assert book.judge(mirror).current.responded_statuses == {"701A": frozenset({"Responded", "Came"})}
