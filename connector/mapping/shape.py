"""Plain data -> ModelFile, with a problem for everything that does not have the shape of a mapping.

What is wrong is reported and then taken out (or a misspelt key read under its nearest name), so that the rest can
still be judged: one mistake must not hide another. Called by load.py.
"""

from __future__ import annotations

import copy
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connector.describe import nearest
from connector.errors import Problem
from connector.files import Document, Path
from connector.mapping.model import ModelFile

LATER = {
    "history": "the visit object in the org",
    "subjects": "several kinds of subject in one model",
    "renamed_from": "renaming keys",
    "forward_only": "forward-only models",
}
"""Keys of the design that this version does not have."""
_PLACEHOLDERS: dict[str, Any] = {
    "format": 1, "model": "unnamed", "label": "?", "key": "unnamed", "subject": "Account", "type": "lifecycle",
    "enter_when": "false", "open_when": "false", "add_when": "false", "when": "false", "value": "null", "due": "today",
    "on_enter": "unnamed", "campaign": "701000000000000", "weight": 1, "green": 1, "yellow": 1, "name": "?",
    "as_of": "2000-01-01", "given": {}, "expect": {}, "since": "2000-01-01", "stage": "Unnamed__c",
    "state": "Unnamed__c", "order": [], "to": "unnamed",
}  # fmt: skip
_TRIES = 30


@dataclass(frozen=True)
class Shaped:
    """A model as far as it could be read; `broken` are the paths whose value is not the author's."""

    model: ModelFile | None
    problems: tuple[Problem, ...]
    broken: frozenset[Path] = frozenset()
    moved: Mapping[Path, Path] = field(default_factory=dict)
    """Where a value is read from -> where it stands under a misspelt key."""


def shape(document: Document) -> Shaped:
    """The document as a ModelFile; None when not even its outline can be read."""
    if not isinstance(document.data, dict):
        problem = document.at(()).problem("a mapping file is a list of keys: format, model, label, facts, stages, ...")
        return Shaped(None, (problem,))
    data = copy.deepcopy(document.data)
    problems: list[Problem] = []
    broken: set[Path] = set()
    moved: dict[Path, Path] = {}
    for _ in range(_TRIES):
        try:
            return Shaped(ModelFile.model_validate(data), tuple(problems), frozenset(broken), moved)
        except ValidationError as error:
            for details in _innermost(error.errors(include_url=False)):
                problems += _report(document, data, details, broken, moved)
    return Shaped(None, tuple(problems), frozenset(broken))


