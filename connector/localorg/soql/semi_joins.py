"""The rules of `field [NOT] IN (SELECT ...)`, and its SQL. Called by compiler.py.

The texts are those that people quote from Salesforce; the limits are those of the SOQL reference (Comparison
Operators, Semi-Joins with IN and Anti-Joins with NOT IN).
"""

from collections.abc import Callable, Iterator

from connector.localorg.definitions import ID_TYPES, FieldDef, ObjectDef
from connector.localorg.soql.conditions import Sql
from connector.localorg.soql.lexer import malformed
from connector.localorg.soql.scope import Scope
from connector.localorg.soql.select import Select
from connector.localorg.soql.syntax import Condition, Item, Junction, Not, Path, Query, SemiJoin

MOST_SEMI_JOINS = 2
_NESTED = (
    "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions"
)
_WITH_OR = "Semi join sub-selects are not allowed with the 'OR' operator"
_NO_NESTING = "Nesting of semi join sub-selects is not supported"
_SAME_OBJECT = "The inner and outer selects should not be on the same object type"
_ONLY_IDS = "Semi join sub-selects can only query id fields"
_TOO_MANY = f"Maximum {MOST_SEMI_JOINS} semi join sub-selects are allowed"


def check_places(source: str, where: Condition | None) -> None:
    """Refuse semi-joins that stand where Salesforce does not take them."""
    found = list(_find(where, ()))
    for test, around in found:
        if around and around != ("AND",):
            malformed(source, test.left.at, _WITH_OR if around == ("OR",) else _NESTED)
    if len(found) > MOST_SEMI_JOINS:
        malformed(source, found[MOST_SEMI_JOINS][0].left.at, _TOO_MANY)


def _find(condition: Condition | None, around: tuple[str, ...]) -> Iterator[tuple[SemiJoin, tuple[str, ...]]]:
    match condition:
        case SemiJoin():
            yield condition, around
        case Not(inner):
            yield from _find(inner, (*around, "NOT"))
        case Junction(operator, parts):
            for part in parts:
                yield from _find(part, (*around, operator))


def compile_semi_join(scope: Scope, test: SemiJoin, open_select: Callable[[Query], Select]) -> Sql:
    """SQL of one semi-join or anti-join; a record whose field is null is in no list."""
    left = scope.resolve(test.left)
    if left.field.type not in ID_TYPES:
        text = f"The left operand '{left.field.name}' in the where expression should be an id field"
        malformed(scope.source, test.left.at, f"{text}, cannot use: '{left.field.name}'")
    _refuse_clauses(scope.source, test.query)
    select = open_select(test.query)
    column = select.scope.resolve(_only_path(scope.source, test.query))
    at = test.query.items[0].expression.at if isinstance(test.query.items[0], Item) else test.left.at
    if column.field.type not in ID_TYPES:
        malformed(
            scope.source, at, f"Semi join sub-selects can only query id fields, cannot use: '{column.field.name}'"
        )
    if select.scope.definition.name == scope.definition.name:
        malformed(scope.source, at, _SAME_OBJECT)
    if not _targets(column.owner, column.field) & _targets(left.owner, left.field):
        inner = f"The selected field '{column.field.name}' in the subquery and the left operand field in the where"
        outer = f"expression in the outer query '{left.field.name}' should point to the same object type"
        malformed(scope.source, at, f"{inner} {outer}")
    where, params = select.where()
    listed = f"{left.sql} IN (SELECT {column.sql} FROM {select.tables()}{where})"
    return (f"NOT IFNULL({listed}, 0)" if test.negated else listed), params


def _targets(owner: ObjectDef, field: FieldDef) -> set[str]:
    return {owner.name} if field.type == "id" else set(field.reference_to)


def _refuse_clauses(source: str, query: Query) -> None:
    if any(_find(query.where, ())):
        malformed(source, query.sobject_at, _NO_NESTING)
    if query.order_by or query.limit is not None or query.offset is not None or query.group_by or query.options:
        malformed(source, query.sobject_at, "Semi join sub-selects can only have FROM and WHERE")


def _only_path(source: str, query: Query) -> Path:
    item = query.items[0]
    if len(query.items) != 1 or not isinstance(item, Item) or not isinstance(item.expression, Path):
        malformed(source, query.sobject_at, "Semi join sub-selects must query exactly one field")
    if len(item.expression.parts) > 1 and item.expression.parts[0].lower() not in _own_names(query):
        malformed(source, item.expression.at, "Semi join sub-selects cannot query fields of parents")
    return item.expression


def _own_names(query: Query) -> set[str]:
    return {query.sobject.lower(), (query.alias or query.sobject).lower()}
