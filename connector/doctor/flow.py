"""The examination: what is asked, in which order, and what one answer means for the next question.

Called by the command line. Reads, and writes nothing but a throwaway Task where that is allowed. A question that fails
is a finding; it never keeps the others from being asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from connector.begin import NO_ORG, Progress, org_key, reach
from connector.data import Needs
from connector.doctor.covering import count_coverage, first_with_activities
from connector.doctor.login import (
    Allowances,
    Who,
    judge_bulk,
    judge_clock,
    judge_login,
    judge_quota,
    judge_version,
)
from connector.doctor.place import check_mappings, open_store
from connector.doctor.rights import Written, judge_rights, writes_of
from connector.doctor.rules import OrgRules, Rows, judge_rules
from connector.doctor.seeing import Coverage, judge_coverage, judge_sight
from connector.doctor.task_key import TITLE, TaskKey, may_try, try_task_key
from connector.errors import ConnectorError, FileProblems
from connector.jobs import Job, load_jobs
from connector.mapping import Mapping as Model
from connector.models import draft_models
from connector.pull.schema import refresh_describes
from connector.pull.sight import find_unseen, look, remember
from connector.report import Check, Finding
from connector.salesforce import OrgClient, OrgRefused
from connector.salesforce.budget import predict_calls
from connector.salesforce.composite import Subrequest, describe_request, query_request
from connector.salesforce.soql import name_list
from connector.settings import Settings
from connector.sharing import with_parents
from connector.store.mirror import Mirror
from connector.store.spending import Spending

T = TypeVar("T")


@dataclass
class Bench:
    """What the examination of an org works with."""

    settings: Settings
    client: OrgClient
    mirror: Mirror
    has_mirror: bool
    job: Job
    progress: Progress
    who: Who = field(default_factory=lambda: Who({}, {}, {}))

    def ask(self, sobjects: Iterable[str]) -> dict[str, str]:
        return refresh_describes(self.client, self.mirror, sobjects, self.client.org_now, self.progress)


def examine(job: Job, settings: Settings, *, write: bool | None, progress: Progress) -> tuple[Check, ...]:
    """Everything that `job` needs to work. `write`: whether the Task key is tried on a record; None leaves it to what
    kind of org it is: not where it is somebody's production."""
    mappings = check_mappings(settings)
    if not settings.org.instance_url:
        return mappings, Check("Login", findings=(Finding("problem", NO_ORG),))
    with ExitStack() as stack:
        store = open_store(settings, stack)
        book = stack.enter_context(_book(settings)) if store.has_ledger else None
        progress("logging in")
        try:
            client = reach(settings, book)
        except ConnectorError as error:
            return mappings, store.check, Check("Login", findings=(_problem(error),))
        client.budget.step("doctor")
        bench = Bench(settings, client, store.mirror, store.has_mirror, job, progress)
        return mappings, store.check, *_about_org(bench), *_about_models(bench, write=write)


def _book(settings: Settings) -> Spending:
    return Spending.open(settings.store.ledger, org_key(settings), "doctor")


def _problem(error: Exception) -> Finding:
    return Finding("problem", str(error))


