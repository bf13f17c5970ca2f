"""The demo holds what it promises: it checks itself, and ends 0 only when everything that it shows came true."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "connector", "localorg", "demo", "--size", "60"]


def test_the_demo_ends_well_and_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    for words in ("Nothing to do", "no write call", "Exactly this account moved", "All of it held", "Where to look"):
        assert words in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_demo_says_what_it_needs(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--folder", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )  # fmt: skip
    assert done.returncode == 2
    assert "There is no mappings/" in done.stderr
