"""The custom fields of several mappings together: each once, refused where two claim one field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from connector.describe import Describes, ObjectDescribe
from connector.errors import FileProblems, Problem
from connector.mapping import FieldDefinition, Mapping

_SHARED = frozenset({"keys"})
"""Sections whose fields all mappings use together."""


def fields_of(mappings: Iterable[Mapping]) -> tuple[FieldDefinition, ...]:
    """All field definitions, sorted by sObject and name. Raises FileProblems when two mappings claim one field."""
    by_name: dict[tuple[str, str], FieldDefinition] = {}
    problems: list[Problem] = []
    for mapping in mappings:
        for definition in mapping.fields:
            first = by_name.setdefault((definition.sobject, definition.name.lower()), definition)
            problems += _conflict(mapping, first, definition)
    if problems:
        raise FileProblems(problems)
    return tuple(sorted(by_name.values(), key=lambda d: (d.sobject, d.name)))


def _conflict(mapping: Mapping, first: FieldDefinition, second: FieldDefinition) -> Iterator[Problem]:
    """Two models may share the key fields; any other field has one writer, whatever it looks like."""
    if first is second or first.source == second.source:
        return
    section = second.source.split(".")[1]
    if section in _SHARED and replace(first, source="", label="") == replace(second, source="", label=""):
        return
    path = tuple(second.source.split(".")[1:])
    yield mapping.at(path).problem(
        f"{second.sobject}.{second.name} is already used by {first.source}; two mappings may not write one field"
    )


def missing_fields(definitions: Iterable[FieldDefinition], describes: Describes) -> tuple[FieldDefinition, ...]:
    """The definitions that an org does not have (or does not show to our user) by its own describes. An sObject that
    was not described is not judged."""
    return tuple(d for d in definitions if any(_lacks(d, describes.get(name)) for name in _objects_of(d)))


def _objects_of(definition: FieldDefinition) -> tuple[str, ...]:
    return ("Task",) if definition.sobject == "Activity" else (definition.sobject,)


def _lacks(definition: FieldDefinition, describe: ObjectDescribe | None) -> bool:
    return describe is not None and describe.find(definition.name) is None
