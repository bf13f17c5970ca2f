"""What `connector check` looks at: jobs, mappings, how they fit together, and whether the worked examples hold.

Called by the command line. Needs no org; everything that is wrong is collected, so that an author mends it in one go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from connector.errors import FileProblems, FixFirst, Problem
from connector.examples import run_examples
from connector.jobs import Job, load_job, load_jobs
from connector.mapping import Mapping, judge_mapping
from connector.models import all_sources, find_sources, offline_describes, only_of
from connector.orgsetup import fields_of
from connector.settings import Settings


@dataclass(frozen=True)
class Checked:
    """Everything that was looked at, and everything that is wrong with it, warnings included."""

    models: tuple[Mapping, ...]
    jobs: tuple[Job, ...]
    problems: tuple[Problem, ...]

    @property
    def is_good(self) -> bool:
        return all(problem.severity == "warning" for problem in self.problems)


def check_files(settings: Settings, path: Path | None) -> Checked:
    """One job or mapping file (or folder), or, without a path, all that the settings name."""
    if path is not None and not path.exists():
        raise FixFirst(f"There is no file or folder {path}. Name a mapping or a job file, or leave it out to check all.")
    problems: list[Problem] = []
    jobs = tuple(_jobs(settings, path, problems))
    sources = _sources(settings, path, jobs)
    models = {source: model for source in sources if (model := _model(source, settings, problems)) is not None}
    problems += [problem for model in models.values() for problem in run_examples(model)]
    problems += _together(tuple(models.values()))
    problems += [problem for job in jobs for problem in _job(job, settings, models)]
    return Checked(tuple(models.values()), jobs, tuple(sorted(set(problems))))


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
    except FileProblems as found:
        problems += found.problems
        return None
    problems += judged.problems
    return judged.mapping


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
