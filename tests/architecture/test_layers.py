"""The import contracts of pyproject.toml hold, and say what the architecture says."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "connector"
MODULES = sorted(p for p in PACKAGE.rglob("*.py"))


def test_the_import_contracts_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports() == 0, capsys.readouterr().out


def test_the_contracts_are_the_four_of_the_architecture() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert sorted(c["name"][:2].rstrip(".") for c in settings["contracts"]) == ["1", "2a", "2b", "3a", "3b", "4a", "4b"]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_owns(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{name_of(path)} has no docstring"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_is_a_drawer(path: Path) -> None:
    """Names that say nothing collect everything."""
    assert path.stem not in {"utils", "common", "helpers", "base", "manager", "service", "misc"}
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450


def test_only_the_command_lines_print() -> None:
    printing = {
        "connector/cli.py",
        "connector/terminal.py",
        "connector/localorg/command.py",
        "connector/localorg/demo.py",
    }
    found = {name_of(p) for p in MODULES if _prints(ast.parse(p.read_text(encoding="utf-8")))}
    assert found <= printing


def _prints(tree: ast.AST) -> bool:
    calls = (n.func for n in ast.walk(tree) if isinstance(n, ast.Call))
    return any(
        (isinstance(f, ast.Name) and f.id == "print") or (isinstance(f, ast.Attribute) and f.attr == "echo")
        for f in calls
    )
