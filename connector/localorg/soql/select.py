"""Compiles one SELECT: columns, filter, groups, order, window. Called by compiler.py, which helps with subqueries."""

from itertools import count
from typing import Any, Literal, Protocol

from connector.localorg.definitions import COMPOUND_TYPES, FieldDef, ObjectDef
from connector.localorg.soql.conditions import ConditionCompiler, Resolve, Sql
from connector.localorg.soql.functions import NUMBER, is_aggregate, resolve_expression
from connector.localorg.soql.lexer import malformed, refuse
from connector.localorg.soql.plan import ChildPlan, Output, ParentOutput, Plan
from connector.localorg.soql.scope import Column, Scope
from connector.localorg.soql.syntax import Call, Expression, Fields, Item, Order, Path, Query, Subselect

_ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy")


class SharedCompiler(Protocol):
    """What a SELECT needs from the statement around it."""

    @property
    def source(self) -> str:
        """The statement's text."""

    @property
    def include_deleted(self) -> bool:
        """Whether the recycle bin and archived activities are shown."""

    def compile_semi_join(self, query: Query, left: Column) -> Sql:
        """Compile the query on the right of IN."""

    def compile_child(self, subselect: Subselect, parent: ObjectDef) -> tuple[str, Plan, int | None]:
        """Compile a child subquery."""


