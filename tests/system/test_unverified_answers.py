"""Days with merges, deletions and what comes back from the bin, under both answers to what nobody has verified."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from installations import Installation

from connector.localorg.life import Habits, live_days
from connector.localorg.switches import Switches

LIKELY = Switches()
OTHER_WAY_ROUND: dict[str, Any] = {
    "activity_stamps_account": "when_date_changes",
    "unique_counts_deleted": True,
    "unique_counts_archived": False,
    "delete_stamps": False,
    "summary_stamps": "nothing",
    "merge_stamps_losers": False,
    "merge_stamps_children": False,
    "archive_stamps": True,
    "hard_deletes_logged": True,
    "unknown_member_status": "default",
    "unreadable_record": "record",
    "bulk_early_results": "refused",
}
ANSWERS: dict[str, dict[str, Any]] = {
    "as is likely": {},
    "all the other way round": OTHER_WAY_ROUND,
    **{f"{name} is {value}": {name: value} for name, value in OTHER_WAY_ROUND.items() if "stamps" in name},
}
BUSY = replace(Habits(), merge_accounts=0.03, delete_task=0.1, undelete_task=0.1, convert_lead=0.2, lose_colleague=0.0)


def test_every_answer_that_matters_is_tried() -> None:
    limits = {"session_seconds", "bulk_hard_delete"}
    assert set(OTHER_WAY_ROUND) == set(Switches.__slots__) - limits
    assert all(getattr(LIKELY, name) != value for name, value in OTHER_WAY_ROUND.items())


@pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS)
def test_days_settle_under_either_answer(settled: Installation, answers: dict[str, Any]) -> None:
    settled.org.set_switches(**answers)
    lived = live_days(settled.org, Random(7), 3, habits=BUSY)
    happened = {h.what for h in lived if h.refused is None}
    assert {"merged", "deleted", "brought back"} <= happened
    first = settled.json("run", "lifecycle")
    assert set(first["outcomes"]["counts"]) <= {"applied"}, first["outcomes"]["counts"]
    again = settled.json("run", "lifecycle")
    assert again["plan"]["changes"] == []
    twice = [key for key, count in Counter(settled.keys()).items() if count > 1]
    assert twice == []