def _tried(title: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except ConnectorError as error:
        return Check(title, findings=(_problem(error),))


# --- the org --------------------------------------------------------------------------------------------------


def _about_org(bench: Bench) -> Iterator[Check]:
    client, settings = bench.client, bench.settings
    before = datetime.now(UTC)
    versions = client.versions()
    halfway = before + (datetime.now(UTC) - before) / 2
    ahead = client.org_now - halfway
    version = judge_version(settings.org.api_version, versions)
    if version.verdict != "problem":
        yield _tried("Login", lambda: _login(bench))
    yield version
    yield judge_clock(ahead, settings.org.auth)
    if version.verdict != "problem":
        limits = _allowed(lambda: client.limits())
        yield _tried("API calls", lambda: judge_quota(_allowances(bench), settings.api))
        yield judge_bulk(limits)


def _login(bench: Bench) -> Check:
    """One call: our user, the org, and what our user may."""
    user = bench.client.ask_user_id()
    answers = _rows(bench.client, {
        "user": f"SELECT Name, Username FROM User WHERE Id = '{user}'",
        "organization": "SELECT Name, IsSandbox, OrganizationType, IsReadOnly, TrialExpirationDate FROM Organization",
        "permissions": "SELECT PermissionsEditTask, PermissionsModifyAllData FROM UserPermissionAccess",
    })  # fmt: skip
    bench.who = Who(*((answers[name] or [{}])[0] for name in ("user", "organization", "permissions")))
    return judge_login(bench.settings.org, bench.who)


def _rows(client: OrgClient, queries: Mapping[str, str]) -> dict[str, Rows | None]:
    """The records of each query, in one call; None for one that the org refuses."""
    requests: list[Subrequest] = [query_request(soql, name, all_rows=False) for name, soql in queries.items()]
    return {a.reference: None if a.refusal else list(a.body["records"]) for a in client.composite(requests)}


def _allowed(ask: Callable[[], T]) -> T | None:
    """The answer, None where we may not ask."""
    try:
        return ask()
    except (OrgRefused, ConnectorError):
        return None


def _allowances(bench: Bench) -> Allowances | None:
    usage = bench.client.usage
    if usage.org is None:
        return None
    ours = usage.share.used if usage.share else 0
    return Allowances(usage.org.allowed, usage.org.used, ours, dict(_predicted(bench, bench.client.org_now)))


def _predicted(bench: Bench, now: datetime) -> Iterator[tuple[str, int]]:
    """Calls of a day in which little changes, for each job with a schedule."""
    settings = bench.settings
    for name, job in load_jobs(settings.jobs.directory).items():
        try:
            needs = _needs([m.mapping for m in draft_models(job, settings, bench.mirror, bench.ask)])
        except (FileProblems, ConnectorError):
            continue
        if runs := _runs_a_day(job, now):
            yield name, runs * _calls_of_a_run(bench, job, needs)


def _runs_a_day(job: Job, now: datetime) -> int:
    trigger, end, runs = job.trigger(), now + timedelta(days=1), 0
    tick = trigger.get_next_fire_time(None, now) if trigger else None
    while trigger and tick and tick < end:
        runs += 1
        tick = trigger.get_next_fire_time(tick, tick + timedelta(seconds=1))
    return runs


def _calls_of_a_run(bench: Bench, job: Job, needs: Needs) -> int:
    windows = len(needs.fields) + 1
    if job.pull == "changes":
        return predict_calls(windows=windows) + 1
    sizes = {name: bench.mirror.count(name) if bench.mirror.columns(name) else 0 for name in needs.fields}
    large = {n: s for n, s in sizes.items() if s >= bench.settings.pull.bulk_from}
    rest = {n: s for n, s in sizes.items() if n not in large}
    return predict_calls(windows=2 * windows, by_rest=rest, by_bulk=large) + 1


def _needs(models: Iterable[Model]) -> Needs:
    return reduce(or_, (model.needs for model in models), Needs())


# --- what the mappings need -----------------------------------------------------------------------------------


def _about_models(bench: Bench, *, write: bool | None) -> Iterator[Check]:
    try:
        models, hidden = _typed_models(bench)
    except ConnectorError as error:
        yield Check("Permissions", findings=(_problem(error),))
        return
    needs, writes = _needs(models), writes_of(models)
    yield from _about_rights(bench, models, writes, hidden)
    yield _tried("All records", lambda: _sight(bench, needs, {m.model.subject for m in models}))
    yield _coverage(bench, models, needs)
    yield from _about_tasks(bench, models, writes, write=write)


def _typed_models(bench: Bench) -> tuple[list[Model], dict[str, str]]:
    """The models as the org makes them out to be; sObjects that it does not show, with the reason."""
    drafts = draft_models(bench.job, bench.settings, bench.mirror, bench.ask)
    hidden = bench.ask(_needs(m.mapping for m in drafts).fields)
    models = draft_models(bench.job, bench.settings, bench.mirror, bench.ask)
    return [m.mapping for m in models], hidden


def _about_rights(
    bench: Bench, models: Sequence[Model], writes: Mapping[str, Written], hidden: Mapping[str, str]
) -> Iterator[Check]:  # fmt: skip
    try:
        bodies = _bodies(bench.client, writes)
    except ConnectorError as error:
        yield Check("Permissions", findings=(_problem(error),))
        return
    yield judge_rights(
        _needs(models), bench.mirror.describes(), hidden, writes, bodies, bench.who.permissions, _ours(models)
    )  # fmt: skip
    yield _tried("Rules of the org", lambda: judge_rules(_ask_rules(bench.client, writes), writes, bodies))


def _ours(models: Iterable[Model]) -> set[str]:
    fields = [definition for model in models for definition in model.fields]
    activity = {f"{name}.{d.name}" for d in fields if d.sobject == "Activity" for name in ("Task", "Event")}
    return activity | {f"{d.sobject}.{d.name}" for d in fields}


def _bodies(client: OrgClient, sobjects: Iterable[str]) -> dict[str, Any]:
    """Describes as the org sends them; those that it refuses are missing."""
    answers = client.composites([describe_request(name, name) for name in sorted(sobjects)])
    return {a.reference: a.body for a in answers if a.refusal is None}


def _ask_rules(client: OrgClient, sobjects: Iterable[str]) -> OrgRules:
    names = name_list(sorted(sobjects))
    found = _rows(client, {
        "flows": "SELECT ApiName, TriggerObjectOrEvent.QualifiedApiName FROM FlowDefinitionView WHERE IsActive = true "
        f"AND TriggerObjectOrEvent.QualifiedApiName IN {names}",
        "triggers": f"SELECT Name, TableEnumOrId FROM ApexTrigger WHERE Status = 'Active' AND TableEnumOrId IN {names}",
        "duplicates": "SELECT DeveloperName, SobjectType FROM DuplicateRule WHERE IsActive = true AND "
        f"SobjectType IN {names}",
    })  # fmt: skip
    validation = _allowed(lambda: client.tooling_query(
        "SELECT ValidationName, EntityDefinition.QualifiedApiName FROM ValidationRule WHERE Active = true AND "
        f"EntityDefinition.QualifiedApiName IN {names}"
    ))  # fmt: skip
    return OrgRules(validation, found["duplicates"], found["flows"], found["triggers"])


def _sight(bench: Bench, needs: Needs, subjects: Iterable[str]) -> Check:
    """Asked anew, and remembered for the runs of the day."""
    client, mirror = bench.client, bench.mirror
    describes = mirror.describes()
    read = [name for name in sorted(needs.fields) if name in describes]
    sight = look(client, with_parents(read, describes))
    remember(mirror, sight, client.org_now)
    unseen = find_unseen(sight, read, describes)
    return judge_sight(
        sight, unseen, required=bench.settings.pull.require_view_all, reads_events="Event" in needs.fields,
        changed=sorted(subjects), may_all=bool(bench.who.permissions.get("PermissionsModifyAllData")),
    )  # fmt: skip


def _coverage(bench: Bench, models: Iterable[Model], needs: Needs) -> Check:
    model = first_with_activities(m.model for m in models)
    if model is None or not bench.has_mirror:
        return judge_coverage(None, "The mirror could not be looked at.")
    found = count_coverage(bench.mirror, model, needs, bench.client.org_now.date())
    return judge_coverage(found) if isinstance(found, Coverage) else judge_coverage(None, found)


def _about_tasks(
    bench: Bench, models: Iterable[Model], writes: Mapping[str, Written], *, write: bool | None
) -> Iterator[Check]:  # fmt: skip
    """The Task keys, each once, where Tasks are created at all."""
    if "Task" not in writes:
        return
    unasked = may_try(bench.settings.org.instance_url, for_trying=bench.who.is_for_trying)
    if not (unasked if write is None else write):
        text = f"Not tried: this is {bench.who.kind}, and the test creates a Task and deletes it again."
        yield Check(TITLE, findings=(Finding("not provable", text, "connector doctor --write-test"),))
        return
    keys = {m.model.keys.task: m.model.keys.not_needed for m in models if m.model.ctas or m.model.playbooks}
    for name, status in sorted(keys.items()):
        bench.progress(f"trying {name} on a Task")
        yield try_task_key(bench.client, TaskKey(name, status, bench.settings.installation))
