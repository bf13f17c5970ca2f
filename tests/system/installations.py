"""The real command line, pointed at a local org served over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from connector.cli import main
from connector.localorg.org import Org
from connector.localorg.server import LocalOrgServer

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
STAGE, STATE, KEY = "Lifecycle_Stage__c", "Lifecycle_State__c", "Lifecycle_Key__c"


@contextmanager
def patched(home: Path, environment: dict[str, str], arguments: tuple[str, ...]) -> Iterator[None]:
    """The folder, the environment and the arguments of a command, for as long as it runs."""
    before = Path.cwd(), dict(os.environ), sys.argv
    os.chdir(home)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["connector", *arguments]
    try:
        yield
    finally:
        os.chdir(before[0])
        os.environ.clear()
        os.environ.update(before[1])
        sys.argv = before[2]


@dataclass(frozen=True)
class Installation:
    """A folder with config.toml, mappings and jobs of its own, pointed at one served org."""

    home: Path
    server: LocalOrgServer

    @property
    def org(self) -> Org:
        return self.server.org

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "connector", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CONNECTOR_")}
        return clean | {
            "CONNECTOR_CONFIG": str(self.home / "config.toml"), "CONNECTOR_ORG__CLIENT_SECRET": "system-secret",
            "PYTHONPATH": str(ROOT), "NO_COLOR": "1",
        }  # fmt: skip

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command to its end, whatever its exit code; in this process, because starting one takes a second."""
        out, err = StringIO(), StringIO()
        with patched(self.home, self.environment, arguments), redirect_stdout(out), redirect_stderr(err):
            try:
                main()
                code = 0
            except SystemExit as ended:
                code = int(ended.code or 0)
        return subprocess.CompletedProcess(self.command(*arguments), code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command in a process of its own, left running."""
        return subprocess.Popen(
            self.command(*arguments), cwd=self.home, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What the command prints with --json."""
        done = self.run(*arguments, "--json")
        assert (done.returncode, bool(done.stdout)) == (code, True), done.stderr + done.stdout[-2000:]
        return json.loads(done.stdout)

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.home / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def stages(self) -> dict[str, str]:
        """Account id -> stage value, of those that have one."""
        return {a["Id"]: a[STAGE] for a in self.org.records("Account") if a[STAGE]}

    def keys(self) -> list[str]:
        """The keys of our Tasks and memberships, sorted."""
        rows = [*self.org.records("Task"), *self.org.records("CampaignMember")]
        return sorted(r[KEY] for r in rows if r[KEY])
