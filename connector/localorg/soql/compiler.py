"""Turns a syntax tree into one SQL statement and a plan for building records. Called by run.py; touches no database."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from connector.localorg import errors
from connector.localorg.access import Access
from connector.localorg.definitions import (
    COMPOUND_TYPES,
    ID_TYPES,
    NUMBER_TYPES,
    FieldDef,
    ObjectDef,
    Schema,
    build_field,
)
from connector.localorg.schema import complete_field
from connector.localorg.soql.conditions import ConditionCompiler, Sql
from connector.localorg.soql.lexer import malformed, refuse
from connector.localorg.soql.scope import Column, Scope
from connector.localorg.soql.syntax import Call, Expression, Fields, Item, Order, Path, Query, Subselect

_AGGREGATES = {
    "COUNT": "COUNT({})",
    "COUNT_DISTINCT": "COUNT(DISTINCT {})",
    "SUM": "SUM({})",
    "AVG": "AVG({})",
    "MIN": "MIN({})",
    "MAX": "MAX({})",
}
_DATE_PARTS = {
    "CALENDAR_YEAR": "CAST(substr({}, 1, 4) AS INTEGER)",
    "CALENDAR_MONTH": "CAST(substr({}, 6, 2) AS INTEGER)",
    "CALENDAR_QUARTER": "(CAST(substr({}, 6, 2) AS INTEGER) + 2) / 3",
    "FISCAL_YEAR": "CAST(substr({}, 1, 4) AS INTEGER)",
    "FISCAL_MONTH": "CAST(substr({}, 6, 2) AS INTEGER)",
    "FISCAL_QUARTER": "(CAST(substr({}, 6, 2) AS INTEGER) + 2) / 3",
    "DAY_IN_MONTH": "CAST(substr({}, 9, 2) AS INTEGER)",
    "HOUR_IN_DAY": "CAST(substr({}, 12, 2) AS INTEGER)",
    "DAY_ONLY": "substr({}, 1, 10)",
}
_ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy")
_NUMBER = build_field(complete_field({"name": "expr", "label": "expr", "type": "double", "filterable": True}))
_DAY = build_field(complete_field({"name": "expr", "label": "expr", "type": "date", "filterable": True}))


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
    position: int


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


@dataclass(frozen=True, slots=True)
class Compiler:
    """What all SELECTs of one statement share."""

    source: str
    schema: Schema
    access: Access
    today: Any
    include_deleted: bool
    aliases: "count[int]" = field(default_factory=count)

    def compile(self, query: Query) -> Plan:
        """Compile a whole statement."""
        definition = self._find_object(query.sobject, query.sobject_at)
        return _SelectCompiler(self, query, self._scope(query, definition)).compile()

    def _scope(self, query: Query, definition: ObjectDef) -> Scope:
        return Scope(self.source, self.schema, self.access, self.today, definition, query.alias, self.aliases)

    def _find_object(self, name: str, at: int) -> ObjectDef:
        found = self.schema.find(name)
        if found is None or not self.access.sees_object(found) or not found.raw["queryable"]:
            code, text = errors.no_such_type(name)
            refuse(self.source, at, code, text)
        return found

    def compile_semi_join(self, query: Query, left: Column) -> Sql:
        """Compile the query on the right of IN: one id field, no order, no nested joins of its own shape."""
        definition = self._find_object(query.sobject, query.sobject_at)
        item = query.items[0]
        if len(query.items) != 1 or not isinstance(item, Item) or not isinstance(item.expression, Path):
            malformed(self.source, query.sobject_at, "a semi join must select exactly one field")
        if query.order_by or query.limit is not None or query.group_by:
            malformed(self.source, query.sobject_at, "a semi join cannot have ORDER BY, LIMIT or GROUP BY")
        scope = self._scope(query, definition)
        column = scope.resolve(item.expression)
        if column.field.type not in ID_TYPES:
            malformed(
                self.source,
                item.expression.at,
                f"both selects of a semi join must be ids: {left.field.name} meets {column.field.name}",
            )
        select = _SelectCompiler(self, query, scope)
        where, params = select.where()
        return f"SELECT {column.sql} FROM {select.tables()}{where}", params

    def compile_child(self, subselect: Subselect, parent: ObjectDef) -> tuple[str, Plan, int | None]:
        """Compile a child subquery; its rows carry the foreign key first."""
        query = subselect.query
        name = query.sobject.split(".")[-1]
        relation = next((c for c in parent.children if (c.relationship_name or "").lower() == name.lower()), None)
        child = self.schema.find(relation.child) if relation else None
        if relation is None or child is None or not self.access.sees_object(child):
            code, text = errors.no_such_child_relationship(name)
            refuse(self.source, query.sobject_at, code, text)
        select = _SelectCompiler(self, query, self._scope(query, child), foreign_key=relation.field)
        return str(relation.relationship_name), select.compile(), query.limit


class _SelectCompiler:
    def __init__(self, shared: Compiler, query: Query, scope: Scope, foreign_key: str | None = None) -> None:
        self.shared = shared
        self.query = query
        self.scope = scope
        self.columns: list[str] = []
        self.plan = Plan("records", scope.definition, foreign_key=foreign_key)
        self.conditions = ConditionCompiler(scope, self.resolve, shared.compile_semi_join)

    # --- whole statement

    def compile(self) -> Plan:
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
        return isinstance(item, Item) and isinstance(item.expression, Call) and item.expression.name in _AGGREGATES

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
        groups = [self.resolve(e) for e in self.query.group_by]
        for expression, (_, grouped) in zip(self.query.group_by, groups, strict=True):
            if not grouped.raw["groupable"] and isinstance(expression, Path):
                malformed(
                    self.shared.source, expression.at, f"field '{grouped.name}' can not be grouped in a query call"
                )
        unnamed = count()
        for item in self.query.items:
            self._add_aggregate(item, {sql for sql, _ in groups}, unnamed)
        where, params = self.where()
        sql = f"SELECT {', '.join(self.columns)} FROM {self.tables()}{where}"
        if groups:
            sql += f" GROUP BY {', '.join(s for s, _ in groups)}"
        if self.query.having is not None:
            having, more = self.conditions.compile(self.query.having)
            sql, params = f"{sql} HAVING {having}", params + more
        self.plan.sql, self.plan.params = sql + self._order() + self._window(), params
        return self.plan

    # --- parts

    def tables(self) -> str:
        own = f'"{self.scope.definition.name}" {self.scope.table}'
        return " ".join([own, *self.scope.joins])

    def where(self) -> Sql:
        """The filter, with what a query leaves out by itself: the recycle bin and archived activities (2.1, 7.4)."""
        conditions: list[str] = []
        params: list[Any] = []
        if self.query.where is not None:
            sql, params = self.conditions.compile(self.query.where)
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
        sql, found = (alias, _NUMBER) if alias else self.resolve(order.expression)
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

    def resolve(self, expression: Expression) -> tuple[str, FieldDef]:
        """Return SQL and type of a field or of a function over one."""
        if isinstance(expression, Path):
            column = self.scope.resolve(expression)
            return column.sql, column.field
        return self._resolve_call(expression)

    def _resolve_call(self, call: Call) -> tuple[str, FieldDef]:
        template = _AGGREGATES.get(call.name) or _DATE_PARTS.get(call.name)
        if template is None:
            malformed(self.shared.source, call.at, f"function {call.name} is not supported by the local org")
        if call.argument is None:
            malformed(self.shared.source, call.at, f"{call.name} needs a field")
        sql, found = self.resolve(call.argument)
        if call.name in _DATE_PARTS:
            if found.type not in ("date", "datetime"):
                malformed(self.shared.source, call.at, f"{call.name} is not valid on field {found.name}")
            return template.format(sql), _DAY if call.name == "DAY_ONLY" else _NUMBER
        if call.name in ("SUM", "AVG") and found.type not in NUMBER_TYPES and found.type != "int":
            malformed(
                self.shared.source, call.at, f"field {found.name} does not support aggregate operator {call.name}"
            )
        return template.format(sql), found if call.name in ("MIN", "MAX") else _NUMBER

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
                sql, found = self._resolve_call(call)
                name = alias or f"expr{position}"
                self.plan.outputs.append(Output((name,), self._select(sql), _output_kind(found)))

    def _add_child(self, item: Subselect) -> None:
        if self.plan.foreign_key is not None:
            malformed(self.shared.source, item.at, "a subquery inside a subquery is not supported by the local org")
        name, plan, limit = self.shared.compile_child(item, self.scope.definition)
        self.plan.children.append(ChildPlan(name, plan, limit, len(self.plan.outputs)))

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

    def _add_aggregate(self, item: Item | Subselect | Fields, grouped: set[str], unnamed: "count[int]") -> None:
        if not isinstance(item, Item):
            malformed(self.shared.source, item.at, "a grouped query can select fields and aggregates only")
        sql, found = self.resolve(item.expression)
        is_call = isinstance(item.expression, Call)
        if not self._is_aggregate(item) and sql not in grouped:
            malformed(self.shared.source, item.expression.at, f"Field must be grouped or aggregated: {found.name}")
        name = item.alias or (f"expr{next(unnamed)}" if is_call else found.name)
        self.plan.outputs.append(Output((name,), self._select(sql), _output_kind(found)))


def _output_kind(found: FieldDef) -> Literal["plain", "boolean"]:
    return "boolean" if found.type == "boolean" else "plain"
