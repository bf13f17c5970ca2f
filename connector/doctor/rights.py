"""What the mappings read and write, against what our user may. Pure; describes in, findings out.

A field that a user may not read is absent from describe, like one that does not exist (reference 6).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.data import Needs
from connector.describe import Describes
from connector.mapping import Mapping as Model
from connector.mapping.check_created import written_fields
from connector.mapping.model import ModelFile
from connector.report import Check, Finding
from connector.sharing import is_secured

_TASK = ("Subject", "Status", "OwnerId", "ActivityDate", "Description", "Priority")
_ADD = "add to a permission set of the connector's user"
_EXPORT = "deploy what `connector setup export` writes and assign its permission set"


@dataclass
class Written:
    """What is written of one sObject."""

    create: set[str] = field(default_factory=set)
    update: set[str] = field(default_factory=set)


def writes_of(models: Iterable[Model]) -> dict[str, Written]:
    """Every sObject that these models write, with the fields."""
    found: dict[str, Written] = {}
    for mapping in models:
        model = mapping.model
        people = {d.name.lower() for d in mapping.fields if d.people_write}
        names = {name for name, _ in written_fields(model) if name.lower() not in people}
        found.setdefault(model.subject, Written()).update |= names
        if model.ctas or model.playbooks:
            task = found.setdefault("Task", Written())
            what = "WhoId" if model.subject in ("Contact", "Lead") else "WhatId"
            task.create |= {*_TASK, what, model.keys.task, *_set_fields(model)}
            task.update.add("Status")
        if model.campaigns:
            member = found.setdefault("CampaignMember", Written())
            member.create |= {"CampaignId", "Status", model.keys.member, *(_person(model))}
            member.update.add("Status")
    return found


def _set_fields(model: ModelFile) -> set[str]:
    texts = [*model.ctas, *(step for book in model.playbooks for step in book.steps)]
    return {name for text in texts for name in text.set}


def _person(model: ModelFile) -> set[str]:
    return {"ContactId" if rule.people.roles_from else f"{rule.people.who}Id" for rule in model.campaigns}


def judge_rights(
    needs: Needs, describes: Describes, hidden: Mapping[str, str], writes: Mapping[str, Written],
    bodies: Mapping[str, Any], permissions: Mapping[str, Any], ours: Collection[str] = (),
) -> Check:  # fmt: skip
    """`hidden`: sObjects that the org does not show, with the reason; `bodies`: describes of what is written as the org
    sends them; `permissions`: our user's own; `ours`: `sObject.field` of those that `setup export` creates."""
    findings = (
        *_reading(needs, describes, hidden, ours), *_writing(writes, bodies, needs, ours),
        *_permitted(writes, bodies, permissions)
    )  # fmt: skip
    fields = sum(len(names) for names in needs.fields.values())
    good = f"all {fields} fields of {len(needs.fields)} sObjects can be read, and what is written can be written"
    return Check("Permissions", "" if findings else good, findings)


def _reading(
    needs: Needs, describes: Describes, hidden: Mapping[str, str], ours: Collection[str]
) -> Iterator[Finding]:  # fmt: skip
    for name, fields in sorted(needs.fields.items()):
        if name in hidden or name not in describes:
            line = f"objectPermissions {name}: allowRead, viewAllRecords" if is_secured(name) else f"read on {name}"
            yield Finding(
                "problem",
                f"{name} is not in this org, or not for our user to read; facts over it are unknown.",
                f"{_EXPORT}: {line}",
            )
            continue
        missing = {f for f in fields if describes[name].find(f) is None}
        made = {f for f in missing if f"{name}.{f}" in ours}
        for lacking, remedy in ((made, _EXPORT), (missing - made, _ADD)):
            if lacking:
                yield Finding(
                    "problem", f"{name}: {', '.join(sorted(lacking))}: not in this org, or not for our user to read; "
                    "facts over it are unknown.", f"{remedy}: fieldPermissions {_names(name, lacking)}: readable",
                )  # fmt: skip


def _writing(
    writes: Mapping[str, Written], bodies: Mapping[str, Any], needs: Needs, ours: Collection[str]
) -> Iterator[Finding]:  # fmt: skip
    for name, written in sorted(writes.items()):
        if body := bodies.get(name):
            yield from _object(name, written, body)
            told = {f.lower() for f in needs.fields.get(name, ())}
            yield from _fields(name, written, body, told, ours)


def _object(name: str, written: Written, body: Mapping[str, Any]) -> Iterator[Finding]:
    if written.create and not body.get("createable", True):
        yield Finding("problem", f"{name} records may not be created.", _to_create(name))
    if written.update and not body.get("updateable", True):
        yield Finding("problem", f"{name} records may not be changed.", _to_edit(name))


def _to_create(name: str) -> str:
    if name == "CampaignMember":
        return "tick Marketing User on the connector's user, and grant objectPermissions Campaign: allowEdit"
    return _to_edit(name)


def _to_edit(name: str) -> str:
    if name in ("Task", "Event"):
        return f"{_EXPORT}: userPermissions Edit{name}"
    if name == "CampaignMember":
        return f"{_EXPORT}: objectPermissions Campaign: allowEdit"
    return f"{_EXPORT}: objectPermissions {name}: allowEdit"


def _fields(
    name: str, written: Written, body: Mapping[str, Any], told: Collection[str], ours: Collection[str]
) -> Iterator[Finding]:
    """`told`: fields that are read as well, so that one which is hidden has been told already."""
    fields = {f["name"].lower(): f for f in body["fields"]}
    known = {name: {} for name in told} | fields
    for wanted, right in ((written.create, "createable"), (written.update, "updateable")):
        if body.get(right, True):
            refused = {f for f in wanted if not known.get(f.lower(), {right: False}).get(right, True)}
            verb = "set" if right == "createable" else "changed"
            made = {f for f in refused if f"{name}.{f}" in ours}
            yield from _refused(name, made, verb, _EXPORT)
            yield from _refused(name, refused - made, verb, _ADD)


def _refused(name: str, fields: Collection[str], verb: str, remedy: str) -> Iterator[Finding]:
    if fields:
        text = f"{name}: {', '.join(sorted(fields))} may not be {verb}."
        yield Finding("problem", text, f"{remedy}: fieldPermissions {_names(name, fields)}: editable")


def _permitted(
    writes: Mapping[str, Written], bodies: Mapping[str, Any], permissions: Mapping[str, Any]
) -> Iterator[Finding]:
    """What describe does not say already."""
    if not permissions:
        yield Finding(
            "not provable", "The org does not tell what our user may do.", "grant View Setup and Configuration"
        )
    elif "Task" in writes and not permissions.get("PermissionsEditTask") and _is_open(bodies.get("Task", {})):
        yield Finding("problem", "The user lacks Edit Tasks.", f"{_EXPORT}: userPermissions EditTask")


def _is_open(body: Mapping[str, Any]) -> bool:
    return bool(body.get("createable", True) and body.get("updateable", True))


def _names(sobject: str, fields: Iterable[str]) -> str:
    return ", ".join(f"{sobject}.{name}" for name in sorted(fields))
