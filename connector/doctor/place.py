"""What is on this machine: the files, the store's directory, ledger, lease and mirror. Called by flow.py."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from connector.begin import org_key
from connector.checking import check_files
from connector.errors import ConnectorError, FixFirst, RetryLater
from connector.report import Check, Finding, count_of
from connector.settings import Settings
from connector.store.ledger import Ledger
from connector.store.mirror import Mirror

GIGABYTE = 10**9
LITTLE, TOO_LITTLE = 2 * GIGABYTE, GIGABYTE // 5
"""Free bytes: a first pull of a large org spools its results; below the second even the ledger may fail."""


def check_mappings(settings: Settings) -> Check:
    """What `connector check` says, in short."""
    title = "Mappings and jobs"
    try:
        found = check_files(settings, None)
    except FixFirst as error:
        return Check(title, findings=(Finding("problem", str(error)),))
    findings = tuple(
        Finding("problem" if p.severity == "error" else "warning", f"{p.file}:{p.line}: {p.message}")
        for p in found.problems
    )
    examples = sum(len(m.model.examples) for m in found.models)
    good = (
        f"{count_of(len(found.models), 'mapping')}, {count_of(len(found.jobs), 'job')}, "
        f"{count_of(examples, 'worked example')}"
    )
    return Check(title, good if found.is_good else "", findings)


@dataclass(frozen=True)
class Opened:
    """The store as far as it could be opened, and what was found about it."""

    check: Check
    mirror: Mirror
    """An empty one in memory where the real one could not be opened."""
    has_mirror: bool = False
    has_ledger: bool = False


def open_store(settings: Settings, stack: ExitStack) -> Opened:
    """Everything is given back when `stack` ends, the lease too, which is held like a run's."""
    directory = settings.store.directory
    if findings := _writable(directory):
        return Opened(Check("Store", findings=tuple(findings)), _scratch(stack))
    free = shutil.disk_usage(directory).free
    findings, ledger = judge_space(free, directory), _ledger(settings, stack)
    stop = ledger if isinstance(ledger, Finding) else _lease(settings, ledger, stack)
    opened = stop or _mirror(settings, stack)
    mirror = _scratch(stack) if isinstance(opened, Finding) else opened
    if isinstance(opened, Finding):
        findings.append(opened)
    elif opened.notice:
        findings.append(Finding("warning", opened.notice))
    good = f"{directory.resolve()} can be written, {free / GIGABYTE:,.0f} GB are free"
    check = Check("Store", good, tuple(findings))
    return Opened(check, mirror, has_mirror=opened is mirror, has_ledger=not isinstance(ledger, Finding))


def _scratch(stack: ExitStack) -> Mirror:
    return stack.enter_context(Mirror.open(":memory:"))


def _writable(directory: Path) -> list[Finding]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=directory):
            return []
    except OSError as error:
        remedy = "let the program's user write there, or name another [store] directory"
        return [Finding("problem", f"{directory} cannot be written ({error.strerror}).", remedy)]


def judge_space(free: int, directory: Path) -> list[Finding]:
    """Whether what is free will do."""
    if free >= LITTLE:
        return []
    remedy = "make room, or name another [store] directory"
    text = f"Only {free / GIGABYTE:.1f} GB are free in {directory}."
    return [Finding("problem" if free < TOO_LITTLE else "warning", text, remedy)]


def _ledger(settings: Settings, stack: ExitStack) -> Ledger | Finding:
    try:
        return stack.enter_context(Ledger.open(settings.store.ledger))
    except ConnectorError as error:
        return Finding("problem", f"The ledger cannot be opened: {error}")


def _lease(settings: Settings, ledger: Ledger, stack: ExitStack) -> Finding | None:
    """Takes the lease for as long as the doctor looks; what is to be said when somebody else has it."""
    try:
        lease = ledger.acquire(org_key(settings), f"doctor of installation {settings.installation}")
    except RetryLater as error:
        return Finding("warning", f"The mirror was not looked at: {error}", "ask again when that run is over")
    stack.callback(ledger.release, lease)
    return None


def _mirror(settings: Settings, stack: ExitStack) -> Mirror | Finding:
    try:
        return stack.enter_context(Mirror.open(settings.store.mirror, memory_limit=settings.store.memory_limit))
    except ConnectorError as error:
        return Finding("problem", f"The mirror cannot be opened: {error}")
