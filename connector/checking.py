"""What `connector check` looks at: jobs, mappings, how they fit together, whether the worked examples hold; and, when
asked, whether an org is as the mappings want it.

Called by the command line. Everything that is wrong is collected, so that an author mends it in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from connector.begin import Progress, stand_on
from connector.describe import Describes, FieldDescribe
from connector.errors import FileProblems, FixFirst, Problem
from connector.examples import run_examples
from connector.files import Path as Keys
from connector.files import Position
from connector.jobs import Job, load_job, load_jobs
from connector.mapping import FieldDefinition, Judged, Mapping, judge_mapping
from connector.mapping.sources import Source
from connector.models import (
    all_sources,
    draft_models,
    final_models,
    find_sources,
    offline_describes,
    only_of,
    sources_of,
)
from connector.orgsetup import fields_of
from connector.pull.schema import refresh_describes
from connector.pull.sources import SourceRead, read_sources
from connector.settings import Settings
from connector.store.mirror import Mirror

EVERYTHING = "check"
"""Name of the job that stands for all mappings when an org is looked at."""


@dataclass(frozen=True)
class Checked:
    """Everything that was looked at, and everything that is wrong with it, warnings included."""

    sources: tuple[Path, ...]
    models: tuple[Mapping, ...]
    jobs: tuple[Job, ...]
    problems: tuple[Problem, ...]

    def told(self) -> Iterator[str]:
        """What was looked at, a line each."""
        for mapping in self.models:
            model = mapping.model
            kpis = sum(1 for fact in model.facts.values() if fact.is_kpi)
            yield (
                f"{mapping.key}: {len(model.stages)} stages, {len(model.facts)} facts ({kpis} KPIs), "
                f"{len(model.ctas)} CTAs, {len(model.playbooks)} playbooks, {len(model.campaigns)} campaigns; "
                f"{len(model.examples)} worked examples hold"
            )
        for job in self.jobs:
            yield f"job {job.job}: {', '.join(job.mappings)}, {job.schedule or 'by hand'}, {job.policy}"

    @property
    def is_good(self) -> bool:
        return all(problem.severity == "warning" for problem in self.problems)


def check_files(settings: Settings, path: Path | None) -> Checked:
    """One job or mapping file (or folder), or, without a path, all that the settings name."""
    if path is not None and not path.exists():
        raise FixFirst(f"There is no file or folder {path}. Name a mapping or a job file, or nothing at all.")
    problems: list[Problem] = []
    jobs = tuple(_jobs(settings, path, problems))
    sources = _sources(settings, path, jobs)
    models = {source: model for source in sources if (model := _model(source, settings, problems)) is not None}
    problems += [problem for model in models.values() for problem in run_examples(model)]
    problems += _together(tuple(models.values()))
    problems += [problem for job in jobs for problem in _job(job, settings, models)]
    return Checked(tuple(sources), tuple(models.values()), jobs, tuple(sorted(set(problems))))


def _jobs(settings: Settings, path: Path | None, problems: list[Problem]) -> Iterable[Job]:
    try:
        if path is None:
            return load_jobs(settings.jobs.directory).values()
        return (load_job(path),) if path.suffix == ".toml" else ()
    except FileProblems as found:
        problems += found.problems
        return ()


def _sources(settings: Settings, path: Path | None, jobs: Iterable[Job]) -> list[Path]:
    if path is None:
        return all_sources(settings.mappings.directory)
    return [path] if path.suffix != ".toml" else [s for job in jobs for s in _known_sources(settings, job)]


def _known_sources(settings: Settings, job: Job) -> Iterator[Path]:
    for name in job.mappings:
        try:
            yield from find_sources(settings, [name])
        except FixFirst:
            continue


def _model(source: Path, settings: Settings, problems: list[Problem]) -> Mapping | None:
    try:
        judged = judge_mapping(source, None, settings.overrides)
        if judged.sources:
            judged = _judge_with_files(source, settings, judged)
    except FileProblems as found:
        problems += found.problems
        return None
    problems += judged.problems
    return judged.mapping


def _judge_with_files(source: Path, settings: Settings, judged: Judged) -> Judged:
    """The mapping typed by the columns of the files that are there; what is wrong with those is said where they are
    named. Databases are not asked."""
    with Mirror.open(":memory:") as mirror:
        found = read_sources(mirror, judged.sources, settings.sources, datetime.now(UTC), databases=False)
    there = {name: read.columns for name, read in found.items() if read.columns is not None}
    again = judge_mapping(source, None, settings.overrides, there)
    told = _unusable(found, judged.sources, again.at)
    return replace(again, problems=tuple(sorted({*again.problems, *told})))


def _unusable(
    found: Map[str, SourceRead], sources: Iterable[Source], at: Callable[[Keys], Position]
) -> Iterator[Problem]:
    """What keeps sources from being used, where they are first named; one that is absent is no fault of a mapping."""
    for one in sources:
        read = found.get(one.name)
        if read is not None and not read.pull.complete:
            place = at(("facts", one.facts[0], "file" if one.path else "query"))
            yield place.problem(read.pull.reason, severity="warning" if read.absent else "error")


def _together(models: tuple[Mapping, ...]) -> Iterable[Problem]:
    """No two models write one field."""
    try:
        fields_of(models)
    except FileProblems as found:
        return found.problems
    return ()


def _job(job: Job, settings: Settings, models: dict[Path, Mapping]) -> Iterator[Problem]:
    """Its mappings exist, and its `only` makes sense in each of them."""
    for name in job.mappings:
        try:
            (source,) = find_sources(settings, [name])
            if source in models:
                only_of(job, models[source], offline_describes(source))
        except FileProblems as found:
            yield from found.problems
        except FixFirst as missing:
            yield job.at("mappings").problem(str(missing))


# --- against an org -------------------------------------------------------------------------------------------


def check_org(settings: Settings, names: Sequence[str], progress: Progress) -> tuple[Problem, ...]:
    """The mappings as the org sees them: every problem of types and values, fields that are missing or not as the
    mapping wants them, and what our user may not read."""
    job = Job(job=EVERYTHING, mappings=tuple(names))
    with stand_on(job, settings, progress) as ground:

        def ask(sobjects: Iterable[str]) -> None:
            refresh_describes(ground.client, ground.mirror, sobjects, ground.client.org_now, ground.progress)

        try:
            ask({name for model in draft_models(job, settings, ground.mirror, ask) for name in model.needs.fields})
            models = draft_models(job, settings, ground.mirror, ask)
            beside = read_sources(ground.mirror, sources_of(models), settings.sources, ground.client.org_now)
            columns = {name: read.columns for name, read in beside.items() if read.columns is not None}
            models = final_models(models, job, settings, ground.mirror, ground.mirror.describes(), columns)
        except FileProblems as found:
            return found.problems
        told = [p for model in models for p in _unusable(beside, model.mapping.sources, model.mapping.at)]
        return (*told, *(p for model in models for p in _seen_by(model.mapping, ground.mirror.describes())))


def _seen_by(model: Mapping, org: Describes) -> Iterator[Problem]:
    for definition in model.fields:
        place = model.at(tuple(definition.source.split(".")[1:]))
        for sobject in ("Task", "Event") if definition.sobject == "Activity" else (definition.sobject,):
            if sobject in org and (wrong := _differs(definition, org[sobject].find(definition.name))):
                yield place.problem(f"{sobject}.{definition.name} {wrong}")
    if (model.model.ctas or model.model.playbooks) and (wrong := _lacks_status(model.model.keys.not_needed, org)):
        yield model.at(()).problem(wrong)
    ours = {definition.name for definition in model.fields}
    for sobject, fields in model.needs.fields.items():
        hidden = sorted(n for n in fields - ours if sobject in org and org[sobject].find(n) is None)
        for name in hidden:
            yield model.at(()).problem(f"{sobject}.{name} {_HIDDEN}", severity="warning")
        if sobject not in org:
            yield model.at(()).problem(f"{sobject} {_HIDDEN}", severity="warning")


_DEPLOY = "deploy what `connector setup export` writes, and assign its permission set to the connector's user"
_HIDDEN = (
    "is not in this org, or the connector's user may not read it; facts over it will be unknown. Give the user's "
    "permission set read access, or take it out of the mapping"
)


def _lacks_status(status: str, org: Describes) -> str:
    """What is wrong with the org's Task statuses, '' when nothing is or nothing is known of them."""
    field = org["Task"].find("Status") if "Task" in org else None
    if field is None or status in field.picklist:
        return ""
    return f"the org has no Task status '{status}'; add it in Setup, tick Closed, or name another as keys: not_needed"


def _differs(wanted: FieldDefinition, found: FieldDescribe | None) -> str:
    """What is wrong with the org's field, '' when nothing is."""
    if found is None:
        return f"is missing, or our user may not see it; {_DEPLOY}"
    if found.type != wanted.type:
        return f"is of type {found.type} in the org, the mapping wants {wanted.type}; rename it"
    if found.length < wanted.length:
        return f"holds {found.length} characters in the org, the mapping wants {wanted.length}; {_DEPLOY}"
    if missing := [value for value, _ in wanted.values if value not in found.picklist]:
        return f"lacks the picklist values {', '.join(missing)}; {_DEPLOY}"
    if wanted.unique and not found.unique:
        return f"is not unique in the org, so Tasks and members could be doubled; {_DEPLOY}"
    if not found.updateable and not wanted.people_write:
        return f"may not be written by the connector's user; {_DEPLOY}"
    return ""
