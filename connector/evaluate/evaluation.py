"""Step 2: judge every subject of a model in the mirror, and say for whom something may have to be written.

    prepare      clock, calendar, activity, our Tasks, what the org remembers      prepared.py, sql/
    judged       fields, facts, health, worth of everybody                         judged.py, facts.py, health.py
    passes       stages: SQL for everybody, Python for the candidates              conditions.py, passes.py, decide.py
    chosen       the diff of the book; CTAs, playbooks, campaigns of those         outcome.py, chosen.py, assemble.py

Called by run.py and by examples.py with a connection to the mirror. Never writes to the org, never reads the ledger.
A larger book will go through this in buckets of subjects: nothing below looks beyond the table `memory`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from duckdb import DuckDBPyConnection

from connector.calendar import Calendar
from connector.data import Current, Evaluation, PullResult
from connector.describe import Describes
from connector.evaluate.chosen import judge_chosen
from connector.evaluate.conditions import rule_env
from connector.evaluate.edges import blocked_pairs
from connector.evaluate.frame import Frame, column
from connector.evaluate.history import FactRow, changed_facts
from connector.evaluate.judged import contents_of, judged_query
from connector.evaluate.lower import lower
from connector.evaluate.passes import Work, decide_all, run_query
from connector.evaluate.prepared import Run, execute_file, prepare
from connector.evaluate.reasons import Reasons
from connector.evaluate.refusals import (
    refuse_bulk_edit,
    refuse_foreign_hand,
    refuse_missing_status,
    refuse_unreadable,
)
from connector.evaluate.stage_rules import rules_of
from connector.evaluate.trust import read_trust
from connector.evaluate.wording import Words
from connector.mapping import Mapping as Model
from connector.mapping.language import Expression


@dataclass(frozen=True)
class StageCount:
    """One stage after this run; '' for subjects in scope without one."""

    stage: str
    count: int
    money: Decimal | None = None


@dataclass(frozen=True)
class Evaluated:
    """One model's book, judged."""

    evaluations: tuple[Evaluation, ...]
    """By subject id; only subjects for whom something may have to be written."""
    current: Current
    stages: tuple[StageCount, ...]
    subjects: int
    """Subjects that were looked at, in scope or not."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Fact -> why what it rests on could not be relied on in this run."""
    changed_facts: Iterator[FactRow] = field(default_factory=lambda: iter(()))
    """For the ledger; to be taken while the mirror is open, and before another model is evaluated in it."""
    notes: tuple[str, ...] = ()
    """What a person should know of the book."""


def evaluate(
    connection: DuckDBPyConnection, mapping: Model, pulled: PullResult, *, describes: Describes, calendar: Calendar,
    installation: str = "", only: Expression | None = None, accounts: frozenset[str] | None = None,
    accept_bulk_edit: bool = False, progress: Callable[[str], None] = lambda _: None,
) -> Evaluated:  # fmt: skip
    """Judges the model's subjects as of `pulled.as_of`. The result depends on nothing but the arguments and the mirror.

    `only` and `accounts`: nobody else is looked at; of `accounts` everybody is in the result, whether or not something
    has to be written. Raises RetryLater when the subjects themselves were not completely
    pulled, FixFirst when a field that the model writes cannot be read, NeedsApproval for a second installation's
    states and for a bulk edit by hand.
    """
    trust = read_trust(connection, pulled.objects)
    run = Run(pulled.as_of, mapping.model.zone or pulled.zone, pulled.org_id, installation)
    frame = Frame(mapping, run, trust, calendar)
    refuse_unreadable(frame)
    refuse_missing_status(connection, frame)
    work = lay_out(connection, frame, describes, only=only, accounts=accounts)
    refuse_foreign_hand(connection, installation)
    subjects = _count(connection, "memory")
    progress(f"{mapping.model.label}: {subjects} subjects, deciding stages")
    decided = decide_all(work, everybody=accounts is not None)
    if not accept_bulk_edit:
        refuse_bulk_edit(decided, subjects)
    evaluations, current = judge_chosen(work, decided, describes, everybody=accounts is not None)
    progress(f"{mapping.model.label}: {len(evaluations)} subjects to plan for")
    return Evaluated(
        evaluations, current, _count_stages(work), subjects, frame.doubtful_facts, changed_facts(connection, frame),
        _notes(work),
    )  # fmt: skip


