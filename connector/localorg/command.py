"""`connector localorg`: serve a Salesforce-compatible org on loopback, or live days in one that is being served.

Mounted lazily by the command line; the only module of the local org that prints. Stays until it is interrupted.
"""

from __future__ import annotations

import json
import shlex
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.request import Request, urlopen

import typer

from connector.localorg.clock import Clock
from connector.localorg.org import Org
from connector.localorg.schema import FEATURES
from connector.localorg.seeds import SEEDS, load_seed
from connector.localorg.server import LocalOrgServer
from connector.localorg.tls import Tls, make_tls

CLIENT_ID = "local-client"
CLIENT_SECRET = "local-secret"  # noqa: S105  an org on loopback that only holds invented people
INTEGRATION_USER = "integration@local.org"
NO_SEED = "none"
NOT_NEEDED = "Not needed"
"""A closed Task status that an admin adds by hand beside an exported source, which cannot carry it."""

app = typer.Typer(
    name="localorg",
    help="An embedded Salesforce: serve it, look at it in a browser, let people live in it.",
    invoke_without_command=True,
)

_SEED_HELP = "Book to start with: " + ", ".join([*(f"{k} ({s.summary})" for k, s in SEEDS.items()), NO_SEED])


def read_clock(text: str | None) -> Clock:
    """A clock that stands at an ISO moment (UTC when it names no zone), or the real one."""
    if text is None:
        return Clock()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no ISO moment such as 2026-09-01T08:00:00Z") from error
    return Clock(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def prepare_org(
    seed: str,
    *,
    number: int,
    size: int | None,
    clock: Clock,
    state: Path | None,
    sources: list[Path],
    features: Sequence[str] = (),
) -> Org:
    """Open the org kept in `state`, or make and fill a new one; then add what SFDX sources define."""
    if state is not None and state.exists():
        org = _open_kept(state, clock, features)
    else:
        org = Org.create(clock=clock, path=state, seed=number, features=features)
        if seed != NO_SEED:
            load_seed(org, seed, seed=number, size=size)
    for directory in sources:
        org.load_source(directory)
    if sources and NOT_NEEDED not in {row["ApiName"] for row in org.records("TaskStatus")}:
        org.add_status(NOT_NEEDED, closed=True)
    return org


def _open_kept(state: Path, clock: Clock, features: Sequence[str]) -> Org:
    """The org in a file; features are for life, so one that it was made without is refused."""
    org = Org.open(state, clock=clock)
    if missing := sorted(set(features) - set(org.state.features)):
        org.close()
        has = ", ".join(org.state.features) or "none"
        raise ValueError(
            f"the org in {state} was made without {', '.join(missing)} (its features: {has}), and features cannot be "
            "added later; name a new file with --state, or leave out --feature"
        )
    return org


def restrict_client(org: Org, permission_sets: Sequence[str]) -> str:
    """The id of an integration user who sees only what these permission sets grant, made if there is none yet."""
    known = org.records("User", {"Username": INTEGRATION_USER})
    user = str(known[0]["Id"]) if known else org.add_user(INTEGRATION_USER, minimum_access=True)
    org.withdraw_permission_sets(user)
    for name in permission_sets:
        org.assign_permission_set(user, name)
    return user


def describe_unused(state: Path, options: Sequence[str]) -> str:
    """Say which options an org that was kept made superfluous."""
    return f"Note: {state} holds an org already, which is served as it is; not used: {', '.join(options)}.\n"


def describe_access(url: str, ca_file: Path | None = None) -> str:
    """How a client reaches the org, as lines to copy; `ca_file` is the authority to trust when the org speaks TLS."""
    trust = f"SSL_CERT_FILE={shlex.quote(str(ca_file))} " if ca_file else ""
    return "\n".join(
        (
            f"Local org on {url}  (open it in a browser)",
            "",
            f"  instance URL   {url}",
            f"  token URL      {url}/services/oauth2/token",
            f"  client id      {CLIENT_ID}",
            f"  client secret  {CLIENT_SECRET}",
            "",
            "config.toml:",
            "",
            "  [org]",
            f'  instance_url = "{url}"',
            f'  client_id = "{CLIENT_ID}"',
            *(("  [http]", f"  ca_bundle = {json.dumps(str(ca_file))}") if ca_file else ()),
            "",
            f"environment:  CONNECTOR_ORG__CLIENT_SECRET={CLIENT_SECRET}",
            *([*_describe_trust(ca_file), ""] if ca_file else []),
            f"a day later:  {trust}connector localorg tick --url {url}",
            "",
            "Ctrl+C ends it.",
        )
    )


def _describe_trust(ca_file: Path) -> list[str]:
    """What makes other people's clients trust the throwaway authority, which is a new one at every start."""
    shown = shlex.quote(str(ca_file))
    return [
        "",
        "The certificate is vouched for by an authority made for this run. Clients trust it with one of:",
        "",
        f"  export REQUESTS_CA_BUNDLE={shown}     # Python: requests, simple-salesforce",
        f"  export SSL_CERT_FILE={shown}          # Python: ssl, httpx; OpenSSL, Go, Ruby",
        f"  export NODE_EXTRA_CA_CERTS={shown}    # Node: sf, jsforce",
        f"  curl --cacert {shown} ...",
    ]


@app.callback()
def serve(
    context: typer.Context,
    seed: Annotated[str, typer.Option(help=_SEED_HELP)] = "demo",
    number: Annotated[int, typer.Option(help="Seed number: the same number gives the same org.")] = 1,
    size: Annotated[int | None, typer.Option(help="Number of accounts, where the book lets you choose.", min=1)] = None,
    port: Annotated[int, typer.Option(help="Port; 0 picks a free one.", min=0, max=65535)] = 0,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Anything but loopback lets others in.")
    ] = "127.0.0.1",
    clock: Annotated[str | None, typer.Option(help="Stand still at this ISO moment instead of running.")] = None,
    state: Annotated[Path | None, typer.Option(help="Keep the org in this file; one that exists is opened.")] = None,
    feature: Annotated[
        list[str] | None, typer.Option(help=f"Make the org with a feature: {', '.join(FEATURES)}; may be repeated.")
    ] = None,
    source: Annotated[list[Path] | None, typer.Option(help="SFDX source with fields to add; may be repeated.")] = None,
    permission_set: Annotated[
        list[str] | None,
        typer.Option(help="Let the client see only what this permission set of the source grants; may be repeated."),
    ] = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="Speak https, with a certificate authority made for this run.")
    ] = False,
    tls_dir: Annotated[
        Path | None,
        typer.Option(help="Where to put the authority's certificate (implies --tls); else a passing folder."),
    ] = None,
) -> None:
    """Serve an org until interrupted and print how to point clients at it."""
    if context.invoked_subcommand is not None:
        return
    if seed not in (*SEEDS, NO_SEED):
        raise typer.BadParameter(f"there is no seed {seed!r}; choose one of {', '.join([*SEEDS, NO_SEED])}")
    at = read_clock(clock)
    unused = _given(context, "seed", "number", "size") if state is not None and state.exists() else []
    try:
        org = prepare_org(
            seed, number=number, size=size, clock=at, state=state, sources=source or [], features=feature or ()
        )
        user = restrict_client(org, permission_set) if permission_set else None
    except (ValueError, FileNotFoundError) as error:
        raise typer.BadParameter(str(error)) from error
    org.add_client(CLIENT_ID, CLIENT_SECRET, user)
    with _open_tls(host, tls_dir, wanted=tls or tls_dir is not None) as certificate:
        server = _listen(org, host, port, certificate)
        server.start()
        if state is not None and unused:
            typer.echo(describe_unused(state, unused))
        typer.echo(describe_access(server.url, certificate.ca_file if certificate else None))
        try:
            _wait_for_signal()
        finally:
            server.stop()


