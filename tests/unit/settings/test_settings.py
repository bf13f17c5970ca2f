"""config.toml, environment and secrets directory: who wins, what is refused and where, what is never shown."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from connector.errors import FileProblems, FixFirst
from connector.settings import OrgSettings, Settings

ORG = '[org]\ninstance_url = "https://acme.my.salesforce.com"\nclient_id = "key"\nclient_secret = "hush"\n'
EXAMPLE = Path(__file__).resolve().parents[3] / "config.example.toml"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in [v for v in os.environ if v.startswith("CONNECTOR_")]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


def load(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "my.toml"
    file.write_text(text)
    return Settings.load(file)


# --- where values come from ------------------------------------------------------------------------------------


def test_defaults_suffice_without_a_file() -> None:
    settings = Settings.load()
    assert settings.store.mirror == Path("var/mirror.duckdb")
    assert settings.org.api_version == "66.0"


def test_a_file_is_read_and_its_paths_are_meant_from_its_folder(tmp_path: Path) -> None:
    settings = load(tmp_path, ORG + '[store]\ndirectory = "data"\n[mappings]\ndirectory = "/m"\n')
    assert settings.org.client_id == "key"
    assert settings.store.ledger == tmp_path / "data" / "ledger.sqlite"
    assert settings.mappings.directory == Path("/m")
    assert settings.jobs.directory == tmp_path / "jobs"


def test_config_toml_of_the_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('installation = "emea"\n')
    assert Settings.load().installation == "emea"


def test_the_variable_names_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.toml").write_text('installation = "apac"\n')
    monkeypatch.setenv("CONNECTOR_CONFIG", str(tmp_path / "other.toml"))
    assert Settings.load().installation == "apac"


def test_environment_beats_secrets_directory_beats_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = tmp_path / "run-secrets"
    secrets.mkdir()
    (secrets / "org__client_secret").write_text("from directory\n")
    (secrets / "org__username").write_text("directory@acme.com\n")
    text = ORG + 'username = "file@acme.com"\n[secrets]\ndirectory = "run-secrets"\n'
    assert load(tmp_path, text).org.client_secret.get_secret_value() == "from directory"
    monkeypatch.setenv("CONNECTOR_ORG__CLIENT_SECRET", "from environment")
    settings = load(tmp_path, text)
    assert settings.org.client_secret.get_secret_value() == "from environment"
    assert settings.org.username == "directory@acme.com"
    assert settings.org.client_id == "key"


def test_the_secrets_directory_can_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "org__client_id").write_text("other key")
    (tmp_path / "s" / "connector.pem").write_text("a key file beside them is left alone")
    monkeypatch.setenv("CONNECTOR_SECRETS_DIR", str(tmp_path / "s"))
    assert load(tmp_path, ORG).org.client_id == "other key"


def test_a_token_is_pasted_with_its_line_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_ORG__ACCESS_TOKEN", " 00D!AQ \n")
    monkeypatch.setenv("CONNECTOR_ORG__REFRESH_TOKEN", "5Aep\n")
    org = Settings.load().org
    assert (org.access_token.get_secret_value(), org.refresh_token.get_secret_value()) == ("00D!AQ", "5Aep")


def test_numbers_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_API__RESERVE", "35")
    assert Settings.load().api.reserve == 35


def test_overrides_are_free(tmp_path: Path) -> None:
    settings = load(tmp_path, '[overrides.post_sale]\nlists = { tiers = ["A"] }\n')
    assert settings.overrides == {"post_sale": {"lists": {"tiers": ["A"]}}}


# --- what is refused, and where --------------------------------------------------------------------------------

WRONG = {
    "misspelt key": ("[org]\nclient_idd = 'x'\n", r"my\.toml:2:1: unknown key 'client_idd'; did you mean 'client_id'"),
    "misspelt section": ("[htp]\nattempts = 2\n", r"my\.toml:1:1: unknown key 'htp'; did you mean 'http'\?"),
    "nothing near": ("[log]\nzzz = 1\n", r"my\.toml:2:1: unknown key 'zzz'; allowed here: format, level"),
    "wrong type": ("\n[http]\nattempts = 'many'\n", r"my\.toml:3:1: http\.attempts: input should be a valid integer"),
    "out of range": ("[api]\nreserve = 100\n", r"my\.toml:2:1: api\.reserve: .*less than 100"),
    "not one of": ("[log]\nlevel = 'LOUD'\n", r"my\.toml:2:1: log\.level: .*'DEBUG'"),
    "login host": ("[org]\ninstance_url = 'https://login.salesforce.com'\n", r"my\.toml:2:1: .*not a My Domain"),
    "lightning host": ("[org]\ninstance_url = 'https://a.lightning.force.com'\n", r"my\.toml:2:1: .*not a My Domain"),
    "no address": ("[org]\ninstance_url = 'acme'\n", r"my\.toml:2:1: .*https://"),
    "in clear": ("[org]\ninstance_url = 'http://acme.my.salesforce.com'\n", r"my\.toml:2:1: .*in clear"),
    "no secret": ("[org]\ninstance_url = 'https://a.my.salesforce.com'\nclient_id = 'x'\n", "also needs client_secret"),
    "no key": (ORG + "auth = 'jwt'\n", r"my\.toml:1:1: org: auth = 'jwt' also needs username, private_key_file"),
    "no token": (ORG + "auth = 'access_token'\n", r"my\.toml:1:1: org: auth = 'access_token' also needs access_token"),
    "a token on two lines": (ORG + 'access_token = "hush\\nhush"\n', r"toml:5:1: org\.access_token: .*in one piece"),
    "a misspelt secret": ("[org]\nclient_secrt = 'hush'\n", r"my\.toml:2:1: unknown key 'client_secrt'"),
    "a secret in one line": ("org = { client_secret = 'hush', autn = 'jwt' }\n", r"unknown key 'autn'"),
    "an unfinished secret": ("[org]\nclient_secret = 'hush\n", r"my\.toml:2:\d+: not TOML"),
    "no such login": (ORG + "auth = 'password'\n", r"my\.toml:5:1: org\.auth: .*'access_token'"),
    "a share of nothing": ("[api]\ndaily_share = 0\n", r"my\.toml:2:1: api\.daily_share: .*greater than 0"),
    "old version": ("[org]\napi_version = 'v66'\n", r"my\.toml:2:1: org\.api_version"),
    "not TOML": ("[org\n", r"my\.toml:1:\d+: not TOML"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_shown_where_it_stands(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FileProblems) as raised:
        load(tmp_path, text)
    assert re.search(message, str(raised.value)), str(raised.value)
    assert "hush" not in str(raised.value)


def test_all_mistakes_are_shown_together(tmp_path: Path) -> None:
    with pytest.raises(FileProblems) as raised:
        load(tmp_path, "installation = 'A B'\n[http]\nattempts = 0\nconect_timeout = 1\n")
    assert [p.line for p in raised.value.problems] == [1, 3, 4]


VARIABLES = {
    "misspelt key": ("CONNECTOR_ORG__CLIENT_SECRT", "CONNECTOR_ORG__CLIENT_SECRT: .*did you mean 'client_secret'"),
    "misspelt section": ("CONNECTOR_OGR__CLIENT_ID", "CONNECTOR_OGR__CLIENT_ID: .*did you mean 'org'"),
    "wrong value": ("CONNECTOR_HTTP__ATTEMPTS", "CONNECTOR_HTTP__ATTEMPTS: .*valid integer"),
}


@pytest.mark.parametrize(("variable", "message"), VARIABLES.values(), ids=VARIABLES.keys())
def test_a_mistake_in_a_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, message: str) -> None:
    monkeypatch.setenv(variable, "verysecret")
    with pytest.raises(FileProblems, match=message) as raised:
        Settings.load()
    assert "verysecret" not in str(raised.value)


def test_variables_that_kubernetes_makes_for_a_service_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("CONNECTOR_PORT_8080_TCP", "tcp://10.0.0.1:8080")
    Settings.load()


def test_a_mistake_in_a_secret_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "http__attempts").write_text("verysecret")
    monkeypatch.setenv("CONNECTOR_SECRETS_DIR", str(tmp_path))
    with pytest.raises(FileProblems, match=r"http__attempts.*valid integer") as raised:
        Settings.load()
    assert "verysecret" not in str(raised.value)


@pytest.mark.parametrize("variable", ["CONNECTOR_CONFIG", "CONNECTOR_SECRETS_DIR"])
def test_what_was_asked_for_must_exist(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "/nowhere/at/all")
    with pytest.raises(FixFirst, match="/nowhere/at/all"):
        Settings.load()


def test_a_variable_that_is_no_json_is_for_a_person_to_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_OVERRIDES", "{")
    with pytest.raises(FixFirst, match="overrides"):
        Settings.load()


# --- what is never shown ---------------------------------------------------------------------------------------


def test_secrets_do_not_appear_in_any_text_of_the_settings(tmp_path: Path) -> None:
    settings = load(tmp_path, ORG + '[http]\nproxy = "http://user:pass@proxy:3128"\n')
    for text in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.org), repr(settings.http)):
        assert "hush" not in text
        assert "pass@" not in text
    assert settings.org.client_secret.get_secret_value() == "hush"


def test_the_local_org_may_speak_http() -> None:
    org = OrgSettings(instance_url="http://127.0.0.1:8123/", client_id="k", client_secret="s")
    assert org.token_endpoint == "http://127.0.0.1:8123/services/oauth2/token"
    assert org.jwt_audience == "http://127.0.0.1:8123"


# --- the example file ------------------------------------------------------------------------------------------


def test_the_example_loads_once_it_is_filled_in(tmp_path: Path) -> None:
    text = (
        EXAMPLE.read_text()
        .replace('client_id = ""\n', 'client_id = "key"\n', 1)
        .replace('# client_secret = ""', 'client_secret = "hush"')
    )
    assert load(tmp_path, text).org.instance_url == "https://your-domain.my.salesforce.com"


def test_the_example_as_delivered_says_what_is_missing() -> None:
    with pytest.raises(FileProblems, match=r"also needs client_id, client_secret"):
        Settings.load(EXAMPLE)


def test_the_example_mentions_every_key_with_its_default() -> None:
    text = EXAMPLE.read_text()
    sections = re.split(r"^(?:# )?\[(\w+)", text, flags=re.MULTILINE)
    written = dict(zip(sections[1::2], sections[2::2], strict=True))
    for name, info in Settings.model_fields.items():
        kind: Any = info.annotation
        if name in ("overrides", "installation", "sources"):  # sources have names of their own
            assert name in text
            continue
        assert issubclass(kind, BaseModel)
        keys = set(re.findall(r"^(?:# )?(\w+) =", written[name], flags=re.MULTILINE))
        assert keys == set(kind.model_fields), name


# --- sources beside the org ------------------------------------------------------------------------------------


def test_a_source_is_a_directory_beside_the_file_or_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_SOURCES__PRODUCT__PASSWORD", "hush")
    text = '[sources.usage]\ndirectory = "exports"\n[sources.product]\nurl = "postgresql://reader@db/product"\n'
    sources = load(tmp_path, text).sources
    assert sources["usage"].directory == tmp_path / "exports"
    assert sources["product"].password.get_secret_value() == "hush"
    assert "hush" not in repr(sources)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('directry = "exports"', "unknown key 'directry'; did you mean 'directory'"),
        ("timeout = 5", "one of the two"),
        ('directory = "exports"\nurl = "sqlite:///x"', "one of the two"),
        ('url = "db.acme.com"', "write it like postgresql://"),
    ],
)
def test_a_source_that_is_no_place_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FileProblems, match=message):
        load(tmp_path, f"[sources.usage]\n{text}\n")


@pytest.mark.parametrize("section", ["http", "store", "api", "pull", "mappings", "jobs", "log", "serve"])
def test_the_example_shows_the_values_that_hold_without_it(section: str) -> None:
    kind: Any = Settings.model_fields[section].annotation
    shown = tomllib.loads(EXAMPLE.read_text())[section]
    defaults = kind().model_dump(mode="json")
    assert shown == {key: defaults[key] for key in shown}
