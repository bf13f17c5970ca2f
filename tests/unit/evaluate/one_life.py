"""A small model and an org of one subject, for the tests of the stage procedure.

`Life` stands for the stage field and its companions on one record: people set fields, `run` decides and writes what
was decided, as plan and apply would. Conditions are given as truths by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from connector.calendar import Duration
from connector.data import Decision, State, Truth, Via
from connector.evaluate.decide import NeedsAnotherPass, decide
from connector.evaluate.rules import Conditions, Edge, Memory, Rules, StageRule, Standing

SUBJECT, ORG, HERE = "001000000000001AAA", "00D000000000001AAA", "production"
DAY = date(2026, 9, 1)
TWO_WEEKS = Duration(14)


def edges(*keys: str) -> tuple[Edge, ...]:
    return tuple(Edge(k) for k in keys)


MODEL = Rules(
    stages=(
        StageRule("churned", "Churned", terminal=True, reachable_from_all=True, next=edges("onboarding")),
        StageRule(
            "will_churn", "Will Churn", enter_for=TWO_WEEKS, leave_for=TWO_WEEKS, has_leave=True, needs_person=True,
            next=edges("adopting", "renewal"), otherwise="adopting",
        ),
        StageRule("renewal", "Renewal", next=edges("adopting", "will_churn")),
        StageRule("adopting", "Adopting", next=edges("renewal", "will_churn")),
        StageRule("launched", "Launched", next=edges("adopting", "onboarding", "renewal", "will_churn")),
        StageRule("onboarding", "Onboarding", next=edges("launched", "renewal"), playbooks={"onboard": 3}),
    ),
    org=ORG,
    installation=HERE,
)  # fmt: skip


def adjusted(key: str, **changes: object) -> Rules:
    """MODEL with one stage's rule changed."""
    stages = tuple(replace(s, **changes) if s.key == key else s for s in MODEL.stages)  # type: ignore[arg-type]
    return replace(MODEL, stages=stages)


def remembered(stage: str, since: date = date(2026, 3, 1), **more: object) -> State:
    """The state field of a subject that we put into `stage` ourselves."""
    values: dict[str, object] = {"via": Via.MOVED, "record": SUBJECT, "org": ORG, "installation": HERE}
    return State(stage=stage, since=since, **(values | more))  # type: ignore[arg-type]


@dataclass
class Life:
    """One record, its companions' fields and the truths about it."""

    rules: Rules = MODEL
    memory: Memory = field(default_factory=lambda: Memory(SUBJECT))
    scope: Truth = True
    enter: dict[str, Truth] = field(default_factory=dict)
    edges: dict[tuple[str, str], Truth] = field(default_factory=dict)
    leave: dict[str, Truth] = field(default_factory=dict)
    entered_on: dict[str, date] = field(default_factory=dict)
    segment: str = ""
    passes: int = 0

    @classmethod
    def within(cls, stage: str, since: date = date(2026, 3, 1), *, rules: Rules = MODEL, **more: object) -> Life:
        """A subject that we put into `stage` at `since`."""
        value = rules.by_key[stage].api_value
        state = remembered(stage, since, **more)
        proposed = rules.by_key[state.proposed].api_value if state.proposed else ""
        return cls(rules, Memory(SUBJECT, value, state, proposed=proposed))

    def people(self, **fields: object) -> Life:
        """Somebody edits the record."""
        self.memory = replace(self.memory, **fields)  # type: ignore[arg-type]
        return self

    def holds(self, **enter: Truth) -> Life:
        self.enter.update(enter)
        return self

    def conditions(self, standing: Standing) -> Conditions:
        own = {to: truth for (origin, to), truth in self.edges.items() if origin == standing.stage}
        leave = self.leave.get(standing.stage, True)
        return Conditions(standing, self.scope, self.enter, own, leave, self.entered_on, self.segment)

    def judge(self, today: date = DAY) -> Decision:
        """Decides without writing; `passes` counts how often conditions were computed."""
        state = self.memory.state
        live = self.rules.by_value.get(self.memory.stage)
        self.passes = 1
        standing = Standing()
        if state and live and state.stage == live.key:
            standing = Standing(state.stage, state.since, state.segment)
        found = decide(self.memory, self.conditions(standing), self.rules, today)
        while isinstance(found, NeedsAnotherPass):
            self.passes += 1
            assert self.passes <= len(self.rules.stages) + 3, "the procedure does not end"
            found = decide(self.memory, self.conditions(found.standing), self.rules, today, found.progress)
        return found

    def run(self, today: date = DAY) -> Decision:
        """Decides and writes: stage and state in one record, the proposed stage with them."""
        found = self.judge(today)
        if found.problem or found.stage != found.state.stage:
            return found  # left as it is
        value = self.rules.by_key[found.stage].api_value if found.stage else ""
        proposed = self.rules.by_key[found.proposed].api_value if found.proposed else ""
        state = State.from_text(found.state.to_text())
        self.memory = replace(self.memory, stage=value, state=state, proposed=proposed, entered=found.state.since)
        return found

    def runs(self, first: date, last: date) -> list[str]:
        """One run a day; the stage after each."""
        return [self.run(first + timedelta(days=n)).stage for n in range((last - first).days + 1)]


def days(count: int, start: date = DAY) -> date:
    return start + timedelta(days=count)
