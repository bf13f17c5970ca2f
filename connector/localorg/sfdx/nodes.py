"""XML files with positions: every element knows its file and line, so that a refusal can name them.

Called by the readers of this package; knows nothing of metadata but its namespace.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from connector.localorg.definitions import DefinitionError

_SEPARATOR = " "


@dataclass(frozen=True, slots=True)
class Node:
    """One element: local name, own text, children in order, and where it stands."""

    tag: str
    text: str
    children: tuple["Node", ...]
    path: Path
    line: int

    def find(self, name: str) -> "Node | None":
        """The first child with a name."""
        return next(self.all(name), None)

    def all(self, name: str) -> Iterator["Node"]:
        """All children with a name."""
        return (c for c in self.children if c.tag == name)

    def get(self, name: str) -> str | None:
        """The text of a child; None where there is no such child."""
        found = self.find(name)
        return None if found is None else found.text

    def flag(self, name: str) -> bool:
        """Whether a child says true."""
        return (self.get(name) or "").strip() == "true"

    def number(self, name: str) -> int | None:
        """The whole number in a child, if there is one; raises DefinitionError."""
        found = self.find(name)
        if found is None or not found.text.strip():
            return None
        try:
            return int(found.text)
        except ValueError:
            raise found.refusal(f"<{name}> must be a whole number, not {found.text!r}") from None

    def need(self, name: str) -> str:
        """The text of a child that must be there; raises DefinitionError."""
        text = self.get(name)
        if text is None or not text.strip():
            raise self.refusal(f"<{self.tag}> needs <{name}>")
        return text

    def refusal(self, message: str) -> DefinitionError:
        """An error that says where the element stands."""
        return DefinitionError(f"{self.where}: {message}")

    @property
    def where(self) -> str:
        """The file and line."""
        return f"{self.path}:{self.line}"


@dataclass(slots=True)
class _Open:
    tag: str
    line: int
    texts: list[str]
    children: list[Node]


def parse_source(path: Path) -> Node:
    """Read one file; raises DefinitionError with file, line and column when it is not well-formed."""
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    opened = [_Open("", 0, [], [])]

    def start(name: str, _attributes: object) -> None:
        opened.append(_Open(name.rpartition(_SEPARATOR)[2], parser.CurrentLineNumber, [], []))

    def end(_name: str) -> None:
        done = opened.pop()
        opened[-1].children.append(Node(done.tag, "".join(done.texts), tuple(done.children), path, done.line))

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda text: opened[-1].texts.append(text)
    try:
        parser.Parse(path.read_bytes(), True)
    except expat.ExpatError as error:
        raise DefinitionError(f"{path}:{error.lineno}:{error.offset + 1}: not well-formed XML: {error}") from None
    return opened[0].children[0]