def _innermost(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Unknown keys first: one of them may be the misspelling of a missing one. Of a union's complaints, the first."""
    seen: set[Path] = set()
    out = []
    for error in sorted(errors, key=lambda e: e["type"] != "extra_forbidden"):
        where = tuple(error["loc"])
        if where not in seen:
            out.append(error)
        seen.add(where)
    return out


def _report(
    document: Document, data: Any, error: ErrorDetails, broken: set[Path], moved: dict[Path, Path]
) -> list[Problem]:
    path = _existing(data, tuple(error["loc"]))
    if error["type"] == "extra_forbidden":
        return _unknown_key(document, data, path, moved)
    if error["type"] == "missing":
        return _missing_key(document, data, tuple(error["loc"]), broken)
    if any(path[: len(b)] == b for b in broken):
        _remove(data, path)
        return []
    if error["type"] == "too_short" and error.get("input"):
        return []  # its items have problems of their own
    message, name = _message(error), spoken(data, path)
    _remove(data, path)
    broken.add(path)
    return [document.at(path).problem(f"{name}: {message}" if path else message)]


def spoken(data: Any, path: Path) -> str:
    """The key path in words of the mapping: items of a list go by their key."""
    words = []
    for part in path:
        data = data[part] if _has(data, part) else None
        key = (data.get("key") or data.get("to")) if isinstance(data, dict) else None
        words.append(str(key if isinstance(part, int) and key else part))
    return ".".join(words)


def _unknown_key(document: Document, data: Any, path: Path, moved: dict[Path, Path]) -> list[Problem]:
    parent, key = _get(data, path[:-1]), str(path[-1])
    if not isinstance(parent, dict) or key not in parent:
        return []
    allowed = _allowed(path[:-1])
    at = document.key_at(path)
    value = parent.pop(key)
    if key in LATER:
        return [at.problem(f"{key!r} ({LATER[key]}) is not available yet in this version; remove it")]
    meant = nearest(key, allowed)
    if meant and meant not in parent:
        parent[meant] = value
        moved[(*path[:-1], meant)] = path
    hint = f"did you mean {meant!r}?" if meant else f"allowed here: {', '.join(sorted(allowed))}"
    return [at.problem(f"unknown key {key!r}; {hint}")]


def _missing_key(document: Document, data: Any, path: Path, broken: set[Path]) -> list[Problem]:
    parent = _get(data, path[:-1])
    if not isinstance(parent, dict) or path[-1] in parent:
        return []
    parent[str(path[-1])] = copy.deepcopy(_PLACEHOLDERS.get(str(path[-1])))
    known = path in broken
    broken.add(path)
    what = _describe_owner(path[:-1], parent)
    return [] if known else [document.key_at(path[:-1]).problem(f"{what} has no {path[-1]!r}; add it")]


def _describe_owner(path: Path, owner: dict[str, Any]) -> str:
    if not path:
        return "the model"
    kind = str(next(part for part in reversed(path) if isinstance(part, str)))
    if path[0] == "facts" and len(path) == 2:
        return f"fact {path[1]!r}"
    name = owner.get("key") or owner.get("name") or (path[-1] if isinstance(path[-1], str) else "")
    noun = {"ctas": "CTA", "next": "edge"}.get(kind, kind.removesuffix("s"))
    return f"{noun} {name!r}" if noun and name else noun or repr(name)


def _message(error: ErrorDetails) -> str:
    given = error.get("input")
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "literal_error":
        allowed = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        meant = nearest(str(given), allowed.split(", "))
        return f"{given!r} is not allowed; allowed: {allowed}" + (f"; did you mean {meant!r}?" if meant else "")
    if error["type"] == "string_pattern_mismatch":
        kind = (
            "lower-case letters, digits and _" if "a-z][" in str(error["ctx"]["pattern"]) else "letters, digits and _"
        )
        return f"{given!r} is not a name; a name here has only {kind} and starts with a letter"
    if error["type"] in ("tuple_type", "list_type"):
        return "a list is wanted here: one item per line, each after a dash, or [a, b]"
    if error["type"] in ("model_type", "dict_type", "model_attributes_type"):
        return f"keys and values are wanted here, not {given!r}"
    return f"{given!r}: {message}" if isinstance(given, (str, int)) and repr(given) not in message else message


def _allowed(path: Path) -> list[str]:
    """The keys that may stand at `path`."""
    found: Any = ModelFile
    for part in path:
        found = _inner(found, part)
    model = next((m for m in _models(found)), None)
    return list(model.model_fields) if model else []


def _inner(annotation: Any, part: str | int) -> Any:
    for model in _models(annotation):
        if isinstance(part, str) and part in model.model_fields:
            return model.model_fields[part].annotation
    arguments = [a for a in get_args(annotation) if a not in (Ellipsis, type(None))]
    if get_origin(annotation) in (Union, types.UnionType):
        return _inner(arguments[0], part)
    return arguments[-1] if arguments else None


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType):
        return [m for a in get_args(annotation) for m in _models(a)]
    return []


def _existing(data: Any, path: Path) -> Path:
    """The part of pydantic's path that is in the data: it also names short forms and members of unions."""
    out: list[str | int] = []
    for part in path:
        if not _has(data, part):
            break
        data = data[part]
        out.append(part)
    return tuple(out)


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and part < len(data)


def _get(data: Any, path: Path) -> Any:
    for part in path:
        if not _has(data, part):
            return None
        data = data[part]
    return data


def _remove(data: Any, path: Path) -> None:
    """Takes the value out; a list keeps its length, so that later paths still point at the right item."""
    parent = _get(data, path[:-1]) if path else None
    key: Any = path[-1] if path else None
    placeholder = _PLACEHOLDERS.get(str(key))
    if key == "key" and isinstance(parent, dict) and isinstance(parent[key], str):
        placeholder = _as_key(parent[key])
    if isinstance(parent, dict) and placeholder is not None and _is_required(path):
        parent[key] = copy.deepcopy(placeholder)
    elif isinstance(parent, dict):
        parent.pop(key, None)
    elif isinstance(parent, list):
        parent[key] = {} if isinstance(parent[key], dict) else _PLACEHOLDERS["key"]


def _as_key(text: str) -> str:
    """The key that was probably meant."""
    return "k" * (not text[:1].isalpha()) + re.sub(r"[^a-z0-9_]", "_", text.lower())[:39]


def _is_required(path: Path) -> bool:
    found: Any = ModelFile
    for part in path[:-1]:
        found = _inner(found, part)
    return any(m.model_fields[str(path[-1])].is_required() for m in _models(found) if path[-1] in m.model_fields)
