"""Whether another process is gone is said only where it can be known."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from connector.store import process


def test_this_process_is_alive() -> None:
    assert process.is_gone(process.identity()) is False


def test_a_process_that_ended_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = process.identity(child.pid)
    assert process.is_gone(name) is False
    child.communicate(b"\n")
    assert process.is_gone(name) is True


def test_a_killed_process_that_its_parent_has_not_looked_at_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = process.identity(child.pid)
    child.kill()
    deadline = time.monotonic() + 5
    while process.is_gone(name) is False and time.monotonic() < deadline:
        os.sched_yield()
    assert process.is_gone(name) is True
    child.communicate()


def test_another_process_with_the_same_number_is_not_the_one_that_was_meant() -> None:
    *machine, pid, _ = process.identity().split("|")
    assert process.is_gone("|".join((*machine, pid, "1"))) is True


def test_of_another_machine_container_or_boot_nothing_is_known() -> None:
    host, boot, space, pid, start = process.identity().split("|")
    for other in ((host + "x", boot, space), (host, boot + "x", space), (host, boot, space + "x")):
        assert process.is_gone("|".join((*other, pid, start))) is None
