"""The describe data for offline checks says what the local org says; UPDATE_DESCRIBE_DATA=1 writes it anew."""

from __future__ import annotations

import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from connector.describe import read_describe
from connector.localorg.schema import load_schema
from connector.mapping.standard import DATA, standard_describes

_DEFAULTS: dict[str, Any] = {
    "length": 0, "precision": 0, "scale": 0, "nillable": True, "createable": True, "updateable": True,
    "calculated": False, "unique": False, "externalId": False, "restrictedPicklist": False, "referenceTo": [],
    "relationshipName": None,
}  # fmt: skip


def compact(body: dict[str, Any]) -> dict[str, Any]:
    return {"name": body["name"], "label": body["label"], "fields": [_compact_field(f) for f in body["fields"]]}


def _compact_field(raw: dict[str, Any]) -> dict[str, Any]:
    out = {"name": raw["name"], "type": raw["type"], "label": raw["label"]}
    out |= {key: raw[key] for key, default in _DEFAULTS.items() if raw[key] != default}
    if raw["digits"] and not raw["precision"]:
        out["precision"] = raw["digits"]
    values = [{"value": v["value"]} for v in raw["picklistValues"] if v["active"]]
    return out | ({"picklistValues": values} if values else {})


def test_describe_data_is_what_the_local_org_says() -> None:
    schema = load_schema()
    if os.environ.get("UPDATE_DESCRIBE_DATA"):
        lines = ",\n".join(json.dumps(compact(schema[name]), separators=(",", ":")) for name in sorted(schema))
        path = Path(str(resources.files("connector"))) / DATA
        path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        standard_describes.cache_clear()
    assert standard_describes() == {name: read_describe(body) for name, body in schema.items()}


@pytest.mark.parametrize(
    ("sobject", "field", "type_"),
    [("Account", "OwnerId", "reference"), ("Opportunity", "Amount", "currency"), ("Contract", "EndDate", "date"),
     ("Task", "CompletedDateTime", "datetime"), ("CampaignMember", "HasResponded", "boolean")],
)  # fmt: skip
def test_fields_that_mappings_lean_on_are_there(sobject: str, field: str, type_: str) -> None:
    assert standard_describes()[sobject].fields[field].type == type_
