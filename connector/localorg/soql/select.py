"""What every SELECT has: tables, filter, window. Used by rows.py, groups.py and semi_joins.py; made by compiler.py."""

from typing import Any, Protocol

from connector.localorg.definitions import FieldDef
from connector.localorg.soql.conditions import ConditionCompiler, Resolve, SemiJoinCompiler, Sql
from connector.localorg.soql.currencies import refuse_conversion
from connector.localorg.soql.functions import is_aggregate, resolve_expression
from connector.localorg.soql.lexer import malformed
from connector.localorg.soql.scope import Scope
from connector.localorg.soql.syntax import Expression, Order, Query

MOST_ORDERS = 32


class Shared(SemiJoinCompiler, Protocol):
    """What a SELECT needs from the statement around it."""

    @property
    def source(self) -> str:
        """The statement's text."""

    @property
    def include_deleted(self) -> bool:
        """Whether the recycle bin and archived activities are shown."""


class Select:
    """One SELECT with its scope."""

    def __init__(self, shared: Shared, query: Query, scope: Scope) -> None:
        self.shared = shared
        self.query = query
        self.scope = scope
        self.source = shared.source

    def tables(self) -> str:
        """FROM: the object itself and the parents that were asked for so far."""
        own = f'"{self.scope.definition.name}" {self.scope.table}'
        return " ".join([own, *self.scope.joins])

    def where(self, *more: str) -> Sql:
        """The filter, with what a query leaves out by itself: the recycle bin and archived activities (2.1, 7.4)."""
        conditions: list[str] = []
        params: list[Any] = []
        if self.query.where is not None:
            sql, params = self.conditions(self.resolve_single).compile(self.query.where)
            conditions.append(f"({sql})")
        if not self.shared.include_deleted:
            conditions += [f'{self.scope.table}."{n}" IS NOT 1' for n in self._hiding_fields()]
        conditions += [*self._own_records(), *more]
        return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), params

    def _hiding_fields(self) -> list[str]:
        is_activity = self.scope.definition.name in ("Task", "Event")
        names = ("IsDeleted", "IsArchived") if is_activity else ("IsDeleted",)
        return [n for n in names if self.scope.definition.has(n)]

    def _own_records(self) -> list[str]:
        """USING SCOPE mine: what the user owns. Other scopes were refused before."""
        mine = [o for o in self.query.options if o.kind == "USING SCOPE" and o.word == "MINE"]
        if not mine:
            return []
        if not self.scope.definition.has("OwnerId"):
            malformed(self.source, mine[0].at, f"scope mine is not valid on {self.scope.definition.name}")
        return [f"{self.scope.table}.\"OwnerId\" = '{self.scope.viewer.user_id}'"]

    def window(self) -> str:
        """LIMIT and OFFSET."""
        limit, offset = self.query.limit, self.query.offset
        if limit is None and not offset:
            return ""
        return f" LIMIT {-1 if limit is None else limit} OFFSET {offset or 0}"

    def conditions(self, resolve: Resolve) -> ConditionCompiler:
        """A compiler of conditions over what `resolve` lets through."""
        return ConditionCompiler(self.scope, resolve, self.shared)

    def resolve_single(self, expression: Expression) -> tuple[str, FieldDef]:
        """An expression about one record: no aggregates."""
        refuse_conversion(self.scope, expression)
        if is_aggregate(expression):
            malformed(self.source, expression.at, "an aggregate cannot be used here")
        return resolve_expression(self.scope, expression)

    def orders(self) -> tuple[Order, ...]:
        """ORDER BY, within its limit."""
        if len(self.query.order_by) > MOST_ORDERS:
            at = self.query.order_by[MOST_ORDERS].expression.at
            malformed(self.source, at, f"ORDER BY cannot have more than {MOST_ORDERS} fields")
        return self.query.order_by

    def check_sortable(self, expression: Expression, found: FieldDef) -> None:
        """Refuse to sort by a field that cannot be sorted by."""
        if not found.raw["sortable"]:
            malformed(self.source, expression.at, f"field '{found.name}' can not be sorted in a query call")


def direction(order: Order) -> str:
    """Nulls come first unless the statement says otherwise, also when descending."""
    return f"{'DESC' if order.descending else 'ASC'} NULLS {'LAST' if order.nulls_last else 'FIRST'}"
