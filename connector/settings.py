"""Where the program runs: config.toml, environment variables and a secrets directory become one frozen Settings.

Called by the command line, which hands the parts on; nothing else reads the environment. Precedence: environment
(`CONNECTOR_ORG__CLIENT_SECRET`), then secrets directory (a file `org__client_secret`), then config.toml. What the
loop should do is in mappings and jobs, never here.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from connector.describe import nearest
from connector.errors import FileProblems, FixFirst, Problem
from connector.files import Document, read_toml

PREFIX = "CONNECTOR_"
_NEEDED = {
    "client_credentials": ("client_id", "client_secret"),
    "jwt": ("client_id", "username", "private_key_file"),
    "refresh_token": ("client_id",),  # the token itself may be one that an earlier run has kept
    "access_token": ("access_token",),
}
_NOT_MY_DOMAIN = ("login.salesforce.com", "test.salesforce.com")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OrgSettings(_Section):
    """Which org, and who we are there."""

    instance_url: str = ""
    token_url: str = ""
    auth: Literal["client_credentials", "jwt", "refresh_token", "access_token"] = "client_credentials"
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    username: str = ""
    private_key_file: Path | None = None
    audience: str = ""
    refresh_token: SecretStr = SecretStr("")
    """The first one. What the org gives in its place is kept in the store directory and goes before it."""
    access_token: SecretStr = SecretStr("")
    api_version: str = Field(default="66.0", pattern=r"^[1-9]\d\.0$")

    @field_validator("instance_url", "token_url", "audience")
    @classmethod
    def _is_url(cls, url: str) -> str:
        return _checked_url(url.strip().rstrip("/")) if url.strip() else ""

    @field_validator("instance_url")
    @classmethod
    def _is_my_domain(cls, url: str) -> str:
        host = urlsplit(url).hostname or ""
        if host in _NOT_MY_DOMAIN or host.endswith((".lightning.force.com", ".my.salesforce-setup.com")):
            raise ValueError(
                f"{host} is not a My Domain address; write https://<your domain>.my.salesforce.com "
                "(Setup, My Domain, Current My Domain URL)"
            )
        return url

    @field_validator("refresh_token", "access_token")
    @classmethod
    def _is_pasted(cls, secret: SecretStr) -> SecretStr:
        return SecretStr(secret.get_secret_value().strip())

    @field_validator("access_token")
    @classmethod
    def _fits_a_header(cls, secret: SecretStr) -> SecretStr:
        """What does not fit would be shown in the HTTP library's complaint."""
        if not all("!" <= character <= "~" for character in secret.get_secret_value()):
            raise ValueError("the token holds a blank or a line break; copy it again, in one piece")
        return secret

    @model_validator(mode="after")
    def _is_complete(self) -> OrgSettings:
        if self.instance_url and (missing := self._missing()):
            raise ValueError(f"auth = {self.auth!r} also needs {', '.join(missing)}")
        return self

    def _missing(self) -> list[str]:
        given = {"client_secret": self.client_secret.get_secret_value(),
                 "access_token": self.access_token.get_secret_value()}  # fmt: skip
        return [key for key in _NEEDED[self.auth] if not given.get(key, getattr(self, key))]

    @property
    def token_endpoint(self) -> str:
        return self.token_url or f"{self.instance_url}/services/oauth2/token"

    @property
    def jwt_audience(self) -> str:
        return self.audience or self.instance_url


class HttpSettings(_Section):
    """How long to wait for an org and through what."""

    connect_timeout: float = Field(default=10, gt=0)
    read_timeout: float = Field(default=620, gt=0)
    attempts: int = Field(default=5, ge=1, le=20)
    ca_bundle: Path | None = None
    proxy: SecretStr = SecretStr("")
    """May hold a password, as https://user:password@proxy:3128."""


class StoreSettings(_Section):
    """Where the mirror and the ledger are."""

    directory: Path = Path("var")
    memory_limit: str = Field(default="1GB", pattern=r"^\d+(\.\d+)? ?(MB|GB|MiB|GiB)$")

    @property
    def mirror(self) -> Path:
        return self.directory / "mirror.duckdb"

    @property
    def ledger(self) -> Path:
        return self.directory / "ledger.sqlite"


class ApiSettings(_Section):
    """How much of the org's API allowance (calls in any 24 hours) the connector may use."""

    reserve: float = Field(default=20, ge=0, lt=100)
    """Percent of the allowance that no run touches."""
    daily_share: float = Field(default=50, gt=0, le=100)
    """Percent of the allowance that all jobs of this installation together may spend in 24 hours."""


