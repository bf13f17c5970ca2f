"""Turns a syntax tree into a plan.

Called by run.py; touches no database but to ask who the user is. What one SELECT becomes is in rows.py and groups.py.
"""

from dataclasses import dataclass, field
from itertools import count

from connector.localorg import errors
from connector.localorg.access import Access
from connector.localorg.definitions import ChildDef, ObjectDef, Schema
from connector.localorg.soql import semi_joins
from connector.localorg.soql.conditions import Sql
from connector.localorg.soql.groups import GroupCompiler, compile_count, is_grouped
from connector.localorg.soql.lexer import malformed, refuse
from connector.localorg.soql.options import check_options
from connector.localorg.soql.plan import ChildPlan, Output, Plan
from connector.localorg.soql.rows import RowCompiler
from connector.localorg.soql.scope import Scope
from connector.localorg.soql.select import Select
from connector.localorg.soql.syntax import Call, Item, Query, SemiJoin, Subselect
from connector.localorg.soql.viewer import Viewer

__all__ = ["Compiler", "Output", "Plan"]


@dataclass(frozen=True, slots=True)
class Compiler:
    """What all SELECTs of one statement share."""

    source: str
    schema: Schema
    access: Access
    include_deleted: bool
    viewer: Viewer
    aliases: "count[int]" = field(default_factory=count)

    def compile(self, query: Query) -> Plan:
        """Compile a whole statement."""
        check_options(self.source, query.options, include_deleted=self.include_deleted, root=True)
        select = self._open(query)
        if self._is_bare_count(query):
            return compile_count(select)
        if is_grouped(query.items, query.group_by):
            return GroupCompiler(select).compile()
        return RowCompiler(select, self.compile_child).compile()

    def _open(self, query: Query, definition: ObjectDef | None = None) -> Select:
        semi_joins.check_places(self.source, query.where)
        found = definition or self._find_object(query.sobject, query.sobject_at)
        scope = Scope(self.source, self.schema, self.access, self.viewer, found, query.alias, self.aliases)
        for parent in query.parents:
            prefixes = {parent.alias.lower(): scope.expand_alias(parent.path.parts)}
            scope.prefixes = {**scope.prefixes, **prefixes}
            scope.resolve_parent(parent.path)
        return Select(self, query, scope)

    def _is_bare_count(self, query: Query) -> bool:
        calls = [i.expression for i in query.items if isinstance(i, Item) and isinstance(i.expression, Call)]
        bare = [c for c in calls if c.name == "COUNT" and c.argument is None]
        if bare and len(query.items) > 1:
            malformed(self.source, bare[0].at, "COUNT() must be the only element in the SELECT list")
        return bool(bare)

    def _find_object(self, name: str, at: int) -> ObjectDef:
        found = self.schema.find(name)
        if found is None or not self.access.sees_object(found) or not found.raw["queryable"]:
            code, text = errors.no_such_type(name)
            refuse(self.source, at, code, text)
        return found

    def compile_semi_join(self, scope: Scope, test: SemiJoin) -> Sql:
        """Compile `field [NOT] IN (SELECT ...)`."""
        return semi_joins.compile_semi_join(scope, test, self._open)

    def compile_child(self, parent: Select, subselect: Subselect) -> ChildPlan:
        """Compile a child subquery; its rows carry the foreign key in column 1."""
        query = subselect.query
        check_options(self.source, query.options, include_deleted=self.include_deleted, root=False)
        relation, child = self._find_children(parent.scope.definition, query)
        if is_grouped(query.items, query.group_by) or self._is_bare_count(query):
            malformed(self.source, query.sobject_at, "only root queries support aggregate expressions")
        if query.offset and parent.query.limit != 1:
            malformed(self.source, query.sobject_at, "OFFSET in a subquery needs LIMIT 1 in the query around it")
        plan = RowCompiler(self._open(query, child), self.compile_child, relation.field).compile()
        return ChildPlan(str(relation.relationship_name), plan, query.limit, query.offset or 0, 0)

    def _find_children(self, parent: ObjectDef, query: Query) -> tuple[ChildDef, ObjectDef]:
        name = query.sobject.split(".")[-1]
        relation = next((c for c in parent.children if (c.relationship_name or "").lower() == name.lower()), None)
        child = self.schema.find(relation.child) if relation else None
        if relation is None or child is None or not self.access.sees_object(child):
            code, text = errors.no_such_child_relationship(name)
            refuse(self.source, query.sobject_at, code, text)
        return relation, child
