"""The org's own rules over what is written: required fields, validation and duplicate rules, flows, triggers, record
types. Pure: rows of the org in, findings out.

None of them is wrong; each may refuse or change what the connector writes, which the report of a run then tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.doctor.rights import Written
from connector.report import Check, Finding

Rows = Sequence[Mapping[str, Any]]
_NAMED = 5


@dataclass(frozen=True)
class OrgRules:
    """What is active on the written sObjects; None where the org does not tell."""

    validation: Rows | None
    duplicates: Rows | None
    flows: Rows | None
    triggers: Rows | None


def judge_rules(rules: OrgRules, writes: Mapping[str, Written], bodies: Mapping[str, Any]) -> Check:
    """`bodies`: describes of what is written, as the org sends them."""
    findings = (*_required(writes, bodies), *_automation(rules), *_record_types(writes, bodies))
    good = f"nothing of the org's own stands on {', '.join(sorted(writes))}"
    return Check("Rules of the org", "" if findings else good, findings)


def _required(writes: Mapping[str, Written], bodies: Mapping[str, Any]) -> Iterator[Finding]:
    for name, written in sorted(writes.items()):
        ours = {f.lower() for f in written.create}
        missing = [f["name"] for f in bodies.get(name, {}).get("fields", ()) if _is_required(f)]
        if written.create and (missing := [f for f in missing if f.lower() not in ours]):
            yield Finding(
                "problem", f"{name}: {', '.join(missing)} must be filled in, and no mapping does so: every new record "
                "will be refused.", "give the field a default, make it optional, or set it in the mapping (`set:`)",
            )  # fmt: skip


def _is_required(field: Mapping[str, Any]) -> bool:
    return bool(
        field.get("createable") and not field.get("nillable", True) and not field.get("defaultedOnCreate")
        and field.get("type") != "boolean"
    )  # fmt: skip


def _automation(rules: OrgRules) -> Iterator[Finding]:
    yield from _told(
        rules.validation, "validation rule", lambda r: (r["EntityDefinition"]["QualifiedApiName"], r["ValidationName"]),
        "they may refuse what is written", "let the connector's user pass (a custom permission in the rule)",
    )  # fmt: skip
    yield from _told(
        rules.duplicates, "duplicate rule", lambda r: (r["SobjectType"], r["DeveloperName"]),
        "one that blocks refuses changes (those that only warn are passed)", "let the connector's user pass",
    )  # fmt: skip
    yield from _told(
        rules.flows, "flow", lambda r: (r["TriggerObjectOrEvent"]["QualifiedApiName"], r["ApiName"]),
        "they run on every record that is written, 200 at a time", "try them in a sandbox with a first run",
    )  # fmt: skip
    yield from _told(
        rules.triggers, "Apex trigger", lambda r: (r["TableEnumOrId"], r["Name"]),
        "they run on every record that is written, 200 at a time", "try them in a sandbox with a first run",
    )  # fmt: skip


def _told(rows: Rows | None, what: str, name_of: Any, effect: str, remedy: str) -> Iterator[Finding]:
    if rows is None:
        yield Finding(
            "not provable", f"The org does not tell its {what}s.", "grant View Setup and Configuration"
        )  # fmt: skip
    elif rows:
        names = sorted(".".join(name_of(row)) for row in rows)
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        number = f"{len(names)} active {what}{'s' * (len(names) > 1)}"
        yield Finding("warning", f"{number}: {', '.join(names[:_NAMED])}{more}; {effect}.", remedy)


def _record_types(writes: Mapping[str, Written], bodies: Mapping[str, Any]) -> Iterator[Finding]:
    """New records get the user's default one, which may not allow the values that are set (reference 6)."""
    for name, written in sorted(writes.items()):
        types = [t for t in bodies.get(name, {}).get("recordTypeInfos") or () if t.get("available")]
        if written.create and len(types) > 1:
            default = next((t["name"] for t in types if t.get("defaultRecordTypeMapping")), "none")
            yield Finding(
                "warning", f"{name} has record types; new ones get the default of the connector's user: {default}.",
                "see that its picklists have the values that the mapping sets (Status, Priority)",
            )  # fmt: skip
