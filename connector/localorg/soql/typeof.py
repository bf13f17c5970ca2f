"""TYPEOF: the fields of a polymorphic parent by what it is. Called by rows.py.

Each branch is a parent of its own, named `What:Account`; the record shows whichever is there under the name `What`.
"""

from collections.abc import Iterator

from connector.localorg.soql.lexer import malformed
from connector.localorg.soql.plan import VARIANT
from connector.localorg.soql.scope import Column, Parent, Scope
from connector.localorg.soql.syntax import Branch, TypeOf


def resolve_typeof(scope: Scope, item: TypeOf) -> Iterator[Column]:
    """The columns of all branches."""
    parent = scope.resolve_parent(item.path)
    if parent.sobject is not None:
        malformed(
            scope.source, item.path.at, f"TYPEOF is only valid on polymorphic relationships, not {item.path.text}"
        )
    matched = []
    for branch in item.branches:
        found = _branch(scope, parent, branch)
        if found.names in scope.parents:
            malformed(scope.source, branch.at, f"duplicate WHEN {branch.sobject}")
        scope.parents[found.names] = found
        matched.append(found.id_sql)
        for path in branch.fields:
            yield scope.resolve_below(found, path.parts, path)
    yield from _otherwise(scope, parent, item, matched)


def _branch(scope: Scope, parent: Parent, branch: Branch) -> Parent:
    found = next(((d, t) for d, t in parent.aliases if d.name.lower() == branch.sobject.lower()), None)
    if found is None:
        malformed(scope.source, branch.at, f"{parent.names[-1]} does not lead to {branch.sobject}")
    definition, table = found
    names = (*parent.names[:-1], f"{parent.names[-1]}{VARIANT}{definition.name}")
    return Parent(names, f'{table}."Id"', definition.name, (found,))


def _otherwise(scope: Scope, parent: Parent, item: TypeOf, matched: list[str]) -> Iterator[Column]:
    """ELSE, or the bare parent where there is none: whatever no branch took."""
    taken = " OR ".join(f"{sql} IS NOT NULL" for sql in matched)
    names = (*parent.names[:-1], f"{parent.names[-1]}{VARIANT}")
    rest = Parent(names, f"CASE WHEN {taken} THEN NULL ELSE {parent.id_sql} END", None, parent.aliases)
    scope.parents[names] = rest
    for path in item.otherwise:
        yield scope.resolve_below(rest, path.parts, path)
