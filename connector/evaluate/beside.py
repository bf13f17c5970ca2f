"""Facts from files and databases: how a subject finds its row, and why such a fact may not be relied on.

Called by frame.py, judged.py and explain.py. A source that was not read to its end, or whose file is older than the
fact allows, makes the fact unknown for everybody; a subject without a row has no value. Pure: gives sqlglot trees.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlglot import exp

from connector.calendar import Calendar
from connector.evaluate.lowering.sql import Sql, function, number
from connector.evaluate.prepared import Run
from connector.evaluate.trust import Trust
from connector.mapping import Mapping as Model
from connector.mapping.model import Fact
from connector.mapping.sources import Source, source_name
from connector.mapping.values import COMMON_ID, KeyColumn


def source_of(mapping: Model, key: str) -> Source | None:
    """The source that a fact reads; None for a fact over records."""
    name = source_name(mapping.model.facts[key])
    return next((source for source in mapping.sources if source.name == name), None) if name else None


def doubt_of_source(mapping: Model, key: str, trust: Trust, run: Run, calendar: Calendar) -> str:
    """Why the rows that a fact reads cannot be relied on, beside what Trust knows of its columns; '' when they can."""
    source, fact = source_of(mapping, key), mapping.model.facts[key]
    if source is None:
        return ""
    if doubt := trust.doubt(source.name, source.key.stored) or trust.doubt(mapping.model.subject, source.key.field):
        return doubt
    written = trust.pulled[source.name].written
    if fact.dated or fact.stale_after is None or written is None or not is_older(written, fact, run, calendar):
        return ""
    return f"{source.shown} is from {written.astimezone(run.tz):%Y-%m-%d %H:%M}, older than {fact.stale_after}."


def is_older(written: datetime, fact: Fact, run: Run, calendar: Calendar) -> bool:
    """Whether a file was written longer ago than the fact allows: by the hour where it counts in hours, else by day."""
    length = fact.stale_after
    if length is None:
        return False
    if length.unit == "hours":
        return run.as_of - written > timedelta(hours=length.count)
    return written.astimezone(run.tz).date() < length.before(run.today, calendar)


def join_key(key: KeyColumn, subject: Sql) -> Sql:
    """The subject's value that equals what the source's table keeps as `key.stored`."""
    return function("LEFT", subject, number(COMMON_ID)) if key.field == "Id" else subject


def joins(mapping: Model, trust: Trust) -> list[Source]:
    """The sources whose rows can be joined to the subjects."""
    subject = mapping.model.subject
    return [s for s in mapping.sources if trust.has(s.name, s.key.stored) and trust.has(subject, s.key.field)]


def same_row(source: Source, stored: Sql, subject: Sql) -> exp.EQ:
    return exp.EQ(this=stored, expression=join_key(source.key, subject))
