"""The org changes under a mapping that was good: one field goes, the rest goes on, and the run says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from installations import Installation

SCORE: dict[str, Any] = {"sobject": "Account", "name": "Score__c", "label": "Score", "type": "double",
                         "precision": 6, "scale": 0}  # fmt: skip
VALUES = [{"value": v, "label": v, "active": True} for v in ("Gold", "Silver")]
TIER: dict[str, Any] = {"sobject": "Account", "name": "Tier__c", "label": "Tier", "type": "picklist",
                        "picklistValues": VALUES}  # fmt: skip
FACTS = "facts:\n  high_score: Score__c > 50\n  gold: Tier__c = 'Gold'\n"


@pytest.fixture
def drifting(settled: Installation) -> Installation:
    """An installation whose mapping reads two custom fields that no describe beside it knows."""
    settled.org.define_fields([SCORE, TIER])
    settled.edit("mappings/post_sale/model.yaml", "facts:\n", FACTS)
    settled.org.clock.advance(timedelta(hours=2))
    report = settled.json("run", "lifecycle")
    assert report["pull"]["complete"]
    settled.org.clock.advance(timedelta(hours=2))
    return settled


def lose_field(installation: Installation) -> None:
    installation.org.hide_field(installation.org.admin_id, "Account", "Score__c")


def change_type(installation: Installation) -> None:
    installation.org.define_fields([{**SCORE, "type": "string", "length": 20, "precision": 0}])


@pytest.mark.parametrize(("drift", "says"), [(lose_field, "is none now"), (change_type, "of type double and is now")])
def test_a_field_that_is_not_what_it_was_is_unknown_and_the_rest_goes_on(
    drifting: Installation, drift: Any, says: str
) -> None:
    before = drifting.stages()
    drift(drifting)
    report = drifting.json("run", "lifecycle", code=1)
    account = report["pull"]["objects"]["Account"]
    assert set(account["hidden"]) == {"Score__c"}
    assert says in account["drift"][0]
    assert account["complete"]
    assert "high_score" in report["models"][0]["unknown"]
    assert "gold" not in report["models"][0]["unknown"]
    assert drifting.stages() == before
    said = " ".join(drifting.run("run", "lifecycle").stdout.split())
    assert "The org has changed under the mapping" in said
    assert says in said
    drifting.org.clock.advance(timedelta(hours=2))
    drifting.org.show_field(drifting.org.admin_id, "Account", "Score__c")
    drifting.org.define_fields([SCORE])
    assert drifting.json("run", "lifecycle")["pull"]["complete"]


def test_a_value_that_is_gone_from_a_picklist_is_named_and_records_that_keep_it_still_count(
    drifting: Installation,
) -> None:
    drifting.org.define_fields([{**TIER, "picklistValues": VALUES[1:]}])
    report = drifting.json("run", "lifecycle", code=1)
    account = report["pull"]["objects"]["Account"]
    assert account["hidden"] == {}
    assert "no longer has the value 'Gold'" in account["drift"][0]
    assert "gold" not in report["models"][0]["unknown"]


def test_without_a_memory_of_the_field_the_mapping_is_wrong(drifting: Installation) -> None:
    lose_field(drifting)
    (drifting.home / "var" / "mirror.duckdb").unlink()
    done = drifting.run("run", "lifecycle")
    assert done.returncode == 2
    assert "Score__c" in done.stderr
