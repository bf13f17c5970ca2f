"""The models that a job uses: mapping files typed by what the org itself says of its fields, and their calendars.

Called by run.py before and after the pull, and by the command line for checks against an org. What an org hides from
our user stays known by name (from the describes that the program ships and those saved beside a mapping), so that a
rule over it is unknown instead of misspelt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from collections.abc import Mapping as Map
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from connector.calendar import Calendar, country_calendar, org_calendar
from connector.data import Needs, PullResult
from connector.describe import Describes, ObjectDescribe, nearest, read_describe
from connector.drift import Drift, as_before, find_drift, needed
from connector.errors import FileProblems, FixFirst, Problem
from connector.ids import full_id, is_id
from connector.jobs import Job
from connector.mapping.compile import type_of_param
from connector.mapping.language import Expression, Kind, Position, Scope, parse
from connector.mapping.load import load_mapping
from connector.mapping.mapping import Mapping
from connector.mapping.model import ModelFile
from connector.mapping.source import DESCRIBES, mapping_files, own_describes, with_fields
from connector.mapping.sources import Source, join_sources
from connector.mapping.standard import standard_describes
from connector.settings import Settings
from connector.store.mirror import Mirror

Ask = Callable[[Iterable[str]], object]
"""Has the org describe these sObjects into the mirror; those that it does not know are passed over."""

_CUSTOM_OBJECT = re.compile(r"\b\w+__c(?=\s+(?:where|via)\b|\s*[.)])", re.IGNORECASE)


def find_sources(settings: Settings, names: Iterable[str]) -> list[Path]:
    """The file or folder of each mapping; FixFirst names the mappings that exist."""
    return [_find(settings.mappings.directory, name) for name in names]


def all_sources(directory: Path) -> list[Path]:
    """Every mapping in a directory: folders with YAML files in them, and single files."""
    if not directory.is_dir():
        raise FixFirst(f"There is no directory {directory} with mappings. Correct [mappings] directory, or make it.")
    found = [
        p for p in sorted(directory.iterdir()) if mapping_files(p) and (p.is_dir() or p.suffix in (".yaml", ".yml"))
    ]
    if not found:
        raise FixFirst(f"There is no mapping in {directory}. Copy one of the ready ones there.")
    return found


def _find(directory: Path, name: str) -> Path:
    for path in (directory / name, directory / f"{name}.yaml", directory / f"{name}.yml"):
        if path.exists():
            return path
    known = ", ".join(p.stem for p in all_sources(directory))
    raise FixFirst(
        f"There is no mapping {name!r} in {directory} (there are: {known}). Correct `mappings` in the job file."
    )


@dataclass(frozen=True)
class JobModel:
    """One of a job's models, and whom of its subjects the job may touch."""

    mapping: Mapping
    only: Expression | None = None
    drift: tuple[Drift, ...] = ()
    """Fields that are not what they were when the mapping last made sense; it is typed by what they were."""

    @property
    def model(self) -> ModelFile:
        return self.mapping.model

    @property
    def needs(self) -> Needs:
        return self.mapping.needs | Needs(self.only.fields if self.only else {})


def draft_models(job: Job, settings: Settings, mirror: Mirror, ask: Ask) -> tuple[JobModel, ...]:
    """The models as far as they can be typed before this run's pull: enough to know what to pull.

    What the org is like is asked for only when the files do not make sense without it, once.
    """
    try:
        return _load(job, settings, mirror)
    except FileProblems:
        ask(_mentioned(find_sources(settings, job.mappings)))
        if not mirror.describes():
            raise
        return _load(job, settings, mirror)


def final_models(
    drafts: tuple[JobModel, ...], job: Job, settings: Settings, mirror: Mirror, known: Describes, sources: Describes
) -> tuple[JobModel, ...]:
    """The models typed by the org as it is now, and by the `sources` that were read; `known` is what the mirror knew of
    the org when the drafts were typed."""
    if known and mirror.describes() == known and not sources:
        return drafts
    return _load(job, settings, mirror, sources)


def sources_of(models: Iterable[JobModel]) -> tuple[Source, ...]:
    """What the models read beside the org, each once."""
    return join_sources(source for model in models for source in model.mapping.sources)


def _load(
    job: Job, settings: Settings, mirror: Mirror, sources: Describes = MappingProxyType({})
) -> tuple[JobModel, ...]:
    """The models typed by the org as it is; where that makes no sense any more, by the fields as they were."""
    now = mirror.describes()
    try:
        return _load_by(job, settings, now, sources)
    except FileProblems:
        good = mirror.good_describes()
        drifts = find_drift(good, now)
        if not drifts:
            raise
        try:
            models = _load_by(job, settings, as_before(now, good, drifts), sources)
        except FileProblems:
            models = ()
        if not models:
            raise
    return tuple(replace(model, drift=needed(drifts, model.needs)) for model in models)


def _load_by(job: Job, settings: Settings, described: Describes, sources: Describes) -> tuple[JobModel, ...]:
    models: list[JobModel] = []
    problems: list[Problem] = []
    for source in find_sources(settings, job.mappings):
        org = describes_for(source, described)
        try:
            mapping = load_mapping(source, org, settings.overrides, sources)
            models.append(JobModel(mapping, only_of(job, mapping, org or offline_describes(source))))
        except FileProblems as found:
            problems += found.problems
    if problems:
        raise FileProblems(problems)
    return tuple(models)


