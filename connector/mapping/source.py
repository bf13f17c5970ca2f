"""A mapping's files: which they are, read as one document, their digest, and the describes that lie beside them.

Called by load.py. A folder is read as one file: lists of several files are joined, names are added, anything else
stands in one file only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

from connector.describe import Describes, ObjectDescribe, read_describe
from connector.errors import FileProblems, Problem
from connector.files import Document, Path, Position, read_yaml

HEAD = "model.yaml"
DESCRIBES = "describe.json"


def read_source(source: FilePath) -> Document:
    """A file, or all YAML files of a folder, as one document."""
    files = mapping_files(source)
    if not files:
        problem = Problem(shown(source), 0, 0, f"no mapping here; a mapping is a .yaml file, or a folder with {HEAD}")
        return Document(shown(source), None, problems=(problem,))
    documents = [read_yaml(path, shown(path)) for path in files]
    return documents[0] if len(documents) == 1 else _join(shown(source), documents)


def mapping_files(source: FilePath) -> list[FilePath]:
    """The YAML files of a mapping, model.yaml first, the others by name."""
    if source.is_file():
        return [source]
    found = [p for p in source.rglob("*") if p.suffix in (".yaml", ".yml") and p.is_file()]
    return sorted(found, key=lambda p: (p.name != HEAD, p.relative_to(source).as_posix()))


def digest_of(source: FilePath, overrides: Mapping[str, Any]) -> str:
    """SHA-256 over the files' names and bytes and the overrides."""
    digest = hashlib.sha256()
    for path in mapping_files(source):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(json.dumps(overrides, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def own_describes(source: FilePath) -> Describes:
    """The describe.json beside a folder's files: custom fields of the customer's org, for checks without an org.

    Raises FileProblems when it cannot be read.
    """
    path = source / DESCRIBES
    if not path.is_file():
        return {}
    try:
        bodies = json.loads(path.read_text(encoding="utf-8"))
        return {body["name"]: read_describe(body) for body in bodies}
    except (ValueError, KeyError, TypeError) as error:
        problem = Problem(shown(path), 0, 0, f"not a list of describes, each with name and fields ({error})")
        raise FileProblems([problem]) from error


def with_fields(describes: Describes, extra: Describes) -> dict[str, ObjectDescribe]:
    """`describes` with the fields of `extra` added to their objects."""
    out = dict(describes)
    for name, more in extra.items():
        known = out.get(name)
        out[name] = replace(known, fields={**known.fields, **more.fields}) if known else more
    return out


def shown(path: FilePath) -> str:
    """The name in messages: as short as it can be and still be opened."""
    try:
        return path.resolve().relative_to(FilePath.cwd()).as_posix()
    except ValueError:
        return str(path)


# --- several files as one ---------------------------------------------------------------------------------


@dataclass
class _Joined:
    data: dict[str, Any] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, document: Document) -> None:
        self.problems += document.problems
        self.values.setdefault((), document.at(()))
        if isinstance(document.data, dict):
            for key, value in document.data.items():
                self.problems += self._add_key(document, key, value)
        elif document.data is not None:
            message = "keys are wanted here, such as facts:, stages:, ctas: or examples:"
            self.problems.append(document.at(()).problem(message))

    def _add_key(self, document: Document, key: str, value: Any) -> Iterator[Problem]:
        old = self.data.get(key)
        if key not in self.data:
            self.data[key] = value.copy() if isinstance(value, (list, dict)) else value
            self._add_places(document, key, 0)
        elif isinstance(value, list) and isinstance(old, list):
            self._add_places(document, key, len(old))
            old += value
        elif isinstance(value, dict) and isinstance(old, dict):
            yield from self._add_names(document, key, old, value)
        else:
            yield document.key_at((key,)).problem(
                f"{key!r} is already given in {self._first((key,))}; keep one of the two"
            )

    def _add_names(self, document: Document, key: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Problem]:
        for name in new.keys() & old.keys():
            where = self._first((key, name))
            yield document.key_at((key, name)).problem(f"{name!r} is already given in {where}; keep one of the two")
        self._add_places(document, key, 0)
        old.update({name: value for name, value in new.items() if name not in old})

    def _add_places(self, document: Document, key: str, shift: int) -> None:
        for ours, theirs in ((self.keys, document.keys), (self.values, document.values)):
            for path, place in theirs.items():
                if path[:1] == (key,):
                    index = path[1] if len(path) > 1 else None
                    moved = (key, index + shift, *path[2:]) if isinstance(index, int) else path
                    ours.setdefault(moved, place)

    def _first(self, path: Path) -> str:
        place = self.keys[path]
        return f"{place.file}, line {place.line}"


def _join(name: str, documents: list[Document]) -> Document:
    joined = _Joined()
    for document in documents:
        joined.add(document)
    return Document(name, joined.data, joined.keys, joined.values, tuple(joined.problems))
