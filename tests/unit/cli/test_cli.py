"""The command line without an org: exit codes, where output goes, and that expected errors are no tracebacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.cli import main

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command in an empty folder: (exit code, standard output, standard error)."""
    import os

    for name in os.environ:
        if name.startswith("CONNECTOR_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "lifecycle.toml").write_text('job = "lifecycle"\nmappings = ["post_sale"]\n')

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["connector", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_the_version_is_one_line(cli: Cli) -> None:
    code, out, err = cli("--version")
    assert (code, err) == (0, "")
    assert out.startswith("connector ")
    assert len(out.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("run", "lifecycel"), "Did you mean 'lifecycle'?", id="misspelt job"),
        pytest.param(("run", "lifecycle"), "No org is configured", id="no org"),
        pytest.param(("plan", "lifecycle"), "No org is configured", id="no org to plan for"),
        pytest.param(("run", "lifecycle", "--account", "Acme"), "is not a record id", id="an account by name"),
        pytest.param(("run", "lifecycle", "--config", "nowhere.toml"), "nowhere.toml", id="no such settings file"),
        pytest.param(("runs",), "Start one with", id="no run yet"),
        pytest.param(("check",), "mappings", id="no mappings"),
        pytest.param(("check", "nowhere"), "There is no file or folder nowhere", id="no such file"),
        pytest.param(("serve",), "has a schedule", id="nothing to serve"),
        pytest.param(("describe", "Account", "--save", "x"), "No org is configured", id="no org to describe"),
        pytest.param(("nonsense",), "No such command", id="no such command"),
    ],
)
def test_what_has_to_be_fixed_first_is_said_and_ends_with_two(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = cli(*arguments)
    assert code == 2
    assert said in " ".join(err.split())
    assert out == ""
    assert "Traceback" not in err


def test_problems_of_files_keep_their_caret(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "jobs" / "lifecycle.toml").write_text('job = "lifecycle"\nmappings = ["post_sale"]\nshedule = ""\n')
    code, _, err = cli("run", "lifecycle")
    assert code == 2
    assert err.splitlines()[-4:] == [
        "jobs/lifecycle.toml:3:1: unknown key 'shedule'; did you mean 'schedule'?",
        '    shedule = ""',
        "    ^",
        "1 problem; nothing was written.",
    ]


def test_a_secret_is_never_printed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_ORG__CLIENT_SECRET", "hunter2hunter2")
    monkeypatch.setenv("CONNECTOR_ORG__INSTANCE_URL", "https://login.salesforce.com")
    code, out, err = cli("run", "lifecycle")
    assert code == 2
    assert "My Domain" in err
    assert "hunter2" not in out + err


def test_the_schema_is_json_for_editors(cli: Cli) -> None:
    code, out, _ = cli("schema")
    assert code == 0
    assert {"stages", "facts", "ctas"} <= json.loads(out)["properties"].keys()


def test_help_of_the_local_org_is_its_own(cli: Cli) -> None:
    code, out, _ = cli("localorg", "--help")
    assert code == 0
    assert "tick" in out
    assert "demo" in out
