"""`make demo`: a transcript of the real commands against a local org, with what must be true checked after each.

Registered as `connector localorg demo`. It starts an org with invented customers, then runs the product's own
commands as processes of their own, over HTTP, as anybody would; what it claims it reads from the org itself and from
the org's own request ledger. Knows nothing of the product but its command line.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from threading import Event
from typing import Annotated, Any
from urllib.request import Request, urlopen

import typer

from connector.localorg.clock import Clock
from connector.localorg.org import Org
from connector.localorg.seeds import load_seed
from connector.localorg.server import LocalOrgServer

CLIENT_ID = "demo-client"
CLIENT_SECRET = "demo-secret"  # noqa: S105  an org on loopback that only holds invented people
NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
STAGE = "Lifecycle_Stage__c"
KEY = "Lifecycle_Key__c"
TASKS_A_DAY = 30

Row = dict[str, Any]


class DemoFailed(Exception):
    """Something that the demo shows did not come true."""


def register(app: typer.Typer) -> None:
    """Adds the demo to the local org's commands."""
    app.command()(demo)


def demo(
    size: Annotated[int, typer.Option(help="How many accounts the book has.", min=44)] = 500,
    stay: Annotated[bool, typer.Option("--stay", help="Keep the org running afterwards, to look around.")] = False,
    folder: Annotated[Path, typer.Option(help="Where mappings/ and jobs/ are.")] = Path(),
) -> None:
    """Run the main job against an invented org: first run, second run, one change, one explanation."""
    home = folder.resolve()
    if missing := [name for name in ("mappings", "jobs") if not (home / name).is_dir()]:
        typer.echo(f"There is no {missing[0]}/ in {home}. Run this in a checkout, or name one with --folder.", err=True)
        raise typer.Exit(2)
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="lifecycle-demo-") as scratch, _new_org(size) as server:
            stand = Stand(server, home, Path(scratch))
            show(stand)
            _say(f"All of it held, in {time.monotonic() - started:.0f} seconds.")
            if stay:
                _wait(stand)
    except DemoFailed as failure:
        typer.echo(f"\nThe demo failed: {failure}", err=True)
        raise typer.Exit(1) from failure


# --- the story ------------------------------------------------------------------------------------------------


def show(stand: Stand) -> None:
    """The whole story, in the order in which it is told."""
    prepare(stand)
    first_run(stand)
    second_run(stand)
    account = one_change(stand)
    explanation(stand, account)
    where_to_look(stand, account)


def prepare(stand: Stand) -> None:
    accounts = len(stand.org.records("Account"))
    _say(
        f"An org of its own is being served on {stand.server.url}: {accounts} accounts, "
        f"{len(stand.org.records('Opportunity'))} opportunities, {len(stand.org.records('Task'))} tasks. "
        f"Its clock stands at {NOW:%d %B %Y}."
    )
    _say(
        "First, an admin's part: the fields that the mapping writes, made from its own definitions, and the closed "
        'Task status "Not needed".'
    )
    source = stand.scratch / "lifecycle-fields"
    stand.connector("setup", "export", str(source))
    stand.org.load_source(source)
    stand.org.add_status("Not needed", closed=True)


