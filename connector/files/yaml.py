"""YAML 1.2 as data only: no tags, no anchors, no key twice. Keeps where every key and value stands.

A slip that YAML would misread (see traps.py) becomes a problem, and the text is then read as it was probably meant,
so that one slip does not hide what else is wrong.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from connector.errors import Problem
from connector.files import traps
from connector.files.position import Document, Path, Position

MAX_DEPTH = 40
_MAX_REPAIRS = 50
_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


def read_yaml(path: FilePath, shown: str | None = None) -> Document:
    """The YAML file at `path`; `shown` is its name in messages. Problems are in the document, never raised."""
    name = shown or str(path)
    try:
        document = _parse_once(path.read_text(encoding="utf-8-sig"), name)
        return replace(document, data=deepcopy(document.data))
    except UnicodeDecodeError as error:
        return Document(
            name, None, problems=(Problem(name, 0, 0, f"not UTF-8 text ({error.reason}); save it as UTF-8"),)
        )
    except OSError as error:
        return Document(name, None, problems=(Problem(name, 0, 0, f"cannot be read: {error.strerror}"),))


@lru_cache(maxsize=64)
def _parse_once(text: str, file: str) -> Document:
    """A process that runs jobs for months reads the same files in every run."""
    return parse_yaml(text, file)


def parse_yaml(text: str, file: str) -> Document:
    """`text` as YAML; `file` is its name in messages."""
    lines = traps.Lines.of(text)
    problems: list[Problem] = []
    for _ in range(_MAX_REPAIRS):
        reader = _Reader(file, lines)
        slip = _find_slip(reader)
        if slip is None:
            return Document(file, reader.data, reader.keys, reader.values, (*problems, *reader.problems))
        problems.append(reader.position(slip.line, slip.column).problem(slip.message))
        if not slip.repairs:
            return Document(file, None, problems=tuple(problems))
        lines = lines.quoted(slip.repairs)
    return Document(file, None, problems=tuple(problems))


def _find_slip(reader: _Reader) -> traps.Slip | None:
    try:
        root = YAML(typ="rt", pure=True).compose(reader.lines.text)
    except MarkedYAMLError as error:
        return _slip_of(error, reader.lines)
    except (YAMLError, RecursionError, ValueError) as error:
        return traps.Slip(0, 0, f"not YAML: {_first_line(str(error))}")
    reader.read(root)
    return reader.slip


def _slip_of(error: MarkedYAMLError, lines: traps.Lines) -> traps.Slip:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    return traps.explain(line, column, _first_line(error.problem or str(error)), lines)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0]


@dataclass
class _Reader:
    """Turns a tree of nodes into data, noting places and problems on the way."""

    file: str
    lines: traps.Lines
    data: Any = None
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    slip: traps.Slip | None = None
    _seen: set[int] = field(default_factory=set)

    def position(self, line: int, column: int) -> Position:
        """Of the file as the user wrote it; `line` and `column` count from 0 in the text as read."""
        return Position(self.file, line + 1, self.lines.column(line, column) + 1, self.lines.original(line))

    def read(self, root: Node | None) -> None:
        self.data = None if root is None else self._value(root, (), in_flow=False)

    def _value(self, node: Node, path: Path, *, in_flow: bool) -> Any:
        self.values[path] = self._start(node)
        self._refuse_extras(node, path)
        if len(path) > MAX_DEPTH:
            self.problems.append(self.values[path].problem(f"nested more than {MAX_DEPTH} levels deep"))
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, path, in_flow=in_flow or bool(node.flow_style))
        if isinstance(node, SequenceNode):
            return self._sequence(node, path, in_flow=in_flow or bool(node.flow_style))
        return self._scalar(node, path, in_flow=in_flow) if isinstance(node, ScalarNode) else None

    def _mapping(self, node: MappingNode, path: Path, *, in_flow: bool) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, ScalarNode) else ""
            at = self._start(key_node)
            self._note(traps.in_key(key_node, self.lines, in_flow=in_flow))
            if not key:
                self.problems.append(at.problem("a key must be plain text; quote text that starts with { or ["))
            elif key in out:
                first = self.keys[(*path, key)].line
                self.problems.append(
                    at.problem(f"{key!r} is written twice (first on line {first}); keep one of the two")
                )
            else:
                self.keys[(*path, key)] = at
                out[key] = self._value(value_node, (*path, key), in_flow=in_flow)
        return out

    def _sequence(self, node: SequenceNode, path: Path, *, in_flow: bool) -> list[Any]:
        return [self._value(item, (*path, n), in_flow=in_flow) for n, item in enumerate(node.value)]

    def _scalar(self, node: ScalarNode, path: Path, *, in_flow: bool) -> Any:
        if node.style is not None:
            return str(node.value).replace("\a", "")  # ruamel marks folds with a bell
        self._note(traps.in_plain(node, self.lines, in_flow=in_flow))
        try:
            return _plain(str(node.tag), str(node.value))
        except (ValueError, ArithmeticError):
            self.problems.append(self.values[path].problem(f"{node.value!r} is not a value YAML knows; quote it"))
            return None

    def _note(self, slip: traps.Slip | None) -> None:
        self.slip = self.slip or slip

    def _refuse_extras(self, node: Node, path: Path) -> None:
        if node.anchor or id(node) in self._seen:
            self.problems.append(
                self.values[path].problem("anchors (&, *) are not used in these files; write the value out")
            )
        elif not str(node.tag).startswith(_TAG) and str(node.tag) != "!":
            self.problems.append(self.values[path].problem(f"tags ({node.tag}) are not used in these files; remove it"))
        self._seen.add(id(node))

    def _start(self, node: Node) -> Position:
        line, column = node.start_mark.line, node.start_mark.column
        style = node.style if isinstance(node, ScalarNode) else None
        if style in ("|", ">"):
            return self._block_start(node, line)
        start = self.position(line, column + (1 if style in ("'", '"') else 0))
        return Position(start.file, start.line, start.column, start.source, self._later_lines(node, style))

    def _block_start(self, node: Node, line: int) -> Position:
        first = self.lines.original(line + 1)
        indent = len(first) - len(first.lstrip(" "))
        return Position(
            self.file, line + 2, indent + 1, first, self._pieces(line + 2, node.end_mark.line, len(first) - indent)
        )

    def _later_lines(self, node: Node, style: str | None) -> tuple[tuple[int, int, int, str], ...]:
        if not isinstance(node, ScalarNode) or node.end_mark.line == node.start_mark.line:
            return ()
        first = self.lines.read(node.start_mark.line)[node.start_mark.column :].rstrip()
        return self._pieces(node.start_mark.line + 1, node.end_mark.line + 1, len(first) - (1 if style else 0))

    def _pieces(self, start: int, end: int, offset: int) -> tuple[tuple[int, int, int, str], ...]:
        """Folded lines are joined by one character each."""
        pieces = []
        for number in range(start, end):
            source = self.lines.original(number)
            indent = len(source) - len(source.lstrip(" "))
            pieces.append((offset + 1, number + 1, indent + 1, source))
            offset += 1 + len(source.strip())
        return tuple(pieces)


def _plain(tag: str, text: str) -> Any:
    """An unquoted scalar by the core schema of YAML 1.2, dates added, fractions exact."""
    kind = tag.removeprefix(_TAG)
    if kind in ("null", "bool"):
        return _WORDS[text.lower()]
    if kind == "int":
        return int(text.replace("_", ""), 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
    if kind == "float":
        number = Decimal(text.replace("_", ""))
        if not number.is_finite():
            raise ValueError(text)
        return number
    if kind == "timestamp":
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else datetime.fromisoformat(text)
    return text
