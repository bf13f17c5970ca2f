"""Every command, option and setting is documented, and every documented thing exists."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from connector.cli import app
from connector.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that does something by itself, by its words."""
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_in_the_readme(name: str) -> None:
    assert re.search(rf"`connector {name}[ `]", README), f"README.md, Commands: say what `connector {name}` does"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_has_a_help_text(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"connector {name}: {parameter.name} has no help text"


def test_the_readme_names_no_command_that_does_not_exist() -> None:
    named = set(re.findall(r"`connector ([a-z]+(?: [a-z]+)?)", README))
    known = {word for name in COMMANDS for word in (name, name.split()[0])}
    assert {n for n in named if n not in known and n.split()[0] not in known} == set()


def settings_keys(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings_keys(kind, (*path, name))
        else:
            yield (*path, name)


def documented_keys() -> set[tuple[str, ...]]:
    """Keys of the example, also those that are only shown in a comment."""
    found: set[tuple[str, ...]] = set()
    table: tuple[str, ...] = ()
    for line in EXAMPLE.splitlines():
        if header := re.match(r"(?:# )?\[([\w.]+)\]$", line):
            table = tuple(header[1].split("."))
            found.update(table[:end] for end in range(1, len(table) + 1))
        elif key := re.match(r"(?:# )?(\w+) = ", line):
            found.add((*table, key[1]))
    return found


@pytest.mark.parametrize("key", sorted(settings_keys(Settings)), ids=".".join)
def test_every_setting_is_in_the_example(key: tuple[str, ...]) -> None:
    assert key in documented_keys(), f"config.example.toml: explain {'.'.join(key)}"


def test_the_example_shows_the_defaults() -> None:
    """Whoever copies the example gets what they would get without it, the address of the org aside."""
    shown = tomllib.loads(EXAMPLE)
    defaults = Settings.model_construct().model_dump(mode="json")
    shown["org"].pop("instance_url")
    for section, value in shown.items():
        for key, given in value.items() if isinstance(value, dict) else [("", value)]:
            assert given == (defaults[section][key] if key else defaults[section]), f"{section}.{key}"


def test_the_readme_names_only_make_targets_that_exist() -> None:
    named = set(re.findall(r"\bmake ([a-z]+)\b(?! and| are)", " ".join(re.findall(r"`[^`]*`|^make .*$", README, re.M))))
    assert named <= set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_ci_calls_the_readmes_test_command() -> None:
    script = [s for s in (ROOT / ".ci/run").read_text().splitlines() if s and not s.startswith(("#", "set", "cd"))]
    assert script == ["make test"]
    assert "\nmake test\n" in README
