"""What a run lays ready in the mirror before anything is judged: clock, calendar, activity stream, our own Tasks.

Temporary tables and views, made from the SQL files beside this module; evaluation.py calls `prepare` once per run.
The files name a fixed list of columns; a column that this org does not have (or does not show) reads as null, and
whoever relies on it asks Trust.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

from duckdb import DuckDBPyConnection
from sqlglot import exp

from connector.calendar import Calendar
from connector.data import STATE_FORMAT, Via
from connector.evaluate.trust import Trust
from connector.mapping.model import ModelFile

_SEEN: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "seen_task": ("Task", {
        "Id": "VARCHAR", "AccountId": "VARCHAR", "WhatId": "VARCHAR", "WhoId": "VARCHAR", "IsClosed": "BOOLEAN",
        "IsDeleted": "BOOLEAN", "Status": "VARCHAR", "OwnerId": "VARCHAR", "Subject": "VARCHAR", "ActivityDate": "DATE",
        "CompletedDateTime": "TIMESTAMP", "CreatedDate": "TIMESTAMP", "SystemModstamp": "TIMESTAMP",
        "TaskSubtype": "VARCHAR", "IsRecurrence": "BOOLEAN", "CallDisposition": "VARCHAR",
        "CallDurationInSeconds": "BIGINT",
    }),
    "seen_event": ("Event", {
        "Id": "VARCHAR", "AccountId": "VARCHAR", "WhatId": "VARCHAR", "WhoId": "VARCHAR", "IsDeleted": "BOOLEAN",
        "OwnerId": "VARCHAR", "Subject": "VARCHAR", "ActivityDate": "DATE", "EndDateTime": "TIMESTAMP",
        "IsAllDayEvent": "BOOLEAN", "IsRecurrence": "BOOLEAN", "IsChild": "BOOLEAN", "GroupEventType": "VARCHAR",
    }),
    "seen_invitation": ("EventRelation", {
        "EventId": "VARCHAR", "RelationId": "VARCHAR", "Status": "VARCHAR", "IsInvitee": "BOOLEAN",
        "IsDeleted": "BOOLEAN",
    }),
    "seen_email": ("EmailMessage", {
        "Id": "VARCHAR", "IsDeleted": "BOOLEAN", "ActivityId": "VARCHAR", "RelatedToId": "VARCHAR",
        "ParentId": "VARCHAR", "Subject": "VARCHAR", "Incoming": "BOOLEAN", "MessageDate": "TIMESTAMP",
        "Status": "VARCHAR",
    }),
    "seen_account": ("Account", {"Id": "VARCHAR"}),
    "seen_opportunity": ("Opportunity", {"Id": "VARCHAR", "AccountId": "VARCHAR"}),
    "seen_case": ("Case", {"Id": "VARCHAR", "AccountId": "VARCHAR"}),
    "seen_contract": ("Contract", {"Id": "VARCHAR", "AccountId": "VARCHAR"}),
    "seen_asset": ("Asset", {"Id": "VARCHAR", "AccountId": "VARCHAR"}),
    "seen_contact": ("Contact", {"Id": "VARCHAR", "AccountId": "VARCHAR"}),
    "seen_lead": ("Lead", {
        "Id": "VARCHAR", "IsConverted": "BOOLEAN", "ConvertedAccountId": "VARCHAR", "ConvertedContactId": "VARCHAR",
    }),
}  # fmt: skip
"""View -> the object behind it and the columns that the SQL files name."""


@dataclass(frozen=True)
class Run:
    """The one moment at which everything is judged."""

    as_of: datetime
    zone: str
    org: str
    installation: str

    @property
    def today(self) -> date:
        """The date of `as_of` in `zone`."""
        return self.as_of.astimezone(self.tz).date()

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def naive(self) -> datetime:
        """`as_of` in UTC as the mirror stores moments."""
        return self.as_of.astimezone(UTC).replace(tzinfo=None)


def prepare(
    connection: DuckDBPyConnection, model: ModelFile, run: Run, trust: Trust, calendar: Calendar,
    accounts: frozenset[str] | None,
) -> None:  # fmt: skip
    """Makes `this_run`, `calendar`, `seen_*`, `our_tasks`, `activity`, `members` and `memory`. `accounts`: nobody else
    is looked at."""
    _make_run(connection, model, run, everybody=accounts is None)
    _fill(connection, "wanted", "subject VARCHAR", [(a,) for a in sorted(accounts or ())])
    _fill(connection, "stage_keys", "value VARCHAR, key VARCHAR", [(s.api_value, s.key) for s in model.stages])
    counted = [(f"{model.model}:{cta.key}",) for cta in model.ctas if cta.counts_as == "contact"]
    _fill(connection, "counted_ctas", "name VARCHAR", counted)
    _fill(connection, "holidays", "day DATE", [(d.isoformat(),) for d in sorted(calendar.holidays)])
    _fill(connection, "weekend", "weekday INTEGER", [(str(d),) for d in sorted(calendar.weekend)])
    for view, (sobject, columns) in _SEEN.items():
        keys = {"our_key": (model.keys.task, "VARCHAR")} if sobject == "Task" else {}
        connection.execute(_view(view, sobject, columns, keys, trust).sql("duckdb"))
    own = _view("seen_subject", model.subject, {"Id": "VARCHAR", "IsDeleted": "BOOLEAN"}, _own_fields(model), trust)
    connection.execute(own.sql("duckdb"))
    for name in ("calendar.sql", "our_tasks.sql", "activity.sql", "memory.sql"):
        execute_file(connection, name)
    if "CampaignMember" in trust.columns:
        _see_members(connection, trust)
        execute_file(connection, "members.sql")


def _see_members(connection: DuckDBPyConnection, trust: Trust) -> None:
    """Memberships with all of their columns, and with null where one that says whose they are is hidden from us."""
    missing = [n for n in ("CampaignId", "ContactId", "LeadId") if n not in trust.columns["CampaignMember"]]
    hidden = [exp.alias_(exp.cast(exp.null(), "VARCHAR"), name, quoted=True) for name in missing]
    seen = exp.select(exp.Star(), *hidden).from_(exp.table_("CampaignMember", db="org", quoted=True))
    connection.execute(_created("seen_member", seen).sql("duckdb"))


def _own_fields(model: ModelFile) -> dict[str, tuple[str, str]]:
    """Column -> the model's field behind it and its type."""
    override = model.override
    return {
        "stage": (model.write.stage, "VARCHAR"),
        "state_text": (model.write.state, "VARCHAR"),
        "entered": (model.write.entered or "", "DATE"),
        "proposed": (model.write.proposed or "", "VARCHAR"),
        "override_stage": (override.stage if override else "", "VARCHAR"),
        "override_until": ((override.until if override else None) or "", "DATE"),
    }


