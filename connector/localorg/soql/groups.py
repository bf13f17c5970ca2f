"""Compiles a SELECT whose rows are groups: aggregates, GROUP BY, ROLLUP and CUBE, HAVING. Called by compiler.py."""

from collections.abc import Sequence
from itertools import combinations, count
from typing import Any

from connector.localorg.definitions import FieldDef
from connector.localorg.soql.currencies import refuse_conversion
from connector.localorg.soql.functions import NUMBER, is_aggregate, resolve_expression
from connector.localorg.soql.lexer import malformed
from connector.localorg.soql.plan import Output, Plan, output_kind
from connector.localorg.soql.select import Select, direction
from connector.localorg.soql.syntax import Call, Expression, Item, Order, Path, Selected

MOST_SUBTOTALS = 3
Groups = frozenset[str]


def is_grouped(items: Sequence[Selected], group_by: Sequence[Expression]) -> bool:
    """Tell whether a SELECT is about groups."""
    return bool(group_by) or any(isinstance(i, Item) and is_aggregate(i.expression) for i in items)


def compile_count(select: Select) -> Plan:
    """SELECT COUNT(): a number without records."""
    query = select.query
    if query.order_by or query.group_by:
        malformed(select.source, query.sobject_at, "COUNT() cannot be combined with ORDER BY or GROUP BY")
    where, params = select.where()
    inner = f"SELECT 1 FROM {select.tables()}{where}{select.window()}"
    return Plan("count", select.scope.definition, f"SELECT COUNT(*) FROM ({inner})", params)


