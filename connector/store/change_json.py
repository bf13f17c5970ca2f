"""The JSON in which the ledger keeps values, reasons and guards: types survive the way there and back.

Called by the ledger and by whoever exports its rows. A date is not a text that looks like one: undo writes back
what was read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from connector.data import Guard, Reason, Value


def values_to_json(values: Mapping[str, Value]) -> str:
    return _dump({name: encode(value) for name, value in values.items()})


def values_from_json(text: str) -> dict[str, Value]:
    return {name: decode(raw) for name, raw in json.loads(text).items()}


def reason_to_json(reason: Reason) -> str:
    return _dump({"rule": reason.rule, "sentence": reason.sentence, "evidence": [list(e) for e in reason.evidence]})


def reason_from_json(text: str) -> Reason:
    raw = json.loads(text)
    return Reason(raw["rule"], raw["sentence"], tuple((c, v) for c, v in raw["evidence"]))


def guards_to_json(guards: Sequence[Guard]) -> str:
    return _dump([[g.sobject, g.record, g.field, encode(g.value), g.what] for g in guards])


def guards_from_json(text: str) -> tuple[Guard, ...]:
    return tuple(Guard(s, r, f, decode(v), w) for s, r, f, v, w in json.loads(text))


def encode(value: Value) -> Any:
    """Decimal, date and datetime as an object with one key, everything else as JSON has it."""
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return value


def decode(raw: Any) -> Value:
    if not isinstance(raw, dict):
        return raw  # type: ignore[no-any-return]
    ((kind, text),) = raw.items()
    return _READERS[kind](text)


_READERS: Mapping[str, Callable[[str], Value]] = {
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
}


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=isinstance(value, dict))