class PullSettings(_Section):
    """How records are read. The defaults suit every org that we know of."""

    bulk_from: int = Field(default=20_000, ge=1)
    """Records of one object from which on a Bulk job reads them; fewer go over REST, 2,000 to a call."""
    bulk_page: int = Field(default=250_000, ge=1)
    """Most records of one page of a Bulk result; what is read goes on from the last whole page after a crash."""
    bulk_patience: float = Field(default=60, gt=0)
    """Minutes to wait for a Bulk job; the next run goes on with one that takes longer."""
    refresh_hours: float = Field(default=24, ge=0)
    """How old values may be that change without a stamp (formulas, roll-ups); 0 reads them in every run."""
    removals: float = Field(default=10, ge=0, le=100)
    """Percent of an object's records that may be gone without a trace before a person has to look: a permission that
    was taken away looks the same."""
    require_view_all: bool = True
    """Whether facts over an object are unknown until it is proved that our user sees all of its records."""


class MappingsSettings(_Section):
    directory: Path = Path("mappings")


class JobsSettings(_Section):
    directory: Path = Path("jobs")


class SourceSettings(_Section):
    """A place beside the org that facts may read: a directory of files, or a database."""

    directory: Path | None = None
    """Files below it may be read, and no others."""
    url: SecretStr = SecretStr("")
    """As SQLAlchemy writes addresses: postgresql://reader@host/database."""
    password: SecretStr = SecretStr("")
    """Goes into the address, so that the address alone is no secret."""
    timeout: float = Field(default=300, gt=0)
    """Seconds that a query may take."""

    @model_validator(mode="after")
    def _is_one_place(self) -> SourceSettings:
        url = self.url.get_secret_value()
        if bool(url) == bool(self.directory):
            raise ValueError("a source is a `directory` of files or the `url` of a database, one of the two")
        if url and "://" not in url:
            raise ValueError("url is no address; write it like postgresql://reader@host:5432/database")
        return self


class SecretsSettings(_Section):
    """A directory with one file per secret, named like `org__client_secret` (Docker and Kubernetes mount those)."""

    directory: Path | None = None


