"""Turns a syntax tree into a plan. Called by run.py; touches no database. What one SELECT becomes is in select.py."""

from dataclasses import dataclass, field
from datetime import date
from itertools import count

from connector.localorg import errors
from connector.localorg.access import Access
from connector.localorg.definitions import ID_TYPES, ObjectDef, Schema
from connector.localorg.soql.conditions import Sql
from connector.localorg.soql.lexer import malformed, refuse
from connector.localorg.soql.plan import Output, Plan
from connector.localorg.soql.scope import Column, Scope
from connector.localorg.soql.select import SelectCompiler
from connector.localorg.soql.syntax import Item, Path, Query, Subselect

__all__ = ["Compiler", "Output", "Plan"]


@dataclass(frozen=True, slots=True)
class Compiler:
    """What all SELECTs of one statement share."""

    source: str
    schema: Schema
    access: Access
    today: date
    include_deleted: bool
    aliases: "count[int]" = field(default_factory=count)

    def compile(self, query: Query) -> Plan:
        """Compile a whole statement."""
        definition = self._find_object(query.sobject, query.sobject_at)
        return SelectCompiler(self, query, self._scope(query, definition)).compile()

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
        select = SelectCompiler(self, query, scope)
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
        plan = SelectCompiler(self, query, self._scope(query, child), foreign_key=relation.field).compile()
        if plan.shape != "records" or query.offset:
            malformed(self.source, query.sobject_at, "a subquery can neither group, count nor skip")
        return str(relation.relationship_name), plan, query.limit