def _given(context: typer.Context, *names: str) -> list[str]:
    """Which of these options the user typed."""
    sources = {n: context.get_parameter_source(n) for n in names}
    return [f"--{n}" for n, source in sources.items() if source is not None and source.name == "COMMANDLINE"]


@contextmanager
def _open_tls(host: str, folder: Path | None, *, wanted: bool) -> Iterator[Tls | None]:
    """A certificate if one is wanted, its authority in the user's folder or in one that goes when the org does."""
    if not wanted:
        yield None
    elif folder is not None:
        yield make_tls(folder, host)
    else:
        with tempfile.TemporaryDirectory(prefix="local-org-") as scratch:
            yield make_tls(Path(scratch), host)


def _listen(org: Org, host: str, port: int, tls: Tls | None) -> LocalOrgServer:
    try:
        return LocalOrgServer(org, host=host, port=port, tls=tls)
    except (OSError, SystemExit) as error:
        raise typer.BadParameter(f"cannot listen on {host}:{port} ({error}); --port 0 picks a free port") from error


def _wait_for_signal() -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


@app.command()
def tick(
    url: Annotated[str, typer.Option(help="Address of a local org that is being served.")],
    days: Annotated[int, typer.Option(help="How many days to live.", min=1, max=1000)] = 1,
) -> None:
    """Let the people in a served org live: they do Tasks, win and lose deals, call, leave."""
    request = Request(f"{url.rstrip('/')}/__local__/tick?days={days}", method="POST", data=b"{}")  # noqa: S310
    try:
        with urlopen(request, timeout=600) as answer:  # noqa: S310
            lived = json.load(answer)
    except (OSError, ValueError) as error:
        typer.echo(f"no local org answers at {url}: {error}. Start one with: connector localorg", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"it is {lived['now']}; people have")
    for what, count in lived["happened"].items():
        typer.echo(f"  {what:<20} {count:>6}")
