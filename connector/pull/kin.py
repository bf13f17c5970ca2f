"""Children whose parent was merged into another record or converted: read again, because no stamp of theirs moves.

Called by flow.py after the windows. The mirror remembers whom to ask about until it was answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connector.pull.carry import Ended, Pulling, carry_parts
from connector.pull.windows import queries_by_id

MOST = 1000
"""Records with moved children up to which their children are asked for; of more, all records are read again."""


def follow_moves(run: Pulling, sobjects: Iterable[str]) -> list[Ended]:
    """Ask for the children of every record that others were merged into; how each query ended."""
    moves = run.mirror.moves()
    if not moves:
        return []
    ended: list[Ended] = []
    for parent, ids in moves.items():
        masters = run.mirror.masters(parent, ids)
        for child, field in _references(run, sobjects, parent):
            ended += _read_children(run, child, field, masters)
    if all(e.complete for e in ended):
        run.mirror.settle_moves(moves)
    return ended


def _references(run: Pulling, sobjects: Iterable[str], parent: str) -> Iterator[tuple[str, str]]:
    """(sObject, field) of everything in the mirror that can point to `parent`."""
    for sobject in sorted(sobjects):
        describe, columns = run.describe(sobject), run.mirror.columns(sobject)
        fields = (f.name for f in describe.fields.values() if parent in f.reference_to and f.name in columns)
        yield from ((sobject, f) for f in fields if f != "MasterRecordId" and not f.startswith("Converted"))


def _read_children(run: Pulling, child: str, field: str, masters: frozenset[str]) -> list[Ended]:
    if len(masters) > MOST:
        run.mirror.drop_cursor(child)
        return []
    columns = run.mirror.columns(child) & run.describe(child).fields.keys()
    run.progress(f"{child}: asking for those of {len(masters)} merged or converted records")
    return carry_parts(run, queries_by_id(run.describe(child), columns, sorted(masters), id_field=field))
