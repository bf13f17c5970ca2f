"""The rules that an admin has set up, as frozen values in the org's state.

setup.py adds them, rules.py applies them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from connector.localorg.layouts import Layout

LockKind = Literal["row", "approval"]


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """Refuses a record for which the formula is true; the message stands at a field, or at the top of the page."""

    sobject: str
    name: str
    formula: str
    message: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Finds another live record with equal values in all of these fields; letters count without case."""

    sobject: str
    name: str
    fields: tuple[str, ...]
    action: Literal["alert", "block"]


@dataclass(frozen=True, slots=True)
class AssignmentRule:
    """Gives a saved Lead or Case an owner when the formula is true; the first rule that fits wins."""

    sobject: str
    formula: str
    owner_id: str


@dataclass(frozen=True, slots=True)
class Lock:
    """A record that somebody else holds: a long transaction (row) or an approval. `until` is empty for no end."""

    kind: LockKind
    until: str = ""


@dataclass(frozen=True, slots=True)
class Automation:
    """A flow or an Apex trigger on an object, which this org knows of and does not run."""

    kind: Literal["flow", "trigger"]
    sobject: str
    name: str
    active: bool = True


@dataclass(slots=True)
class Setup:
    """All rules of an org. Record types: values by `RecordTypeId.Field`, defaults by object.

    Layouts are assigned by `Object` and by `Object.RecordType`.
    """

    validation_rules: list[ValidationRule] = field(default_factory=list)
    duplicate_rules: list[DuplicateRule] = field(default_factory=list)
    assignment_rules: list[AssignmentRule] = field(default_factory=list)
    picklists: dict[str, list[str]] = field(default_factory=dict)
    default_record_types: dict[str, str] = field(default_factory=dict)
    locks: dict[str, Lock] = field(default_factory=dict)
    layouts: list[Layout] = field(default_factory=list)
    layout_assignments: dict[str, str] = field(default_factory=dict)
    sharing_models: dict[str, str] = field(default_factory=dict)
    """By object, where an admin has changed the org-wide default."""
    automation: list[Automation] = field(default_factory=list)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Setup":
        """Read the rules back from the org's state."""
        return cls(
            [ValidationRule(**r) for r in raw.get("validation_rules", ())],
            [DuplicateRule(**{**r, "fields": tuple(r["fields"])}) for r in raw.get("duplicate_rules", ())],
            [AssignmentRule(**r) for r in raw.get("assignment_rules", ())],
            dict(raw.get("picklists", {})),
            dict(raw.get("default_record_types", {})),
            {k: Lock(**v) for k, v in raw.get("locks", {}).items()},
            [Layout.from_json(r) for r in raw.get("layouts", ())],
            dict(raw.get("layout_assignments", {})),
            dict(raw.get("sharing_models", {})),
            [Automation(**r) for r in raw.get("automation", ())],
        )
