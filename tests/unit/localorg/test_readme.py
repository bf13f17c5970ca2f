"""The README of the local org names every endpoint with its methods, every option, feature and fault."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from typer.main import get_command

import connector.localorg
from connector.localorg.api.admin import _ENDPOINTS as ADMIN
from connector.localorg.api.router import ROUTES
from connector.localorg.command import app
from connector.localorg.faults import Kind
from connector.localorg.schema import FEATURES

README = (Path(connector.localorg.__file__).parent / "README.md").read_text(encoding="utf-8")
SURFACE = README[README.index("## Surface") : README.index("## Behaves")]
NAMES = {"{name}": "X", "{key}": "ID", "{field}": "Field", "{value}": "VALUE", "{locator}": "LOCATOR", "{job}": "JOB"}
NAMES["{file}"] = "FILE"


def rows() -> dict[str, set[str]]:
    """Methods by endpoint, from the table."""
    listed: dict[str, set[str]] = {}
    for line in SURFACE.splitlines():
        cells = [c.strip() for c in line.split("|")]
        if len(cells) == 5:
            for endpoint in re.findall(r"`([^`]+)`", cells[1]):
                listed.setdefault(endpoint, set()).update(cells[2].split(", "))
    return listed


@pytest.mark.parametrize(
    ("pattern", "methods"), [pytest.param(p, set(m), id="/".join(p) or "root") for p, m in ROUTES if p]
)
def test_every_endpoint_is_listed_with_its_methods(pattern: tuple[str, ...], methods: set[str]) -> None:
    endpoint = "/".join(NAMES.get(part, part) for part in pattern)
    assert endpoint in rows()
    assert methods <= rows()[endpoint]


def test_no_endpoint_is_listed_that_does_not_exist() -> None:
    known = {"/".join(NAMES.get(part, part) for part in pattern) for pattern, _ in ROUTES}
    assert {e for e in rows() if not e.startswith("/")} - known == set()


@pytest.mark.parametrize("endpoint", sorted(ADMIN))
def test_every_admin_endpoint_is_named(endpoint: str) -> None:
    text = README[README.index("## Behind the curtain") :]
    assert re.search(rf"[`|A-Z] ?{re.escape(endpoint)}[`?]", text)


def test_every_option_of_the_command_is_explained() -> None:
    options = {option for parameter in get_command(app).params for option in parameter.opts}
    shown = {o for o in options if "completion" not in o}
    assert len(shown) > 10
    assert {o for o in shown if f"`{o}" not in README} == set()


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_fault_is_named(kind: str) -> None:
    assert f"`{kind}`" in README


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_is_named(feature: str) -> None:
    assert f"`{feature}`" in README