class GroupCompiler:
    """Compiles one SELECT of groups; `compile` is called once."""

    def __init__(self, select: Select) -> None:
        self.select = select
        self.query = select.query
        self.source = select.source
        self.plan = Plan("aggregate", select.scope.definition)
        self.groups: tuple[str, ...] = ()
        self.active: Groups = frozenset()

    def compile(self) -> Plan:
        """Return the plan: one SELECT for each set of groups, put together."""
        self.groups = tuple(self._group(e) for e in self.query.group_by)
        self._refuse_window()
        self._name_outputs()
        parts, params = [], []
        for active in self._grouping_sets():
            sql, more = self._compile_set(active)
            parts.append(sql)
            params += more
        self.plan.params = params
        self.plan.sql = self._finish(parts)
        return self.plan

    def _group(self, expression: Expression) -> str:
        sql, found = self.select.resolve_single(expression)
        if not found.raw["groupable"] and isinstance(expression, Path):
            malformed(self.source, expression.at, f"field '{found.name}' can not be grouped in a query call")
        return sql

    def _refuse_window(self) -> None:
        if not self.groups and (self.query.limit is not None or self.query.offset is not None):
            text = "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"
            malformed(self.source, self.query.sobject_at, text)
        if self.query.rollup and len(self.groups) > MOST_SUBTOTALS:
            at = self.query.group_by[MOST_SUBTOTALS].at
            malformed(self.source, at, f"GROUP BY {self.query.rollup} takes at most {MOST_SUBTOTALS} fields")

    # --- outputs

    def _name_outputs(self) -> None:
        """Columns get their alias, their field's name, or expr0, expr1 ... in the order of those without a name."""
        self.active = frozenset(self.groups)
        unnamed, seen = count(), set()
        for index, item in enumerate(self.query.items):
            if not isinstance(item, Item):
                malformed(self.source, item.at, "Grouped query cannot use child relationships in the SELECT list")
            _, found = self.resolve(item.expression)
            is_call = not isinstance(item.expression, Path)
            name = item.alias or (f"expr{next(unnamed)}" if is_call else found.name)
            if name.lower() in seen:
                malformed(self.source, item.expression.at, f"duplicate alias: {name}")
            seen.add(name.lower())
            self.plan.outputs.append(Output((name,), index, output_kind(found), found.type))

    def resolve(self, expression: Expression) -> tuple[str, FieldDef]:
        """An expression about a group: an aggregate, or what the groups are made by (null in a subtotal over it)."""
        refuse_conversion(self.select.scope, expression)
        if isinstance(expression, Call) and expression.name == "GROUPING":
            return self._grouping(expression), NUMBER
        sql, found = resolve_expression(self.select.scope, expression)
        if is_aggregate(expression):
            return sql, found
        base = self._group_of(expression, sql)
        if base not in self.groups:
            malformed(self.source, expression.at, f"Field must be grouped or aggregated: {found.name}")
        return (sql if base in self.active else "NULL"), found

    def _group_of(self, expression: Expression, sql: str) -> str:
        """FORMAT and toLabel may stand around what groups are made by."""
        while sql not in self.groups and isinstance(expression, Call) and expression.argument is not None:
            expression = expression.argument
            sql, _ = resolve_expression(self.select.scope, expression)
        return sql

    def _grouping(self, call: Call) -> str:
        sql = resolve_expression(self.select.scope, call.argument)[0] if call.argument is not None else ""
        if self.query.rollup is None or sql not in self.groups:
            malformed(self.source, call.at, "GROUPING is only valid on fields of GROUP BY ROLLUP and GROUP BY CUBE")
        return "0" if sql in self.active else "1"

    # --- SQL

    def _grouping_sets(self) -> list[Groups]:
        size = range(len(self.groups), -1, -1)
        match self.query.rollup:
            case "ROLLUP":
                return [frozenset(self.groups[:n]) for n in size]
            case "CUBE":
                return [frozenset(c) for n in size for c in combinations(self.groups, n)]
        return [frozenset(self.groups)]

    def _compile_set(self, active: Groups) -> tuple[str, list[Any]]:
        self.active = active
        columns = [self.resolve(i.expression)[0] for i in self.query.items if isinstance(i, Item)]
        columns += [self._order_column(o) for o in self.select.orders()]
        where, params = self.select.where()
        having, more = self._having()
        by = [g for g in self.groups if g in active] or ["NULL"] * bool(self.groups)
        grouping = f" GROUP BY {', '.join(by)}" if by else ""
        named = ", ".join(f"{sql} AS c{n}" for n, sql in enumerate(columns))
        return f"SELECT {named} FROM {self.select.tables()}{where}{grouping}{having}", params + more

    def _having(self) -> tuple[str, list[Any]]:
        if self.query.having is None:
            return "", []
        sql, params = self.select.conditions(self.resolve).compile(self.query.having)
        return f" HAVING {sql}", params

    def _order_column(self, order: Order) -> str:
        output = self._aliased(order.expression)
        if output is not None:
            item = self.query.items[output.index]
            return self.resolve(item.expression)[0] if isinstance(item, Item) else "NULL"
        self._refuse_order(order.expression)
        sql, found = self.resolve(order.expression)
        self.select.check_sortable(order.expression, found)
        return sql

    def _refuse_order(self, expression: Expression) -> None:
        if isinstance(expression, Path):
            column = self.select.scope.resolve(expression)
            if column.sql not in self.groups:
                text = f"Ordered field must be grouped or aggregated: {column.field.name}"
                malformed(self.source, expression.at, text)

    def _aliased(self, expression: Expression) -> Output | None:
        """ORDER BY may name an alias of the SELECT list."""
        if not isinstance(expression, Path) or len(expression.parts) > 1:
            return None
        wanted = expression.text.lower()
        return next((o for o in self.plan.outputs if o.names[0].lower() == wanted), None)

    def _finish(self, parts: Sequence[str]) -> str:
        first = len(self.plan.outputs)
        terms = ", ".join(f"c{first + n} {direction(o)}" for n, o in enumerate(self.query.order_by))
        order = f" ORDER BY {terms}" if terms else ""
        return f"SELECT * FROM ({' UNION ALL '.join(parts)}){order}{self.select.window()}"
