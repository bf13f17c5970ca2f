"""The command line: arguments in, exit code out. Nothing else prints (terminal.py, its other half, says how).

Every command loads what it needs, calls one function of the layers below and prints what report renders. Errors with
an exit code of their own are shown as one message, never as a traceback.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable, Sequence
from functools import reduce
from importlib.metadata import PackageNotFoundError, version
from operator import or_
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from connector.checking import check_files, check_org
from connector.doctor import examine
from connector.errors import ConnectorError, FileProblems, FixFirst, Problem
from connector.health import Health, health_server
from connector.ids import full_id
from connector.jobs import Job, find_job, load_jobs
from connector.logs import configure_logs
from connector.mapping.language.reference import reference
from connector.mapping.load import load_mapping
from connector.mapping.model import json_schema
from connector.models import all_sources, find_sources, save_describes
from connector.orgsetup import export_source, fields_of
from connector.report import (
    RunReport,
    agrees,
    checks_json,
    explanation_json,
    is_healthy,
    plan_json,
    pull_json,
    render_checks,
    render_explanation,
    render_past_run,
    render_plan,
    render_proofs,
    render_run,
    render_runs,
    run_json,
)
from connector.run import explain_account, run_job, verify_mirror
from connector.salesforce import connect
from connector.schedule import serve as serve_jobs
from connector.settings import Settings
from connector.store.ledger import Ledger, RunRow
from connector.terminal import error_console, show, stop_on_signal, told_progress

log = structlog.get_logger("connector.cli")

app = typer.Typer(
    name="connector", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Customer lifecycle on Salesforce: stages, KPIs, Tasks and memberships from declarative mapping files.",
)  # fmt: skip
setup = typer.Typer(no_args_is_help=True, help="The fields and permissions that mappings need in the org.")
app.add_typer(setup, name="setup")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file (default: $CONNECTOR_CONFIG, else config.toml).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AccountOption = Annotated[
    list[str] | None, typer.Option("--account", help="Touch only this account, by id; may be repeated.")
]
ExamplesOption = Annotated[
    int, typer.Option("--examples", min=0, help="How many records to show per group; 0 shows all of them.")
]
JobArgument = Annotated[str, typer.Argument(help="Name of a job, from jobs/*.toml.")]


def main() -> None:
    """Runs the command line; an expected error ends the process with its own exit code."""
    try:
        app()
    except ConnectorError as error:
        error_console().print(str(error))
        sys.exit(error.exit_code)


@app.callback(invoke_without_command=True)
def connector(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """What all commands share."""
    if show_version:
        show(f"connector {_version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise typer.Exit(2)


def _version() -> str:
    try:
        return version("lifecycle-connector")
    except PackageNotFoundError:
        return "(from source)"


# --- running --------------------------------------------------------------------------------------------------


@app.command()
def run(
    job: JobArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stop before writing anything.")] = False,
    account: AccountOption = None,
    examples: ExamplesOption = 3,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Run a job now: pull, evaluate, plan, apply, report."""
    settings = _settings(config)
    found = find_job(settings.jobs.directory, job)
    stop = threading.Event()
    with told_progress() as progress, stop_on_signal(stop.set):
        report = run_job(
            found, settings, dry_run=dry_run, accounts=_account_ids(account), stop=stop.is_set, progress=progress
        )
    if as_json:
        _print_json(run_json(report))
    else:
        show(render_run(report, examples=examples or None))
    raise typer.Exit(report.exit_code)


