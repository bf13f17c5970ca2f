"""The stage decision for everybody: one pass over all subjects in SQL, Python for the candidates, further passes over
those that moved.

Called by evaluation.py once `memory`, `judged` and `standing` are there; leaves `standing` as it is after the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from duckdb import DuckDBPyConnection

from connector.data import Decision, Move, State, Via
from connector.evaluate.conditions import candidates_query, conditions_query, everybody_query
from connector.evaluate.decide import NeedsAnotherPass, decide
from connector.evaluate.frame import Frame
from connector.evaluate.judged import Contents, judged_query
from connector.evaluate.opening import Progress
from connector.evaluate.prepared import insert_rows
from connector.evaluate.reasons import Reasons
from connector.evaluate.rules import Conditions, Memory, Rules, Standing, edge_path

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Work:
    """What the passes work on."""

    connection: DuckDBPyConnection
    frame: Frame
    contents: Contents
    rules: Rules
    reasons: Reasons


@dataclass(frozen=True)
class Decided:
    """One candidate and what became of it."""

    memory: Memory
    decision: Decision

    @property
    def changed(self) -> bool:
        """Whether the org has to hear of it."""
        return bool(self.decision.moves) or self.decision.state != self.memory.state


def decide_all(work: Work, *, everybody: bool = False) -> dict[str, Decided]:
    """Every candidate by subject, sorted; whoever is missing stays as it is. `everybody`: nobody is missing."""
    query = conditions_query(work.frame, work.rules, moved=False).sql(work.frame.dialect)
    run_query(work.connection, "conditions", query)
    candidates = everybody_query("conditions") if everybody else candidates_query(work.rules)
    rows = read_rows(work.connection, candidates.sql(work.frame.dialect))
    done: dict[str, Decided] = {}
    progress: dict[str, Progress] = {}
    for _ in range(len(work.rules.stages) + 3):
        waiting = dict(_one_pass(work, rows, progress, done))
        if not waiting:
            _stand(work, [(s, d.decision) for s, d in done.items()])
            return dict(sorted(done.items()))
        progress = {subject: needs.progress for subject, needs in waiting.items()}
        rows = _judge_again(work, waiting)
    raise AssertionError(f"no end to the passes over {', '.join(sorted(progress)[:3])}")


def _one_pass(
    work: Work, rows: Sequence[Row], progress: Mapping[str, Progress], done: dict[str, Decided]
) -> Iterator[tuple[str, NeedsAnotherPass]]:
    """Decides each row; yields those that must be judged again, with the moves of this pass worded."""
    today = work.frame.run.today
    moved: dict[str, tuple[Move, ...]] = {}
    found: dict[str, Decision | NeedsAnotherPass] = {}
    for row in rows:
        memory, before = read_memory(row), progress.get(row["subject"])
        result = decide(memory, read_conditions(row, work.rules), work.rules, today, before)
        found[memory.subject] = result
        moves = result.moves if isinstance(result, Decision) else result.progress.moves
        moved[memory.subject] = moves[len(before.moves) if before else 0 :]
    worded = work.reasons.word({s: m for s, m in moved.items() if m})
    for row in rows:
        subject = row["subject"]
        result = _with_words(found[subject], worded.get(subject, ()))
        if isinstance(result, Decision):
            done[subject] = Decided(read_memory(row), result)
        else:
            yield subject, result


def _with_words(result: Decision | NeedsAnotherPass, worded: tuple[Move, ...]) -> Decision | NeedsAnotherPass:
    """The last moves replaced by the same ones with their reasons."""
    if not worded:
        return result
    if isinstance(result, Decision):
        last = result.moves[len(result.moves) - len(worded) :]
        moves = [replace(m, because=w.because) for m, w in zip(last, worded, strict=True)]
        return replace(result, moves=(*result.moves[: -len(worded)], *moves))
    progress = result.progress
    return replace(result, progress=replace(progress, moves=(*progress.moves[: -len(worded)], *worded)))


def _judge_again(work: Work, waiting: Mapping[str, NeedsAnotherPass]) -> list[Row]:
    """The conditions of those that stand elsewhere now."""
    _put(work, [(subject, needs.standing) for subject, needs in waiting.items()])
    query = conditions_query(work.frame, work.rules, moved=True).sql(work.frame.dialect)
    run_query(work.connection, "conditions of moved", query)
    return read_rows(work.connection, everybody_query("conditions of moved").sql(work.frame.dialect))


def _stand(work: Work, decisions: Sequence[tuple[str, Decision]]) -> None:
    """`standing` as it is after the run, for what is judged afterwards."""
    _put(work, [(s, Standing(d.stage, d.state.since, d.state.segment)) for s, d in decisions])


def _put(work: Work, standings: Sequence[tuple[str, Standing]]) -> None:
    """New standings for some subjects, who are also left in the table `moved`. Without a stage, and so without a
    visit, the segment that matches now counts."""
    run = work.connection.execute
    run("CREATE OR REPLACE TEMP TABLE moved (subject VARCHAR, stage VARCHAR, since DATE, segment VARCHAR)")
    rows = [(n, s.stage, s.since.isoformat() if s.since and s.stage else None, s.segment) for n, s in standings]
    insert_rows(work.connection, "moved", rows)
    now = 'UPDATE moved SET segment = j."segment now" FROM judged AS j WHERE j.subject = moved.subject'
    run(f"{now} AND moved.stage = ''")
    run("DELETE FROM standing WHERE subject IN (SELECT subject FROM moved)")
    run("INSERT INTO standing SELECT * FROM moved")
    if work.frame.overridden:
        _compute_facts_again(work)


def _compute_facts_again(work: Work) -> None:
    """Facts that a segment's parameters enter, for those whose segment is another now."""
    run = work.connection.execute
    run("CREATE OR REPLACE TEMP TABLE elsewhere AS SELECT m.* EXCLUDE (pinned), v.segment AS pinned FROM memory AS m "
        "JOIN moved AS v ON v.subject = m.subject JOIN judged AS j ON j.subject = m.subject "
        "WHERE v.segment IS DISTINCT FROM coalesce(j.pinned, j.\"segment now\")")  # fmt: skip
    query = judged_query(work.frame, work.contents, memory="elsewhere").sql(work.frame.dialect)
    run(f"CREATE OR REPLACE TEMP TABLE judged_again AS {query}")
    run("DELETE FROM judged WHERE subject IN (SELECT subject FROM judged_again)")
    run("INSERT INTO judged SELECT * FROM judged_again")


