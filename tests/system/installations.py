"""The real command line, in processes of its own, pointed at a local org served over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.localorg.org import Org
from connector.localorg.server import LocalOrgServer

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
STAGE, STATE, KEY = "Lifecycle_Stage__c", "Lifecycle_State__c", "Lifecycle_Key__c"


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
        """The command to its end, whatever its exit code."""
        return subprocess.run(
            self.command(*arguments), cwd=self.home, env=self.environment, capture_output=True, text=True, timeout=120
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command, left running."""
        return subprocess.Popen(
            self.command(*arguments), cwd=self.home, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What the command prints with --json."""
        done = self.run(*arguments, "--json")
        assert done.returncode == code, done.stderr + done.stdout[-2000:]
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
