"""What a reading of one expression found: problems with their places, worded from the text.

Called by check and calls. A finding's offset becomes line and column in expression.
"""

from __future__ import annotations

from connector.mapping.language.literals import Severity, doubts
from connector.mapping.language.names import Unresolved
from connector.mapping.language.operators import compared
from connector.mapping.language.scope import Scope
from connector.mapping.language.syntax import Path, Syntax
from connector.mapping.language.tree import Literal, Node
from connector.mapping.language.types import ERROR, Kind, either

Finding = tuple[int, str, Severity]
_QUOTED = 40


class Findings:
    """The findings of one reading, in the order in which they were made."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.found: list[Finding] = []

    def report(self, offset: int, message: str, severity: Severity = "error") -> None:
        self.found.append((offset, message, severity))

    def wrong(self, place: Syntax | Node, message: str) -> Node:
        """Report, and stand in for what is wrong."""
        self.report(place.start, message)
        return Node(ERROR, start=place.start, end=place.end)

    def unresolved(self, path: Path, problem: Unresolved) -> Node:
        """Report an unknown name at the part of the path that is unknown."""
        offset = path.start
        for part in path.parts[: problem.part]:
            offset = self._text.index(".", offset + len(part)) + 1
        rest = self._text[offset:]
        self.report(offset + len(rest) - len(rest.lstrip()), problem.message)
        return Node(ERROR, start=path.start, end=path.end)

    def written(self, node: Syntax | Node) -> str:
        """The text of a part, on one line."""
        return " ".join(self._text[node.start : node.end].split())

    def quote(self, node: Syntax | Node) -> str:
        text = self.written(node)
        return f"`{text}`" if len(text) <= _QUOTED else f"`{text[: _QUOTED - 3]}...`"

    def expect(self, node: Node, kinds: tuple[Kind, ...], where: str) -> None:
        """Report when `node` is none of these kinds; `where` begins the sentence."""
        if kinds and node.type.kind not in (*kinds, Kind.ERROR):
            self.report(node.start, f"{where} {either(kinds)}, but {self.quote(node)} is {node.type.kind.phrase}")

    # --- comparisons --------------------------------------------------------------------------------------

    def compare(self, op: str, left: Node, right: Node, at: int, scope: Scope) -> None:
        """Report what keeps `left op right` from making sense; `at` is where the operator stands."""
        verdict = compared(op, left.type, right.type)
        if isinstance(verdict, str):
            self.report(at, verdict)
            return
        for picklist, other in ((left, right), (right, left)):
            if picklist.type.multi and not (isinstance(other, Literal) and other.value == ""):
                name = self.written(picklist)
                self.report(picklist.start, f"`{name}` holds several values; write INCLUDES({name}, 'value')")
            else:
                self.written_value(picklist, other, scope)

    def written_value(self, node: Node, value: Node, scope: Scope) -> None:
        """Report a written value that `node` can hardly equal."""
        for message, severity in doubts(node, value, scope):
            self.report(value.start, message, severity)
