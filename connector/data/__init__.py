"""The nouns that cross from one step to the next: immutable, ids 18 characters, times aware UTC, money Decimal.

Bottom layer, above errors only. Steps hand these to one another through run.py; nobody else defines a second
form of them. Field names are Salesforce API names, stage names are the mapping's keys. Read them in the order of a
run: values, pulled, state, evaluation, plan.
"""

from connector.data.evaluation import CampaignSignal, Decision, Evaluation, Move, Person, Reason, Signal, StepSignal
from connector.data.plan import (
    Breach,
    Change,
    ChangeKind,
    Current,
    Guard,
    MemberRecord,
    Outcome,
    OutcomeStatus,
    Plan,
    TaskRecord,
)
from connector.data.pulled import Needs, ObjectPull, Proof, PullResult
from connector.data.state import STATE_FORMAT, State, Via
from connector.data.values import Truth, Value

__all__ = [
    "STATE_FORMAT",
    "Breach",
    "CampaignSignal",
    "Change",
    "ChangeKind",
    "Current",
    "Decision",
    "Evaluation",
    "Guard",
    "MemberRecord",
    "Move",
    "Needs",
    "ObjectPull",
    "Outcome",
    "OutcomeStatus",
    "Person",
    "Plan",
    "Proof",
    "PullResult",
    "Reason",
    "Signal",
    "State",
    "StepSignal",
    "TaskRecord",
    "Truth",
    "Value",
    "Via",
]
