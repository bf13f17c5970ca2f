"""Which expressions are counters: values that differ every day by the mere passing of time.

Called by check. A counter cannot be written continuously, or an idle book would be written every day; a comparison
of a counter is fine, because it changes only when a threshold is crossed.
"""

from __future__ import annotations

from connector.mapping.language.tree import (
    Aggregate,
    Between,
    Call,
    Clock,
    Compare,
    CtaDone,
    Fact,
    In,
    IsNull,
    Logic,
    Name,
    Node,
    Not,
)

_JUDGEMENTS = (Aggregate, Between, Compare, CtaDone, In, IsNull, Logic, Not)
_SLOW = frozenset({"YEAR", "MONTH", "ISOYEAR", "ISOWEEK"})
_CHOICES = {"IF": slice(1, None), "CASE": slice(2, None)}
"""Functions whose first arguments only choose."""


def is_counter(node: Node, counters: frozenset[str]) -> bool:
    """Whether the value moves with the clock; `counters` are the facts that do."""
    if isinstance(node, Clock):
        return True
    if isinstance(node, Name):
        return node.name == "time_in_stage"
    if isinstance(node, Fact):
        return node.key in counters
    if isinstance(node, _JUDGEMENTS) or (isinstance(node, Call) and node.function in _SLOW):
        return False
    below = node.children
    if isinstance(node, Call) and node.function in _CHOICES:
        below = below[_CHOICES[node.function]]
    return any(is_counter(child, counters) for child in below)
