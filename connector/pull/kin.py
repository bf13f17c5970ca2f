"""Children whose parent was merged into another record or converted: read again, because no stamp of theirs moves.

Called by flow.py after the windows. The mirror remembers whom to ask about until it was answered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from connector.pull.carry import Ended, Pulling, carry_parts
from connector.pull.windows import ObjectQuery, id_query, queries_by_id

MOST = 1000
"""Records with moved children up to which their children are asked for; of more, all records are read again."""


def follow_moves(run: Pulling, read: Collection[str], unread: Collection[str]) -> list[Ended]:
    """Ask for the children of every record that others were merged into; how each query ended.

    `read`: objects that are complete in this run; `unread`: those that should be and are asked again for these
    children. Any other object of the mirror is read from its beginning when somebody needs it again.
    """
    moves = run.mirror.moves()
    queries: list[ObjectQuery] = []
    ended: list[Ended] = []
    for parent, ids in moves.items():
        masters = run.mirror.masters(parent, ids)
        for child, field in _references(run, read, parent):
            if len(masters) > MOST:
                ended.append(_too_many(run, child, len(masters)))
            else:
                queries += _of_children(run, child, field, masters, start=len(queries) + 1)
        for child, _ in _references(run, run.mirror.describes().keys() - {*read, *unread}, parent):
            run.mirror.drop_cursor(child)
    ended += carry_parts(run, queries)
    open_ones = [child for parent in moves for child, _ in _references(run, unread, parent)]
    if not open_ones and all(e.complete or run.mirror.cursor(e.query.sobject) is None for e in ended):
        run.mirror.settle_moves(moves)
    return ended


def _references(run: Pulling, sobjects: Iterable[str], parent: str) -> Iterator[tuple[str, str]]:
    """(sObject, field) of everything in the mirror that can point to `parent`."""
    for sobject in sorted(run.mirror.describes().keys() & set(sobjects)):
        describe, columns = run.describe(sobject), run.mirror.columns(sobject)
        fields = (f.name for f in describe.fields.values() if parent in f.reference_to and f.name in columns)
        yield from ((sobject, f) for f in fields if f != "MasterRecordId" and not f.startswith("Converted"))


def _too_many(run: Pulling, child: str, masters: int) -> Ended:
    run.mirror.drop_cursor(child)
    why = f"{masters} records have taken over others' children; all records are read by the next run"
    return Ended(id_query(run.describe(child)), reason=why)


def _of_children(
    run: Pulling, child: str, field: str, masters: frozenset[str], *, start: int
) -> list[ObjectQuery]:  # fmt: skip
    columns = run.mirror.columns(child) & run.describe(child).fields.keys()
    run.progress(f"{child}: asking for those of {len(masters)} merged or converted records")
    return queries_by_id(run.describe(child), columns, sorted(masters), id_field=field, start=start)
