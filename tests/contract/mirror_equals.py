"""Does the mirror say what the org says? Every field of every record, in words where it does not.

Live records must be the same on both sides. A deleted record that the org still shows must be in the mirror, deleted
and with the same values; one that has left the recycle bin may stay behind in the mirror, as deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connector.data import Needs
from connector.localorg.org import Org
from connector.store.mirror import Mirror

Row = Mapping[str, Any]

_NAMED = 12


def assert_equal(mirror: Mirror, org: Org, needs: Needs) -> None:
    """Every needed field of every record is in the mirror as it is in the org."""
    found = [said for sobject, fields in needs.fields.items() for said in differences(mirror, org, sobject, fields)]
    more = f"\n... and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    assert not found, "mirror and org differ:\n" + "\n".join(found[:_NAMED]) + more


def differences(mirror: Mirror, org: Org, sobject: str, needed: frozenset[str]) -> Iterator[str]:
    """What of one object is not the same, sentence by sentence."""
    columns = mirror.columns(sobject)
    if lacking := (needed - columns) | mirror.pending(sobject):
        yield f"{sobject} lacks {', '.join(sorted(lacking))}"
    shown = {row["Id"]: row for row in org.records(sobject, include_deleted=True)}
    yield from _twice(mirror, sobject)
    held = read_rows(mirror, sobject)
    for id in sorted(shown.keys() | held.keys()):
        yield from _differs(sobject, id, held.get(id), shown.get(id))


def read_rows(mirror: Mirror, sobject: str) -> dict[str, dict[str, Any]]:
    """The rows of an object in the mirror, deleted ones included, by id."""
    found = mirror.connection.execute(f'SELECT * FROM org."{sobject}"')
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {row["Id"]: row for row in rows}


def _twice(mirror: Mirror, sobject: str) -> Iterator[str]:
    sql = f'SELECT "Id", count(*) FROM org."{sobject}" GROUP BY 1 HAVING count(*) > 1'
    yield from (f"{sobject} {id} is in the mirror {n} times" for id, n in mirror.connection.execute(sql).fetchall())


def _differs(sobject: str, id: str, held: Row | None, shown: Row | None) -> Iterator[str]:
    if shown is None:
        if held and not held["IsDeleted"]:
            yield f"{sobject} {id} is gone from the org and still in the mirror"
    elif held is None:
        yield f"{sobject} {id}{' (deleted)' if shown.get('IsDeleted') else ''} is missing from the mirror"
    else:
        for name, value in held.items():
            if name in shown and _plain(value) != _plain(shown[name]):
                yield f"{sobject} {id}.{name} is {value!r} in the mirror and {shown[name]!r} in the org"


def _plain(value: Any) -> Any:
    """Numbers as numbers, times as UTC, blank text as nothing."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Decimal(str(value))
    return None if value == "" else value
