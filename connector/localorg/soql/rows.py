"""Compiles a SELECT whose rows are records: columns, parents, children, TYPEOF. Called by compiler.py."""

from collections.abc import Callable
from dataclasses import replace

from connector.localorg.definitions import COMPOUND_TYPES
from connector.localorg.soql.currencies import is_amount, worth_sql
from connector.localorg.soql.functions import is_date_part, resolve_expression
from connector.localorg.soql.lexer import malformed, refuse
from connector.localorg.soql.plan import ChildPlan, Output, ParentOutput, Plan, output_kind
from connector.localorg.soql.scope import Column
from connector.localorg.soql.select import Select, direction
from connector.localorg.soql.syntax import Call, Distance, Expression, Fields, Item, Path, Selected, Subselect, TypeOf
from connector.localorg.soql.typeof import resolve_typeof

CompileChild = Callable[[Select, Subselect], ChildPlan]
MOST_CHILDREN = 20
LARGEST_FIELDS_LIMIT = 200
LONGEST_SHORT_TEXT = 255
_ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy")
_ALIASED = frozenset({"TOLABEL", "FORMAT", "CONVERTCURRENCY"})


class RowCompiler:
    """Compiles one SELECT of records; `compile` is called once."""

    def __init__(self, select: Select, compile_child: CompileChild, foreign_key: str | None = None) -> None:
        self.select = select
        self.scope = select.scope
        self.compile_child = compile_child
        self.columns: list[str] = []
        self.plan = Plan("records", self.scope.definition, foreign_key=foreign_key)

    def compile(self) -> Plan:
        """Return the plan. Rows begin with the id; those of children go on with the foreign key."""
        self._column(self.scope.parents[()].id_sql)
        more = []
        if self.plan.foreign_key is not None:
            key = f'{self.scope.table}."{self.plan.foreign_key}"'
            self._column(key)
            more.append(f"{key} IN (SELECT value FROM json_each(?))")
        for position, item in enumerate(self.select.query.items):
            self._add(item, position)
        self._refuse_duplicates()
        self._add_parents()
        where, params = self.select.where(*more)
        order = self._order()
        window = "" if self.plan.foreign_key is not None else self.select.window()
        self.plan.sql = f"SELECT {', '.join(self.columns)} FROM {self.select.tables()}{where}{order}{window}"
        self.plan.params = params
        return self.plan

    def _order(self) -> str:
        terms = []
        for order in self.select.orders():
            sql, found = self.select.resolve_single(order.expression)
            self.select.check_sortable(order.expression, found)
            terms.append(f"{self._worth(order.expression) or sql} {direction(order)}")
        return f" ORDER BY {', '.join(terms)}" if terms else ""

    def _worth(self, expression: Expression) -> str | None:
        """Amounts of several currencies are ordered by what they are worth (SOQL reference, convertCurrency)."""
        column = self.scope.resolve(expression) if isinstance(expression, Path) else None
        if column is None or not is_amount(self.scope, column):
            return None
        return worth_sql(self.scope, column, self.scope.viewer.corporate_currency)

    def _column(self, sql: str) -> int:
        self.columns.append(sql)
        return len(self.columns) - 1

    # --- the SELECT list

    def _add(self, item: Selected, position: int) -> None:
        match item:
            case Subselect():
                self._add_child(item)
            case Fields():
                self._add_group(item)
            case TypeOf():
                self._add_typeof(item)
            case Item(Path() as path, alias):
                if alias is not None:
                    malformed(self.select.source, path.at, "only aggregate expressions use field aliasing")
                self._add_column(self.scope.resolve(path))
            case Item(Call() | Distance() as call, alias):
                self._add_call(call, alias, position)

    def _add_call(self, call: Call | Distance, alias: str | None, position: int) -> None:
        sql, found = resolve_expression(self.scope, call)
        if is_date_part(call) or (isinstance(call, Call) and call.name == "CONVERTTIMEZONE"):
            malformed(self.select.source, call.at, f"Field must be grouped or aggregated: {_field_name(call)}")
        names: tuple[str, ...] = (alias or f"expr{position}",)
        if alias is None and isinstance(call, Call) and call.name in _ALIASED:
            names = self.scope.resolve(_innermost(call)).names
        self.plan.outputs.append(Output(names, self._column(sql), output_kind(found), found.type))

    def _add_child(self, item: Subselect) -> None:
        child = replace(self.compile_child(self.select, item), position=len(self.plan.outputs))
        if len(self.plan.children) >= MOST_CHILDREN:
            malformed(self.select.source, item.at, f"a query cannot have more than {MOST_CHILDREN} subqueries")
        self.plan.children.append(child)

    def _add_group(self, item: Fields) -> None:
        """FIELDS(): only STANDARD goes without a limit of at most 200 rows (6)."""
        limit = self.select.query.limit
        if item.group != "STANDARD" and (limit is None or limit > LARGEST_FIELDS_LIMIT):
            text = f"The SOQL FIELDS function must have a LIMIT of at most {LARGEST_FIELDS_LIMIT}"
            malformed(self.select.source, item.at, text)
        for found in self.scope.definition.fields.values():
            group = "CUSTOM" if found.custom else "STANDARD"
            if self.scope.access.sees(self.scope.definition, found) and item.group in ("ALL", group):
                self._add_column(self.scope.resolve(Path((found.name,), item.at)))

    def _add_typeof(self, item: TypeOf) -> None:
        for column in resolve_typeof(self.scope, item):
            self._add_column(column)

    def _add_column(self, column: Column) -> None:
        if column.field.type in COMPOUND_TYPES:
            self._add_compound(column)
            return
        kind = output_kind(column.field)
        self.plan.outputs.append(Output(column.names, self._column(column.sql), kind, column.field.type))
        self.plan.long_texts += column.field.custom and column.field.length > LONGEST_SHORT_TEXT

    def _add_compound(self, column: Column) -> None:
        prefix, table = column.field.name.removesuffix("Address"), column.sql.split(".")[0]
        parts = []
        for part in _ADDRESS_PARTS:
            found = column.owner.find(prefix + part)
            if found is not None:
                parts.append((part[0].lower() + part[1:], self._column(f'{table}."{found.name}"')))
        self.plan.outputs.append(Output(column.names, -1, "address", column.field.type, tuple(parts)))

    def _add_parents(self) -> None:
        """Parents that are shown need their id, to know whether they are there and what they are called."""
        shown = {output.names[:n] for output in self.plan.outputs for n in range(1, len(output.names))}
        for names, parent in self.scope.parents.items():
            if names in shown:
                self.plan.parents.append(ParentOutput(names, self._column(parent.id_sql), parent.sobject))

    def _refuse_duplicates(self) -> None:
        seen: set[tuple[str, ...]] = set()
        for names in [o.names for o in self.plan.outputs] + [(c.name,) for c in self.plan.children]:
            if names in seen:
                refuse(self.select.source, 0, "INVALID_FIELD", f"duplicate field selected: {'.'.join(names)}")
            seen.add(names)


def _innermost(call: Call) -> Path:
    argument = call.argument
    while isinstance(argument, Call):
        argument = argument.argument
    return argument or Path(("Id",), call.at)


def _field_name(call: Call | Distance) -> str:
    return _innermost(call).parts[-1] if isinstance(call, Call) else call.field.parts[-1]
