"""What a statement costs the local org before it touches a row: reading, planning, and the whole of an empty query.

Run it as `python tests/bench/bench_localorg_soql.py`. Prints figures, asserts nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))
from corpus import read_corpus

from connector.localorg.org import Clock, Org
from connector.localorg.soql.parser import parse_soql
from connector.localorg.soql.run import plan_soql, run_soql

ROUNDS = 20
CUSTOM = [
    *({"sobject": "Account", "name": n, "type": "string", "length": 40} for n in ("Ext__c", "Legacy__c")),
    {"sobject": "Account", "name": "Tags__c", "type": "multipicklist", "picklistValues": []},
    {"sobject": "Activity", "name": "Key__c", "type": "string", "length": 255},
]


def measure(statements: list[str], act: Callable[[str], object]) -> float:
    """Microseconds for one statement."""
    begun = time.perf_counter()
    for _ in range(ROUNDS):
        for statement in statements:
            act(statement)
    return (time.perf_counter() - begun) / ROUNDS / len(statements) * 1e6


def main() -> None:
    """Print what each step costs over the corpus of good statements."""
    org = Org.create(clock=Clock(datetime(2026, 9, 1, 8, tzinfo=UTC)))
    org.define_fields(CUSTOM)
    statements = read_corpus("accepted")
    with org.transaction(None) as txn:
        steps: dict[str, Callable[[str], object]] = {
            "read a new statement": parse_soql.__wrapped__,
            "read it again": parse_soql,
            "plan it": lambda s: plan_soql(txn, s, include_deleted=False),
            "run it over nothing": lambda s: run_soql(txn, s, include_deleted=False, version="66.0"),
        }
        for name, act in steps.items():
            sys.stdout.write(f"{name:24}{measure(statements, act):8.1f} microseconds a statement\n")


if __name__ == "__main__":
    main()
