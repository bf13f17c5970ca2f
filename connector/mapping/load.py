"""A mapping from its file or folder: read as one, overridden from settings, compiled and checked as a whole.

`load_mapping` is what the rest of the program calls. All problems of all files come together in one FileProblems,
so that an author mends them in one go.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from connector.describe import Describes, ObjectDescribe
from connector.errors import FileProblems, Problem
from connector.files import Document, Position
from connector.files import Path as Keys
from connector.mapping.check import check_model
from connector.mapping.compile import Compiled, compile_model
from connector.mapping.fields import FieldDefinition, fields_of_model
from connector.mapping.language.scope import is_source
from connector.mapping.mapping import Mapping
from connector.mapping.needs import needs_of
from connector.mapping.overrides import override
from connector.mapping.shape import shape
from connector.mapping.source import digest_of, own_describes, read_source, with_fields
from connector.mapping.sources import Source, sources_of
from connector.mapping.standard import standard_describes
from connector.mapping.whole import Whole

_ON_ACTIVITY = ("Task", "Event")


@dataclass(frozen=True)
class Judged:
    """What came of reading a mapping: everything that is wrong, and the mapping where nothing is an error."""

    problems: tuple[Problem, ...]
    mapping: Mapping | None = None
    sources: tuple[Source, ...] = ()
    """What the mapping reads beside the org, also where something else in it is wrong."""
    document: Document = field(default_factory=lambda: Document("", None), repr=False, compare=False)

    def at(self, path: Keys) -> Position:
        """Where a part of the model stands in its file."""
        return self.document.at(path)


def load_mapping(
    source: Path, describes: Describes | None = None, overrides: Map[str, Map[str, Any]] | None = None,
    sources: Describes = MappingProxyType({}),
) -> Mapping:  # fmt: skip
    """The mapping in a file or folder. `describes`: the org's; without them, those shipped with the program and the
    folder's own describe.json. `overrides`: from settings, by model. `sources`: the columns of files and queries that
    were read, by their names; those of others may be anything. Raises FileProblems with all that is wrong."""
    judged = judge_mapping(source, describes, overrides, sources)
    if judged.mapping is None:
        raise FileProblems(judged.problems)
    return judged.mapping


def judge_mapping(
    source: Path, describes: Describes | None = None, overrides: Map[str, Map[str, Any]] | None = None,
    sources: Describes = MappingProxyType({}),
) -> Judged:  # fmt: skip
    """Like load_mapping, but returns the problems, warnings included."""
    document = read_source(source)
    if not isinstance(document.data, dict) or not document.data:
        return Judged(
            document.problems or (document.at(()).problem("the file is empty; a mapping starts with format: 1"),)
        )
    own = (overrides or {}).get(str(document.data.get("model")), {})
    document = override(document, own)
    shaped = shape(document)
    if shaped.model is None:
        return Judged((*document.problems, *shaped.problems))
    fields = fields_of_model(shaped.model)
    found = _known(describes or with_fields(standard_describes(), own_describes(source)), fields)
    known = _with_status(found, shaped.model.keys.not_needed)
    compiled = Compiled()
    if shaped.model.subject in known and ("facts",) not in shaped.broken:  # else every name would be unknown
        compiled = compile_model(shaped.model, document, shaped, known, sources, known_values=describes is not None)
    whole = Whole(shaped.model, document, shaped, compiled, known, known_values=describes is not None)
    problems = _each_once([*document.problems, *shaped.problems, *compiled.problems, *check_model(whole)])
    beside = sources_of(shaped.model, _columns(compiled))
    if any(problem.severity == "error" for problem in problems):
        return Judged(problems, None, beside, document)
    mapping = _mapping(whole, compiled, fields, digest_of(source, own), problems)
    return Judged(problems, replace(mapping, sources=beside), beside, document)


def _columns(compiled: Compiled) -> dict[str, set[str]]:
    """What the expressions mention of each source."""
    found: dict[str, set[str]] = {}
    for expression in compiled.expressions.values():
        for name, columns in expression.fields.items():
            if is_source(name):
                found.setdefault(name, set()).update(columns)
    return found


def _mapping(
    whole: Whole, compiled: Compiled, fields: tuple[FieldDefinition, ...], digest: str, warnings: tuple[Problem, ...]
) -> Mapping:
    return Mapping(
        model=whole.model,
        expressions=compiled.expressions,
        templates=compiled.templates,
        fact_order=compiled.fact_order,
        needs=needs_of(whole.model, compiled.expressions, whole.describes),
        fields=fields,
        digest=digest,
        describes=whole.describes,
        warnings=warnings,
        document=whole.document,
    )


def _known(describes: Describes, fields: tuple[FieldDefinition, ...]) -> dict[str, ObjectDescribe]:
    """The describes with the fields that the model is to create, where the org does not have them yet."""
    extra: dict[str, ObjectDescribe] = {}
    for definition in fields:
        for name in _ON_ACTIVITY if definition.sobject == "Activity" else (definition.sobject,):
            known = describes.get(name)
            if known is not None and known.find(definition.name) is None:
                before = extra.get(name, ObjectDescribe(name)).fields
                extra[name] = ObjectDescribe(name, known.label, {**before, definition.name: definition.as_describe()})
    return with_fields(describes, extra)


def _with_status(describes: Describes, status: str) -> Describes:
    """With our closed status among those of Tasks, which rules may mention before setup has created it."""
    task = describes.get("Task")
    field = task.find("Status") if task else None
    if task is None or field is None or status in field.picklist:
        return describes
    fields = {**task.fields, field.name: replace(field, picklist=(*field.picklist, status))}
    return {**describes, "Task": replace(task, fields=fields)}


def _each_once(problems: list[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(set(problems)))