def only_of(job: Job, mapping: Mapping, describes: Describes) -> Expression | None:
    """The job's `only`, over the model's facts and the subject's fields. Raises FileProblems with its place."""
    if job.only is None:
        return None
    model, place = mapping.model, job.at("only")
    scope = Scope(
        describes=describes, subject=model.subject, lists=model.lists, visit=False, aggregates=False,
        facts={key: mapping.expressions[f"facts.{key}"].type for key in mapping.fact_order},
        params={key: type_of_param(value) for key, value in model.params.items()}, known_values=False,
    )  # fmt: skip
    inside = place.column + 1  # after the quote
    lines = ("",) * (place.line - 1) + (place.source,)
    at = Position(place.file, place.line, inside, lines, pieces=((0, place.line, inside),))
    return parse(job.only, at, scope, want=Kind.BOOLEAN)


def offline_describes(source: Path) -> Describes:
    """What is known of the sObjects without asking an org."""
    return with_fields(standard_describes(), own_describes(source))


def describes_for(source: Path, org: Describes) -> Describes | None:
    """What the org says, with what is known otherwise of fields that it does not show; None when it said nothing."""
    if not org:
        return None
    offline = offline_describes(source)
    return {**offline, **{name: _with_hidden(found, offline.get(name)) for name, found in org.items()}}


def _with_hidden(found: ObjectDescribe, offline: ObjectDescribe | None) -> ObjectDescribe:
    return replace(found, fields={**offline.fields, **found.fields}) if offline else found


def _mentioned(sources: Iterable[Path]) -> set[str]:
    """The sObjects whose names stand in the files: a few too many do no harm."""
    text = "\n".join(f.read_text(encoding="utf-8", errors="replace") for s in sources for f in mapping_files(s))
    words = set(re.findall(r"\w+", text))
    return {"Account"} | (standard_describes().keys() & words) | set(_CUSTOM_OBJECT.findall(text))


_KEPT = (
    "name", "type", "label", "length", "precision", "digits", "scale", "nillable", "createable", "updateable",
    "calculated", "unique", "externalId", "restrictedPicklist", "picklistValues", "referenceTo", "relationshipName",
)  # fmt: skip

_TRUE_IF_ABSENT = ("nillable", "createable", "updateable")


def save_describes(folder: Path, bodies: Iterable[Map[str, Any]]) -> Path:
    """Keeps beside a mapping what these describes say of fields that the program does not know by itself."""
    if not folder.is_dir():
        raise FixFirst(f"There is no folder {folder}. Name the folder of a mapping, such as mappings/post_sale.")
    path = folder / DESCRIBES
    kept = {body["name"]: body for body in (json.loads(path.read_text("utf-8")) if path.is_file() else ())}
    kept |= {body["name"]: _news_in(body) for body in bodies}
    path.write_text(json.dumps([kept[name] for name in sorted(kept)], indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def _news_in(body: Map[str, Any]) -> dict[str, Any]:
    known = standard_describes().get(body["name"], ObjectDescribe(body["name"])).fields
    found = read_describe(body).fields
    fields = [
        {k: f[k] for k in _KEPT if f.get(k) or (k in f and k in _TRUE_IF_ABSENT)}
        for f in body["fields"]
        if known.get(f["name"]) != found[f["name"]]
    ]
    return {"name": body["name"], "label": body.get("label", body["name"]), "fields": fields}


def today_of(model: ModelFile, pulled: PullResult) -> date:
    """The day of the run in the model's zone."""
    return pulled.as_of.astimezone(ZoneInfo(model.zone or pulled.zone)).date()


def calendar_of(model: ModelFile, pulled: PullResult, mirror: Mirror) -> Calendar:
    """The days on which nobody works, for a year back and two years on."""
    today = today_of(model, pulled)
    first, last = today - timedelta(days=400), today + timedelta(days=800)
    if model.calendar != "org":
        return country_calendar(model.calendar, range(first.year, last.year + 1))
    return org_calendar(_holidays(mirror), first, last)


def _holidays(mirror: Mirror) -> list[dict[str, date | str | int | bool | None]]:
    if not mirror.columns("Holiday"):
        return []
    found = mirror.connection.execute('SELECT * FROM org."Holiday" WHERE NOT "IsDeleted"')
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def find_subject(model: ModelFile, text: str, mirror: Mirror) -> str:
    """The 18-character id of the subject that `text` names by id or name. FixFirst when none or several fit."""
    if is_id(text):
        return full_id(text)
    query = f'SELECT "Id", "Name" FROM org."{model.subject}" WHERE NOT "IsDeleted" AND "Name" IS NOT NULL'
    names = dict(mirror.connection.execute(query).fetchall())
    wanted = text.casefold()
    exact = [key for key, name in names.items() if name.casefold() == wanted]
    found = exact or [key for key, name in names.items() if wanted in name.casefold()]
    if len(found) == 1:
        return str(found[0])
    if found:
        told = "; ".join(f"{key} {names[key]}" for key in sorted(found)[:5])
        raise FixFirst(f"{len(found)} records are called something like {text!r}: {told}. Give the id of one of them.")
    hint = nearest(text, names.values())
    raise FixFirst(
        f"There is no {model.subject} called {text!r}." + (f" Did you mean {hint!r}?" if hint else " Give its id.")
    )
