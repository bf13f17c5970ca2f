"""Aggregates over child records: which children there are, how they reach the subject, what comes out.

Called by check. Raises Unresolved for names; other findings are returned as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from connector.describe import Describes, ObjectDescribe, nearest
from connector.mapping.language.names import Unresolved, describe_of
from connector.mapping.language.scope import ACTIVITY_READS, MEMBER_READS, Scope, spelled
from connector.mapping.language.syntax import Invocation, Path
from connector.mapping.language.tree import AggregateKind, Field, Reads
from connector.mapping.language.types import BOOLEAN, COUNT, NUMBER, Kind, Type, either, exact

OF_RECORDS = frozenset({"count", "exists"})
BY_DATE = frozenset({"first", "latest"})
_TIMES = frozenset({Kind.DATE, Kind.DATETIME})
_NUMBERS = frozenset({Kind.NUMBER})
_TAKES: Mapping[str, frozenset[Kind]] = {
    "sum": _NUMBERS, "avg": _NUMBERS, "median": _NUMBERS, "min": _NUMBERS | _TIMES, "max": _NUMBERS | _TIMES,
    "distinct": _NUMBERS | _TIMES | {Kind.TEXT},
    "first": _NUMBERS | _TIMES | {Kind.TEXT, Kind.BOOLEAN}, "latest": _NUMBERS | _TIMES | {Kind.TEXT, Kind.BOOLEAN},
}  # fmt: skip
_SUM_HEADROOM = 10
"""A sum of ten thousand million records has so many more digits than one of them."""


@dataclass(frozen=True)
class Meaning:
    """How an aggregate is written, what it gives, and an example, for the reference."""

    usage: str
    meaning: str
    example: str


_OF_FIELD = "{}(Child.Field [via Reference] [where condition])"
MEANINGS: Mapping[AggregateKind, Meaning] = {
    "count": Meaning("count(Child [via Reference] [where condition])", "how many records; 0 when there are none",
                     "count(Opportunity where IsWon)"),
    "exists": Meaning("exists(Child [via Reference] [where condition])", "whether there is a record",
                      "exists(Opportunity where Amount > 300)"),
    "sum": Meaning(_OF_FIELD.format("sum"), "the sum of what is filled in; 0 of nothing",
                   "sum(Opportunity.Amount where IsWon)"),
    "avg": Meaning(_OF_FIELD.format("avg"), "the average of what is filled in; unknown of nothing",
                   "avg(Opportunity.Amount where IsWon)"),
    "median": Meaning(_OF_FIELD.format("median"), "the middle one; unknown of nothing", "median(Opportunity.Amount)"),
    "min": Meaning(_OF_FIELD.format("min"), "the smallest number or earliest date; unknown of nothing",
                   "min(Opportunity.CloseDate where IsWon)"),
    "max": Meaning(_OF_FIELD.format("max"), "the largest number or latest date; unknown of nothing",
                   "max(Opportunity.CloseDate)"),
    "distinct": Meaning(_OF_FIELD.format("distinct"), "how many different values, blank ones left out",
                        "distinct(Opportunity.StageName)"),
    "first": Meaning("first(Child.Field by Date [via Reference] [where condition])",
                     "the value of the earliest record; unknown of nothing",
                     "first(Opportunity.Amount by CreatedDate)"),
    "latest": Meaning("latest(Child.Field by Date [via Reference] [where condition])",
                      "the value of the latest record; unknown of nothing",
                      "latest(Opportunity.StageName by CloseDate where IsWon)"),
}  # fmt: skip


def child_of(path: Path, scope: Scope) -> str:
    """The child's sObject, as the org spells it. Raises Unresolved."""
    name = path.parts[0]
    if name.lower() == "activity":
        return "activity"
    if found := spelled(name, scope.describes):
        return found
    guess = nearest(name, [*scope.describes, "activity"])
    advice = f"did you mean {guess!r}?" if guess else "the org shows no such sObject to this user"
    raise Unresolved(f"unknown sObject {name!r}; {advice}")


