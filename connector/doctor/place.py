"""What is on this machine: the files, the store's directory, ledger, lease and mirror. Called by flow.py."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
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


def open_store(settings: Settings, stack: ExitStack) -> tuple[Check, Mirror, bool]:
    """(the verdict on the store, the mirror or an empty one in memory, whether it is the real one).

    Ledger and lease are given back when `stack` ends.
    """
    directory = settings.store.directory
    findings = [*_writable(directory)]
    if findings:
        return Check("Store", findings=tuple(findings)), stack.enter_context(Mirror.open(":memory:")), False
    findings += judge_space(shutil.disk_usage(directory).free, directory)
    findings += _lease(settings, stack)
    mirror = None
    if all(f.verdict == "ok" or "free" in f.text for f in findings):
        mirror, told = _mirror(settings, stack)
        findings += told
    good = f"{directory.resolve()} can be written, {shutil.disk_usage(directory).free / GIGABYTE:,.0f} GB are free"
    check = Check("Store", good, tuple(findings))
    return check, mirror or stack.enter_context(Mirror.open(":memory:")), mirror is not None


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


def _lease(settings: Settings, stack: ExitStack) -> list[Finding]:
    """Takes the lease for as long as the doctor looks, as every run does."""
    try:
        ledger = stack.enter_context(Ledger.open(settings.store.ledger))
    except ConnectorError as error:
        return [Finding("problem", f"The ledger cannot be opened: {error}")]
    try:
        lease = ledger.acquire(org_key(settings), f"doctor of installation {settings.installation}")
    except RetryLater as error:
        return [Finding("warning", f"The mirror was not looked at: {error}", "ask again when that run is over")]
    stack.callback(ledger.release, lease)
    return []


def _mirror(settings: Settings, stack: ExitStack) -> tuple[Mirror | None, list[Finding]]:
    try:
        mirror = stack.enter_context(Mirror.open(settings.store.mirror, memory_limit=settings.store.memory_limit))
    except ConnectorError as error:
        return None, [Finding("problem", f"The mirror cannot be opened: {error}")]
    return mirror, [Finding("warning", mirror.notice)] if mirror.notice else []
