"""What facts read beside Salesforce: which files and queries, by which key, and what is known of their columns.

Called by compile.py (names and types of columns), load.py (what a mapping reads) and, for what it found, by
pull/sources.py. Pure: where a source really is, and how to get in, is in settings, never here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from connector.describe import Describes, FieldDescribe, ObjectDescribe
from connector.errors import FixFirst
from connector.mapping.model import Fact, ModelFile
from connector.mapping.values import ColumnKind, KeyColumn

FILE, QUERY = "file:", "query:"
GIVEN_FACTS = "facts"
"""The key of an example's `given` that states values of such facts."""
_TYPES: Mapping[str, str] = {
    "number": "double", "text": "string", "date": "date", "datetime": "datetime", "boolean": "boolean",
}  # fmt: skip
_WHOLE, _FRACTION, _DIGITS = (4, 12, 18, 26), (0, 2, 6, 12), 38
"""Steps of digits before and after the point; together at most so many."""
UNTYPED = ""
"""Type of a column of which nothing is known yet: a fact over it is unknown for everybody."""


@dataclass(frozen=True)
class Source:
    """A file or a query, with everything that facts want of it."""

    name: str
    """`file:usage/nps.csv`, or `query:product/` and what tells the query from others."""
    place: str
    """The name under [sources] in settings."""
    path: str = ""
    """Of a file: below the place's directory."""
    query: str = ""
    columns: frozenset[str] = frozenset()
    """As the mapping spells them; the keys are not among them unless a fact mentions them."""
    keys: frozenset[KeyColumn] = frozenset()
    declared: Mapping[str, ColumnKind] = field(default_factory=dict)
    facts: tuple[str, ...] = ()
    sensitive: bool = False
    """A fact over it is; no value of it is shown in messages."""

    @property
    def shown(self) -> str:
        """What people call it."""
        return f"{self.place}/{self.path}" if self.path else f"the query on {self.place} ({', '.join(self.facts)})"

    @property
    def key(self) -> KeyColumn:
        """Of a single mapping's source: the one key that its facts agree on."""
        return min(self.keys)

    def __or__(self, other: Source) -> Source:
        """Both mappings' wishes for the same source. FixFirst when they disagree on what a column is."""
        for column, kind in other.declared.items():
            if self.declared.get(column, kind) != kind:
                raise FixFirst(
                    f"{self.shown}: one mapping declares `{column}` as {self.declared[column]}, another as {kind}. "
                    "Make them agree."
                )
        return replace(
            self, columns=self.columns | other.columns, keys=self.keys | other.keys,
            declared={**self.declared, **other.declared}, facts=tuple(dict.fromkeys((*self.facts, *other.facts))),
            sensitive=self.sensitive or other.sensitive,
        )  # fmt: skip


def source_name(fact: Fact) -> str:
    """The source that a fact reads; '' for a fact over records."""
    if fact.file:
        return FILE + fact.file
    if fact.query is None:
        return ""
    return f"{QUERY}{fact.database}/{hashlib.sha256(fact.query.encode()).hexdigest()[:8]}"


def sources_of(model: ModelFile, columns: Mapping[str, Iterable[str]] | None = None) -> tuple[Source, ...]:
    """The sources of a model, in the order of its facts. `columns`: what its expressions mention, by source."""
    found: dict[str, Source] = {}
    for key, fact in model.facts.items():
        name = source_name(fact)
        if name:
            one = _source(name, key, fact, frozenset((columns or {}).get(name, ())))
            found[name] = found[name] | one if name in found else one
    return tuple(found.values())


def _source(name: str, key: str, fact: Fact, columns: frozenset[str]) -> Source:
    place, _, path = (fact.file or fact.database or "").partition("/")
    keys = frozenset({fact.key} if fact.key else ())
    return Source(name, place, path, fact.query or "", columns, keys, dict(fact.columns), (key,), fact.sensitive)


def join_sources(sources: Iterable[Source]) -> tuple[Source, ...]:
    """What several mappings want, each source once. FixFirst when they disagree."""
    found: dict[str, Source] = {}
    for one in sources:
        found[one.name] = found[one.name] | one if one.name in found else one
    return tuple(found.values())