def usage_problem(call: Invocation) -> str:
    """What is wrong with the form of an aggregate; empty when nothing is."""
    kind, name = call.name.lower(), call.name
    if len(call.arguments) != 1 or not isinstance(call.arguments[0], Path):
        example = "Opportunity where IsWon" if kind in OF_RECORDS else "Opportunity.Amount where IsWon"
        return f"{name} takes child records and a condition, such as {name}({example})"
    path = call.arguments[0]
    if kind in OF_RECORDS and len(path.parts) > 1:
        return (
            f"{name} counts records; write {name}({path.parts[0]} where ...), or distinct({path}) for different values"
        )
    if kind not in OF_RECORDS and len(path.parts) < 2:
        return f"{name} takes a field of the child records, such as {name}({path}.CreatedDate)"
    if kind in BY_DATE and call.by is None:
        return f"{name} must say in which order: {name}({path} by CreatedDate)"
    if kind not in BY_DATE and call.by is not None:
        return f"`by` belongs to first and latest, not to {name}"
    return ""


def child_scope(scope: Scope, sobject: str) -> Scope:
    """What a `where` over this child may name."""
    return replace(scope, child=sobject, aggregates=False)


def unfit(kind: str, value: Field) -> str:
    """Why this field cannot be aggregated like that; empty when it can."""
    taken = _TAKES[kind]
    if value.type.kind in taken:
        return ""
    return f"{kind} takes {either(taken)}, and {value.name} is {value.type.kind.phrase}"


def result_of(kind: AggregateKind, value: Field | None) -> Type:
    """The type of an aggregate."""
    match kind:
        case "count" | "distinct":
            return COUNT
        case "exists":
            return BOOLEAN
        case "avg" | "median":
            return NUMBER
    if value is None:
        return NUMBER
    if kind == "sum" and value.type.digits:
        before, after = value.type.digits
        return exact(min(before + _SUM_HEADROOM, 38 - after), after)
    return value.type


# --- joins ------------------------------------------------------------------------------------------------


def join_of(sobject: str, via: Path | None, scope: Scope) -> tuple[str, Reads]:
    """The child's field that refers to the subject ('' for activity and members), and what reading it takes."""
    if sobject == "activity":
        return _activity_join(via, scope)
    if sobject == "CampaignMember" and scope.subject == "Account" and via is None:
        return "", _known_reads(MEMBER_READS, scope.describes)
    child = describe_of(sobject, scope)
    references = _references(child, scope.subject)
    field = _named(via, child, references, scope) if via else _only(child, references, scope)
    return field, ((sobject, field),)


def _activity_join(via: Path | None, scope: Scope) -> tuple[str, Reads]:
    if via is not None:
        raise Unresolved("activity reaches the subject by itself; leave out `via`")
    if scope.subject != "Account":
        raise Unresolved(f"activity is available for Account, and the subject is {scope.subject}; use Task or Event")
    ours = (("Task", scope.task_key),) if scope.task_key else ()
    return "", tuple(sorted((*_known_reads(ACTIVITY_READS, scope.describes), *ours)))


def _known_reads(wanted: Mapping[str, Iterable[str]], describes: Describes) -> Reads:
    pairs = ((s, f) for s, names in wanted.items() if s in describes for f in names if describes[s].find(f))
    return tuple(sorted(pairs))


def _references(child: ObjectDescribe, subject: str) -> tuple[str, ...]:
    fields = child.fields.values()
    return tuple(f.name for f in fields if subject in f.reference_to and f.name != "MasterRecordId")


def _only(child: ObjectDescribe, references: tuple[str, ...], scope: Scope) -> str:
    if f"{scope.subject}Id" in references:
        return f"{scope.subject}Id"
    if len(references) == 1:
        return references[0]
    if not references:
        raise Unresolved(
            f"{child.name} has no field that refers to {scope.subject}, so none of its records belong to one"
        )
    choices = ", ".join(references)
    raise Unresolved(
        f"{child.name} refers to {scope.subject} in several fields ({choices}); say which: `via {references[0]}`"
    )


def _named(via: Path, child: ObjectDescribe, references: tuple[str, ...], scope: Scope) -> str:
    found = spelled(str(via), references)
    if found:
        return found
    allowed = f"; write {' or '.join(references)}" if references else ""
    raise Unresolved(f"{child.name}.{via} is no field that refers to {scope.subject}{allowed}")
