"""Roll-up summary fields as definitions: what they count or add up, checked, and written as SQL.

Keys are those of the Metadata API (CustomField): summaryOperation, summaryForeignKey, summarizedField and
summaryFilterItems. Called by customization.py; platform/summaries.py keeps the values up to date.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from connector.localorg.definitions import NUMBER_TYPES, DefinitionError, FieldDef, ObjectDef, Schema
from connector.localorg.formula.fields import column_sql
from connector.localorg.schema import Definition

OPERATIONS = ("count", "sum", "min", "max")
STANDARD_MASTERS = frozenset(
    {("Opportunity", "AccountId"), ("OpportunityLineItem", "OpportunityId"), ("CampaignMember", "CampaignId")}
)
"""Standard lookups over which Salesforce rolls up as over a master-detail (help, roll-up summary fields)."""
SUMMARY_KEYS = frozenset({"summaryOperation", "summaryForeignKey", "summarizedField", "summaryFilterItems"})
_COMPARISONS = {"lessThan": "<", "greaterThan": ">", "lessOrEqual": "<=", "greaterOrEqual": ">="}
_LISTS = ("equals", "notEqual", "contains", "notContain", "startsWith", "includes", "excludes")
FILTERS = (*_LISTS, *_COMPARISONS)


class SummaryError(DefinitionError):
    """A roll-up summary that Salesforce would not let anybody define."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One roll-up summary field: `field` of `parent`, computed over the children that `link` points from."""

    parent: str
    field: str
    child: str
    link: str
    operation: str
    summarized: str | None
    filters: tuple[tuple[str, str, str], ...]


def is_summary(raw: Definition) -> bool:
    """Whether a definition is that of a roll-up summary field."""
    return bool(raw.get("summaryForeignKey"))


def read_summary(parent: str, raw: Definition) -> Summary:
    """Read a definition; names may carry their object, as in the Metadata API."""
    child, _, link = str(raw["summaryForeignKey"]).rpartition(".")
    summarized = raw.get("summarizedField")
    items = raw.get("summaryFilterItems") or ()
    return Summary(
        parent,
        str(raw["name"]),
        child,
        link,
        str(raw.get("summaryOperation")),
        str(summarized).rpartition(".")[2] if summarized else None,
        tuple((str(i["field"]).rpartition(".")[2], str(i["operation"]), str(i.get("value") or "")) for i in items),
    )


def complete_summary(objects: Mapping[str, ObjectDef], parent: ObjectDef, raw: Definition) -> Definition:
    """Give a definition the type of what it computes; raises SummaryError."""
    summary = read_summary(parent.name, raw)
    where = f"{parent.name}.{summary.field}"
    if summary.operation not in OPERATIONS:
        raise SummaryError(f"{where}: summaryOperation is one of {', '.join(OPERATIONS)}, not {summary.operation!r}")
    child = objects.get(summary.child.lower())
    link = child.find(summary.link) if child else None
    if child is None or link is None or parent.name not in link.reference_to:
        raise SummaryError(f"{where}: summaryForeignKey {raw['summaryForeignKey']!r} is no field that points at it")
    if (child.name, link.name) not in STANDARD_MASTERS and not (link.custom and link.raw["cascadeDelete"]):
        raise SummaryError(f"{where}: {child.name}.{link.name} is no master-detail relationship")
    for name, operation, _ in summary.filters:
        if not child.has(name) or operation not in FILTERS:
            raise SummaryError(f"{where}: cannot filter by {child.name}.{name} {operation}; {', '.join(FILTERS)}")
    return {"calculated": True, "formulaTreatNullNumberAsZero": False, **_result(where, child, summary), **raw}


def _result(where: str, child: ObjectDef, summary: Summary) -> Definition:
    """Sums are of numbers, the least and the greatest also of days and moments."""
    if summary.operation == "count":
        return {"type": "double", "precision": 18, "scale": 0}
    found = child.find(summary.summarized or "")
    kinds = NUMBER_TYPES | {"int"} | (frozenset() if summary.operation == "sum" else {"date", "datetime"})
    if found is None or found.type not in kinds:
        raise SummaryError(f"{where}: there is no {summary.operation} of {child.name}.{summary.summarized}")
    if found.type in ("date", "datetime"):
        return {"type": found.type}
    return {"type": "double" if found.type == "int" else found.type, "precision": 18, "scale": found.scale}


@lru_cache(maxsize=64)
def summaries_by_child(schema: Schema) -> Mapping[str, tuple[Summary, ...]]:
    """All roll-up summary fields of an org, by the object that they are computed over."""
    found: dict[str, tuple[Summary, ...]] = {}
    for parent in schema.objects.values():
        for field in parent.fields.values():
            if is_summary(field.raw):
                summary = read_summary(parent.name, field.raw)
                child = schema.get(summary.child).name
                found[child] = (*found.get(child, ()), summary)
    return found


