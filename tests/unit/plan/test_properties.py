"""Whatever the book looks like: planning after applying yields nothing, and the order of the input does not matter."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st
from plan_book import (
    ANNA,
    AS_OF,
    BEN,
    CAMPAIGN,
    CTA,
    GONE,
    PLAYBOOK,
    SINCE,
    TODAY,
    UPSELL,
    VALUES,
    WELCOME,
    WRITE,
    a_customer,
    a_member,
    a_model,
    a_move,
    a_person,
    a_signal,
    a_state,
    a_step,
    a_task,
    an_org,
    campaigns_signal,
    done,
    ids,
    plan_for,
)  # fmt: skip

from connector.data import Change, Current, Evaluation, MemberRecord, Plan, State, TaskRecord, Via

MODEL = a_model(
    ctas=[CTA, {**CTA, "key": "review", "cooldown": "10 days"}],
    playbooks=[PLAYBOOK],
    campaigns=[
        {**CAMPAIGN, "group": "core", "people": {"at_most": 2}},
        {"key": "upsell", "campaign": UPSELL, "add_when": "x", "group": "core"},
    ],
    people_limits={"new_memberships": "2 per 30 days"},
    budgets={"tasks_per_owner": "2 per day", "members_per_campaign": "2 per day"},
)
OWNED = {*WRITE.values(), "Won__c", "First__c"}
TRUTH = st.sampled_from([True, False, None])
STAGE = st.sampled_from(["", "onboarding", "launched", "renewal"])
PERIOD = st.sampled_from(["", "2026-09-29", "2026-10-10", "2027-01-01", "odd:one"])


@st.composite
def books(draw: st.DrawFn) -> tuple[tuple[Evaluation, ...], Current]:
    subjects = [ids("001", n) for n in range(1, draw(st.integers(1, 4)) + 1)]
    customers = tuple(draw(customers_of(s, n)) for n, s in enumerate(subjects))
    tasks = draw(st.lists(st.sampled_from(subjects).flatmap(tasks_of), max_size=8, unique_by=lambda t: t.key))
    members = draw(
        st.lists(st.sampled_from(subjects).flatmap(members_of), max_size=8, unique_by=lambda m: (m.person, m.campaign))
    )
    return customers, an_org(tasks, members)


@st.composite
def customers_of(draw: st.DrawFn, subject: str, number: int) -> Evaluation:
    before, stage = draw(STAGE), draw(STAGE)
    via = draw(st.sampled_from(list(Via)))
    old = a_state(before)
    moves = [] if stage == before else [a_move(before, stage, via=via)]
    new = replace(old, stage=stage, via=via, since=TODAY if stage else None, previous=before) if moves else old
    new = replace(new, timers=draw(st.sampled_from([{}, {"enter:renewal": TODAY}])))
    outside = draw(st.sampled_from([None, TODAY])) if not stage else None
    kpis = draw(st.dictionaries(st.sampled_from(["Won__c", "Score__c", "Band__c"]), st.sampled_from([None, 1, 2])))
    people = [a_person(number * 3 + n, reachable=draw(TRUTH)) for n in range(3)]
    signals = [
        a_signal(c, open=draw(TRUTH), close=draw(TRUTH), period=draw(PERIOD), owners=draw(OWNERS))
        for c in ("unowned", "review")
    ]
    return a_customer(
        replace(new, outside=outside), subject=subject, before=old, moves=moves, fresh=draw(st.booleans()), kpis=kpis,
        signals=tuple(signals), steps=tuple(a_step(s["key"], when=draw(TRUTH)) for s in PLAYBOOK["steps"]),
        campaigns=tuple(campaigns_signal(*people, add=draw(TRUTH), campaign=c) for c in ("welcome", "upsell")),
        money=draw(st.sampled_from([None, 1, 2])),
    )  # fmt: skip


OWNERS = st.lists(st.sampled_from([ANNA, BEN, GONE]), max_size=2).map(tuple)


@st.composite
def tasks_of(draw: st.DrawFn, subject: str) -> TaskRecord:
    name, step = st.sampled_from(["unowned", "review"]), st.sampled_from(["kickoff", "setup"])
    of_cta = st.builds(lambda c, p, n: f"m:{c}:{subject}:{p}:{n}", name, PERIOD, st.integers(1, 2))
    of_step = st.builds(lambda s, d: f"m:onboard.{s}:{subject}:{d}", step, st.sampled_from([SINCE, TODAY]))
    key, age = draw(of_cta | of_step), draw(st.integers(0, 20))
    make = draw(st.sampled_from([a_task, done]))
    status = draw(st.sampled_from(["Completed", "Not needed"]))
    more = {"status": status, "days_ago": age} if make is done else {}
    task = make(key, created=AS_OF - timedelta(days=20), is_deleted=draw(st.booleans()), **more)
    return replace(task, id=ids("00T", crc32(key.encode())), changed=AS_OF - timedelta(days=age))


@st.composite
def members_of(draw: st.DrawFn, subject: str) -> MemberRecord:
    person = a_person((int(subject[3:15]) - 1) * 3 + draw(st.integers(0, 2)))
    name, campaign = draw(st.sampled_from([("welcome", WELCOME), ("upsell", UPSELL)]))
    key = draw(st.sampled_from(["", f"m:{name}:{person.id}:{SINCE}", f"m:{name}:{person.id}:{TODAY}"]))
    status, responded = draw(
        st.sampled_from([("Planned", False), ("Exited", False), ("Responded", True), ("Came", True)])
    )
    return a_member(
        person, campaign, key=key, subject=subject, status=status, has_responded=responded,
        created=AS_OF - timedelta(days=draw(st.integers(0, 60))), is_deleted=draw(st.booleans()),
    )  # fmt: skip


# --- the org after a plan ---------------------------------------------------------------------------------


def applied(plan: Plan, customers: tuple[Evaluation, ...], org: Current) -> tuple[tuple[Evaluation, ...], Current]:
    """Customers and org as the next run would find them, had everything been written."""
    written = {c.record: c.after for c in plan.changes if c.sobject == "Account"}
    after = tuple(_seen_again(e, written[e.subject]) if e.subject in written else e for e in customers)
    tasks = {t.id: t for ts in org.tasks.values() for t in ts}
    members = {m.id: m for ms in org.members.values() for m in ms}
    for change in plan.changes:
        if change.sobject == "Task":
            task = _task(change, tasks.get(change.record or ""))
            tasks[task.id] = task
        elif change.sobject == "CampaignMember":
            member = _member(change, members.get(change.record or ""))
            members[member.id] = member
    return after, an_org(tasks.values(), members.values())


def _seen_again(evaluation: Evaluation, after) -> Evaluation:
    live = {**evaluation.live, **after}
    state = State.from_text(live["State__c"])
    assert VALUES[state.stage] == live["Stage__c"]
    decision = replace(evaluation.decision, state=state, stage=state.stage, moves=())
    return replace(evaluation, live=live, decision=decision)


def _task(change: Change, old: TaskRecord | None) -> TaskRecord:
    if old:
        return replace(old, status="Not needed", is_closed=True, completed=AS_OF, changed=AS_OF)
    return a_task(change.id, id=f"new {change.id}", owner=change.owner, created=AS_OF, changed=AS_OF)


def _member(change: Change, old: MemberRecord | None) -> MemberRecord:
    if old:
        return replace(old, status=str(change.after["Status"]))
    person = str(change.after["ContactId"])
    return MemberRecord(
        f"new {change.id}", change.owner, person, "Planned", False, change.id, AS_OF, change.subject
    )  # fmt: skip


# --- properties -------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(books())
def test_planning_after_applying_yields_nothing(book) -> None:
    customers, org = book
    plan = plan_for(*customers, model=MODEL, org=org)
    again = plan_for(*applied(plan, customers, org)[0], model=MODEL, org=applied(plan, customers, org)[1])
    assert again.changes == ()


@settings(max_examples=100, deadline=None)
@given(books(), st.randoms())
def test_the_order_of_the_input_does_not_matter(book, random) -> None:
    customers, org = book
    shuffled = random.sample(customers, len(customers))
    turned = an_org(
        [t for ts in reversed(org.tasks.values()) for t in reversed(ts)],
        [m for ms in reversed(org.members.values()) for m in reversed(ms)],
    )
    assert plan_for(*shuffled, model=MODEL, org=turned) == plan_for(*customers, model=MODEL, org=org)


@settings(max_examples=200, deadline=None)
@given(books())
def test_what_a_plan_never_does(book) -> None:
    customers, org = book
    plan = plan_for(*customers, model=MODEL, org=org)
    position = {c.id: n for n, c in enumerate(plan.changes)}
    assert len(position) == len(plan.changes)
    tasks = {t.id: t for ts in org.tasks.values() for t in ts}
    members = {m.id: m for ms in org.members.values() for m in ms}
    for change in plan.changes:
        assert change.because.sentence
        assert all(position[needed] < position[change.id] for needed in change.depends_on if needed in position)
        if change.sobject == "Account":
            assert set(change.after) <= OWNED
            assert set(change.after) <= set(change.before)
        elif change.kind == "task_close":
            assert tasks[change.record].is_open
            assert change.after == {"Status": "Not needed"}
        elif change.kind == "member_status":
            assert members[change.record].key.startswith("m:")
            assert not members[change.record].is_deleted
            assert not members[change.record].has_responded or change.after["Status"] == "Responded"


@settings(max_examples=200, deadline=None)
@given(books())
def test_after_applying_nobody_has_two_open_ctas_and_nobody_new_is_in_two_campaigns(book) -> None:
    customers, org = book
    plan = plan_for(*customers, model=MODEL, org=org)
    after = applied(plan, customers, org)[1]
    for change in plan.changes:
        if change.kind == "task_open":
            what = change.id.split(":")[1]
            names = [t.key.split(":")[1] for t in after.tasks[change.subject] if t.is_open]
            assert names.count(what) == 1
    for change in plan.changes:
        if change.kind == "member_add":
            person = str(change.after["ContactId"])
            inside = [m for m in after.members[person] if not m.is_deleted and m.status not in ("Exited", "Responded")]
            assert len([m for m in inside if not (m.has_responded and m.key)]) == 1


@settings(max_examples=300, deadline=None)
@given(books(), st.floats(0, 1))
def test_killed_anywhere_the_next_run_ends_in_the_same_org(book, how_far: float) -> None:
    customers, org = book
    whole = plan_for(*customers, model=MODEL, org=org)
    prefix = replace(whole, changes=whole.changes[: round(how_far * len(whole.changes))])
    then, half = applied(prefix, customers, org)
    rest = plan_for(*then, model=MODEL, org=half)
    assert _portrait(*applied(rest, then, half)) == _portrait(*applied(whole, customers, org))


def _portrait(customers: tuple[Evaluation, ...], org: Current):
    tasks = {(t.key, t.status, t.owner, t.is_open) for ts in org.tasks.values() for t in ts}
    members = {(m.person, m.campaign, m.key, m.status) for ms in org.members.values() for m in ms}
    return [dict(c.live) for c in customers], tasks, members
