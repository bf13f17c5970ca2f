"""A compiled statement: one SQL text and how its rows become records. Made by compiler.py, carried out by run.py."""

from dataclasses import dataclass, field
from typing import Any, Literal

from connector.localorg.definitions import FieldDef, ObjectDef

OutputKind = Literal["plain", "boolean", "address"]


@dataclass(frozen=True, slots=True)
class Output:
    """One value of a record: its path, the column of the SQL row, what it is, and its type in describe."""

    names: tuple[str, ...]
    index: int
    kind: OutputKind
    type: str
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ParentOutput:
    """Where a parent's id and object name are found in the SQL row."""

    names: tuple[str, ...]
    id_index: int
    sobject: str | None


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """A child subquery: run once for all parents, then dealt out by the foreign key in column 1.

    Its last parameter is a JSON list of the parents' ids.
    """

    name: str
    plan: "Plan"
    limit: int | None
    offset: int
    position: int
    """How many outputs of the parent come before it."""


@dataclass(slots=True)
class Plan:
    """A compiled statement. `shape` says what its rows become."""

    shape: Literal["records", "count", "aggregate"]
    definition: ObjectDef
    sql: str = ""
    params: list[Any] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    parents: list[ParentOutput] = field(default_factory=list)
    children: list[ChildPlan] = field(default_factory=list)
    long_texts: int = 0
    foreign_key: str | None = None

    @property
    def needs_python(self) -> bool:
        """Whether the SQL calls functions of localize.py."""
        children = any(c.plan.needs_python for c in self.children)
        return children or any(name in self.sql for name in ("sf_local(", "sf_format(", "sf_distance("))


VARIANT = ":"
"""A name such as `What:Account` is What as far as it leads to an Account (TYPEOF)."""


def output_kind(found: FieldDef) -> Literal["plain", "boolean"]:
    """How a value is shown: SQLite keeps booleans as numbers."""
    return "boolean" if found.type == "boolean" else "plain"
