"""The independent reading of SOQL's grammar: soql-parser-js in a Node process of its own.

Installed once into var/oracle, which is not committed; whatever is missing is told as the reason for skipping.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

PACKAGE, VERSION = "@jetstreamapp/soql-parser-js", "6.3.1"
ROOT = Path(__file__).parents[2]
CACHE = ROOT / "var" / "oracle"
SCRIPT = Path(__file__).with_name("accepts.cjs")
PATIENCE_SECONDS = 60


class OracleMissingError(Exception):
    """The oracle cannot be asked here; says why."""


def install() -> Path:
    """Return the folder whose node_modules hold the oracle, installing it when first asked."""
    if shutil.which("node") is None:
        raise OracleMissingError("node is not installed")
    found = CACHE / "node_modules" / PACKAGE / "package.json"
    there = found.is_file() and json.loads(found.read_text(encoding="utf-8"))["version"] == VERSION
    if not there and (trouble := _npm_install()):
        raise OracleMissingError(trouble)
    return CACHE


@cache
def _npm_install() -> str:
    """Tries once in a test run; says why it did not work, '' when it did."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(CACHE), "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        done = subprocess.run(
            [*command, f"{PACKAGE}@{VERSION}"], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"npm install took more than {PATIENCE_SECONDS} seconds"
    return "" if done.returncode == 0 else f"npm install failed: {done.stderr.strip().splitlines()[-1:]}"


def ask(statements: Sequence[str]) -> list[bool]:
    """Whether the oracle accepts each statement; one Node process for all of them."""
    folder = install()
    done = subprocess.run(
        [shutil.which("node") or "node", str(SCRIPT), str(folder)],
        input=json.dumps(list(statements)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    answers: list[bool] = json.loads(done.stdout)
    return answers
