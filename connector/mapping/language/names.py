"""Names and dotted paths -> fields, facts, parameters and the engine's own names.

Called by check and aggregates. Raises Unresolved with the advice that an unknown name deserves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from connector.describe import FieldDescribe, ObjectDescribe, nearest
from connector.mapping.language.scope import ACTIVITY, Scope, is_source, spelled
from connector.mapping.language.syntax import Path
from connector.mapping.language.tree import Clock, Fact, Field, Name, Node, Param, Step
from connector.mapping.language.types import ERROR, Kind, Type, type_of_field

MAX_STEPS = 5
"""SOQL follows at most five references in one path."""
COMPOUND = frozenset({"address", "location", "base64", "complexvalue", "json"})
_ID = Type(Kind.TEXT, lookup=True)


class Unresolved(Exception):
    """A name that means nothing here; `part` says which part of a path (0 the first)."""

    def __init__(self, message: str, part: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.part = part


def resolve(path: Path, scope: Scope) -> Node:
    """What a bare name or a dotted path means at this place. Raises Unresolved."""
    return _own_name(path, scope) or (_in_child(path, scope) if scope.child else _in_subject(path, scope))


def _own_name(path: Path, scope: Scope) -> Node | None:
    """The clock, the engine's names and what the place itself brings."""
    lower = str(path).lower()
    if lower in ("today", "now"):
        return Clock.of("today" if lower == "today" else "now", path.start, path.end)
    names = scope.extra if scope.child else scope.names
    if found := spelled(lower, names):
        return Name(names[found], found, start=path.start, end=path.end)
    return None


def _in_subject(path: Path, scope: Scope) -> Node:
    owner = describe_of(scope.subject, scope)
    _refuse_engine_name(path, owner)
    if path.parts[0].lower() == scope.subject.lower() and len(path.parts) > 1:
        return subject_field(path, 1, scope)
    if len(path.parts) > 1:
        _refuse_child_path(path, owner, scope)
        return subject_field(path, 0, scope)
    named = _keyed(path, scope)
    if named and owner.find(path.parts[0]):
        raise Unresolved(f"{path.parts[0]!r} is a field of {owner.name} and also a key of this model; rename the key")
    return named or subject_field(path, 0, scope)


def _in_child(path: Path, scope: Scope) -> Node:
    """In a `where` a bare name is the child's; the subject is written `Account.X`."""
    if len(path.parts) > 1 and path.parts[0].lower() == scope.subject.lower():
        return subject_field(path, 1, scope)
    return _child_has(path, scope) or _keyed(path, scope) or child_field(path, 0, scope)


def _child_has(path: Path, scope: Scope) -> Node | None:
    first, child = path.parts[0], scope.child or ""
    if child == "activity":
        known = first.lower() in ACTIVITY
    else:
        owner = describe_of(child, scope)
        known = owner.find(first) is not None or owner.parent(first) is not None
    return child_field(path, 0, scope) if known else None


def _keyed(path: Path, scope: Scope) -> Node | None:
    if len(path.parts) > 1:
        return None
    name, place = path.parts[0], {"start": path.start, "end": path.end}
    if key := spelled(name, scope.params):
        return Param(scope.params[key], key, **place)
    if spelled(name, scope.lists):
        raise Unresolved(f"{name!r} is a list; it is used as `x in {name}`")
    key = spelled(name, scope.facts)
    if key and scope.child:
        raise Unresolved(
            f"{name!r} is a fact; here stand fields of {scope.child}, {scope.subject}.X, parameters and lists only"
        )
    return Fact(scope.facts[key], key, **place) if key else None


# --- fields -----------------------------------------------------------------------------------------------


def subject_field(path: Path, skip: int, scope: Scope) -> Field:
    """The field of the subject or its parents that `path`, without its first `skip` parts, names."""
    return _field(path, skip, scope, "subject", scope.subject)


def child_field(path: Path, skip: int, scope: Scope) -> Field:
    """The field of the child record or its parents that `path`, without its first `skip` parts, names."""
    child = scope.child or scope.subject
    return _activity_field(path, skip) if child == "activity" else _field(path, skip, scope, "child", child)


def _activity_field(path: Path, skip: int) -> Field:
    name = ".".join(path.parts[skip:]).lower()
    if name not in ACTIVITY:
        raise Unresolved(_unknown(name, "field of activity", ACTIVITY, always=True), skip)
    return Field(ACTIVITY[name], "child", "activity", (), name, start=path.start, end=path.end)


