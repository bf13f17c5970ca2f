"""Who sees and writes what: field-level security per user. Called by validation, describe and SOQL.

A hidden field is absent, not forbidden: clients get the same answers as for a field that does not exist (reference 6).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from connector.localorg.definitions import FieldDef, ObjectDef

EVERYONE = "*"


@dataclass(frozen=True, slots=True)
class Access:
    """One user's view of the schema. Keys are `Object.Field` and `Object` in canonical spelling."""

    hidden_fields: frozenset[str] = frozenset()
    read_only_fields: frozenset[str] = frozenset()
    hidden_objects: frozenset[str] = frozenset()

    def sees_object(self, definition: ObjectDef) -> bool:
        """Tell whether the object exists for this user."""
        return definition.name not in self.hidden_objects

    def sees(self, definition: ObjectDef, wanted: FieldDef) -> bool:
        """Tell whether the field exists for this user."""
        return f"{definition.name}.{wanted.name}" not in self.hidden_fields

    def writes(self, definition: ObjectDef, wanted: FieldDef) -> bool:
        """Tell whether the user may set the field, were it not read-only by nature."""
        return f"{definition.name}.{wanted.name}" not in self.read_only_fields

    def field(self, definition: ObjectDef, name: str) -> FieldDef | None:
        """Look a field up as this user: unknown and hidden are the same."""
        found = definition.find(name)
        return found if found is not None and self.sees(definition, found) else None


SYSTEM_ACCESS = Access()


@dataclass(slots=True)
class AccessRules:
    """What is hidden from whom; `*` stands for every user. Lives in the org's state."""

    hidden_fields: dict[str, list[str]] = field(default_factory=dict)
    read_only_fields: dict[str, list[str]] = field(default_factory=dict)
    hidden_objects: dict[str, list[str]] = field(default_factory=dict)

    def of(self, user_id: str) -> Access:
        """Return one user's view."""
        return Access(
            _merged(self.hidden_fields, user_id),
            _merged(self.read_only_fields, user_id),
            _merged(self.hidden_objects, user_id),
        )


def _merged(rules: dict[str, list[str]], user_id: str) -> frozenset[str]:
    return frozenset((*rules.get(EVERYONE, ()), *rules.get(user_id, ())))


def add_rule(rules: dict[str, list[str]], user_id: str, keys: Iterable[str]) -> None:
    """Add keys to a user's rule, keeping them sorted so that equal orgs have equal bytes."""
    rules[user_id] = sorted({*rules.get(user_id, ()), *keys})


def drop_rule(rules: dict[str, list[str]], user_id: str, key: str) -> None:
    """Take one key out of a user's rule."""
    rules[user_id] = [k for k in rules.get(user_id, ()) if k != key]