def lay_out(
    connection: DuckDBPyConnection, frame: Frame, describes: Describes, *, only: Expression | None = None,
    accounts: frozenset[str] | None = None,
) -> Work:  # fmt: skip
    """Everything up to the first pass: `memory`, `judged` and `standing` of the subjects to be looked at."""
    mapping, run = frame.mapping, frame.run
    prepare(connection, mapping.model, run, frame.trust, frame.calendar, accounts)
    contents = contents_of(frame, only)
    run_query(connection, "judged", judged_query(frame, contents).sql(frame.dialect))
    execute_file(connection, "standing.sql")
    if only is not None:
        _leave_out(connection, frame, only)
    rules = rules_of(mapping, frame.trust, frame.calendar, org=run.org, installation=run.installation)
    words = Words(mapping.model, describes, run.today)
    return Work(connection, frame, contents, rules, Reasons(connection, frame, rules, words))


def _leave_out(connection: DuckDBPyConnection, frame: Frame, only: Expression) -> None:
    """Subjects for whom `only` is not known to be true are not looked at."""
    condition = lower(only.tree, rule_env(frame)).sql(frame.dialect)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE wanted AS SELECT s.subject FROM standing AS s "
        f"JOIN judged AS j ON j.subject = s.subject WHERE ({condition}) IS TRUE"
    )
    for table in ("memory", "judged", "standing"):
        connection.execute(f"DELETE FROM {table} WHERE subject NOT IN (SELECT subject FROM wanted)")


# --- the book as a whole ----------------------------------------------------------------------------------------


def _count(connection: DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def _count_stages(work: Work) -> tuple[StageCount, ...]:
    """How many are in each stage after this run, and what they are worth, in the order of the mapping."""
    rows = work.connection.execute(
        "SELECT s.stage, count(*), sum(j.money) FROM standing AS s JOIN judged AS j ON j.subject = s.subject "
        "JOIN conditions AS c ON c.subject = s.subject WHERE s.stage <> '' OR c.scope GROUP BY s.stage"
    ).fetchall()
    order = ["", *(stage.key for stage in work.frame.mapping.model.stages)]
    return tuple(StageCount(*row) for row in sorted(rows, key=lambda r: order.index(r[0])))


def _notes(work: Work) -> tuple[str, ...]:
    """What a person should know of the book: rules that hold without a way, overrides without a reason."""
    return (*_blocked_notes(work), *_override_notes(work))


def _blocked_notes(work: Work) -> Iterator[str]:
    words = work.reasons.words
    for origin, target in blocked_pairs(work.rules):
        row = work.connection.execute(
            f'SELECT count(*) FROM conditions WHERE scope AND "standing stage" = ? AND "enter {target}"', [origin]
        ).fetchone()
        if row and row[0]:
            here, there = words.stage(origin), words.stage(target)
            yield f"Blocked: for {row[0]} in {here} the rule of {there} holds, but no edge leads there."


def _override_notes(work: Work) -> Iterator[str]:
    override = work.frame.mapping.model.override
    if override is None or not override.reason:
        return
    reason = column(f"live {override.reason}", "j").sql(work.frame.dialect)
    row = work.connection.execute(
        "SELECT count(*) FROM memory AS m JOIN judged AS j ON j.subject = m.subject "
        f"WHERE m.override_stage <> '' AND {reason} IS NULL"
    ).fetchone()
    if row and row[0]:
        count = f"{row[0]} override has" if row[0] == 1 else f"{row[0]} overrides have"
        yield f"{count} no reason; ask whoever set it, or clear it."
