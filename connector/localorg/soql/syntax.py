"""The syntax tree of a SOQL statement.

Frozen values, positions kept for refusals. Made by parser.py and its parts, read by compiler.py.
"""

from dataclasses import dataclass
from typing import Literal

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "LIKE"]
LiteralKind = Literal["string", "number", "boolean", "null", "date", "datetime", "time", "span", "currency"]


@dataclass(frozen=True, slots=True)
class Path:
    """A field or a dotted parent path."""

    parts: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        """The path as written."""
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Call:
    """A function over a field or over another function; `argument` is None in COUNT()."""

    name: str
    argument: "Path | Call | None"
    at: int


@dataclass(frozen=True, slots=True)
class Distance:
    """DISTANCE(field, GEOLOCATION(latitude, longitude), 'mi' or 'km')"""

    field: Path
    latitude: float
    longitude: float
    unit: str
    at: int


Expression = Path | Call | Distance


@dataclass(frozen=True, slots=True)
class Value:
    """A literal. `text` is the token; spans such as LAST_N_DAYS:30 keep their number in `n`."""

    kind: LiteralKind
    text: str
    at: int
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """field operator literal"""

    left: Expression
    operator: Operator
    right: Value


@dataclass(frozen=True, slots=True)
class Membership:
    """field [NOT] IN (literals)"""

    left: Expression
    negated: bool
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class SemiJoin:
    """field [NOT] IN (SELECT ...)"""

    left: Path
    negated: bool
    query: "Query"


@dataclass(frozen=True, slots=True)
class Includes:
    """multi-select field INCLUDES or EXCLUDES (literals)"""

    left: Path
    negated: bool
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """NOT condition"""

    inner: "Condition"


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions joined by AND or by OR."""

    operator: Literal["AND", "OR"]
    parts: tuple["Condition", ...]


Condition = Comparison | Membership | SemiJoin | Includes | Not | Junction


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the SELECT list with its alias."""

    expression: Expression
    alias: str | None


@dataclass(frozen=True, slots=True)
class Subselect:
    """A child subquery in the SELECT list."""

    query: "Query"
    at: int


@dataclass(frozen=True, slots=True)
class Fields:
    """FIELDS(ALL), FIELDS(STANDARD) or FIELDS(CUSTOM)."""

    group: str
    at: int


@dataclass(frozen=True, slots=True)
class Branch:
    """WHEN object THEN fields"""

    sobject: str
    fields: tuple[Path, ...]
    at: int


@dataclass(frozen=True, slots=True)
class TypeOf:
    """TYPEOF relationship WHEN ... THEN ... ELSE ... END"""

    path: Path
    branches: tuple[Branch, ...]
    otherwise: tuple[Path, ...]
    at: int


Selected = Item | Subselect | Fields | TypeOf


@dataclass(frozen=True, slots=True)
class Order:
    """One ORDER BY entry; nulls come first unless the statement says otherwise."""

    expression: Expression
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class ParentAlias:
    """FROM Contact c, c.Account a: a name for a parent."""

    alias: str
    path: Path


OptionKind = Literal["USING SCOPE", "WITH", "FOR", "UPDATE", "ALL ROWS"]


@dataclass(frozen=True, slots=True)
class Option:
    """A clause that says how to run the statement; `word` is what follows the keyword, in upper case."""

    kind: OptionKind
    word: str
    at: int


@dataclass(frozen=True, slots=True)
class Query:
    """A whole statement."""

    items: tuple[Selected, ...]
    sobject: str
    sobject_at: int
    alias: str | None
    where: Condition | None
    group_by: tuple[Expression, ...]
    having: Condition | None
    order_by: tuple[Order, ...]
    limit: int | None
    offset: int | None
    rollup: Literal["ROLLUP", "CUBE"] | None = None
    parents: tuple[ParentAlias, ...] = ()
    options: tuple[Option, ...] = ()
