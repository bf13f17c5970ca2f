"""Resolves field paths of one SELECT to columns and joins, as one user sees them.

Called by compiler.py and conditions.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import NoReturn

from connector.localorg import errors
from connector.localorg.access import Access
from connector.localorg.definitions import FieldDef, ObjectDef, Schema
from connector.localorg.formula.fields import column_sql
from connector.localorg.soql.lexer import malformed, refuse
from connector.localorg.soql.syntax import Path
from connector.localorg.soql.viewer import Viewer

DEEPEST_PATH = 5
MOST_PARENTS = 55
MOST_TABLES = 63
"""What SQLite joins, less one for the object itself. A polymorphic parent counts as many times as it has objects."""
_TOO_DEEP = (
    f"SOQL statements cannot query foreign key relationships more than {DEEPEST_PATH} levels away from the root"
    " entity object"
)
_TOO_MANY = f"SOQL statements cannot use more than {MOST_PARENTS} parent relationships"
_NAME_FIELDS = (
    "Name",
    "FirstName",
    "LastName",
    "Email",
    "Phone",
    "Title",
    "Username",
    "Alias",
    "IsActive",
    "UserRoleId",
    "ProfileId",
)


@dataclass(frozen=True, slots=True)
class Column:
    """A resolved field: SQL text, definition, and the canonical spelling of the path."""

    sql: str
    field: FieldDef
    names: tuple[str, ...]
    owner: ObjectDef
    table: str = ""
    """The alias under which the owner is joined; nothing where several objects share the column."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A joined parent: where its id is in the row, and how to name its object in the answer."""

    names: tuple[str, ...]
    id_sql: str
    sobject: str | None
    aliases: tuple[tuple[ObjectDef, str], ...]


@dataclass(slots=True)
class Scope:
    """One FROM with the joins that its paths ask for. Scopes of one statement share the alias counter."""

    source: str
    schema: Schema
    access: Access
    viewer: Viewer
    definition: ObjectDef
    alias: str | None
    aliases: "count[int]" = field(default_factory=count)
    prefixes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names that FROM gives to parents, in lower case, with what they stand for."""
    table: str = ""
    joins: list[str] = field(default_factory=list)
    parents: dict[tuple[str, ...], Parent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.table = f"t{next(self.aliases)}"
        own = ((self.definition, self.table),)
        self.parents[()] = Parent((), f'{self.table}."Id"', self.definition.name, own)

    def resolve(self, path: Path) -> Column:
        """Return the column behind a path, joining parents on the way, or refuse it as Salesforce does."""
        return self.resolve_below(self.parents[()], self._expand(path.parts), path)

    def resolve_below(self, parent: Parent, parts: tuple[str, ...], path: Path) -> Column:
        """Return the column that `parts` lead to from a parent; `path` says where to point in a refusal."""
        for part in parts[:-1]:
            parent = self._join(parent, part, path)
        return self._column(parent, parts[-1], path)

    def resolve_parent(self, path: Path) -> Parent:
        """Return the parent behind a path of relationships."""
        parent = self.parents[()]
        for part in self._expand(path.parts):
            parent = self._join(parent, part, path)
        return parent

    def expand_alias(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """Replace a name that FROM gave to a parent by its path."""
        return self._expand((*parts, ""))[:-1]

    def _expand(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        first = parts[0].lower()
        if len(parts) == 1:
            return parts
        if first in self.prefixes:
            return (*self.prefixes[first], *parts[1:])
        if first == (self.alias or "").lower():
            return parts[1:]
        is_own_name = first == self.definition.name.lower() and first not in self.definition.relationships
        return parts[1:] if is_own_name else parts

    def _column(self, parent: Parent, name: str, path: Path) -> Column:
        if len(parent.aliases) > 1 or parent.sobject is None:
            return self._name_column(parent, name, path)
        definition, table = parent.aliases[0]
        found = self.access.field(definition, name)
        if found is None:
            self._refuse_column(name, definition.name, path)
        sql = column_sql(self.schema, definition, found, table)
        return Column(sql, found, (*parent.names, found.name), definition, table)

    def _name_column(self, parent: Parent, name: str, path: Path) -> Column:
        """A field of a polymorphic parent.

        Only what the object Name has (SOQL reference, polymorphic relationships).
        """
        user = self.schema.get("User")
        if name.lower() == "type":
            cases = " ".join(f"WHEN {t}.\"Id\" IS NOT NULL THEN '{d.name}'" for d, t in parent.aliases)
            shown = self.schema.get("Account").fields["name"]
            return Column(f"CASE {cases} END", shown, (*parent.names, "Type"), user)
        if name.lower() == "id":
            return Column(parent.id_sql, user.fields["id"], (*parent.names, "Id"), user)
        canonical = next((n for n in _NAME_FIELDS if n.lower() == name.lower()), None)
        having = [(d, t, f) for d, t in parent.aliases if canonical and (f := _name_source(self.access, d, canonical))]
        if canonical is None or not having:
            self._refuse_column(name, "Name", path)
        columns = ", ".join(f'{t}."{f.name}"' for _, t, f in having)
        sql = f"COALESCE({columns})" if len(having) > 1 else columns
        return Column(sql, having[0][2], (*parent.names, canonical), having[0][0])

    def _refuse_column(self, name: str, entity: str, path: Path) -> NoReturn:
        code, text = errors.no_such_column(name, entity)
        refuse(self.source, path.at, code, text)

    def _join(self, parent: Parent, part: str, path: Path) -> Parent:
        if len(parent.names) >= DEEPEST_PATH:
            malformed(self.source, path.at, _TOO_DEEP)
        reference = None
        if len(parent.aliases) == 1:
            definition, table = parent.aliases[0]
            reference = definition.relationships.get(part.lower())
        if reference is None or not self.access.sees(definition, reference):
            code, text = errors.no_such_relationship(part)
            refuse(self.source, path.at, code, text)
        names = (*parent.names, str(reference.relationship_name))
        if names not in self.parents:
            self.parents[names] = self._join_targets(names, reference, f'{table}."{reference.name}"', path)
        return self.parents[names]

    def _join_targets(self, names: tuple[str, ...], reference: FieldDef, id_sql: str, path: Path) -> Parent:
        targets = [d for n in reference.reference_to if (d := self.schema.find(n)) and self.access.sees_object(d)]
        if not targets:
            code, text = errors.no_such_relationship(names[-1])
            refuse(self.source, path.at, code, text)
        if len(self.parents) > MOST_PARENTS:
            malformed(self.source, path.at, _TOO_MANY)
        if len(self.joins) + len(targets) > MOST_TABLES:
            refuse(self.source, path.at, "QUERY_TOO_COMPLICATED", "the local org cannot join so many objects")
        aliases = []
        for target in targets:
            table = f"t{next(self.aliases)}"
            self.joins.append(f'LEFT JOIN "{target.name}" {table} ON {table}."Id" = {id_sql}')
            aliases.append((target, table))
        found = (
            f'{aliases[0][1]}."Id"'
            if len(aliases) == 1
            else f"COALESCE({', '.join(f'{t}.{chr(34)}Id{chr(34)}' for _, t in aliases)})"
        )
        return Parent(names, found, None if reference.polymorphic else targets[0].name, tuple(aliases))


def _name_source(access: Access, definition: ObjectDef, canonical: str) -> FieldDef | None:
    found = definition.name_field if canonical == "Name" else definition.find(canonical)
    return found if found is not None and access.sees(definition, found) else None
