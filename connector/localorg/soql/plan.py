"""A compiled statement: one SQL text and how its rows become records. Made by compiler.py, carried out by run.py."""

from dataclasses import dataclass, field
from typing import Any, Literal

from connector.localorg.definitions import ObjectDef


@dataclass(frozen=True, slots=True)
class Output:
    """One value of a record: its path, the column of the SQL row, and what it is."""

    names: tuple[str, ...]
    index: int
    kind: Literal["plain", "boolean", "address"]
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ParentOutput:
    """Where a parent's id and object name are found in the SQL row."""

    names: tuple[str, ...]
    id_index: int
    sobject: str | None


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """A child subquery: run once for all parents, then dealt out by the foreign key in column 0."""

    name: str
    plan: "Plan"
    limit: int | None


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
    foreign_key: str | None = None