@app.command()
def plan(
    job: JobArgument,
    account: AccountOption = None,
    examples: ExamplesOption = 3,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what a run would change, and why. Nothing is written."""
    settings = _settings(config)
    found = find_job(settings.jobs.directory, job)
    with told_progress() as progress:
        report = run_job(found, settings, dry_run=True, accounts=_account_ids(account), progress=progress)
    if as_json:
        _print_json(plan_json(report.plan))
    else:
        labels = {line.key: line.label for m in report.models for line in m.stages}
        show(render_plan(report.plan, labels, examples=examples or None))
    raise typer.Exit(report.exit_code)


@app.command()
def runs(
    run_id: Annotated[int | None, typer.Argument(metavar="[RUN]", help="Number of a run: show it whole.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many runs to list.")] = 20,
    examples: ExamplesOption = 3,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the latest runs, or show one of them with its changes."""
    settings = _settings(config)
    if not settings.store.ledger.exists():
        raise FixFirst(f"No run yet: there is no {settings.store.ledger}. Start one with: connector run JOB --dry-run")
    with Ledger.open(settings.store.ledger) as ledger:
        if run_id is None:
            _print_runs(ledger.runs(limit), as_json=as_json)
        else:
            _print_run(ledger, run_id, examples, as_json=as_json)


def _print_runs(rows: Sequence[RunRow], *, as_json: bool) -> None:
    if as_json:
        _print_json([_run_row_json(row) for row in rows])
    else:
        show(render_runs(rows))


def _print_run(ledger: Ledger, run_id: int, examples: int, *, as_json: bool) -> None:
    row = ledger.run(run_id)
    if row is None:
        raise FixFirst(f"There is no run {run_id}. `connector runs` lists the latest ones.")
    changes = ledger.changes(run_id)
    if as_json:
        _print_json({**_run_row_json(row), "report": row.report})
        return
    plan, outcomes = [c.change for c in changes], [c.outcome for c in changes]
    show(render_past_run(row, plan, outcomes, examples=examples or None))


def _run_row_json(row: RunRow) -> dict[str, Any]:
    return {
        "run": row.id, "job": row.job, "org": row.org, "status": row.status, "exit_code": row.exit_code,
        "dry_run": row.dry_run, "started": row.started, "finished": row.finished, "as_of": row.as_of,
        "api_calls": dict(row.api_calls),
    }  # fmt: skip


@app.command()
def serve(config: ConfigOption = None) -> None:
    """Run all jobs on their schedules until told to stop; answers /healthz and /metrics."""
    settings = _settings(config)
    jobs = {name: job for name, job in load_jobs(settings.jobs.directory).items() if job.schedule}
    if not jobs:
        raise FixFirst(f"No job in {settings.jobs.directory} has a schedule. Give one of them a `schedule`.")
    stop, health = threading.Event(), Health()

    def run_one(job: Job) -> RunReport:
        return run_job(job, settings, stop=stop.is_set, progress=_log_progress)

    with health_server(health, settings.serve.host, settings.serve.port) as port, stop_on_signal(stop.set):
        error_console().print(f"Serving {', '.join(jobs)}; http://{settings.serve.host}:{port}/healthz")
        serve_jobs(jobs, lambda: Ledger.open(settings.store.ledger), run_one, health, stop)


# --- the org's side -------------------------------------------------------------------------------------------


@setup.command("export")
def export(
    directory: Annotated[Path, typer.Argument(help="Folder to write the project into; made if missing.")],
    mapping: Annotated[list[str] | None, typer.Option(help="Only this mapping; may be repeated.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write the fields and the permission set that the mappings need, as SFDX source to deploy."""
    settings = _settings(config)
    folder = settings.mappings.directory
    sources = find_sources(settings, mapping) if mapping else all_sources(folder)
    models = [load_mapping(source, overrides=settings.overrides) for source in sources]
    definitions, needs = fields_of(models), reduce(or_, (m.needs for m in models))
    files = export_source(directory, definitions, needs=needs, not_needed=models[0].model.keys.not_needed)
    show(
        f"{len(definitions)} fields and a permission set in {directory} ({len(files)} files). "
        f"{directory / 'README.txt'} says how to deploy them."
    )


# --- looking and checking -------------------------------------------------------------------------------------


@app.command()
def explain(
    account: Annotated[str, typer.Argument(help="Id or name of an account.")],
    job: Annotated[str | None, typer.Option(help="The job whose mappings explain it (default: the first).")] = None,
    mapping: Annotated[str | None, typer.Option(help="Explain by this mapping alone.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Say why an account is in its stage, and why it is not in another one."""
    settings = _settings(config)
    found = _explaining_job(settings, job, mapping)
    with told_progress() as progress:
        answers = explain_account(found, settings, account, progress)
    if as_json:
        _print_json([explanation_json(answer.explanation, answer.as_of) for answer in answers])
        return
    for answer in answers:
        show(render_explanation(answer.explanation, answer.model, answer.as_of))


def _explaining_job(settings: Settings, job: str | None, mapping: str | None) -> Job:
    if mapping is not None:
        return Job(job="explain", mappings=(mapping,))
    if job is not None:
        return find_job(settings.jobs.directory, job)
    jobs = load_jobs(settings.jobs.directory)
    if not jobs:
        raise FixFirst(f"There is no job in {settings.jobs.directory}. Name a mapping with --mapping.")
    return jobs[min(jobs)]


@app.command()
def check(
    path: Annotated[Path | None, typer.Argument(help="A mapping or a job file; everything without it.")] = None,
    org: Annotated[bool, typer.Option("--org", help="Compare with the org too: fields, types, rights.")] = False,
    config: ConfigOption = None,
) -> None:
    """Say everything that is wrong with mappings and jobs, and whether their worked examples hold."""
    settings = _settings(config)
    found = check_files(settings, path)
    problems = list(found.problems)
    if org and found.is_good:
        names = [source.stem for source in found.sources]
        with told_progress() as progress:
            problems += check_org(settings, names, progress)
    _print_problems(problems)
    for line in found.told():
        show(line)


def _print_problems(problems: Sequence[Problem]) -> None:
    """Warnings are shown; errors end the command."""
    if any(problem.severity == "error" for problem in problems):
        raise FileProblems(problems)
    for warning in problems:
        error_console().print(f"warning: {warning}")


@app.command()
def verify(
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="A job; without it, all mappings.")] = None,
    believe: Annotated[
        list[str] | None,
        typer.Option(
            "--believe-removals", metavar="SOBJECT",
            help="Records of this sObject that are gone without a trace were really removed; may be repeated.",
        ),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Prove that the mirror holds what the org holds: counts and ids of every object; what differs is put right.

    Ends with 1 when something differed, or could not be proved.
    """
    settings = _settings(config)
    found = find_job(settings.jobs.directory, job) if job else _job_of_everything(settings)
    with told_progress() as progress:
        pulled = verify_mirror(found, settings, believe or (), progress)
    if as_json:
        _print_json(pull_json(pulled))
    else:
        show(render_proofs(pulled))
    if not agrees(pulled):
        raise typer.Exit(1)


def _job_of_everything(settings: Settings) -> Job:
    return Job(job="verify", mappings=tuple(source.stem for source in all_sources(settings.mappings.directory)))


@app.command()
def doctor(
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="A job; without it, all mappings.")] = None,
    write: Annotated[
        bool | None,
        typer.Option(
            "--write-test/--no-write-test", show_default=False,
            help="Try the Task key on a Task that is deleted at once (default: not in a production org).",
        ),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Look at login, rights, limits, rules and files, and say what to do about what is found.

    Ends with 1 when there is a problem; warnings and what cannot be proved do not count.
    """
    settings = _settings(config)
    found = find_job(settings.jobs.directory, job) if job else _job_of_everything(settings)
    with told_progress() as progress:
        checks = examine(found, settings, write=write, progress=progress)
    if as_json:
        _print_json(checks_json(checks))
    else:
        show(render_checks(checks))
    if not is_healthy(checks):
        raise typer.Exit(1)


@app.command()
def language() -> None:
    """Print the reference of the expression language, as Markdown: operators, lengths of time, every function."""
    typer.echo(reference())


@app.command()
def schema() -> None:
    """Print the JSON Schema of mapping files, for editors that complete and check."""
    _print_json(json_schema())


@app.command()
def describe(
    sobjects: Annotated[list[str], typer.Argument(metavar="SOBJECT...", help="API names, such as Account.")],
    save: Annotated[Path, typer.Option(help="Folder of the mapping beside which the fields are kept.")],
    config: ConfigOption = None,
) -> None:
    """Keep what the org says of its own fields beside a mapping, so that `check` knows them without an org."""
    settings = _settings(config)
    client = connect(settings.org, settings.http, settings.api, folder=settings.store.directory)
    path = save_describes(save, [client.describe(name) for name in sobjects])
    show(f"Kept in {path}. `connector check {save}` reads it.")


# --- the local org --------------------------------------------------------------------------------------------


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def localorg(context: typer.Context) -> None:
    """An embedded Salesforce with invented customers: serve it, live days in it, see the demo (`localorg --help`)."""
    from connector.localorg import demo  # only here: everything else runs without the local org
    from connector.localorg.command import app as localorg_app

    demo.register(localorg_app)
    typer.main.get_command(localorg_app)(context.args, prog_name="connector localorg")


# --- inside ---------------------------------------------------------------------------------------------------


def _settings(config: Path | None) -> Settings:
    settings = Settings.load(config)
    configure_logs(settings.log)
    return settings


def _account_ids(given: Iterable[str] | None) -> frozenset[str] | None:
    return frozenset(full_id(text) for text in given) if given else None


def _log_progress(text: str) -> None:
    log.debug(text)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
