"""The localorg command: what it opens, what it prints, what it refuses."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from connector.localorg import command
from connector.localorg.clock import Clock
from connector.localorg.command import NO_SEED, app, describe_access, prepare_org, read_clock
from connector.localorg.org import Org

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)


def prepare(seed: str, *, size: int | None = None, state: Path | None = None, features: tuple[str, ...] = ()) -> Org:
    return prepare_org(seed, number=1, size=size, clock=Clock(NOW), state=state, sources=[], features=features)


def serve(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    """Run the command; the signal that ends it has come already."""
    monkeypatch.setattr(command, "_wait_for_signal", lambda: None)
    return CliRunner().invoke(app, list(arguments), terminal_width=200)


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


def test_features_are_those_asked_for() -> None:
    org = prepare(NO_SEED, features=("PersonAccounts", "MultiCurrency", "PersonAccounts"))
    assert org.state.features == ["MultiCurrency", "PersonAccounts"]
    assert org.schema.get("Account").has("IsPersonAccount")
    assert org.schema.get("Opportunity").has("CurrencyIsoCode")


@pytest.mark.parametrize(("seed", "size"), [("small", 44), ("big", 50)])
def test_books_are_made_in_orgs_with_features(seed: str, size: int) -> None:
    org = prepare(seed, size=size, features=("MultiCurrency", "PersonAccounts"))
    accounts = org.records("Account")
    assert len(accounts) == size
    assert {a["IsPersonAccount"] for a in accounts} == {False}
    for sobject in ("Account", "Opportunity", "Task"):
        assert {row["CurrencyIsoCode"] for row in org.records(sobject)} == {"USD"}


def test_features_are_for_life(tmp_path: Path) -> None:
    state = tmp_path / "org.sqlite"
    prepare(NO_SEED, state=state, features=("MultiCurrency",)).close()
    prepare(NO_SEED, state=state).close()
    prepare(NO_SEED, state=state, features=("MultiCurrency",)).close()
    with pytest.raises(ValueError, match=r"made without PersonAccounts \(its features: MultiCurrency\)"):
        prepare(NO_SEED, state=state, features=("MultiCurrency", "PersonAccounts"))


def test_options_that_a_kept_org_makes_superfluous_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = str(tmp_path / "org.sqlite")
    assert "not used" not in serve(monkeypatch, "--state", state, "--seed", "none").output
    assert "not used" not in serve(monkeypatch, "--state", state).output
    again = serve(monkeypatch, "--state", state, "--seed", "small", "--size", "60")
    assert f"Note: {state} holds an org already, which is served as it is; not used: --seed, --size." in again.output
    assert again.exit_code == 0


def test_the_authority_is_in_the_folder_that_the_user_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve(monkeypatch, "--seed", "none", "--tls-dir", str(tmp_path / "trust"))
    assert "Local org on https://127.0.0.1:" in served.output
    assert f"REQUESTS_CA_BUNDLE={tmp_path}/trust/local-org-ca.pem" in served.output
    assert (tmp_path / "trust" / "local-org-ca.pem").exists()
    assert "https://" in serve(monkeypatch, "--seed", "none", "--tls").output
    assert "https://" not in serve(monkeypatch, "--seed", "none").output


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
        (["--feature", "Multicurrency"], "no feature 'Multicurrency'; this org knows MultiCurrency, PersonAccounts"),
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
