"""Types a formula and writes it as one SQL expression over the columns of one table alias. Called by fields.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.localorg.definitions import NUMBER_TYPES, FieldDef, ObjectDef, Schema
from connector.localorg.formula.functions import Kind, Typed, as_text, call_function, common_kind, quoted
from connector.localorg.formula.parse import Constant, FormulaError, Function, Node, Operation, Reference, parse_formula

DEEPEST = 10
_CALENDAR = frozenset({"date", "datetime"})
_COMPARED = frozenset({"=", "<>", "<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Formula:
    """Where a formula stands: its object under a table alias, and the record before the change where there is one."""

    schema: Schema
    definition: ObjectDef
    table: str
    blank_is_zero: bool = True
    old: Mapping[str, Any] | None = None
    depth: int = field(default=0)

    def compile(self, source: str) -> Typed:
        """Compile a formula; raises FormulaError."""
        return self.build(parse_formula(source))

    def build(self, node: Node) -> Typed:
        """Compile a part of a formula."""
        match node:
            case Constant():
                return _constant(node)
            case Reference(parts):
                return self._reference(parts)
            case Operation():
                return self._operation(node)
            case Function(name, arguments):
                return self._function(name, arguments)

    # --- fields

    def _reference(self, parts: tuple[str, ...]) -> Typed:
        if parts[0].startswith("$"):
            return self._global(parts)
        if parts[0].lower() == self.definition.name.lower() and len(parts) > 1 and not self._leads_on(parts[0]):
            parts = parts[1:]
        return self.read_field(parts[0]) if len(parts) == 1 else self._parent(parts)

    def _leads_on(self, name: str) -> bool:
        return name.lower() in self.definition.relationships

    def _global(self, parts: tuple[str, ...]) -> Typed:
        if parts[0].lower() not in ("$user", "$organization") or len(parts) != 2:
            raise FormulaError(f"Field {'.'.join(parts)} does not exist")
        sobject = parts[0][1:].capitalize()
        condition = 'g."Id" = sf_user()' if sobject == "User" else "1"
        found = Formula(self.schema, self.schema.get(sobject), "g").read_field(parts[1])
        return Typed(f'(SELECT {found.sql} FROM "{sobject}" g WHERE {condition} LIMIT 1)', found.kind)

    def _parent(self, parts: tuple[str, ...]) -> Typed:
        """A field of a parent, as a subquery; polymorphic parents only by the first object they may be."""
        reference = self.definition.relationships.get(parts[0].lower())
        parent = self.schema.find(reference.reference_to[-1]) if reference else None
        if reference is None or parent is None:
            raise FormulaError(f"Field {parts[0]} does not exist")
        if self.depth >= DEEPEST:
            raise FormulaError(f"a formula may reach {DEEPEST} levels, {'.'.join(parts)} goes further")
        alias = f"f{self.depth}"
        inner = Formula(self.schema, parent, alias, self.blank_is_zero, None, self.depth + 1)._reference(parts[1:])
        link = f'{alias}."Id" = {self.table}."{reference.name}"'
        return Typed(f'(SELECT {inner.sql} FROM "{parent.name}" {alias} WHERE {link})', inner.kind)

    def read_field(self, name: str) -> Typed:
        """A field of the object itself; a formula field is compiled in its turn."""
        found = self.definition.find(name)
        if found is None or not found.stored:
            raise FormulaError(f"Field {name} does not exist. Check spelling.")
        formula = found.raw.get("calculatedFormula")
        if not formula:
            return self._column(found, f'{self.table}."{found.name}"')
        if self.depth >= DEEPEST:
            raise FormulaError(f"Field {name} refers to itself")
        zero = bool(found.raw["formulaTreatNullNumberAsZero"])
        inner = Formula(self.schema, self.definition, self.table, zero, None, self.depth + 1).compile(formula)
        return Typed(f"({inner.sql})", inner.kind)

    def _column(self, found: FieldDef, sql: str) -> Typed:
        kind = kind_of(found)
        if kind == "number":
            value = f"({sql} / 100.0)" if found.type == "percent" else sql
            return Typed(f"COALESCE({value}, 0)" if self.blank_is_zero else value, kind)
        return Typed(sql, kind)

    # --- operators

    def _operation(self, node: Operation) -> Typed:
        right = self.build(node.right)
        if node.left is None:
            negated = node.operator == "!"
            return (
                Typed(f"(NOT {right.sql})", "boolean") if negated else Typed(f"({node.operator}{right.sql})", "number")
            )
        return _combine(node.operator, self.build(node.left), right)

    # --- functions that look at fields, not values

    def _function(self, name: str, arguments: tuple[Node, ...]) -> Typed:
        match name:
            case "ISNEW":
                return Typed("0" if self.old else "1", "boolean")
            case "ISCHANGED":
                return self._is_changed(_the_field(name, arguments))
            case "PRIORVALUE":
                return self._prior(_the_field(name, arguments))
            case "ISBLANK" | "ISNULL" if len(arguments) == 1:
                given = Formula(self.schema, self.definition, self.table, False, self.old, self.depth)
                return call_function(name, [given.build(arguments[0])])
        return call_function(name, [self.build(a) for a in arguments])

    def _is_changed(self, name: str) -> Typed:
        if not self.old:
            return Typed("0", "boolean")
        return Typed(f"({self.table}.{self._quoted(name)} IS NOT {self._old_value(name)})", "boolean")

    def _prior(self, name: str) -> Typed:
        found = self.definition.find(name)
        if found is None or not self.old:
            return self.read_field(name)
        return self._column(found, self._old_value(name))

    def _quoted(self, name: str) -> str:
        found = self.definition.find(name)
        if found is None:
            raise FormulaError(f"Field {name} does not exist. Check spelling.")
        return f'"{found.name}"'

    def _old_value(self, name: str) -> str:
        value = (self.old or {}).get(self._quoted(name).strip('"'))
        return "NULL" if value is None else quoted(value) if isinstance(value, str) else repr(value)


def kind_of(found: FieldDef) -> Kind:
    """What a field gives in a formula; ids and picklists are texts."""
    if found.type in NUMBER_TYPES or found.type == "int":
        return "number"
    match found.type:
        case "boolean":
            return "boolean"
        case "date":
            return "date"
        case "datetime":
            return "datetime"
    return "text"


def _the_field(function: str, arguments: tuple[Node, ...]) -> str:
    if len(arguments) != 1 or not isinstance(arguments[0], Reference) or len(arguments[0].parts) != 1:
        raise FormulaError(f"{function}() takes one field")
    return arguments[0].parts[0]


def _constant(node: Constant) -> Typed:
    match node.kind:
        case "number":
            return Typed(repr(float(node.text)) if "." in node.text else node.text, "number")
        case "text":
            return Typed(quoted(node.text), "text")
        case "boolean":
            return Typed("1" if node.text == "TRUE" else "0", "boolean")
    return Typed("NULL", "null")


def _combine(operator: str, left: Typed, right: Typed) -> Typed:
    if operator in _COMPARED:
        return _compare(operator, left, right)
    if operator in ("&&", "||"):
        word = "AND" if operator == "&&" else "OR"
        return Typed(f"(COALESCE({left.sql}, 0) {word} COALESCE({right.sql}, 0))", "boolean")
    if operator == "&" or (operator == "+" and "text" in (left.kind, right.kind)):
        return Typed(f"({as_text(left)} || {as_text(right)})", "text")
    if left.kind in _CALENDAR or right.kind in _CALENDAR:
        return _calendar(operator, left, right)
    if common_kind((left, right)) not in ("number", "null"):
        raise FormulaError(f"Incorrect parameter type for operator '{operator}'. Expected Number")
    return Typed(_arithmetic(operator, left.sql, right.sql), "number")


def _arithmetic(operator: str, left: str, right: str) -> str:
    match operator:
        case "^":
            return f"pow({left}, {right})"
        case "/":
            return f"(1.0 * {left} / {right})"
    return f"({left} {operator} {right})"


def _compare(operator: str, left: Typed, right: Typed) -> Typed:
    """Texts by their letters, capitals counted; a missing text is an empty one."""
    if "text" in (left.kind, right.kind):
        common_kind((left, right))
        return Typed(f"({as_text(left)} {operator} {as_text(right)} COLLATE BINARY)", "boolean")
    if {left.kind, right.kind} <= {*_CALENDAR, "null"}:
        return Typed(f"({left.sql} {operator} {right.sql})", "boolean")
    common_kind((left, right))
    return Typed(f"({left.sql} {operator} {right.sql})", "boolean")


def _calendar(operator: str, left: Typed, right: Typed) -> Typed:
    """Days between two, or a day some days away."""
    if operator == "-" and left.kind == right.kind:
        difference = f"(julianday(substr({left.sql}, 1, 19)) - julianday(substr({right.sql}, 1, 19)))"
        return Typed(f"round({difference}, 9)", "number")
    moment, days = (left, right) if left.kind in _CALENDAR else (right, left)
    if operator not in ("+", "-") or days.kind not in ("number", "null") or (operator == "-" and moment is right):
        raise FormulaError(f"Incorrect parameter type for operator '{operator}' with {left.kind} and {right.kind}")
    shift = days.sql if operator == "+" else f"-({days.sql})"
    if moment.kind == "date":
        return Typed(f"date({moment.sql}, CAST(({shift}) AS INTEGER) || ' days')", "date")
    moved = f"julianday(substr({moment.sql}, 1, 19)) + ({shift})"
    return Typed(f"(strftime('%Y-%m-%dT%H:%M:%S', {moved} + 0.000001) || '.000+0000')", "datetime")
