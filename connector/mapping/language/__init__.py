"""The expression language of mappings: text -> tokens -> unchecked tree -> checked tree. Pure.

    parse(text, at, scope) -> Expression          everything that is wrong is raised as FileProblems
    try_parse(text, at, scope, problems)          the same, collecting into a list
    parse_template(text, at, scope)               texts with {names}
    names_in(text)                                what an expression may depend on, before types are known

Scope says what may be named at a place, tree.py what comes out; evaluate/lower.py turns that into SQL. Modules:
tokens, syntax and grammar know form only; types and operators know types only; names and aggregates resolve against
describes; functions is the table of functions; check, calls and findings bring these together; drift finds counters.
"""

from connector.mapping.language.expression import Condition, Expression, names_in, parse, try_parse
from connector.mapping.language.grammar import KEYWORDS
from connector.mapping.language.position import Position
from connector.mapping.language.scope import RESERVED, Scope
from connector.mapping.language.template import (
    TemplatePart,
    names_in_template,
    parse_template,
    try_parse_template,
)
from connector.mapping.language.tree import Aggregate, Node, aggregates_in
from connector.mapping.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DAYS,
    NUMBER,
    TEXT,
    Kind,
    Type,
    exact,
    type_of_duration,
    type_of_field,
)

__all__ = [
    "BOOLEAN", "DATE", "DATETIME", "DAYS", "KEYWORDS", "NUMBER", "RESERVED", "TEXT",
    "Aggregate", "Condition", "Expression", "Kind", "Node", "Position", "Scope", "TemplatePart", "Type",
    "aggregates_in", "exact", "names_in", "names_in_template", "parse", "parse_template", "try_parse",
    "try_parse_template", "type_of_duration", "type_of_field",
]  # fmt: skip
