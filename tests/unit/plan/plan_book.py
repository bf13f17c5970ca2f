"""A small model and a small book to plan over: one customer unless a test asks for more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from connector.calendar import Calendar
from connector.data import (
    CampaignSignal,
    Change,
    Current,
    Decision,
    Evaluation,
    MemberRecord,
    Move,
    Person,
    Plan,
    Reason,
    Signal,
    State,
    StepSignal,
    TaskRecord,
    Via,
)  # fmt: skip
from connector.describe import FieldDescribe, ObjectDescribe
from connector.jobs import Limit, Limits
from connector.mapping.model import ModelFile
from connector.plan.plan import make_plan

AS_OF = datetime(2026, 9, 1, 10, 0, tzinfo=UTC)  # a Tuesday
TODAY = AS_OF.date()
ORG = "00D000000000001EAA"
ACME, BETA = "001000000000001AAA", "001000000000002AAA"
ANNA, BEN, GONE = "005000000000001AAA", "005000000000002AAA", "005000000000009AAA"
QUEUE = "00G000000000001AAA"
WELCOME, UPSELL = "701000000000001AAA", "701000000000002AAA"
SINCE = date(2026, 8, 20)


def ids(prefix: str, number: int) -> str:
    return f"{prefix}{number:012d}AAA"


def a_field(name: str, kind: str = "string", **more: Any) -> FieldDescribe:
    return FieldDescribe(name, kind, **{"length": 255 if kind in ("string", "picklist") else 0, **more})


def an_object(name: str, *fields: FieldDescribe) -> ObjectDescribe:
    return ObjectDescribe(name, name, {f.name: f for f in fields})


DESCRIBES = {
    "Account": an_object(
        "Account", a_field("Stage__c", "picklist"), a_field("State__c", "textarea", length=2000),
        a_field("Previous__c", "picklist"), a_field("Entered__c", "date"), a_field("Reason__c", "textarea", length=100),
        a_field("Proposed__c", "picklist"), a_field("Next__c", "textarea", length=100),
        a_field("Score__c", "double", precision=4, scale=1), a_field("Band__c", "picklist"),
        a_field("Won__c", "currency", precision=18, scale=2), a_field("First__c", "datetime"),
        a_field("Name"), a_field("Other__c"),
    ),
    "Task": an_object(
        "Task", a_field("WhatId", "reference"), a_field("WhoId", "reference"), a_field("OwnerId", "reference"),
        a_field("Subject", "combobox", length=255), a_field("Description", "textarea", length=32000),
        a_field("ActivityDate", "date"), a_field("Priority", "picklist"), a_field("Status", "picklist"),
        a_field("Type", "picklist"), a_field("IsReminderSet", "boolean"), a_field("Lifecycle_Key__c", unique=True),
    ),
    "CampaignMember": an_object(
        "CampaignMember", a_field("CampaignId", "reference"), a_field("ContactId", "reference"),
        a_field("LeadId", "reference"), a_field("Status", "picklist"), a_field("Lifecycle_Key__c", unique=True),
    ),
    "Contact": an_object("Contact", a_field("HasOptedOutOfEmail", "boolean"), a_field("IsEmailBounced", "boolean")),
    "Lead": an_object("Lead", a_field("HasOptedOutOfEmail", "boolean"), a_field("IsConverted", "boolean")),
}  # fmt: skip

STAGES = [
    {"key": "onboarding", "label": "Onboarding", "enter_when": "true"},
    {"key": "launched", "label": "Launched", "enter_when": "true", "value": "Live"},
    {"key": "renewal", "label": "Renewal", "enter_when": "true"},
]
WRITE = {
    "stage": "Stage__c", "state": "State__c", "previous": "Previous__c", "entered": "Entered__c",
    "reason": "Reason__c", "proposed": "Proposed__c", "next": "Next__c", "health_score": "Score__c",
    "health_band": "Band__c",
}  # fmt: skip
FACTS = {
    "won": {"value": "1", "label": "Won so far", "write": "Won__c"},
    "first": {"value": "1", "write": "First__c", "write_once": True},
}
CTA = {
    "key": "unowned", "type": "risk", "open_when": "open_renewals = 0", "subject": "No renewal for {Name}",
    "priority": "High",
}  # fmt: skip
PLAYBOOK = {
    "key": "onboard", "on_enter": "onboarding", "version": 3,
    "steps": [
        {"key": "kickoff", "subject": "Kickoff", "due": "today", "required": True},
        {"key": "gift", "subject": "Gift", "due": "today"},
        {"key": "setup", "subject": "Set-up", "due": "today", "after": ["kickoff", "gift"], "required": True},
        {"key": "training", "subject": "Training", "due": "today", "after": ["setup"]},
    ],
}  # fmt: skip
CAMPAIGN = {"key": "welcome", "campaign": WELCOME, "add_when": "stage = 'onboarding'"}


def a_model(**parts: Any) -> ModelFile:
    base = {
        "format": 1, "model": "m", "label": "Customers", "stages": STAGES, "order": [s["key"] for s in STAGES],
        "write": WRITE, "facts": FACTS,
    }  # fmt: skip
    return ModelFile.model_validate({**base, **parts})


def a_state(stage: str = "onboarding", **more: Any) -> State:
    values = {"since": SINCE if stage else None, "via": Via.MOVED, "record": ACME, "org": ORG, "installation": "us"}
    return State(stage, **{**values, **more})


def a_move(from_stage: str = "onboarding", to_stage: str = "launched", via: Via = Via.MOVED, **more: Any) -> Move:
    because = Reason(f"stages.{to_stage}.enter_when", "Training is done.", (("training_done", "true"),))
    return Move(from_stage, to_stage, via, more.pop("since", TODAY), because, **more)


VALUES = {"onboarding": "onboarding", "launched": "Live", "renewal": "renewal", "": None}


def a_customer(
    state: State | None = None, *, subject: str = ACME, moves: Iterable[Move] = (), live: dict[str, Any] | None = None,
    before: State | None = None, problem: str = "", proposed: str = "", kpis: dict[str, Any] | None = None, **more: Any,
) -> Evaluation:  # fmt: skip
    """A customer whose record says what the state says, unless `before` or `live` say otherwise."""
    state = replace(a_state() if state is None else state, record=subject)
    known = replace(before, record=subject) if before else state
    record = {
        "Stage__c": VALUES[known.stage], "State__c": known.to_text(), "Previous__c": VALUES.get(known.previous),
        "Entered__c": known.since if known.stage else None, "Reason__c": "As it was.", "Proposed__c": None,
        "Next__c": None, "Score__c": None, "Band__c": None, "Won__c": None, "First__c": None,
    }  # fmt: skip
    decision = Decision(state.stage, state, tuple(moves), proposed, problem=problem)
    values = {"money": Decimal(1000), "facts": {}, "name": "Acme" if subject == ACME else f"Customer {subject[3:15]}"}
    return Evaluation(
        model="m", subject=subject, decision=decision, live={**record, **(live or {})}, kpis=kpis or {},
        **{**values, **more},
    )  # fmt: skip


def a_signal(cta: str = "unowned", **more: Any) -> Signal:
    values = {
        "open": True,
        "close": False,
        "period": "",
        "owners": (ANNA,),
        "texts": {"subject": "No renewal for Acme"},
    }
    return Signal(cta, **{**values, "because": Reason(f"ctas.{cta}.open_when", "Nobody is on it."), **more})


def a_step(step: str, **more: Any) -> StepSignal:
    values = {"playbook": "onboard", "due": TODAY + timedelta(days=9), "texts": {"subject": step}, "owners": (ANNA,)}
    return StepSignal(step=step, **{**values, **more})


def a_task(key: str, **more: Any) -> TaskRecord:
    values: dict[str, Any] = {
        "id": ids("00T", sum(map(ord, key))), "status": "Not Started", "is_closed": False, "is_deleted": False,
        "owner": ANNA, "created": AS_OF - timedelta(days=10),
    }  # fmt: skip
    return TaskRecord(key=key, **{**values, **more})


def done(key: str, *, days_ago: int = 1, status: str = "Completed", **more: Any) -> TaskRecord:
    ended = AS_OF - timedelta(days=days_ago)
    return a_task(key, status=status, is_closed=True, completed=ended, changed=ended, **more)


def a_person(number: int, *, reachable: bool | None = True, sobject: Any = "Contact") -> Person:
    return Person(ids("003" if sobject == "Contact" else "00Q", number), sobject, f"Person {number}", reachable)


def a_member(person: Person, campaign: str = WELCOME, *, key: str = "", **more: Any) -> MemberRecord:
    values: dict[str, Any] = {
        "id": ids("00v", int(person.id[3:15]) + int(campaign[3:15]) * 1000), "status": "Planned",
        "has_responded": False, "created": AS_OF - timedelta(days=200), "subject": ACME,
    }  # fmt: skip
    return MemberRecord(campaign=campaign, person=person.id, key=key, **{**values, **more})


def an_org(tasks: Iterable[TaskRecord] = (), members: Iterable[MemberRecord] = (), **more: Any) -> Current:
    by_subject: dict[str, tuple[TaskRecord, ...]] = {}
    for task in tasks:
        subject = task.key.split(":")[2]
        by_subject[subject] = (*by_subject.get(subject, ()), task)
    by_person: dict[str, tuple[MemberRecord, ...]] = {}
    for member in members:
        by_person[member.person] = (*by_person.get(member.person, ()), member)
    values = {
        "users": {ANNA: True, BEN: True, GONE: False}, "queues": {"Triage": QUEUE},
        "campaigns": {"welcome": WELCOME, "upsell": UPSELL},
        "responded_statuses": {WELCOME: frozenset({"Responded"}), UPSELL: frozenset({"Responded"})},
    }  # fmt: skip
    return Current(by_subject, by_person, **{**values, **more})


NO_LIMITS = Limits(moves=Limit(), placements=Limit(), tasks_open=Limit(), tasks_close=Limit(), members=Limit())


def plan_for(*customers: Evaluation, model: ModelFile | None = None, org: Current | None = None, **more: Any) -> Plan:
    values = {
        "policy": "sync", "limits": NO_LIMITS, "calendar": Calendar(), "as_of": AS_OF, "zone": "UTC", "org_id": ORG,
        "installation": "us", "subjects": max(len(customers), 1),
    }  # fmt: skip
    mapping = SimpleNamespace(model=model or a_model())
    describes = more.pop("describes", DESCRIBES)
    return make_plan(customers, org or an_org(), mapping, describes, **{**values, **more})


def campaigns_signal(*people: Person, add: bool | None = True, campaign: str = "welcome") -> CampaignSignal:
    return CampaignSignal(campaign, add, people)


def only(plan: Plan) -> Change:
    (change,) = plan.changes
    return change