# --- columns as fields ----------------------------------------------------------------------------------------


def describe_source(source: Source, known: Describes, model: ModelFile) -> ObjectDescribe:
    """What is known of the columns: what the mapping declares, else what the data showed, else what the worked
    examples give."""
    fields: dict[str, FieldDescribe] = dict(_from_examples(model, source.name))
    data = known.get(source.name)
    for column in data.fields.values() if data else ():
        fields[column.name] = _merged(column, fields.get(column.name))
    for name, kind in source.declared.items():
        spelled = next((f for f in fields if f.lower() == name.lower()), name)
        if spelled not in fields or fields[spelled].type != _TYPES[kind]:
            fields[spelled] = column_field(spelled, kind)
    return ObjectDescribe(source.name, source.shown, fields)


def _merged(data: FieldDescribe, example: FieldDescribe | None) -> FieldDescribe:
    """What the data showed, wide enough for the numbers of the worked examples."""
    if example is None or data.type not in (UNTYPED, example.type):
        return data
    if data.type == UNTYPED or data.type != _TYPES["number"]:
        return replace(example, name=data.name)
    before = max(field.precision - field.scale for field in (data, example))
    after = max(data.scale, example.scale)
    return column_field(data.name, "number", before, min(after, max(0, _DIGITS - before)))


def column_field(name: str, kind: str, before: int = 0, after: int = 0) -> FieldDescribe:
    """A column as a field: its kind, and of numbers the digits before and after the point. Some room is left, so that a
    few digits more tomorrow do not make another type."""
    if kind != "number":
        return FieldDescribe(name, _TYPES.get(kind, UNTYPED))
    whole = next((step for step in _WHOLE if before <= step), before)
    fraction = next((step for step in _FRACTION if after <= step), after)
    if whole + fraction > _DIGITS:
        whole, fraction = before, after
    return FieldDescribe(name, "double", precision=whole + fraction, scale=fraction)


def _from_examples(model: ModelFile, source: str) -> Iterator[tuple[str, FieldDescribe]]:
    seen: dict[str, list[Any]] = {}
    for example in model.examples:
        for key, value in given_rows(model, example.given).get(source, {}).items():
            seen.setdefault(key, []).append(value)
    for name, values in seen.items():
        kinds = {kind for value in values if (kind := _kind_of(value))}
        if len(kinds) == 1:
            digits = [_digits(v) for v in values if not isinstance(v, bool) and isinstance(v, (int, Decimal))]
            yield name, column_field(name, min(kinds), *(max(d) for d in zip(*digits, strict=True)) if digits else ())


def _kind_of(value: Any) -> str:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "boolean"), ((int, Decimal), "number"), (datetime, "datetime"), (date, "date"), (str, "text"),
    )  # fmt: skip
    return next((kind for of, kind in kinds if isinstance(value, of)), "")


def _digits(value: int | Decimal) -> tuple[int, int]:
    _, digits, exponent = Decimal(value).as_tuple()
    after = max(0, -int(exponent))
    return max(1, len(digits) + int(exponent)) if int(exponent) > -len(digits) else 1, after


# --- rows of worked examples ----------------------------------------------------------------------------------


def given_rows(model: ModelFile, given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Source -> the row that an example's `facts` stand for. A bare value is the fact's column, dated by the day of
    the example; several columns are given by name. A fact that is null has no value in it."""
    rows: dict[str, dict[str, Any]] = {}
    facts = given.get(GIVEN_FACTS)
    for key, value in facts.items() if isinstance(facts, dict) else ():
        fact = model.facts.get(key)
        if fact is not None and (name := source_name(fact)) and value is not None:
            rows.setdefault(name, {}).update(value if isinstance(value, dict) else {fact.value.strip(): value})
    return rows


def undated(model: ModelFile, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(source, column) of the date of every fact that is given as a bare value."""
    facts = given.get(GIVEN_FACTS)
    for key, value in facts.items() if isinstance(facts, dict) else ():
        fact = model.facts.get(key)
        if fact is not None and fact.dated and source_name(fact) and not isinstance(value, dict | None):
            yield source_name(fact), fact.dated.strip()