def _field(path: Path, skip: int, scope: Scope, root: Literal["subject", "child"], sobject: str) -> Field:
    steps: list[Step] = []
    owner = describe_of(sobject, scope)
    for part in range(skip, len(path.parts) - 1):
        step = _step(owner, path.parts[part], part, scope)
        steps.append(step)
        owner = describe_of(step.sobject, scope, part)
    if len(steps) > MAX_STEPS:
        raise Unresolved(f"a path may follow {MAX_STEPS} references, this one follows {len(steps)}", skip)
    last = len(path.parts) - 1
    found = owner.find(path.parts[last])
    if found is None and scope.open_child and sobject == scope.child and not steps:
        return Field(ERROR, "source", sobject, (), path.parts[last], start=path.start, end=path.end)
    if found is None:
        raise Unresolved(_unknown_field(path.parts[last], owner, None if skip or steps else scope), last)
    return Field(
        _readable(found, owner, last), "source" if is_source(sobject) else root, sobject, tuple(steps), found.name,
        found.type, start=path.start, end=path.end,
    )  # fmt: skip


def _readable(field: FieldDescribe, owner: ObjectDescribe, part: int) -> Type:
    if field.type in COMPOUND:
        raise Unresolved(f"{owner.name}.{field.name} is made of several fields; name one of those", part)
    return type_of_field(field)


def _step(owner: ObjectDescribe, name: str, part: int, scope: Scope) -> Step:
    reference = owner.parent(name)
    if reference is None:
        raise Unresolved(_unknown_relationship(name, owner), part)
    targets = [t for t in reference.reference_to if t in scope.describes] or list(reference.reference_to)
    if len(targets) > 1 and "User" in targets and "Group" in targets:
        targets = ["User"]  # owners: a queue has no fields that rules ask for
    if len(targets) != 1:
        kinds = ", ".join(targets)
        raise Unresolved(
            f"{owner.name}.{name} can be one of several kinds of record ({kinds}); its fields cannot be read", part
        )
    return Step(reference.name, targets[0])


def describe_of(sobject: str, scope: Scope, part: int = 0) -> ObjectDescribe:
    """The describe of an sObject that a path has reached. Raises Unresolved."""
    found = scope.describes.get(sobject)
    if found is None:
        raise Unresolved(f"nothing is known about the sObject {sobject!r}: the org does not show it to this user", part)
    return found


# --- advice -----------------------------------------------------------------------------------------------


def _refuse_engine_name(path: Path, owner: ObjectDescribe) -> None:
    """Names that mean something elsewhere deserve to be told apart from slips."""
    first = path.parts[0].lower()
    if owner.find(first) or owner.parent(first):
        return
    if first in {"stage", "entered", "time_in_stage", "segment"}:
        raise Unresolved(f"{path.parts[0]!r} is known to rules only; facts read records")
    if first == "health":
        raise Unresolved("health.band and health.score are known to rules only, in a model that has health")
    if first == "activity":
        raise Unresolved("activity is read by aggregates, such as max(activity.date where two_way and done)")


def _refuse_child_path(path: Path, owner: ObjectDescribe, scope: Scope) -> None:
    child = spelled(path.parts[0], scope.describes)
    if child and owner.parent(path.parts[0]) is None:
        raise Unresolved(
            f"{child!r} is not a parent of {owner.name}; its records are counted or summed, such as "
            f"max({child}.{path.parts[1]}) or count({child} where ...)"
        )


def _unknown_field(name: str, owner: ObjectDescribe, scope: Scope | None) -> str:
    if owner.parent(name):
        reference = owner.parent(name)
        return f"{name!r} is a related record; write {name}.Name, or {reference.name if reference else name}"
    known = [*owner.fields]
    what = _of(owner.name)
    if scope is not None:
        known += [
            *scope.params,
            *scope.lists,
            *([] if scope.child else [*scope.facts, *scope.names]),
            *scope.clock_names,
        ]
        what = what if scope.child else f"{what}, a fact or a parameter"
        return _unknown(name, what, known)
    return _unknown(name, what, known, of=owner.name)


def _of(owner: str) -> str:
    return f"column of {owner.partition(':')[2]}" if is_source(owner) else f"field of {owner}"


def _unknown_relationship(name: str, owner: ObjectDescribe) -> str:
    field = owner.find(name)
    known = [f.relationship for f in owner.fields.values() if f.relationship]
    if field and field.relationship:
        return f"{name!r} is the reference itself; through it one reads {field.relationship}.Name and so on"
    return _unknown(name, f"relationship of {owner.name}", known, of=owner.name)


def _unknown(name: str, what: str, known: Iterable[str], *, of: str = "", always: bool = False) -> str:
    names = [*known]
    guess = nearest(name, names)
    head = f"unknown name {name!r}" + (f" on {of}" if of else "")
    if guess:
        return f"{head}; did you mean {guess!r}?"
    listed = f" ({', '.join(names)})" if always else ""
    return f"{head}; expected a {what}{listed}"