@lru_cache(maxsize=256)
def summaries_of(schema: Schema, parent: str) -> tuple[Summary, ...]:
    """The roll-up summary fields of one object."""
    return tuple(s for some in summaries_by_child(schema).values() for s in some if s.parent == parent)


@lru_cache(maxsize=256)
def summary_sql(schema: Schema, summary: Summary) -> str:
    """The value for the parent row `p` as one SQL expression; raises SummaryError for a filter that cannot be read.

    Nothing counted or added up is 0, the least of nothing is empty.
    """
    child = schema.get(summary.child)
    link = child.fields[summary.link.lower()].name
    conditions = [f't."{link}" = p."Id"', *(['t."IsDeleted" = 0'] if child.has("IsDeleted") else [])]
    conditions += [_condition(schema, child, *item) for item in summary.filters]
    return f'(SELECT {_aggregate(schema, child, summary)} FROM "{child.name}" t WHERE {" AND ".join(conditions)})'


def _aggregate(schema: Schema, child: ObjectDef, summary: Summary) -> str:
    if summary.operation == "count" or summary.summarized is None:
        return "COUNT(*)"
    found = child.fields[summary.summarized.lower()]
    value = column_sql(schema, child, found, "t")
    if found.type == "currency" and child.has("CurrencyIsoCode"):
        value = f"{value} / {_rate('t')} * {_rate('p')}"
    computed = f"{summary.operation.upper()}({value})"
    if found.type in ("date", "datetime"):
        return computed
    return f"COALESCE(ROUND({computed}, {found.scale}), 0)" if summary.operation == "sum" else computed


def _rate(table: str) -> str:
    """Amounts are converted by the rates of today, never by dated ones (help, advanced currency management)."""
    return f'(SELECT c."ConversionRate" FROM "CurrencyType" c WHERE c."IsoCode" = {table}."CurrencyIsoCode")'


def _condition(schema: Schema, child: ObjectDef, name: str, operation: str, value: str) -> str:
    """One filter item; several values with commas between them are alternatives, a blank one means empty."""
    found = child.fields[name.lower()]
    column = column_sql(schema, child, found, "t")
    if operation in _COMPARISONS:
        return f"{column} {_COMPARISONS[operation]} {_literal(child, found, value)}"
    wanted = [w.strip() for w in value.split(",")]
    if operation in ("equals", "notEqual"):
        alike = " OR ".join(f"{column} IS {_literal(child, found, w)}" for w in wanted)
    elif operation in ("includes", "excludes"):
        alike = " OR ".join(f"instr(';' || {column} || ';', {_quoted(f';{w};')}) > 0" for w in wanted)
    elif operation == "startsWith":
        alike = " OR ".join(f"instr(sf_fold({column}), sf_fold({_quoted(w)})) = 1" for w in wanted)
    else:
        alike = " OR ".join(f"instr(sf_fold({column}), sf_fold({_quoted(w)})) > 0" for w in wanted)
    return f"NOT COALESCE(({alike}), 0)" if operation in ("notEqual", "notContain", "excludes") else f"({alike})"


def _literal(child: ObjectDef, found: FieldDef, text: str) -> str:
    """A value of a filter item as SQL, by the type of its field."""
    if not text:
        return "NULL"
    try:
        if found.type == "boolean":
            return {"true": "1", "false": "0"}[text.lower()]
        if found.type in NUMBER_TYPES or found.type == "int":
            return str(float(Decimal(text)))
        if found.type == "date":
            return _quoted(date.fromisoformat(text).isoformat())
    except (KeyError, ValueError, InvalidOperation):
        raise SummaryError(f"{child.name}.{found.name} is a {found.type} field and cannot be {text!r}") from None
    return _quoted(text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def check_summaries(schema: Schema, definitions: list[Definition]) -> None:
    """Refuse filters whose values cannot be read; raises SummaryError."""
    for definition in definitions:
        owner = schema.get(str(definition.get("sobject") or definition["name"]))
        for found in owner.fields.values():
            if is_summary(found.raw):
                summary_sql(schema, read_summary(owner.name, found.raw))


def changed_summaries(before: Schema, after: Schema) -> list[Summary]:
    """Roll-up summary fields that are new, or computed otherwise than before."""
    old: set[Any] = {s for some in summaries_by_child(before).values() for s in some}
    return [s for some in summaries_by_child(after).values() for s in some if s not in old]
