"""Who sees and writes what: object permissions and field-level security per user. Called by validation, describe, SOQL.

A hidden field is absent, not forbidden: clients get the same answers as for a field that does not exist (reference 6).
Rules for everyone stand for what profiles hide; a permission set lifts them for those who have it (reference 8.2).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from connector.localorg.definitions import FieldDef, ObjectDef

EVERYONE = "*"
Verb = Literal["Read", "Create", "Edit", "Delete"]
GOVERNED = frozenset(
    {"Account", "Asset", "Campaign", "Case", "Contact", "Contract", "Lead", "Opportunity", "Pricebook2", "Product2"}
)
"""Standard objects that object permissions are about; custom ones are all."""
ACTIVITY_PERMISSIONS: Mapping[str, str] = {"Event": "EditEvent", "Task": "EditTask"}
"""Objects that no object permissions are about, and the user permission that lets people write them (reference 7.4)."""
FOLLOWERS: Mapping[str, str] = {
    "AccountHistory": "Account",
    "AccountTeamMember": "Account",
    "CampaignMember": "Campaign",
    "CampaignMemberStatus": "Campaign",
    "OpportunityContactRole": "Opportunity",
    "OpportunityHistory": "Opportunity",
    "OpportunityLineItem": "Opportunity",
    "PricebookEntry": "Pricebook2",
}
"""Objects whose records belong to another's: reading follows Read of it, writing follows Edit (UNVERIFIED)."""


@dataclass(frozen=True, slots=True)
class Grants:
    """What permission sets allow a user; restricted users have a profile that allows nothing by itself."""

    restricted: bool = False
    readable: frozenset[str] = frozenset()
    editable: frozenset[str] = frozenset()
    objects: Mapping[str, frozenset[str]] = field(default_factory=dict)
    user: frozenset[str] = frozenset()
    """User permissions."""

    def allow(self, sobject: str, verb: Verb) -> bool:
        """Tell whether the user may do this to records of an object."""
        if not self.restricted:
            return True
        parent = FOLLOWERS.get(sobject)
        if verb != "Read" and (needed := ACTIVITY_PERMISSIONS.get(sobject)):
            return needed in self.user
        if parent is not None:
            return self.allow(parent, "Read" if verb == "Read" else "Edit")
        governed = sobject in GOVERNED or sobject.endswith("__c")
        return not governed or verb in self.objects.get(sobject, ())


NO_GRANTS = Grants()


@dataclass(frozen=True, slots=True)
class Access:
    """One user's view of the schema. Keys are `Object.Field` and `Object` in canonical spelling."""

    hidden_fields: frozenset[str] = frozenset()
    read_only_fields: frozenset[str] = frozenset()
    hidden_objects: frozenset[str] = frozenset()
    grants: Grants = NO_GRANTS

    def allows(self, definition: ObjectDef, verb: Verb) -> bool:
        """Tell whether the user may do this to records of the object, were it possible at all."""
        return self.grants.allow(definition.name, verb)

    def sees_object(self, definition: ObjectDef) -> bool:
        """Tell whether the object exists for this user."""
        return definition.name not in self.hidden_objects and self.grants.allow(definition.name, "Read")

    def sees(self, definition: ObjectDef, wanted: FieldDef) -> bool:
        """Tell whether the field exists for this user."""
        hidden = key_of(definition, wanted) in self.hidden_fields
        return not hidden and self._granted(definition, wanted, self.grants.readable)

    def writes(self, definition: ObjectDef, wanted: FieldDef) -> bool:
        """Tell whether the user may set the field, were it not read-only by nature."""
        read_only = key_of(definition, wanted) in self.read_only_fields
        return not read_only and self._granted(definition, wanted, self.grants.editable)

    def _granted(self, definition: ObjectDef, wanted: FieldDef, granted: frozenset[str]) -> bool:
        """Field permissions are about fields that describe calls permissionable; a compound one follows its parts."""
        if not self.grants.restricted:
            return True
        if not wanted.stored:
            parts = (f for f in definition.fields.values() if f.raw["compoundFieldName"] == wanted.name)
            return any(key_of(definition, f) in granted for f in parts)
        return not wanted.raw["permissionable"] or key_of(definition, wanted) in granted

    def field(self, definition: ObjectDef, name: str) -> FieldDef | None:
        """Look a field up as this user: unknown and hidden are the same."""
        found = definition.find(name)
        return found if found is not None and self.sees(definition, found) else None


def key_of(definition: ObjectDef, wanted: FieldDef) -> str:
    """The key under which security knows a field; a person's on Account is that of Contact (help, Account Fields)."""
    return str(wanted.raw.get("mirrors") or f"{definition.name}.{wanted.name}")


SYSTEM_ACCESS = Access()


@dataclass(slots=True)
class AccessRules:
    """What is hidden from whom; `*` stands for every user. Lives in the org's state."""

    hidden_fields: dict[str, list[str]] = field(default_factory=dict)
    read_only_fields: dict[str, list[str]] = field(default_factory=dict)
    hidden_objects: dict[str, list[str]] = field(default_factory=dict)

    def of(self, user_id: str, grants: Grants = NO_GRANTS) -> Access:
        """Return one user's view."""
        return Access(
            _merged(self.hidden_fields, user_id, grants.readable),
            _merged(self.read_only_fields, user_id, grants.editable),
            _merged(self.hidden_objects, user_id),
            grants,
        )


def _merged(rules: dict[str, list[str]], user_id: str, lifted: frozenset[str] = frozenset()) -> frozenset[str]:
    return frozenset(rules.get(EVERYONE, ())) - lifted | frozenset(rules.get(user_id, ()))


def add_rule(rules: dict[str, list[str]], user_id: str, keys: Iterable[str]) -> None:
    """Add keys to a user's rule, keeping them sorted so that equal orgs have equal bytes."""
    rules[user_id] = sorted({*rules.get(user_id, ()), *keys})


def drop_rule(rules: dict[str, list[str]], user_id: str, key: str) -> None:
    """Take one key out of a user's rule."""
    rules[user_id] = [k for k in rules.get(user_id, ()) if k != key]
