"""The localorg command: what it opens, what it prints, what it refuses."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from connector.localorg.clock import Clock
from connector.localorg.command import NO_SEED, app, describe_access, prepare_org, read_clock
from connector.localorg.org import Org

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)


def prepare(seed: str, *, size: int | None = None, state: Path | None = None) -> Org:
    return prepare_org(seed, number=1, size=size, clock=Clock(NOW), state=state, sources=[])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-09-01T08:00:00Z", NOW),
        ("2026-09-01T08:00:00", NOW),
        ("2026-09-01T10:00:00+02:00", NOW),
        ("2026-09-01", datetime(2026, 9, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_stops_the_clock(text: str, expected: datetime) -> None:
    assert read_clock(text).now() == expected


def test_without_a_moment_the_clock_runs() -> None:
    assert abs((read_clock(None).now() - datetime.now(UTC)).total_seconds()) < 5


def test_a_moment_that_is_none_is_refused_with_an_example() -> None:
    with pytest.raises(typer.BadParameter, match="'tomorrow' is no ISO moment such as 2026-09-01T08:00:00Z"):
        read_clock("tomorrow")


def test_an_org_without_a_seed_is_empty() -> None:
    assert prepare(NO_SEED).records("Account") == []


def test_size_is_the_number_of_accounts() -> None:
    assert len(prepare("demo", size=60).records("Account")) == 60


def test_a_kept_org_is_opened_and_not_seeded_again(tmp_path: Path) -> None:
    state = tmp_path / "org.sqlite"
    first = prepare("small", state=state)
    kept = first.create_record("Account", {"Name": "Made by hand"})
    first.close()
    again = prepare("demo", state=state)
    assert len(again.records("Account")) == 45
    assert again.records("Account", {"Id": kept})[0]["Name"] == "Made by hand"
    again.close()


def test_the_printed_lines_are_a_working_configuration() -> None:
    text = describe_access("http://127.0.0.1:4711")
    block = text.split("config.toml:")[1].split("environment:")[0]
    assert tomllib.loads("\n".join(line.strip() for line in block.splitlines())) == {
        "org": {"instance_url": "http://127.0.0.1:4711", "client_id": "local-client"}
    }
    assert "CONNECTOR_ORG__CLIENT_SECRET=local-secret" in text
    assert "connector localorg tick --url http://127.0.0.1:4711" in text


def test_over_tls_the_printed_lines_say_whom_to_trust() -> None:
    text = describe_access("https://127.0.0.1:4711", Path("/somewhere/my ca.pem"))
    block = text.split("config.toml:")[1].split("environment:")[0]
    assert tomllib.loads("\n".join(line.strip() for line in block.splitlines()))["http"] == {
        "ca_bundle": "/somewhere/my ca.pem"
    }
    for variable in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        assert f"export {variable}='/somewhere/my ca.pem'" in text
    assert "SSL_CERT_FILE='/somewhere/my ca.pem' connector localorg tick" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "demmo"], "choose one of demo, small, hostile"),
        (["--size", "3"], "needs at least 11 accounts"),
        (["--clock", "soon"], "no ISO moment"),
    ],
)
def test_a_wrong_option_says_what_is_right(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, arguments, terminal_width=200)
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())


def test_ticking_without_an_org_says_how_to_start_one() -> None:
    result = CliRunner().invoke(app, ["tick", "--url", "http://127.0.0.1:1"])
    assert result.exit_code == 1
    assert "Start one with: connector localorg" in result.output
