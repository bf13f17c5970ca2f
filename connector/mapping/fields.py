"""The fields that a model needs in the org, derived from its mapping: type, length, picklist values, help text.

Used by orgsetup (source for deployment), by check.py (two writers of one field) and by load.py, which adds them to
the describes, so that rules may mention fields that are yet to be created. Facts of the platform: unique text has at
most 255 characters, help text 510.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connector.describe import FieldDescribe
from connector.mapping.model import Fact, ModelFile
from connector.mapping.values import FieldType

STATE_LENGTH = 2000
TEXT_LENGTH = 1000
HELP_LENGTH = 510
_TYPES = {"number": "double", "text": "string"}
"""Mapping's word -> describe's, where they differ."""


@dataclass(frozen=True)
class FieldDefinition:
    """One custom field, in the terms of describe."""

    sobject: str
    """`Activity` for fields of Task and Event."""
    name: str
    label: str
    type: str
    """string, textarea, picklist, boolean, date, datetime, double, currency or percent."""
    length: int = 0
    precision: int = 0
    scale: int = 0
    values: tuple[tuple[str, str], ...] = ()
    """(API value, label) of a picklist, in order."""
    unique: bool = False
    external_id: bool = False
    help: str = ""
    source: str = ""
    """Key path of the mapping that asks for it, after the model: `post_sale.facts.last_touch`."""
    people_write: bool = False
    """People fill it in; the connector only reads it."""

    def as_describe(self) -> FieldDescribe:
        """The field as an org would describe it once it exists."""
        return FieldDescribe(
            name=self.name, type=self.type, label=self.label, length=self.length, precision=self.precision,
            scale=self.scale, unique=self.unique, external_id=self.external_id, restricted=self.type == "picklist",
            nillable=self.type != "boolean", picklist=tuple(value for value, _ in self.values),
        )  # fmt: skip


def describe_shape(definition: FieldDefinition) -> dict[str, Any]:
    """The definition as describe JSON with its `sobject`, for preparing an org without deployment."""
    d = definition
    return {
        "sobject": d.sobject, "name": d.name, "label": d.label, "type": d.type, "length": d.length,
        "precision": d.precision, "scale": d.scale, "unique": d.unique, "externalId": d.external_id, "custom": True,
        "idLookup": d.external_id, "restrictedPicklist": d.type == "picklist", "inlineHelpText": d.help,
        "picklistValues": [
            {"value": v, "label": label, "active": True, "defaultValue": False} for v, label in d.values
        ],
        "nillable": d.type != "boolean", "defaultValue": False if d.type == "boolean" else None,
        "caseSensitive": d.unique,
    }  # fmt: skip


def fields_of_model(model: ModelFile) -> tuple[FieldDefinition, ...]:
    """Every custom field that the model writes, reads as an override, or keeps its keys in; sorted, each once."""
    found = [*_written(model), *_overrides(model), *_kpis(model), *_keys(model)]
    unique = {(d.sobject, d.name.lower()): d for d in reversed(found) if d.name.endswith("__c")}
    return tuple(sorted(unique.values(), key=lambda d: (d.sobject, d.name)))


_BANDS = (("green", "Green"), ("yellow", "Yellow"), ("red", "Red"))
_OURS: Mapping[str, tuple[str, str, str]] = {
    "stage": ("Stage", "picklist", ""),
    "state": ("Engine State", "textarea", "The connector's own memory. Do not edit, keep off layouts."),
    "previous": ("Previous Stage", "picklist", "The stage before the present one."),
    "entered": ("Stage Entered", "date", "The day on which the present stage began."),
    "reason": ("Stage Reason", "textarea", "Why the record is in its stage: the rule and the facts."),
    "proposed": (
        "Proposed Stage",
        "picklist",
        "What the rules suggest. To accept set the stage, to decline clear this.",
    ),
    "next": ("Next Steps", "textarea", "What must still happen for the next stage."),
    "health_score": ("Health Score", "double", "0 to 100, from the weighted measures of the model."),
    "health_band": ("Health", "picklist", "Green, yellow or red, from the health score."),
}
"""Key of `write` -> label, type, help."""
_THEIRS: Mapping[str, tuple[str, str, str]] = {
    "stage": ("Stage Override", "picklist", "Set by people: this stage holds, whatever the rules say."),
    "until": ("Stage Override Until", "date", "Set by people: the last day of the override; blank means {lasts}."),
    "reason": ("Stage Override Reason", "string", "Set by people: why the rules are overruled."),
}
"""Key of `override` -> label, type, help."""


def _written(model: ModelFile) -> Iterator[FieldDefinition]:
    for name, (label, kind, text) in _OURS.items():
        field = getattr(model.write, name)
        if field:
            title = label if name.startswith("health") else _label(model.label, label)
            yield FieldDefinition(
                model.subject, field, title, kind, help=_written_by_us(text or _stage_help(model)),
                source=_path(model, "write", name), **_size(model, name),
            )  # fmt: skip


def _overrides(model: ModelFile) -> Iterator[FieldDefinition]:
    for name, (label, kind, text) in _THEIRS.items():
        field = getattr(model.override, name, None)
        if field and model.override:
            yield FieldDefinition(
                model.subject, field, _label(model.label, label), kind, help=text.format(lasts=model.override.lasts),
                source=_path(model, "override", name), people_write=True,
                **({"length": 255} if kind == "string" else _size(model, name)),
            )  # fmt: skip


def _size(model: ModelFile, name: str) -> dict[str, Any]:
    if name in ("stage", "previous", "proposed"):
        return {"length": 255, "values": tuple((stage.api_value, stage.label) for stage in model.stages)}
    if name == "health_band":
        return {"length": 255, "values": _BANDS}
    if name == "health_score":
        return {"precision": 4, "scale": 1}
    return {"length": {"state": STATE_LENGTH, "reason": TEXT_LENGTH, "next": TEXT_LENGTH}.get(name, 0)}


def _kpis(model: ModelFile) -> Iterator[FieldDefinition]:
    for key, fact in model.facts.items():
        if fact.write and fact.type:
            yield _kpi(model, key, fact, fact.type)


def _kpi(model: ModelFile, key: str, fact: Fact, kind: FieldType) -> FieldDefinition:
    is_number = kind.kind in ("number", "currency", "percent")
    label = fact.label or key.replace("_", " ").capitalize()
    return FieldDefinition(
        model.subject, fact.write or "", label[:40], _TYPES.get(kind.kind, kind.kind),
        length=255 if kind.kind == "picklist" else kind.length, precision=kind.precision if is_number else 0,
        scale=kind.scale if is_number else 0, help=_written_by_us(fact.description or f"{label}."),
        source=_path(model, "facts", key),
    )  # fmt: skip


def _keys(model: ModelFile) -> Iterator[FieldDefinition]:
    text = "Identifies what the lifecycle connector created, so that nothing is created twice. Do not edit."
    for name, sobject in (("task", "Activity"), ("member", "CampaignMember")):
        yield FieldDefinition(
            sobject, getattr(model.keys, name), "Lifecycle Key", "string", length=255, unique=True, external_id=True,
            help=text, source=_path(model, "keys", name),
        )  # fmt: skip


def _stage_help(model: ModelFile) -> str:
    return model.description or f"{model.label}: " + ", ".join(stage.label for stage in model.stages) + "."


def _written_by_us(text: str) -> str:
    note = " Written by the lifecycle connector."
    return text[: HELP_LENGTH - len(note)].rstrip() + note


def _label(title: str, label: str) -> str:
    """At most 40 characters, as Salesforce allows."""
    word = title.removeprefix("Customer ").removesuffix(" lifecycle").strip().capitalize()
    return f"{word} {label}" if len(word) + len(label) < 40 else label


def _path(model: ModelFile, *parts: str) -> str:
    return ".".join((model.model, *parts))
