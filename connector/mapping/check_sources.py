"""Checks of facts that read files and databases: what is asked for, by which key, how old it may be.

Called by check.py. What is in the files is for pull/sources.py to find. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from connector.errors import Problem
from connector.files import Path
from connector.mapping.model import Fact
from connector.mapping.sources import source_name
from connector.mapping.values import KeyColumn
from connector.mapping.whole import Whole, did_you_mean

FORMATS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
"""Ends of the names of files that can be read."""
_ONLY_WITH_SOURCE = ("key", "columns", "database")


def check_sources(whole: Whole) -> Iterator[Problem]:
    keys: dict[str, tuple[str, KeyColumn]] = {}
    for name, fact in whole.model.facts.items():
        where: Path = ("facts", name)
        if not source_name(fact):
            yield from _plain(whole, where, fact)
            continue
        yield from _place(whole, where, fact)
        yield from _key(whole, where, fact)
        yield from _freshness(whole, where, fact)
        if fact.key and keys.setdefault(source_name(fact), (name, fact.key))[1] != fact.key:
            first, key = keys[source_name(fact)]
            yield whole.problem((*where, "key"), f"fact {first!r} reads the same rows by the key {key}; use one key")
        yield from _declared(whole, where, fact)


def _plain(whole: Whole, where: Path, fact: Fact) -> Iterator[Problem]:
    for key in _ONLY_WITH_SOURCE:
        if getattr(fact, key):
            yield whole.problem((*where, key), f"{key} belongs to facts with `file` or `query`", at_key=True)


def _place(whole: Whole, where: Path, fact: Fact) -> Iterator[Problem]:
    if fact.file and fact.query:
        yield whole.problem((*where, "query"), "a fact reads a file or a query, not both", at_key=True)
    elif fact.file:
        if wrong := _what_is_wrong_with(fact.file):
            yield whole.problem((*where, "file"), f"{fact.file!r} {wrong}")
        if fact.database:
            yield whole.problem(
                (*where, "database"), "database belongs to a `query`; a file names its own", at_key=True
            )
    elif not fact.database:
        message = "a query needs its `database`: the name of a section under [sources] in config.toml"
        yield whole.problem((*where, "query"), message, at_key=True)
    elif not re.match(r"\s*(select|with)\b", fact.query or "", re.IGNORECASE):
        yield whole.problem((*where, "query"), "a query begins with SELECT or WITH; nothing is ever written there")


def _what_is_wrong_with(file: str) -> str:
    """'' for a path that stays below its place."""
    parts = PurePosixPath(file).parts
    if len(parts) < 2 or file.startswith(("/", "~")):
        return "must be the name of a section under [sources] in config.toml and the path below it: usage/nps.csv"
    if ".." in parts or re.search(r"[\\*?\[\]:\x00-\x1f]", file):
        return "may only name a file below its place: no .., no drive, no wildcard"
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", parts[0]):
        return f"starts with {parts[0]!r}; a section under [sources] has only lower-case letters, digits and _"
    if not file.lower().endswith(FORMATS):
        return f"is of no kind that can be read; allowed: {', '.join(FORMATS)}"
    return ""


def _key(whole: Whole, where: Path, fact: Fact) -> Iterator[Problem]:
    if fact.key is None:
        if not whole.is_broken((*where, "key")):
            message = "a fact of a file or a query needs its `key`: the column that says whose row it is"
            yield whole.problem(where, message, at_key=True)
        return
    subject, field = whole.subject, whole.subject.find(fact.key.field)
    if field is None:
        hint = did_you_mean(fact.key.field, subject.fields)
        yield whole.problem((*where, "key"), f"{subject.name} has no field {fact.key.field!r}{hint}")
    elif field.name != fact.key.field:
        yield whole.problem((*where, "key"), f"the field is called {field.name}; write it like that")
    elif not field.is_text:
        yield whole.problem((*where, "key"), f"{field.name} is of type {field.type}; a key is a text or an id")


def _freshness(whole: Whole, where: Path, fact: Fact) -> Iterator[Problem]:
    if fact.query and fact.stale_after and not fact.dated:
        return  # said by check_facts
    if fact.stale_after is None and not whole.is_broken((*where, "stale_after")):
        message = "without stale_after this fact would be believed for ever, also when nobody delivers it any more"
        yield whole.problem(where, message, at_key=True, severity="warning")


def _declared(whole: Whole, where: Path, fact: Fact) -> Iterator[Problem]:
    mine = source_name(fact)
    for column, kind in fact.columns.items():
        for other, theirs in whole.model.facts.items():
            if source_name(theirs) == mine and theirs.columns.get(column, kind) != kind:
                message = f"fact {other!r} declares this column as {theirs.columns[column]}; make them agree"
                yield whole.problem((*where, "columns", column), message)
