"""A mapping as the rest of the program has it: checked, compiled, with what it needs and what it writes.

Made by load.py only; evaluate, plan, report and orgsetup read it.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass, field

from connector.data import Needs
from connector.describe import Describes
from connector.errors import Problem
from connector.files import Document, Path, Position
from connector.mapping.fields import FieldDefinition
from connector.mapping.language import Expression, TemplatePart
from connector.mapping.model import ModelFile
from connector.mapping.sources import Source


@dataclass(frozen=True)
class Mapping:
    """One lifecycle model, ready to be evaluated."""

    model: ModelFile
    """What the files say."""
    expressions: Map[str, Expression]
    """Every expression by rule key path: `scope`, `money`, `segments.<key>.when`, `facts.<key>`, `facts.<key>.dated`,
    `health.grace_from`, `health.measures.<key>`, `stages.<key>.enter_when|leave_when|entered_on`,
    `stages.<key>.next.<to>.when`, `ctas.<key>.open_when|close_when|period|due|owner.<n>`,
    `playbooks.<key>.steps.<step>.due|when|owner.<n>`, `campaigns.<key>.add_when|people.where`, and for every name in
    a text `<path of the text>{<name>}`. Items of an owner chain that start with team: or queue: are not expressions."""
    templates: Map[str, tuple[TemplatePart, ...]]
    """Every text by key path: `ctas.<key>.subject|body|set.<Field>`, `playbooks.<key>.steps.<step>....`. A part is
    plain text or an expression; `{reason}` is the one that is not among `expressions`."""
    fact_order: tuple[str, ...]
    """Every fact after those that it mentions."""
    needs: Needs
    """What has to be pulled."""
    fields: tuple[FieldDefinition, ...]
    """The custom fields that the model needs in the org."""
    digest: str
    """SHA-256 over the files and overrides: which version decided."""
    describes: Describes = field(default_factory=dict, repr=False, compare=False)
    """What the expressions were typed by: the org or the shipped data, with the fields that the model is to create."""
    sources: tuple[Source, ...] = ()
    """What it reads beside the org."""
    warnings: tuple[Problem, ...] = ()
    document: Document = field(default_factory=lambda: Document("", None), repr=False, compare=False)

    @property
    def key(self) -> str:
        return self.model.model

    def at(self, path: Path) -> Position:
        """Where a part of the model stands in its file: `("stages", 2, "enter_when")`."""
        return self.document.at(path)
