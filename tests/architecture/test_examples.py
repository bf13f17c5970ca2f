"""The files that we ship load, and fit together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connector.jobs import load_jobs
from connector.settings import Settings

ROOT = Path(__file__).parents[2]


def test_the_example_settings_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("CONNECTOR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CONNECTOR_ORG__CLIENT_ID", "filled in")
    monkeypatch.setenv("CONNECTOR_ORG__CLIENT_SECRET", "filled in")
    path = tmp_path / "config.toml"
    path.write_text((ROOT / "config.example.toml").read_text())
    assert Settings.load(path).store.directory == tmp_path / "var"


def test_every_job_names_mappings_that_exist() -> None:
    jobs = load_jobs(ROOT / "jobs")
    assert {"lifecycle", "nightly"} <= jobs.keys()
    for job in jobs.values():
        for name in job.mappings:
            assert (ROOT / "mappings" / name).exists() or (ROOT / "mappings" / f"{name}.yaml").exists(), name


def test_jobs_never_name_a_field_and_mappings_never_a_schedule() -> None:
    for path in (ROOT / "jobs").glob("*.toml"):
        settings = [line.split("#")[0] for line in path.read_text().splitlines()]
        assert not any("__c" in line for line in settings), path
    for path in (ROOT / "mappings").rglob("*.y*ml"):
        assert "schedule:" not in path.read_text(), path
