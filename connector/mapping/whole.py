"""A model with everything that a check may look at. The checks take it; load.py fills it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from connector.describe import Describes, ObjectDescribe, nearest
from connector.errors import Problem
from connector.files import Document, Path
from connector.mapping.compile import Compiled, place_of
from connector.mapping.model import ModelFile
from connector.mapping.shape import Shaped


@dataclass(frozen=True)
class Whole:
    """Everything that a check may look at."""

    model: ModelFile
    document: Document
    shaped: Shaped
    compiled: Compiled
    describes: Describes
    known_values: bool = False
    """The describes are the org's own, picklists included."""

    def problem(
        self, where: Path, message: str, *, at_key: bool = False, severity: Literal["error", "warning"] = "error"
    ) -> Problem:
        place = self.document.key_at(where) if at_key else place_of(self.document, self.shaped, where)
        return place.problem(message, severity=severity)

    @property
    def subject(self) -> ObjectDescribe:
        return self.describes.get(self.model.subject, ObjectDescribe(self.model.subject))

    def is_broken(self, where: Path) -> bool:
        """Whether the value there was taken out, and its problem told already."""
        return any(path[: len(where)] == where or where[: len(path)] == path for path in self.shaped.broken)


def did_you_mean(name: str, known: Collection[str]) -> str:
    """'; did you mean ...?' where something is near, else what there is, when that is short."""
    meant = nearest(name, known)
    if meant:
        return f"; did you mean {meant!r}?"
    return f"; there are: {', '.join(sorted(known))}" if 0 < len(known) <= 12 else ""
