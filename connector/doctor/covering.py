"""Counts, in the mirror, who among the customers and their owners had any activity lately. Called by flow.py."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from connector.data import Needs
from connector.doctor.seeing import DAYS, Coverage
from connector.mapping.model import ModelFile
from connector.store.mirror import Mirror

_DAYS_OF = {
    "Task": ("CompletedDateTime", "ActivityDate", "CreatedDate"),
    "Event": ("ActivityDateTime", "StartDateTime", "ActivityDate", "CreatedDate"),
}
"""sObject -> the fields that say when it was, the best first; those that the mapping reads are in the mirror."""


def count_coverage(mirror: Mirror, model: ModelFile, needs: Needs, today: date) -> Coverage | str:
    """The counts, or why there are none."""
    if model.subject != "Account":
        return f"Activity coverage is told of Accounts; {model.model} judges {model.subject} records."
    if mirror.cursor("Account") is None:
        return "The mirror holds no accounts yet."
    read = [name for name in _DAYS_OF if name in needs.fields and "AccountId" in mirror.columns(name)]
    if not read or any(mirror.cursor(name) is None for name in read):
        return "The mirror holds no activities: no mapping reads them, or no run has read them yet."
    touched = " UNION ".join(_touched(mirror, name, model.keys.task) for name in read)
    query = (
        f"WITH touched AS ({touched}), customers AS ({_customers(mirror, model)}), "
        'seen AS (SELECT c."Id" AS id, c."OwnerId" AS owner, c."Id" IN (SELECT account FROM touched) AS active '
        "FROM customers AS c) SELECT count(*), count(*) FILTER (active), "
        "count(DISTINCT owner) FILTER (owner IN (SELECT id FROM people)), "
        "count(DISTINCT owner) FILTER (active AND owner IN (SELECT id FROM people)) FROM seen"
    ).replace("seen AS", f"people AS ({_people(mirror)}), seen AS", 1)
    row = mirror.connection.execute(query, [today - timedelta(days=DAYS)] * len(read)).fetchone()
    return Coverage(*(int(n) for n in row)) if row else "The mirror holds no accounts yet."


def _customers(mirror: Mirror, model: ModelFile) -> str:
    """Accounts that ever won us something; where opportunities are not read, those that have a stage."""
    accounts = 'SELECT "Id", "OwnerId" FROM org."Account" WHERE NOT "IsDeleted"'
    if {"AccountId", "IsWon"} <= mirror.columns("Opportunity"):
        won = 'SELECT "AccountId" FROM org."Opportunity" WHERE "IsWon" AND NOT "IsDeleted"'
        return f'{accounts} AND "Id" IN ({won})'
    stage = model.write.stage
    return f'{accounts} AND "{stage}" IS NOT NULL' if stage in mirror.columns("Account") else accounts


def _people(mirror: Mirror) -> str:
    return 'SELECT "Id" AS id FROM org."User"' + (' WHERE "IsActive"' if "IsActive" in mirror.columns("User") else "")


def _touched(mirror: Mirror, sobject: str, key: str) -> str:
    """Accounts with an activity of people since a day; our own Tasks are none."""
    columns = mirror.columns(sobject)
    days = ", ".join(f'CAST("{name}" AS DATE)' for name in _DAYS_OF[sobject] if name in columns)
    own = f' AND "{key}" IS NULL' if key in columns else ""
    return (
        f'SELECT "AccountId" AS account FROM org."{sobject}" WHERE NOT "IsDeleted"{own} AND coalesce({days}) >= ?'
    )  # fmt: skip


def first_with_activities(models: Iterable[ModelFile]) -> ModelFile | None:
    """The model to tell customers by."""
    found = list(models)
    return next((m for m in found if m.subject == "Account"), found[0] if found else None)
