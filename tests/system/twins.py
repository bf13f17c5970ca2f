"""Twin orgs for the crash test: one org lived in twice, once with a run killed at a request boundary.

A twin is forked from a snapshot, served over HTTP, run against with the program's own flow and lived in by people.
What two twins have in common is told by their portraits, in which ids are replaced by what they stand for.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from connector.jobs import load_job
from connector.localorg.clock import Clock
from connector.localorg.life import Habits, tick
from connector.localorg.org import Org
from connector.localorg.seeds import load_seed
from connector.localorg.server import BoundaryEvent, DropConnectionError, LocalOrgServer
from connector.mapping.load import load_mapping
from connector.orgsetup import export_source, fields_of
from connector.run import run_job
from connector.settings import Settings
from connector.store.ledger import ChangeRow, Ledger

ROOT = Path(__file__).parents[2]
START = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
MODEL = ROOT / "mappings" / "post_sale"
PEOPLE = Habits(edit_stage=0.004, complete_due_task=0.3, delete_task=0.02, opt_out=0.004, respond=0.05)


@dataclass
class Twin:
    """One org, its server, and the store that the program keeps beside it."""

    org: Org
    server: LocalOrgServer
    home: Path

    def run(self) -> int:
        """One run of the lifecycle job in this process; its exit code."""
        return run_lifecycle(self.home)

    def unsettled(self) -> tuple[ChangeRow, ...]:
        """What the ledger holds as sent, with no answer."""
        with Ledger.open(self.home / "var" / "ledger.sqlite") as ledger:
            return ledger.unsettled(self.server.url.removeprefix("http://"))

    def live_a_day(self, day: int) -> None:
        self.org.clock.advance(timedelta(days=1))
        tick(self.org, Random(day), habits=PEOPLE)

    def lose_store(self) -> None:
        shutil.rmtree(self.home / "var", ignore_errors=True)


def run_lifecycle(home: Path) -> int:
    return run_job(load_job(home / "jobs" / "lifecycle.toml"), Settings.load(home / "config.toml")).exit_code


def make_org(size: int) -> Org:
    """A small book, ready for the shipped model: the same content every time."""
    org = Org.create(clock=Clock(START), seed=7)
    load_seed(org, "small", seed=7, size=size)
    model = load_mapping(MODEL)
    with TemporaryDirectory() as source:
        export_source(Path(source), fields_of([model]), needs=model.needs)
        org.load_source(Path(source))
    org.add_status("Not needed", closed=True)
    org.add_client("twin", "secret")
    return org


@contextmanager
def serve_twin(snapshot: bytes, home: Path, now: datetime = START) -> Iterator[Twin]:
    org = Org.restore(snapshot, clock=Clock(now))
    server = LocalOrgServer(org)
    server.start()
    shutil.copytree(ROOT / "mappings", home / "mappings")
    shutil.copytree(ROOT / "jobs", home / "jobs")
    twin = Twin(org, server, home)
    (home / "config.toml").write_text(
        f'installation = "twins"\n[org]\ninstance_url = "{server.url}"\nclient_id = "twin"\nclient_secret = "secret"\n'
        '[store]\ndirectory = "var"\n[mappings]\ndirectory = "mappings"\n[jobs]\ndirectory = "jobs"\n',
        encoding="utf-8",
    )
    try:
        yield twin
    finally:
        server.stop()


def run_and_kill(twin: Twin, boundary: int, when: str) -> None:
    """A run in a process of its own, killed (-9) at the nth request, before it, before its reply or after it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["connector.run"])
    victim = context.Process(target=run_lifecycle, args=(twin.home,))

    def strike(event: BoundaryEvent) -> None:
        if event.n == boundary and event.when == when and victim.pid:
            _kill(victim.pid)
            if when == "before_request":
                raise DropConnectionError

    twin.server.on_boundary = strike
    try:
        victim.start()
        victim.join(timeout=120)
    finally:
        twin.server.on_boundary = None
    code = victim.exitcode
    assert code == -signal.SIGKILL, f"the run ended by itself ({code}): there is no boundary {boundary} {when}"


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            time.sleep(0.001)


def portrait(org: Org) -> dict[str, Any]:
    """Stages, entries, memory, Tasks and memberships, with names in the place of ids."""
    accounts = {a["Id"]: f"{a['AccountNumber']} {a['Name']}" for a in org.records("Account", include_deleted=True)}
    people = {c["Id"]: f"{c['Name']} {c['Email']}" for c in org.records("Contact", include_deleted=True)}
    users = {u["Id"]: u["Username"] for u in org.records("User")}
    campaigns = {c["Id"]: c["Name"] for c in org.records("Campaign")}
    names = {**accounts, **people, **users, **campaigns}
    return {
        "accounts": sorted((_account(a, names) for a in org.records("Account")), key=str),
        "tasks": sorted((_task(t, names) for t in _ours(org, "Task")), key=str),
        "members": sorted((_member(m, names) for m in _ours(org, "CampaignMember")), key=str),
    }


def _ours(org: Org, sobject: str) -> list[dict[str, Any]]:
    return [r for r in org.records(sobject, include_deleted=True) if r["Lifecycle_Key__c"]]


def _account(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    state = json.loads(row["Lifecycle_State__c"] or "{}")
    owned = {k: v for k, v in row.items() if k.endswith("__c") and k != "Lifecycle_State__c"}
    return {"account": names[row["Id"]], "state": {**state, "rec": names.get(state.get("rec"))}, **owned}


def _task(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    key = _spell(row["Lifecycle_Key__c"], names)
    return {"key": key, "owner": names[row["OwnerId"]], "about": names.get(row["WhatId"]), **{
        k: str(row[k]) for k in ("Subject", "Status", "ActivityDate", "Description", "IsDeleted")
    }}  # fmt: skip


def _member(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {"key": _spell(row["Lifecycle_Key__c"], names), "campaign": names[row["CampaignId"]],
            "status": row["Status"], "responded": row["HasResponded"]}  # fmt: skip


def _spell(key: str, names: dict[str, str]) -> str:
    return ":".join(names.get(part, part) for part in key.split(":"))
