"""What an org says about its sObjects and fields, and what it would make of a value.

Low layer: pure, over plain describe JSON. `salesforce` fetches describes, `store` keeps them, `mapping` checks
names and types against them, `plan` normalises before it compares. Source of the shapes and of the storing rules:
REST API guide, sObject Describe; rounding and trimming are listed in the docs as not confirmed against a live org.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connector.data import Value

TEXT_TYPES = frozenset({
    "string", "textarea", "picklist", "multipicklist", "combobox", "email", "phone", "url", "encryptedstring",
    "id", "reference", "anyType", "datacategorygroupreference", "time",
})  # fmt: skip
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent", "long"})

STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
"""Times of a record's last change, the best first: imports may set the second back, the third never moves."""


@dataclass(frozen=True)
class FieldDescribe:
    """One field, by the keys of describe that this program uses."""

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    calculated: bool = False
    unique: bool = False
    external_id: bool = False
    restricted: bool = False
    picklist: tuple[str, ...] = ()
    """Active values."""
    reference_to: tuple[str, ...] = ()
    relationship: str = ""
    """Name under which a dotted path reaches the parent; '' when there is none."""

    @property
    def is_text(self) -> bool:
        return self.type in TEXT_TYPES

    @property
    def is_number(self) -> bool:
        return self.type in NUMBER_TYPES


@dataclass(frozen=True)
class ObjectDescribe:
    name: str
    label: str = ""
    fields: Mapping[str, FieldDescribe] = field(default_factory=dict)
    """By API name."""

    def find(self, name: str) -> FieldDescribe | None:
        """The field called `name`, in any case."""
        return self.fields.get(name) or self._lower.get(name.lower())

    @property
    def _lower(self) -> dict[str, FieldDescribe]:
        return {n.lower(): f for n, f in self.fields.items()}

    @property
    def stamp(self) -> str:
        """The field that says when a record changed last, '' when this object has none."""
        return next((s for s in STAMPS if s in self.fields), "")

    def parent(self, relationship: str) -> FieldDescribe | None:
        """The reference field whose relationship name is `relationship`, in any case."""
        wanted = relationship.lower()
        return next((f for f in self.fields.values() if f.relationship.lower() == wanted), None)


Describes = Mapping[str, ObjectDescribe]


def read_describe(body: Mapping[str, Any]) -> ObjectDescribe:
    """An ObjectDescribe from the JSON of `/sobjects/X/describe` (or from the same keys in a file)."""
    fields = {f["name"]: _read_field(f) for f in body["fields"]}
    return ObjectDescribe(body["name"], body.get("label", body["name"]), fields)


def _read_field(raw: Mapping[str, Any]) -> FieldDescribe:
    values = tuple(v["value"] for v in raw.get("picklistValues") or () if v.get("active", True))
    return FieldDescribe(
        name=raw["name"], type=raw["type"], label=raw.get("label") or raw["name"],
        length=raw.get("length") or 0, precision=raw.get("precision") or raw.get("digits") or 0,
        scale=raw.get("scale") or 0, nillable=raw.get("nillable", True),
        createable=raw.get("createable", True), updateable=raw.get("updateable", True),
        calculated=raw.get("calculated", False), unique=raw.get("unique", False),
        external_id=raw.get("externalId", False), restricted=raw.get("restrictedPicklist", False),
        picklist=values, reference_to=tuple(raw.get("referenceTo") or ()),
        relationship=raw.get("relationshipName") or "",
    )  # fmt: skip


def normalise(value: Value, field: FieldDescribe) -> Value:
    """`value` as the org would hand it back after storing it in `field`; '' and None are both None."""
    if value is None or value == "":
        return False if field.type == "boolean" else None
    if field.is_text:
        return _normalise_text(str(value), field)
    if field.is_number and isinstance(value, (int, Decimal)):
        step = Decimal(1).scaleb(-field.scale)
        return Decimal(value).quantize(step, ROUND_HALF_UP)
    if isinstance(value, datetime):
        value = value.astimezone(UTC).replace(microsecond=0)
        return value.date() if field.type == "date" else value
    return value


def _normalise_text(text: str, field: FieldDescribe) -> str | None:
    """Salesforce trims the ends of text and refuses what is longer than the field, so we cut first."""
    text = text.strip()
    if field.length and field.type not in {"id", "reference", "picklist"} and len(text) > field.length:
        text = text[: field.length - 1].rstrip() + "…"
    return text or None


def same(left: Value, right: Value, field: FieldDescribe) -> bool:
    """Whether the org would not notice the difference between two values of `field`."""
    return normalise(left, field) == normalise(right, field)


def to_wire(value: Value) -> Any:
    """The JSON form in which the REST API takes `value`; None clears the field."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def from_wire(raw: Any, field: FieldDescribe) -> Value:
    """A Value from the JSON that a query returned for `field`; text '' becomes None, numbers Decimal."""
    if raw is None or raw == "":
        return None
    if field.is_number:
        return Decimal(str(raw))
    if field.type == "date":
        return date.fromisoformat(str(raw))
    if field.type == "datetime":
        return datetime.fromisoformat(str(raw)).astimezone(UTC)
    return bool(raw) if field.type == "boolean" else str(raw)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The spelling among `known` that `name` most likely meant, if any is near."""
    from difflib import get_close_matches  # imported here: only error paths come by

    lower = {k.lower(): k for k in known}
    found = get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    return lower[found[0]] if found else None