def insert_rows(connection: DuckDBPyConnection, table: str, rows: Sequence[tuple[str | None, ...]]) -> None:
    """Adds rows of text to a table, cast to its columns. One parameter carries them all: binding values one by one
    takes a hundred times as long."""
    if not rows:
        return
    picks = ", ".join(f"r[{n + 1}]" for n in range(len(rows[0])))
    sql = f"INSERT INTO {table} SELECT {picks} FROM (SELECT unnest(from_json($1, '[[\"VARCHAR\"]]')) AS r)"
    connection.execute(sql, [json.dumps(rows)])


def _make_run(connection: DuckDBPyConnection, model: ModelFile, run: Run, *, everybody: bool) -> None:
    values = {
        "as_of": ("TIMESTAMP", run.naive), "today": ("DATE", run.today), "zone": ("VARCHAR", run.zone),
        "org": ("VARCHAR", run.org), "installation": ("VARCHAR", run.installation), "model": ("VARCHAR", model.model),
        "not_needed": ("VARCHAR", model.keys.not_needed), "state_format": ("VARCHAR", str(STATE_FORMAT)),
        "override": ("VARCHAR", str(Via.OVERRIDE)), "everybody": ("BOOLEAN", everybody),
    }  # fmt: skip
    picks = ", ".join(f"CAST(? AS {kind}) AS {name}" for name, (kind, _) in values.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE this_run AS SELECT {picks}", [v for _, v in values.values()])


def _fill(connection: DuckDBPyConnection, table: str, columns: str, rows: Sequence[tuple[str | None, ...]]) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({columns})")
    insert_rows(connection, table, rows)


def _view(
    view: str, sobject: str, columns: Mapping[str, str], aliases: Mapping[str, tuple[str, str]], trust: Trust
) -> exp.Create:
    picks = [_column(sobject, name, name, kind, trust) for name, kind in columns.items()]
    picks += [_column(sobject, name, alias, kind, trust) for alias, (name, kind) in aliases.items()]
    source = exp.table_(sobject, db="org", quoted=True)
    query = exp.select(*picks).from_(source) if trust.has(sobject) else exp.select(*picks).where(exp.false())
    return _created(view, query)


def _created(view: str, query: exp.Select) -> exp.Create:
    return exp.Create(this=exp.to_table(view), kind="VIEW", expression=query, replace=True,
                      properties=exp.Properties(expressions=[exp.TemporaryProperty()]))  # fmt: skip


def _column(sobject: str, name: str, alias: str, kind: str, trust: Trust) -> exp.Expr:
    found = exp.column(name, quoted=True) if trust.has(sobject, name) else exp.cast(exp.null(), kind)
    return exp.alias_(found, alias, quoted=True)


def execute_file(connection: DuckDBPyConnection, name: str) -> None:
    """Runs one of the SQL files beside this module."""
    connection.execute(files("connector.evaluate").joinpath("sql", name).read_text(encoding="utf-8"))
