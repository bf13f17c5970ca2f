"""Roll-up summary fields follow their children (order of execution: the parent goes through the save procedure).

Stored, not computed when read: that is why they move the parent's stamps, unlike formulas. Whether LastModifiedDate
moves too, or nothing, is a switch (reference 2.2: conflicting reports).
"""

from collections.abc import Sequence

from connector.localorg import rules
from connector.localorg.definitions import ObjectDef
from connector.localorg.storage import Row
from connector.localorg.summaries import Summary, summaries_by_child, summaries_of, summary_sql
from connector.localorg.transaction import Transaction


def roll_up(txn: Transaction, child: ObjectDef, old: Row, new: Row) -> None:
    """Compute the summaries of the parents that a child had and has; parents in the recycle bin keep what they show."""
    concerned: dict[tuple[str, str], list[Summary]] = {}
    for summary in summaries_by_child(txn.schema).get(child.name, ()):
        link = child.fields[summary.link.lower()].name
        for parent_id in (row[link] for row in (old, new) if row.get(link)):
            concerned.setdefault((summary.parent, parent_id), []).append(summary)
    for (sobject, parent_id), summaries in sorted(concerned.items()):
        _refresh(txn, txn.schema.get(sobject), parent_id, summaries)


def start_at_zero(txn: Transaction, parent: ObjectDef, row: Row) -> None:
    """A new record has no children: nothing is counted or added up."""
    row.update({s.field: 0 for s in summaries_of(txn.schema, parent.name) if s.operation in ("count", "sum")})


def refresh_own(txn: Transaction, parent: ObjectDef, old: Row, new: Row) -> None:
    """Amounts of a parent whose currency changes are added up in the new one."""
    if old.get("CurrencyIsoCode") != new.get("CurrencyIsoCode"):
        _refresh(txn, parent, new["Id"], summaries_of(txn.schema, parent.name))


def _refresh(txn: Transaction, parent: ObjectDef, parent_id: str, summaries: Sequence[Summary]) -> None:
    before = txn.store.fetch(parent, parent_id)
    if before is None or before.get("IsDeleted") or not summaries:
        return
    values = ", ".join(summary_sql(txn.schema, s) for s in summaries)
    sql = f'SELECT {values} FROM "{parent.name}" p WHERE p."Id" = ?'
    computed = txn.store.connection.execute(sql, (parent_id,)).fetchone()
    pairs = zip((s.field for s in summaries), computed, strict=True)
    changes = {name: value for name, value in pairs if value != before.get(name)}
    if changes:
        _save(txn, parent, before, changes)


def _save(txn: Transaction, parent: ObjectDef, before: Row, changes: Row) -> None:
    """Store, stamp, and let the parent's rules and its own parents have their say."""
    if txn.switches.summary_stamps == "modified":
        txn.update(parent, before["Id"], changes)
    else:
        txn.derive(parent, before["Id"], changes, stamp=txn.switches.summary_stamps == "system")
    rules.validate_saved(txn, parent, before["Id"], before)
    roll_up(txn, parent, before, {**before, **changes})


def recalculate(txn: Transaction, summary: Summary, *, stamp: bool) -> None:
    """Compute one summary for all parents, as when it is defined; that moves SystemModstamp (2.2, help 000387261)."""
    parent = txn.schema.get(summary.parent)
    stamps, given = (', "SystemModstamp" = ?', (txn.now,)) if stamp and parent.has("SystemModstamp") else ("", ())
    txn.store.connection.execute(
        f'UPDATE "{parent.name}" AS p SET "{summary.field}" = {summary_sql(txn.schema, summary)}{stamps}', given
    )


def recalculate_over(txn: Transaction, child: ObjectDef) -> None:
    """Compute what is summarised over an object whose records were seeded; they keep their history, so no stamps."""
    for summary in summaries_by_child(txn.schema).get(child.name, ()):
        recalculate(txn, summary, stamp=False)
