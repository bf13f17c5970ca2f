"""The newest refresh token of an app that rotates them, in a file beside the mirror and the ledger.

Called by auth.py. With rotation a token is good for one use, so the file's lock is held from reading the token until
its successor is on disk: two processes that log in at once do so one after the other, each with the newest. Nothing
here ever shows a token.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.errors import FixFirst

FILE = "refresh_token.json"


class KeptToken:
    """The refresh token to use next: the configured one, or what the org gave in its place."""

    def __init__(self, folder: Path | None, app: str, configured: str) -> None:
        """`app`: for whom tokens are, so that those of another org or app are never used."""
        self._folder, self._configured = folder, configured
        self._origin = hashlib.sha256(f"{app}\n{configured}".encode()).hexdigest()
        self._app = hashlib.sha256(app.encode()).hexdigest()
        self._unkept = ""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else, in this process or another, reads or replaces the token meanwhile."""
        if self._folder is None:
            yield
            return
        with _explained(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._folder / f".{FILE}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def read(self) -> str:
        """The newest token; '' when there is none. A configured one that was changed since goes first."""
        kept = self._read_file()
        if not self._configured and kept.get("app") == self._app:
            return kept.get("refresh_token", "")
        if kept.get("origin") == self._origin:
            return kept.get("refresh_token", "")
        return self._unkept or self._configured

    def replace(self, token: str) -> None:
        """Keep the successor of the token that was just used; it is on disk when this returns."""
        if self._folder is None:
            self._unkept = token
            return
        origin = self._origin if self._configured else self._read_file().get("origin", self._origin)
        text = json.dumps({"app": self._app, "origin": origin, "refresh_token": token})
        with _explained(self._folder):
            _write_private(self._folder / FILE, text)

    def _read_file(self) -> dict[str, str]:
        if self._folder is None:
            return {}
        try:
            found = json.loads((self._folder / FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            raise FixFirst(
                f"{self._folder / FILE} cannot be read. Correct its rights; if it is damaged, delete it and put a new "
                "refresh token into [org] refresh_token (log in once more by the app)."
            ) from None
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _write_private(file: Path, text: str) -> None:
    """The whole text or the old one, readable by this user only."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    _sync_directory(file.parent)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FixFirst(
            f"The refresh token cannot be kept in {folder} ({error.strerror}). Give the program's user the right to "
            "write there, or free some room; a rotated token that is not kept locks the connector out."
        ) from None
