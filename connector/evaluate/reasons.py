"""Why a subject moved, in a sentence that a customer-success manager understands, with the evidence behind it.

Called by passes.py right after each pass, while the values that decided are at hand: a reason is rendered once. What
a sensitive fact says stays out of both sentence and evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from duckdb import DuckDBPyConnection

from connector.data import Move, Reason, Via
from connector.evaluate.evidence import Seen, ask, see_conditions
from connector.evaluate.frame import Frame
from connector.evaluate.rules import Rules, edge_path
from connector.evaluate.wording import Words
from connector.mapping.language import Expression

LENGTH = 255
"""Of a sentence: what a text field without special care can hold."""


@dataclass(frozen=True)
class Reasons:
    """Words the moves of one run."""

    connection: DuckDBPyConnection
    frame: Frame
    rules: Rules
    words: Words

    def word(self, moves: Mapping[str, tuple[Move, ...]]) -> dict[str, tuple[Move, ...]]:
        """The same moves with their reasons. Conditions are read under the present `standing`."""
        by_rule: dict[tuple[str, str, str], list[str]] = {}
        for subject, own in moves.items():
            for move in own:
                by_rule.setdefault((move.because.rule, move.from_stage, move.to_stage), []).append(subject)
        seen = {key: self._look(*key, subjects) for key, subjects in sorted(by_rule.items())}
        return {subject: tuple(self._with_reason(subject, m, seen) for m in own) for subject, own in moves.items()}

    def _look(self, rule: str, origin: str, target: str, subjects: Sequence[str]) -> Mapping[str, tuple[Seen, ...]]:
        expressions = self._expressions(rule, origin, target)
        if not expressions:
            return {}
        ask(self.connection, subjects)
        return see_conditions(self.connection, self.frame, expressions)

    def _expressions(self, rule: str, origin: str, target: str) -> list[Expression]:
        """What has to be true for the move: the rule, and the edge's own condition."""
        paths = [f"stages.{origin}.leave_when"] if rule.endswith(".otherwise") else [rule, edge_path(origin, target)]
        return [e for e in map(self.frame.expression, paths) if e]

    def _with_reason(
        self, subject: str, move: Move, seen: Mapping[tuple[str, str, str], Mapping[str, tuple[Seen, ...]]]
    ) -> Move:
        held = seen[move.because.rule, move.from_stage, move.to_stage].get(subject, ())
        return replace(move, because=self.explain_move(move, held))

    def explain_move(self, move: Move, seen: Sequence[Seen]) -> Reason:
        """The reason of one move; `seen` are the conditions of its rule."""
        return Reason(move.because.rule, shorten(self._sentence(move, seen)), evidence_of(seen, self.words))

    def _sentence(self, move: Move, seen: Sequence[Seen]) -> str:
        label, origin = self.words.stage(move.to_stage), self.words.stage(move.from_stage)
        why = say_why(seen, self.words)
        rule = move.because.rule
        if rule == "scope":
            return f"Back in scope: {label} goes on." if move.to_stage else f"Out of scope: {origin} has ended."
        if rule.endswith(".otherwise"):
            return f"{label}: {origin} may be left ({why}) and nothing else applies."
        match move.via:
            case Via.OVERRIDE:
                return f"{label}: set by an override, which wins over every rule."
            case Via.ADOPTED:
                return f"{label}: was there before the first run."
            case Via.MANUAL:
                return f"{label}: set by a person; held until {self.rules.end_of(self.rules.hold, move.since)}."
            case Via.APPROVED:
                return f"{label}: proposed, and confirmed by a person."
            case _:
                return f"{label}: {why}." if why else f"{label}: its rule holds."


def say_why(seen: Sequence[Seen], words: Words) -> str:
    """The conditions that held, with their values, as people say them; of a fact that is made of conditions, those."""
    held = [s for s in _that_decided(seen, 0) if words.is_told(s.leaf)]
    telling = [s for s in held if not words.is_presence(s.leaf)] or held
    return "; ".join(dict.fromkeys(words.say_held(s.leaf, s.values) for s in telling))


def _that_decided(seen: Sequence[Seen], level: int) -> list[Seen]:
    """The conditions that made these hold, none if they do not: what is true beside an alternative that failed is no
    reason. A fact that is true is told by what it is made of, one that is false by its name."""
    if not seen:
        return []
    first = seen[0]
    if len(first.leaf.path) == level:
        opened = first.leaf.opened and first.leaf.wanted
        return (_that_decided(seen[1:], level) if opened else [first]) if first.helps else []
    asked = first.leaf.path[level][0]
    parts = [list(part) for _, part in groupby(seen, key=lambda s: s.leaf.path[level])]
    decided = [_that_decided(part, level + 1) for part in parts]
    return [] if asked == "all" and not all(decided) else [one for part in decided for one in part]


def evidence_of(seen: Iterable[Seen], words: Words) -> tuple[tuple[str, str], ...]:
    """(condition as written, its value) of every condition that may be told, those below a fact after it."""
    told = (s for s in seen if words.is_told(s.leaf))
    return tuple((s.leaf.text, {True: "true", False: "false", None: "unknown"}[s.truth]) for s in told)


def shorten(sentence: str) -> str:
    """At most LENGTH characters, cut at a word."""
    if len(sentence) <= LENGTH:
        return sentence
    return sentence[: LENGTH - 1].rsplit(" ", 1)[0].rstrip(" ;,(") + "…"