# --- rows ---------------------------------------------------------------------------------------------------


def run_query(connection: DuckDBPyConnection, table: str, query: str) -> None:
    """Keeps the rows of a query in a temporary table."""
    connection.execute(f'CREATE OR REPLACE TEMP TABLE "{table}" AS {query}')


def read_rows(connection: DuckDBPyConnection, query: str) -> list[Row]:
    """The rows of a query by column."""
    cursor = connection.execute(query)
    names = [d[0] for d in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def read_memory(row: Row) -> Memory:
    return Memory(
        subject=row["subject"],
        stage=row["memory stage"],
        state=State.from_text(row["memory state_text"]),
        entered=row["memory entered"],
        proposed=row["memory proposed"],
        override_stage=row["memory override_stage"],
        override_until=row["memory override_until"],
    )


def read_conditions(row: Row, rules: Rules) -> Conditions:
    """One subject's conditions; an edge without a condition of its own is not mentioned."""
    stage = row["standing stage"]
    keys = [s.key for s in rules.stages]
    standing = Standing(stage, row["standing since"], row["standing segment"]) if stage else Standing()
    return Conditions(
        standing=standing,
        scope=row["scope"],
        enter={k: row[f"enter {k}"] for k in keys},
        edges={k: row[f"edge {k}"] for k in keys if edge_path(stage, k) in rules.conditional},
        leave=row["leave"],
        entered_on={k: row[f"entered_on {k}"] for k in keys if row.get(f"entered_on {k}")},
        segment=row["segment now"],
    )


def unchanged(memory: Memory, rules: Rules) -> Decision:
    """The decision on a subject that nobody had to look at."""
    live = rules.by_value.get(memory.stage)
    state = memory.state or State(record=memory.subject, org=rules.org, installation=rules.installation, via=Via.PLACED)
    return Decision(live.key if live else "", state, proposed=state.proposed)