class SelectCompiler:
    """Compiles one SELECT; `compile` is called once."""

    def __init__(self, shared: SharedCompiler, query: Query, scope: Scope, foreign_key: str | None = None) -> None:
        self.shared = shared
        self.query = query
        self.scope = scope
        self.columns: list[str] = []
        self.plan = Plan("records", scope.definition, foreign_key=foreign_key)
        self.grouped: set[str] = set()

    # --- whole statement

    def compile(self) -> Plan:
        """Return the plan of the statement."""
        if self._is_bare_count():
            return self._compile_count()
        if self.query.group_by or any(self._is_aggregate(i) for i in self.query.items):
            return self._compile_aggregate()
        return self._compile_records()

    def _is_bare_count(self) -> bool:
        calls = [i.expression for i in self.query.items if isinstance(i, Item) and isinstance(i.expression, Call)]
        bare = [c for c in calls if c.name == "COUNT" and c.argument is None]
        if bare and len(self.query.items) > 1:
            malformed(self.shared.source, bare[0].at, "COUNT() must be the only element in the SELECT list")
        return bool(bare)

    def _is_aggregate(self, item: Item | Subselect | Fields) -> bool:
        return isinstance(item, Item) and is_aggregate(item.expression)

    def _compile_count(self) -> Plan:
        if self.query.order_by or self.query.group_by:
            malformed(self.shared.source, self.query.sobject_at, "COUNT() cannot be combined with ORDER BY or GROUP BY")
        where, params = self.where()
        inner = f"SELECT 1 FROM {self.tables()}{where}{self._window()}"
        self.plan.shape, self.plan.sql, self.plan.params = "count", f"SELECT COUNT(*) FROM ({inner})", params
        return self.plan

    def _compile_records(self) -> Plan:
        self._select(self.scope.parents[()].id_sql)
        if self.plan.foreign_key is not None:
            self._select(f'{self.scope.table}."{self.plan.foreign_key}"')
        for position, item in enumerate(self.query.items):
            self._add_item(item, position)
        self._refuse_duplicates()
        self._add_parents()
        where, params = self.where()
        order = self._order()
        window = "" if self.plan.foreign_key is not None else self._window()
        self.plan.sql = f"SELECT {', '.join(self.columns)} FROM {self.tables()}{where}{order}{window}"
        self.plan.params = params
        return self.plan

    def _compile_aggregate(self) -> Plan:
        self.plan.shape = "aggregate"
        groups = [self._resolve_single(e) for e in self.query.group_by]
        self.grouped = {sql for sql, _ in groups}
        for expression, (_, grouped) in zip(self.query.group_by, groups, strict=True):
            if not grouped.raw["groupable"] and isinstance(expression, Path):
                malformed(
                    self.shared.source, expression.at, f"field '{grouped.name}' can not be grouped in a query call"
                )
        unnamed = count()
        for item in self.query.items:
            self._add_aggregate(item, unnamed)
        where, params = self.where()
        sql = f"SELECT {', '.join(self.columns)} FROM {self.tables()}{where}"
        if groups:
            sql += f" GROUP BY {', '.join(s for s, _ in groups)}"
        if self.query.having is not None:
            having, more = self._conditions(self._resolve_grouped).compile(self.query.having)
            sql, params = f"{sql} HAVING {having}", params + more
        self.plan.sql, self.plan.params = sql + self._order() + self._window(), params
        return self.plan

    # --- parts

    def tables(self) -> str:
        """FROM: the object itself and the parents that were asked for so far."""
        own = f'"{self.scope.definition.name}" {self.scope.table}'
        return " ".join([own, *self.scope.joins])

    def where(self) -> Sql:
        """The filter, with what a query leaves out by itself: the recycle bin and archived activities (2.1, 7.4)."""
        conditions: list[str] = []
        params: list[Any] = []
        if self.query.where is not None:
            sql, params = self._conditions(self._resolve_single).compile(self.query.where)
            conditions.append(f"({sql})")
        if not self.shared.include_deleted:
            hidden = [n for n in ("IsDeleted", "IsArchived") if self.scope.definition.has(n)]
            conditions += [
                f'{self.scope.table}."{n}" IS NOT 1' for n in hidden if n == "IsDeleted" or self._is_activity()
            ]
        return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), params

    def _is_activity(self) -> bool:
        return self.scope.definition.name in ("Task", "Event")

    def _window(self) -> str:
        limit, offset = self.query.limit, self.query.offset
        if limit is None and not offset:
            return ""
        return f" LIMIT {-1 if limit is None else limit} OFFSET {offset or 0}"

    def _order(self) -> str:
        if not self.query.order_by:
            return ""
        return " ORDER BY " + ", ".join(self._order_term(o) for o in self.query.order_by)

    def _order_term(self, order: Order) -> str:
        alias = self._alias_column(order.expression)
        resolve = self._resolve_grouped if self.plan.shape == "aggregate" else self._resolve_single
        sql, found = (alias, NUMBER) if alias else resolve(order.expression)
        if not found.raw["sortable"]:
            malformed(
                self.shared.source, order.expression.at, f"field '{found.name}' can not be sorted in a query call"
            )
        direction = "DESC" if order.descending else "ASC"
        return f"{sql} {direction} NULLS {'LAST' if order.nulls_last else 'FIRST'}"

    def _alias_column(self, expression: Expression) -> str | None:
        """ORDER BY may name an alias of an aggregate."""
        if isinstance(expression, Path) and len(expression.parts) == 1 and self.plan.shape == "aggregate":
            wanted = expression.text.lower()
            for output in self.plan.outputs:
                if output.names[-1].lower() == wanted:
                    return str(output.index + 1)
        return None

    def _conditions(self, resolve: Resolve) -> ConditionCompiler:
        return ConditionCompiler(self.scope, resolve, self.shared.compile_semi_join)

    def _resolve_single(self, expression: Expression) -> tuple[str, FieldDef]:
        """An expression about one record: no aggregates."""
        if is_aggregate(expression):
            malformed(self.shared.source, expression.at, "an aggregate cannot be used here")
        return resolve_expression(self.scope, expression)

    def _resolve_grouped(self, expression: Expression) -> tuple[str, FieldDef]:
        """An expression about a group: an aggregate, or what the groups are made by."""
        sql, found = resolve_expression(self.scope, expression)
        if not is_aggregate(expression) and sql not in self.grouped:
            malformed(self.shared.source, expression.at, f"Field must be grouped or aggregated: {found.name}")
        return sql, found

    # --- outputs

    def _select(self, sql: str) -> int:
        self.columns.append(sql)
        return len(self.columns) - 1

    def _add_item(self, item: Item | Subselect | Fields, position: int) -> None:
        match item:
            case Subselect():
                self._add_child(item)
            case Fields():
                self._add_group(item)
            case Item(Path() as path, alias):
                if alias is not None:
                    malformed(self.shared.source, path.at, "only aggregate expressions use field aliasing")
                self._add_column(self.scope.resolve(path))
            case Item(Call() as call, alias):
                sql, found = self._resolve_single(call)
                name = alias or f"expr{position}"
                self.plan.outputs.append(Output((name,), self._select(sql), _output_kind(found)))

    def _add_child(self, item: Subselect) -> None:
        if self.plan.foreign_key is not None:
            malformed(self.shared.source, item.at, "a subquery inside a subquery is not supported by the local org")
        name, plan, limit = self.shared.compile_child(item, self.scope.definition)
        self.plan.children.append(ChildPlan(name, plan, limit))

    def _add_group(self, item: Fields) -> None:
        """FIELDS(): only STANDARD goes without a limit of at most 200 rows (6)."""
        if item.group != "STANDARD" and (self.query.limit is None or self.query.limit > 200):
            malformed(self.shared.source, item.at, "The SOQL FIELDS function must have a LIMIT of at most 200")
        for found in self.scope.definition.fields.values():
            if self.scope.access.sees(self.scope.definition, found) and item.group in (
                "ALL",
                "CUSTOM" if found.custom else "STANDARD",
            ):
                self._add_column(self.scope.resolve(Path((found.name,), item.at)))

    def _add_column(self, column: Column) -> None:
        if column.field.type in COMPOUND_TYPES:
            self._add_compound(column)
        else:
            self.plan.outputs.append(Output(column.names, self._select(column.sql), _output_kind(column.field)))

    def _add_compound(self, column: Column) -> None:
        prefix, table = column.field.name.removesuffix("Address"), column.sql.split(".")[0]
        parts = []
        for part in _ADDRESS_PARTS:
            found = column.owner.find(prefix + part)
            if found is not None:
                parts.append((part[0].lower() + part[1:], self._select(f'{table}."{found.name}"')))
        self.plan.outputs.append(Output(column.names, -1, "address", tuple(parts)))

    def _add_parents(self) -> None:
        """Parents that are shown need their id, to know whether they are there and what they are called."""
        shown = {output.names[:n] for output in self.plan.outputs for n in range(1, len(output.names))}
        for names, parent in self.scope.parents.items():
            if names in shown:
                self.plan.parents.append(ParentOutput(names, self._select(parent.id_sql), parent.sobject))

    def _refuse_duplicates(self) -> None:
        seen: set[tuple[str, ...]] = set()
        for output in self.plan.outputs:
            if output.names in seen:
                refuse(self.shared.source, 0, "INVALID_FIELD", f"duplicate field selected: {'.'.join(output.names)}")
            seen.add(output.names)

    def _add_aggregate(self, item: Item | Subselect | Fields, unnamed: "count[int]") -> None:
        if not isinstance(item, Item):
            malformed(self.shared.source, item.at, "a grouped query can select fields and aggregates only")
        sql, found = self._resolve_grouped(item.expression)
        is_call = isinstance(item.expression, Call)
        name = item.alias or (f"expr{next(unnamed)}" if is_call else found.name)
        self.plan.outputs.append(Output((name,), self._select(sql), _output_kind(found)))


def _output_kind(found: FieldDef) -> Literal["plain", "boolean"]:
    return "boolean" if found.type == "boolean" else "plain"
