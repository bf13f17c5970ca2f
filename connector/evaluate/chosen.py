"""The subjects for whom something may have to be written, as data.Evaluation, and what planning needs beside them.

Called by evaluation.py once the stages are decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.data import Current, Decision, Evaluation, Person
from connector.describe import Describes, ObjectDescribe
from connector.evaluate.assemble import Surroundings, assemble
from connector.evaluate.current import find_queues, read_current, read_team
from connector.evaluate.evidence import Seen, ask, see_conditions
from connector.evaluate.outcome import chosen_query, outcome_query
from connector.evaluate.passes import Decided, Row, Work, read_memory, read_rows, run_query, unchanged
from connector.evaluate.people import find_people
from connector.evaluate.prepared import insert_rows
from connector.mapping.model import CampaignRule


def judge_chosen(
    work: Work, decided: Mapping[str, Decided], describes: Describes, *, everybody: bool
) -> tuple[tuple[Evaluation, ...], Current]:
    """The evaluations by subject id. `everybody`: also of those for whom nothing seems to be written."""
    subject = describes.get(work.frame.mapping.model.subject) or ObjectDescribe(work.frame.mapping.model.subject)
    rows = _choose(work, decided, subject, everybody=everybody)
    around = _look_around(work, rows, subject)
    evaluations = tuple(assemble(row, _decision(row, decided, work), around) for row in rows)
    people = [p.id for by_subject in around.people.values() for found in by_subject.values() for p in found]
    return evaluations, read_current(work.connection, work.frame, people)


def _choose(work: Work, decided: Mapping[str, Decided], subject: ObjectDescribe, *, everybody: bool) -> list[Row]:
    frame, words, connection = work.frame, work.reasons.words, work.connection
    connection.execute("CREATE OR REPLACE TEMP TABLE changed (subject VARCHAR)")
    insert_rows(connection, "changed", [(s,) for s, d in decided.items() if d.changed or d.decision.problem])
    query = chosen_query(frame, work.rules, words, subject).sql(frame.dialect)
    run_query(connection, "chosen", "SELECT subject FROM memory" if everybody else query)
    return read_rows(connection, outcome_query(frame, work.rules, words).sql(frame.dialect))


def _decision(row: Row, decided: Mapping[str, Decided], work: Work) -> Decision:
    known = decided.get(row["subject"])
    return known.decision if known else unchanged(read_memory(row), work.rules)


def _look_around(work: Work, rows: Sequence[Row], subject: ObjectDescribe) -> Surroundings:
    frame, model = work.frame, work.frame.mapping.model
    return Surroundings(
        frame=frame,
        words=work.reasons.words,
        subject=subject,
        queues=find_queues(work.connection, frame),
        team=read_team(work.connection, frame),
        people={rule.key: _people_for(work, rule, rows) for rule in model.campaigns},
        seen={cta.key: _why_open(work, f"ctas.{cta.key}.open_when", rows) for cta in model.ctas},
    )


def _people_for(work: Work, rule: CampaignRule, rows: Sequence[Row]) -> Mapping[str, tuple[Person, ...]]:
    wanted = [row["subject"] for row in rows if row[f"campaigns.{rule.key}.add_when"]]
    if not wanted:
        return {}
    ask(work.connection, wanted)
    return find_people(work.connection, work.frame, rule)


def _why_open(work: Work, path: str, rows: Sequence[Row]) -> Mapping[str, tuple[Seen, ...]]:
    """The conditions of a CTA, for the subjects that it is open for."""
    wanted = [row["subject"] for row in rows if row[path]]
    if not wanted:
        return {}
    ask(work.connection, wanted)
    return see_conditions(work.connection, work.frame, [work.frame.mapping.expressions[path]])