def first_run(stand: Stand) -> None:
    _say("The first run: everything is read, every customer is placed, and what is due is raised.")
    stand.connector("run", "lifecycle")
    placed = stand.stages()
    _expect(len(placed) > len(stand.org.records("Account")) // 2, f"only {len(placed)} accounts have a stage")
    _expect(bool(stand.our_tasks()), "no Task was created")
    _expect(bool(stand.org.ledger.writes()), "nothing was written to the org")


def second_run(stand: Stand) -> None:
    _say("The second run: nothing has changed, so nothing is written.")
    before = stand.stages()
    stand.org.ledger.clear()
    stand.connector("run", "lifecycle")
    writes, calls = stand.org.ledger.writes(), stand.org.ledger.api_calls()
    # The accounts that the first run wrote are read once more, 200 to a page because of their long text fields.
    budget = ceil(stand.pulled_sobjects() / 5) + 2 + len(before) // 200
    _expect(not writes, f"the org's ledger shows {len(writes)} write calls")
    _expect(stand.stages() == before, "a stage changed")
    _expect(calls + 1 <= budget, f"it cost {calls} API calls and a token, allowed are {budget}")
    _say(f"The org's own ledger agrees: no write call, {calls} API calls beside the login.", heading=False)


def one_change(stand: Stand) -> Row:
    """A person turns a customer's open deal into its renewal; returns the account."""
    account, deal = stand.early_renewal()
    _say(
        f"Now somebody in sales marks the deal {_quoted(deal['Name'])} as the renewal of {_quoted(account['Name'])}, "
        "and the job runs a third time."
    )
    stages, tasks = stand.stages(), stand.our_tasks()
    stand.org.clock.advance(timedelta(minutes=15))
    stand.act_as_person("Opportunity", deal["Id"], {"Type": "Renewal"})
    stand.connector("run", "lifecycle")
    moved = {key for key, stage in stand.stages().items() if stages.get(key) != stage}
    opened = [task for key, task in stand.our_tasks().items() if key not in tasks]
    _expect(moved == {account["Id"]}, f"{len(moved)} accounts moved instead of this one")
    _expect(stand.stages()[account["Id"]] == "renewal", f"it is in {stand.stages()[account['Id']]} now, not in renewal")
    _expect([t["WhatId"] for t in opened] == [account["Id"]], f"{len(opened)} Tasks were opened instead of one for it")
    _say(f"Exactly this account moved, and its Task is there: {_quoted(opened[0]['Subject'])}.", heading=False)
    return account


def explanation(stand: Stand, account: Row) -> None:
    _say("Why is it there, and why not somewhere else?")
    stand.connector("explain", account["Id"])


def where_to_look(stand: Stand, account: Row) -> None:
    _say("Where to look")
    typer.echo(
        f"  the org in a browser     {stand.server.url}/   (while it runs: make demo DEMO_ARGS=--stay)\n"
        f"  this account             {stand.server.url}/{account['Id']}\n"
        "  what decided all this    mappings/post_sale/\n"
        "  when and how much        jobs/lifecycle.toml\n"
        '  your own org             README.md, "Connect your org"'
    )


# --- the stand ------------------------------------------------------------------------------------------------


@contextmanager
def _new_org(size: int) -> Iterator[LocalOrgServer]:
    org = Org.create(clock=Clock(NOW))
    load_seed(org, "demo", size=size)
    org.add_client(CLIENT_ID, CLIENT_SECRET, org.admin_id)
    with LocalOrgServer(org) as server:
        yield server
    org.close()


@dataclass(frozen=True)
class Stand:
    """The org, the folder with mappings and jobs, and a scratch folder for everything else."""

    server: LocalOrgServer
    home: Path
    scratch: Path

    @property
    def org(self) -> Org:
        return self.server.org

    def connector(self, *arguments: str) -> None:
        """Runs the product's command line in a process of its own, as a user would; DemoFailed when it complains."""
        typer.secho(f"\n$ connector {shlex.join(arguments)}", bold=True)
        sys.stdout.flush()
        done = subprocess.run([sys.executable, "-m", "connector", *arguments], cwd=self.home, env=self._environment())  # noqa: S603
        _expect(done.returncode == 0, f"connector {arguments[0]} ended with exit code {done.returncode}")

    def _environment(self) -> dict[str, str]:
        """Only what the demo says: settings of the user's own must not lead it to another org."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CONNECTOR_")}
        config = self.scratch / "config.toml"
        config.write_text(
            f'[org]\ninstance_url = "{self.server.url}"\nclient_id = "{CLIENT_ID}"\n'
            f'[store]\ndirectory = "{self.scratch}/var"\n'
            f'[mappings]\ndirectory = "{self.home}/mappings"\n[jobs]\ndirectory = "{self.home}/jobs"\n'
            f'[overrides.post_sale.budgets]\ntasks_per_owner = "{TASKS_A_DAY} per day"\n'
        )
        return inherited | {"CONNECTOR_CONFIG": str(config), "CONNECTOR_ORG__CLIENT_SECRET": CLIENT_SECRET}

    def act_as_person(self, sobject: str, record: str, fields: Row) -> None:
        """An edit by somebody in the org, through the admin endpoint."""
        body = json.dumps({"sobject": sobject, "id": record, "fields": fields}).encode()
        with urlopen(Request(f"{self.server.url}/__local__/person", data=body), timeout=30) as reply:  # noqa: S310
            reply.read()

    # what the org itself says

    def stages(self) -> dict[str, str]:
        """Account id -> stage, of those that have one."""
        return {a["Id"]: a[STAGE] for a in self.org.records("Account") if a[STAGE]}

    def our_tasks(self) -> dict[str, Row]:
        """Key -> Task, of those that carry one."""
        return {t[KEY]: t for t in self.org.records("Task") if t[KEY]}

    def pulled_sobjects(self) -> int:
        """How many sObjects the last run asked for."""
        asked = {s.path.split("+FROM+")[-1].split("+")[0] for e in self.org.ledger.entries for s in e.subrequests}
        return len(asked)

    def early_renewal(self) -> tuple[Row, Row]:
        """An adopting customer with an open deal that is no renewal, and that deal. Whoever looks after the customer
        still has room for a Task today: the demo gives each owner more of them than the mapping does."""
        adopting = {a["Id"]: a for a in self.org.records("Account", {STAGE: "adopting"}) if a["Name"].isascii()}
        busy = Counter(t["OwnerId"] for t in self.our_tasks().values())
        deals = [
            deal
            for deal in self.org.records("Opportunity", {"IsClosed": False})
            if deal["AccountId"] in adopting and busy[self.owner_of(adopting[deal["AccountId"]])] < TASKS_A_DAY
        ]
        _expect(bool(deals), "no adopting customer has an open deal and an owner with time")
        deal = max(deals, key=lambda d: (d["Amount"] or 0, d["Id"]))
        return adopting[deal["AccountId"]], deal

    def owner_of(self, account: Row) -> str:
        """Who gets the account's Tasks: its customer success manager, else its owner."""
        team = self.org.records("AccountTeamMember", {"AccountId": account["Id"]})
        managers = [m["UserId"] for m in team if m["TeamMemberRole"] == "Customer Success Manager"]
        return str((managers or [account["OwnerId"]])[0])


# --- telling --------------------------------------------------------------------------------------------------


def _say(text: str, *, heading: bool = True) -> None:
    lines = textwrap.fill(text, 98, initial_indent="# " if heading else "", subsequent_indent="# " if heading else "")
    typer.secho(f"\n{lines}", fg="cyan" if heading else "green", bold=heading)


def _quoted(text: str) -> str:
    return '"' + " ".join(text.split()) + '"'


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DemoFailed(otherwise)


def _wait(stand: Stand) -> None:
    _say(f"The org stays on {stand.server.url} until you press Ctrl+C.")
    with suppress(KeyboardInterrupt):
        Event().wait()
