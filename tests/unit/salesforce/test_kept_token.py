"""Which refresh token is used next, and that the newest survives whatever happens."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from connector.errors import FixFirst
from connector.salesforce.kept_token import FILE, KeptToken

APP = "https://acme.my.salesforce.com\nkey"


def rotated(folder: Path, configured: str, *successors: str, app: str = APP) -> None:
    """The org gave these tokens, one after the other."""
    kept = KeptToken(folder, app, configured)
    for token in successors:
        with kept.locked():
            kept.replace(token)


NEXT = {
    "nothing was rotated": ((), "first", APP, "first"),
    "the successor goes before the configured one": (("second", "third"), "first", APP, "third"),
    "a configured one that was changed goes before the successor": (("second",), "changed", APP, "changed"),
    "one that was taken out of the settings leaves the successor": (("second",), "", APP, "second"),
    "another app's is never used": (("second",), "first", "other", "first"),
    "another app's is never used, not even without one of its own": (("second",), "", "other", ""),
}


@pytest.mark.parametrize(("successors", "configured", "app", "expected"), NEXT.values(), ids=NEXT.keys())
def test_the_token_to_use_next(
    tmp_path: Path, successors: tuple[str, ...], configured: str, app: str, expected: str
) -> None:
    rotated(tmp_path, "first", *successors)
    assert KeptToken(tmp_path, app, configured).read() == expected


def test_a_changed_token_that_rotates_too_is_followed_from_there(tmp_path: Path) -> None:
    rotated(tmp_path, "first", "second")
    rotated(tmp_path, "changed", "changed 2")
    assert KeptToken(tmp_path, APP, "changed").read() == "changed 2"
    assert KeptToken(tmp_path, APP, "first").read() == "first"


def test_one_that_comes_back_into_the_settings_is_the_old_one(tmp_path: Path) -> None:
    rotated(tmp_path, "first", "second")
    rotated(tmp_path, "", "third")
    assert KeptToken(tmp_path, APP, "first").read() == "third"


def test_without_a_folder_the_successor_lives_as_long_as_the_session() -> None:
    kept = KeptToken(None, APP, "first")
    with kept.locked():
        kept.replace("second")
    assert kept.read() == "second"


def test_the_file_is_for_this_user_only_and_tells_no_other_token(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        rotated(tmp_path / "var", "configured-token", "second")
    finally:
        os.umask(before)
    found = tmp_path / "var" / FILE
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    assert "configured-token" not in found.read_text()
    assert sorted(p.name for p in found.parent.iterdir()) == [f".{FILE}.lock", FILE]


def test_a_process_killed_before_the_rename_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rotated(tmp_path, "first", "second")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        rotated(tmp_path, "first", "third")
    monkeypatch.undo()
    assert KeptToken(tmp_path, APP, "first").read() == "second"


def test_it_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("fsync"), fsync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda a, b: (done.append("rename"), replace(a, b))[1])
    rotated(tmp_path, "first", "second")
    assert done == ["fsync", "rename", "fsync"]


def test_a_damaged_file_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"refresh_token": "hush')
    with pytest.raises(FixFirst, match=f"{FILE}.*delete it") as raised:
        KeptToken(tmp_path, APP, "first").read()
    assert "hush" not in str(raised.value)


def test_a_file_of_something_else_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps([1, 2]))
    assert KeptToken(tmp_path, APP, "first").read() == "first"


def test_a_folder_that_cannot_be_written_is_said_before_a_token_is_spent(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    with pytest.raises(FixFirst, match="cannot be kept"), KeptToken(tmp_path / "var", APP, "first").locked():
        pytest.fail("the token must not be used")


def test_threads_take_turns(tmp_path: Path) -> None:
    used: list[str] = []

    def log_in() -> None:
        kept = KeptToken(tmp_path, APP, "0")
        with kept.locked():
            token = kept.read()
            used.append(token)
            kept.replace(str(int(token) + 1))

    threads = [threading.Thread(target=log_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(used, key=int) == [str(n) for n in range(8)]


_OTHER_PROCESS = """
import sys
from pathlib import Path
from connector.salesforce.kept_token import KeptToken
kept = KeptToken(Path(sys.argv[1]), sys.argv[2], "0")
for _ in range(20):
    with kept.locked():
        kept.replace(str(int(kept.read()) + 1))
"""


def test_processes_take_turns(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OTHER_PROCESS, str(tmp_path), APP]
    both = [subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert KeptToken(tmp_path, APP, "0").read() == "40"