class LogSettings(_Section):
    format: Literal["text", "json"] = "text"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class ServeSettings(_Section):
    """Where `connector serve` answers /healthz and /metrics."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)


class Settings(BaseSettings):
    """Everything that differs from one installation to the next. Relative paths are relative to config.toml."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, env_prefix=PREFIX, env_nested_delimiter="__",
        secrets_nested_delimiter="__", secrets_prefix="", secrets_dir_missing="error",
    )  # fmt: skip

    installation: str = Field(default="connector", pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    """Name written into every state field: a second installation on the same org is recognised by it."""
    org: OrgSettings = OrgSettings()
    http: HttpSettings = HttpSettings()
    store: StoreSettings = StoreSettings()
    api: ApiSettings = ApiSettings()
    pull: PullSettings = PullSettings()
    mappings: MappingsSettings = MappingsSettings()
    jobs: JobsSettings = JobsSettings()
    sources: dict[str, SourceSettings] = Field(default_factory=dict)
    """By the name that mappings use."""
    log: LogSettings = LogSettings()
    serve: ServeSettings = ServeSettings()
    secrets: SecretsSettings = SecretsSettings()
    overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Per model: what differs in this org (lists, campaigns, queues), laid over the mapping file."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, NestedSecretsSettingsSource(file_secret_settings), init_settings

    @classmethod
    def load(cls, path: Path | str | None = None) -> Settings:
        """Settings from `path`, else from $CONNECTOR_CONFIG, else from config.toml if there is one.

        Raises FileProblems with everything that is wrong, FixFirst when a file that was asked for does not exist.
        """
        return _load(path)


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in {"https", "http"}:
        raise ValueError(f"{url!r} is not an address; write it as https://<your domain>.my.salesforce.com")
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise ValueError(f"{url!r} would send the secret in clear; write https://")
    return url


def _load(path: Path | str | None) -> Settings:
    file = _find_file(path)
    document = read_toml(file) if file else Document("config.toml", {})
    if document.problems:
        raise FileProblems(map(_without_secrets, document.problems))
    secrets = _secrets_directory(document, file)
    try:
        settings = Settings(_secrets_dir=secrets, **document.data)
    except ValidationError as error:
        raise FileProblems(_problem(dict(e), document, secrets) for e in error.errors(include_input=False)) from None
    except SettingsError as error:
        raise FixFirst(f"The settings cannot be read: {error}. Check the CONNECTOR_ variables and {secrets}.") from None
    if strange := _strange_variables():
        raise FileProblems(strange)
    return _from_folder(settings, file.parent if file else Path())


def _find_file(path: Path | str | None) -> Path | None:
    asked = path or os.environ.get(PREFIX + "CONFIG")
    file = Path(asked or "config.toml")
    if file.is_file():
        return file
    if asked:
        raise FixFirst(f"There is no settings file {file}. Copy config.example.toml there and fill it in.")
    return None


def _secrets_directory(document: Document, file: Path | None) -> Path | None:
    given = os.environ.get(PREFIX + "SECRETS_DIR")
    if given:
        directory = Path(given)
    else:
        section = document.data.get("secrets")
        named = section.get("directory") if isinstance(section, dict) else None
        if not isinstance(named, str) or file is None:
            return None
        directory = file.parent / named
    if not directory.is_dir():
        raise FixFirst(f"There is no secrets directory {directory}. Make it, or correct [secrets] directory.")
    return directory


def _from_folder(settings: Settings, folder: Path) -> Settings:
    """The same settings with every relative path meant from `folder`."""

    def moved(section: _Section, key: str) -> _Section:
        path = getattr(section, key)
        return section.model_copy(update={key: folder / path.expanduser() if path else None})

    return settings.model_copy(
        update={
            "org": moved(settings.org, "private_key_file"),
            "http": moved(settings.http, "ca_bundle"),
            "store": moved(settings.store, "directory"),
            "mappings": moved(settings.mappings, "directory"),
            "jobs": moved(settings.jobs, "directory"),
            "sources": {name: moved(source, "directory") for name, source in settings.sources.items()},
        }
    )


# --- problems -------------------------------------------------------------------------------------------------


def _problem(error: dict[str, Any], document: Document, secrets: Path | None) -> Problem:
    keys = tuple(error["loc"])
    message = _message(error, keys)
    variable = PREFIX + "__".join(str(k) for k in keys).upper()
    if variable in {name.upper() for name in os.environ}:
        return Problem("environment", 0, 0, f"{variable}: {message}")
    file = secrets / "__".join(str(k) for k in keys).lower() if secrets else None
    if file and file.is_file():
        return Problem(str(file), 0, 0, message)
    return _without_secrets(document.key_at(keys).problem(message))


def _without_secrets(problem: Problem) -> Problem:
    """The problem without its line of the file, unless that is a heading or sets a key which never holds a secret."""
    key = _KEY_OF_LINE.match(problem.source)
    shown = problem.source.lstrip().startswith("[") or (key is not None and key[1] in _harmless_keys())
    return problem if shown else replace(problem, source="")


_KEY_OF_LINE = re.compile(r"\s*(\w+)\s*=")


def _harmless_keys() -> set[str]:
    sections = [f.annotation for f in Settings.model_fields.values()]
    fields = [s.model_fields for s in sections if isinstance(s, type) and issubclass(s, BaseModel)]
    return {"installation"} | {key for of in fields for key, f in of.items() if f.annotation is not SecretStr}


def _message(error: dict[str, Any], keys: tuple[str | int, ...]) -> str:
    where = ".".join(str(k) for k in keys)
    if error["type"] == "extra_forbidden":
        return f"unknown key {str(keys[-1])!r}; {_suggestion(str(keys[-1]), _allowed(keys[:-1]))}"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {message[:1].lower()}{message[1:]}"


def _allowed(section: tuple[str | int, ...]) -> list[str]:
    if not section:
        return sorted(Settings.model_fields)
    kind = SourceSettings if section[0] == "sources" else Settings.model_fields[str(section[0])].annotation
    return sorted(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _suggestion(key: str, allowed: list[str]) -> str:
    hint = nearest(key, allowed)
    return f"did you mean {hint!r}?" if hint else f"allowed here: {', '.join(allowed)}"


def _strange_variables() -> list[Problem]:
    """Variables that look like ours but set nothing. Those without `__` are left alone: Kubernetes makes
    CONNECTOR_SERVICE_HOST and its like for a service called connector."""
    found = []
    for variable in sorted(os.environ):
        section, nested, _ = variable.removeprefix(PREFIX).lower().partition("__")
        if variable.startswith(PREFIX) and nested and section not in Settings.model_fields:
            hint = _suggestion(section, sorted(Settings.model_fields))
            found.append(Problem("environment", 0, 0, f"{variable}: unknown section {section!r}; {hint}"))
    return found
