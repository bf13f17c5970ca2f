"""Columns of a statement and compressed answers, over HTTP (reference 2.1, 4.4; fixtures plugin-data)."""

from __future__ import annotations

from typing import Any

import pytest

STATEMENTS = {
    "simpleQuery": "SELECT Id, Name FROM Account",
    "subquery": "SELECT Name, (SELECT LastName FROM Contacts) FROM Account",
    "aggregateQuery": "SELECT CampaignId, AVG(Amount) FROM Opportunity GROUP BY CampaignId",
    "queryWithJoin": "SELECT Name, Owner.Name FROM Account",
}
_OF_THE_FIELD = frozenset({"insertable", "updatable"})
"""The recordings were made on objects that they do not name, so what their fields allow is not compared."""


def essence(column: dict[str, Any]) -> dict[str, Any]:
    joined = [essence(c) for c in column["joinColumns"]]
    return {**{k: v for k, v in column.items() if k not in _OF_THE_FIELD}, "joinColumns": joined}


@pytest.mark.parametrize("name", STATEMENTS)
def test_columns_are_those_of_the_recordings(name: str, local: Any, recording: Any) -> None:
    recorded = recording("plugin-data/queryFields.json")[name]["columnMetadata"]
    reply = local.send("GET", "query", params={"q": STATEMENTS[name], "columns": "true"})
    assert [essence(c) for c in reply.json()["columnMetadata"]] == [essence(c) for c in recorded]


def test_columns_of_functions_are_those_of_a_user(local: Any) -> None:
    """Date literals, FORMAT and the scope of a user need one; a description is checked as if it were run."""
    soql = "SELECT Name, FORMAT(CreatedDate) day FROM Account USING SCOPE mine WHERE CreatedDate = LAST_N_DAYS:3"
    reply = local.send("GET", "query", params={"q": soql, "columns": "true"})
    assert reply.status_code == 200, reply.text
    assert [c["columnName"] for c in reply.json()["columnMetadata"]] == ["Name", "day"]


@pytest.mark.parametrize(("asked", "packed"), [("gzip", "gzip"), ("identity", None)])
def test_long_answers_are_compressed_when_asked(asked: str, packed: str | None, target: Any) -> None:
    reply = target.send("GET", "sobjects/Account/describe", headers={"Accept-Encoding": asked})
    assert reply.headers.get("Content-Encoding") == packed
    assert reply.json()["name"] == "Account"


def test_an_unchanged_describe_is_not_sent_again(target: Any) -> None:
    for path in ("sobjects", "sobjects/Account/describe"):
        stamp = target.send("GET", path).headers["Last-Modified"]
        again = target.send("GET", path, headers={"If-Modified-Since": stamp})
        assert (again.status_code, again.content) == (304, b"")
