"""Stories: an org before, the shipped mapping, a clock, what people do and what the job then writes.

One YAML file a story, in the order in which things happen; the real flow over HTTP against a local org. A step is
`run` (what the plan must hold, by kind of change), `person` (somebody edits a record), `days` (time passes) or
`expect` (how a record must look now). Records are named by whoever made them first: `as: acme`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from connector.jobs import load_job
from connector.localorg.clock import Clock
from connector.localorg.org import Org
from connector.localorg.seeds.customer_fields import customer_definitions
from connector.localorg.server import LocalOrgServer
from connector.mapping import load_mapping
from connector.orgsetup import export_source, fields_of
from connector.report import RunReport
from connector.run import run_job
from connector.settings import Settings

ROOT = Path(__file__).parents[2]
STORIES = sorted((Path(__file__).parent / "stories").glob("*.yaml"))
Step = dict[str, Any]
BY_THE_WAY = {"kpi", "memory"}
"""Changes that a story need not mention."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An org without customers, prepared by an admin for the shipped mapping."""
    source = tmp_path_factory.mktemp("source")
    model = load_mapping(ROOT / "mappings" / "post_sale")
    export_source(source, fields_of([model]), needs=model.needs)
    with closing(Org.create(clock=Clock(datetime(2026, 9, 1, 8, tzinfo=UTC)))) as org:
        org.define_fields(customer_definitions())
        org.load_source(source)
        org.add_status("Not needed", closed=True)
        org.add_client("story", "secret", org.admin_id)
        return org.snapshot()


@dataclass
class Stage:
    """Where a story is played: the org, how to run the job on it, and the records by the names the story gives them."""

    org: Org
    settings: Settings
    names: dict[str, tuple[str, str]] = field(default_factory=dict)

    def run(self, expected: dict[str, int]) -> None:
        report: RunReport = run_job(load_job(ROOT / "jobs" / "lifecycle.toml"), self.settings)
        assert report.exit_code == 0, report
        kinds = (c.kind for c in report.plan.changes if c.kind in expected or c.kind not in BY_THE_WAY)
        assert Counter(kinds) == Counter(expected), [(c.kind, c.id, c.after) for c in report.plan.changes]

    def person(self, step: Step) -> None:
        """A person makes a record (`make`) or edits one (`edit`); a contract is activated after it was drafted."""
        if "make" in step:
            fields = self._values(step["set"])
            activated = fields.pop("Status") if step["make"] == "Contract" else None
            made = self.org.create_record(step["make"], {**fields, **({"Status": "Draft"} if activated else {})})
            if activated:
                self.org.update_record("Contract", made, {"Status": activated})
            self.names[step["as"]] = (step["make"], made)
        elif "delete" in step:
            self.org.delete_record(*self._find(step["delete"]))
        else:
            sobject, record = self._find(step["edit"])
            self.org.update_record(sobject, record, self._values(step["set"]))

    def days(self, days: int) -> None:
        self.org.clock.advance(timedelta(days=days))

    def expect(self, step: Step) -> None:
        for name, wanted in step.items():
            sobject, record = self._find(name)
            found = self.org.records(sobject, {"Id": record}, include_deleted=True)[0]
            for key, value in wanted.items():
                if key == "reason has":
                    assert value in (found["Lifecycle_Stage_Reason__c"] or "")
                else:
                    assert (key, found[key]) == (key, value)

    def _find(self, name: str) -> tuple[str, str]:
        """A record by the story's name, or `Task <part of its key>` for the latest such Task of ours."""
        if name.startswith("Task "):
            part = name.removeprefix("Task ")
            tasks = [t for t in self.org.records("Task") if part in (t["Lifecycle_Key__c"] or "")]
            assert tasks, f"there is no Task with {part} in its key"
            return "Task", max(tasks, key=lambda t: (t["CreatedDate"], t["Id"]))["Id"]
        return self.names[name]

    def _values(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {k: self.names[v][1] if isinstance(v, str) and v in self.names else v for k, v in fields.items()}


@pytest.fixture
def play(prepared: bytes, tmp_path: Path) -> Iterator[Callable[[date], Stage]]:
    org = Org.restore(prepared, clock=Clock(datetime(2026, 9, 1, 8, tzinfo=UTC)))
    with closing(org), LocalOrgServer(org) as server:

        def open_stage(today: date) -> Stage:
            org.clock.set(datetime.combine(today, time(8), UTC))
            config = tmp_path / "config.toml"
            config.write_text(
                f'installation = "stories"\n[org]\ninstance_url = "{server.url}"\nclient_id = "story"\n'
                f'client_secret = "secret"\n[mappings]\ndirectory = "{ROOT / "mappings"}"\n'
            )
            return Stage(org, Settings.load(config))

        yield open_stage


@pytest.mark.parametrize("path", STORIES, ids=[p.stem for p in STORIES])
def test_story(path: Path, play: Callable[[date], Stage]) -> None:
    story = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    stage = play(story["begins"])
    for step in story["steps"]:
        ((verb, what),) = step.items()
        getattr(stage, verb)(what)
