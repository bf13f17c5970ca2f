"""A mapping from its file or folder: read as one, overridden from settings, checked, compiled.

`load_mapping` is what the rest of the program calls. All problems of all files come together in one FileProblems.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from connector.describe import Describes, ObjectDescribe, nearest, read_describe
from connector.errors import FileProblems, Problem
from connector.files import Document, Path, Position, read_yaml
from connector.mapping.shape import Shaped, shape

OVERRIDABLE = (
    "zone",
    "calendar",
    "params",
    "lists",
    "budgets",
    "campaigns.*.campaign",
    "ctas.*.owner",
    "playbooks.*.steps.*.owner",
)
"""What settings may replace, as sandbox and production differ in it."""
_HEAD = "model.yaml"


def read_model(source: FilePath, overrides: Mapping[str, Any] | None = None) -> tuple[Document, Shaped]:
    """The files of one model as a document and, as far as possible, as a ModelFile. `overrides` are by model."""
    document = read_document(source)
    if not isinstance(document.data, dict) or not document.data:
        return document, Shaped(None, ())
    own = (overrides or {}).get(str(document.data.get("model")), {})
    document = _overridden(document, own)
    return document, shape(document)


def read_document(source: FilePath) -> Document:
    """A file, or all YAML files of a folder, as one document."""
    files = mapping_files(source)
    if not files:
        problem = Problem(str(source), 0, 0, f"no mapping here; a mapping is a .yaml file, or a folder with {_HEAD}")
        return Document(str(source), None, problems=(problem,))
    return _merged(str(source), [read_yaml(path, _shown(path)) for path in files])


def mapping_files(source: FilePath) -> list[FilePath]:
    """The YAML files of a mapping, model.yaml first, the others by name."""
    if source.is_file():
        return [source]
    found = [p for p in source.rglob("*") if p.suffix in (".yaml", ".yml") and p.is_file()]
    return sorted(found, key=lambda p: (p.name != _HEAD, p.relative_to(source).as_posix()))


def digest_of(source: FilePath, overrides: Mapping[str, Any] | None = None) -> str:
    """SHA-256 over the files' names and bytes and the overrides."""
    digest = hashlib.sha256()
    for path in mapping_files(source):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    if overrides:
        digest.update(json.dumps(overrides, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def own_describes(source: FilePath) -> Describes:
    """The describe.json beside a folder's files: custom fields of the customer's org, for checks without an org."""
    path = source / "describe.json"
    if not path.is_file():
        return {}
    try:
        bodies = json.loads(path.read_text(encoding="utf-8"))
        return {body["name"]: read_describe(body) for body in bodies}
    except (ValueError, KeyError, TypeError) as error:
        problem = Problem(_shown(path), 0, 0, f"not a list of describes ({error}); each has name and fields")
        raise FileProblems([problem]) from error


def with_own_fields(describes: Describes, own: Describes) -> dict[str, ObjectDescribe]:
    """`describes` with the fields of `own` added to their objects."""
    out = dict(describes)
    for name, extra in own.items():
        known = out.get(name)
        out[name] = replace(known, fields={**known.fields, **extra.fields}) if known else extra
    return out


def _shown(path: FilePath) -> str:
    """The name in messages: as short as it can be and still be opened."""
    try:
        return path.resolve().relative_to(FilePath.cwd()).as_posix()
    except ValueError:
        return str(path)


def _merged(name: str, documents: list[Document]) -> Document:
    data: dict[str, Any] = {}
    keys: dict[Path, Position] = {}
    values: dict[Path, Position] = {}
    problems: list[Problem] = []
    for document in documents:
        problems += document.problems
        values.setdefault((), document.at(()))
        if document.data is None and not document.problems:
            continue
        if not isinstance(document.data, dict):
            if not document.problems:
                problems.append(
                    document.at(()).problem("keys are wanted here, such as facts:, stages:, ctas: or examples:")
                )
            continue
        for key in document.data:
            problems += _merge_key(data, keys, values, document, key)
    return Document(documents[0].file if len(documents) == 1 else name, data, keys, values, tuple(problems))


def _merge_key(
    data: dict[str, Any], keys: dict[Path, Position], values: dict[Path, Position], document: Document, key: str
) -> Iterator[Problem]:
    """One top-level key of one file: lists are joined, names are added, anything else stands in one file only."""
    new, old = document.data[key], data.get(key)
    shift = len(old) if isinstance(new, list) and isinstance(old, list) else 0
    if key not in data:
        data[key] = list(new) if isinstance(new, list) else dict(new) if isinstance(new, dict) else new
    elif isinstance(new, list) and isinstance(old, list):
        old += new
    elif isinstance(new, dict) and isinstance(old, dict):
        yield from _add_names(old, new, document, keys, key)
    else:
        yield document.key_at((key,)).problem(f"{key!r} is already given in {keys[(key,)].file}; keep one of the two")
        return
    for table, places in ((keys, document.keys), (values, document.values)):
        for path, place in places.items():
            if path[:1] == (key,):
                moved = (key, path[1] + shift, *path[2:]) if len(path) > 1 and isinstance(path[1], int) else path
                table.setdefault(moved, place)


def _add_names(
    old: dict[str, Any], new: dict[str, Any], document: Document, keys: dict[Path, Position], key: str
) -> Iterator[Problem]:
    for name, value in new.items():
        if name in old:
            first = keys.get((key, name))
            where = f"{first.file}:{first.line}" if first else "another file"
            yield document.key_at((key, name)).problem(f"{name!r} is already given in {where}; keep one of the two")
        else:
            old[name] = value


# --- overrides --------------------------------------------------------------------------------------------


def _overridden(document: Document, overrides: Mapping[str, Any]) -> Document:
    data = json_copy(document.data)
    problems = list(document.problems)
    for path, value in _leaves(overrides, ()):
        problem = _set(data, path, value)
        if problem:
            problems.append(Problem("config.toml", 0, 0, f"overrides: {'.'.join(path)}: {problem}"))
    return replace(document, data=data, problems=tuple(problems))


def json_copy(value: Any) -> Any:
    """A copy down to the leaves."""
    if isinstance(value, dict):
        return {k: json_copy(v) for k, v in value.items()}
    return [json_copy(v) for v in value] if isinstance(value, list) else value


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and not _is_overridable(path):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, Mapping) and path[0] in ("params", "lists", "budgets") and len(path) == 1:
        for key, inner in value.items():
            yield (*path, str(key)), inner
    else:
        yield path, value


def _is_overridable(path: tuple[str, ...]) -> bool:
    return any(_matches(path, pattern.split(".")) for pattern in OVERRIDABLE)


def _matches(path: tuple[str, ...], pattern: list[str]) -> bool:
    if len(pattern) == 1 and pattern[0] in ("params", "lists", "budgets"):
        return path[:1] == (pattern[0],)
    return len(path) == len(pattern) and all(p in ("*", part) for part, p in zip(path, pattern, strict=True))


def _set(data: Any, path: tuple[str, ...], value: Any) -> str:
    """Puts `value` at `path`, where list items go by their key. Returns what is wrong, or ''."""
    if not _is_overridable(path):
        return f"may not be overridden; allowed: {', '.join(OVERRIDABLE)}"
    for part in path[:-1]:
        if isinstance(data, list):
            found = next((item for item in data if isinstance(item, dict) and item.get("key") == part), None)
            known = [str(item.get("key")) for item in data if isinstance(item, dict)]
        else:
            if part in ("params", "lists", "budgets"):
                data.setdefault(part, {})
            found, known = data.get(part), list(data)
        if found is None:
            meant = nearest(part, known)
            return f"the mapping has no {part!r}" + (f"; did you mean {meant!r}?" if meant else "")
        data = found
    data[path[-1]] = value
    return ""
