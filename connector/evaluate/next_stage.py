"""What must still happen for the next stage, in words, as SQL: the text is a field of the record for everybody.

Called by outcome.py. The text names conditions, never values that move with the clock, so that it changes only when a
condition does. Pure: gives sqlglot trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp

from connector.evaluate.conditions import rule_env
from connector.evaluate.frame import Frame, column
from connector.evaluate.lower import lower
from connector.evaluate.lowering.sql import Sql, case, function, text
from connector.evaluate.rules import Rules, StageRule, edge_path, enter_path
from connector.evaluate.trust import doubts_of
from connector.evaluate.wording import Words
from connector.mapping.language import BOOLEAN, Expression
from connector.mapping.language.tree import Compare, Literal, Logic, Name, Node, Not

FORWARD = frozenset({"success", "inventory"})
"""Kinds of stage that a customer-success manager works towards."""


def next_text(frame: Frame, rules: Rules, words: Words) -> Sql:
    """For every stage: what is missing for the first stage that its edges lead forward to; '' where there is none.

    Null where it had better stay as it is: out of scope, and while a rule rests on what was not completely pulled.
    """
    found = [(text(s.key), _missing(frame, s, target, words)) for s in rules.stages if (target := _next(frame, s))]
    here = case(*found, of=column("stage", "s"), otherwise=text("")) if found else text("")
    scope = exp.Paren(this=lower(frame.mapping.expressions["scope"].tree, rule_env(frame)))
    in_scope = exp.Is(this=scope, expression=exp.true())
    return case((exp.EQ(this=column("stage", "s"), expression=text("")), text("")), (in_scope, here))


def _next(frame: Frame, stage: StageRule) -> str:
    """The first forward stage in `next`, earlier stages of the file left out unless there is nothing else."""
    model = frame.mapping.model
    keys = [s.key for s in model.stages]
    targets = [e.to for e in stage.next if (t := model.stage(e.to)) and t.kind in FORWARD]
    onward = [t for t in targets if keys.index(t) > keys.index(stage.key)]
    return (onward or targets or [""])[0]


def _missing(frame: Frame, stage: StageRule, target: str, words: Words) -> Sql:
    """`For Launched: training done; urgent cases: 0`."""
    label = words.stage(target)
    if any(doubts_of(frame.mapping, e, frame.trust) for e in _expressions(frame, stage, target)):
        return exp.Null()
    wanted = [
        case((_is_not_true(node, frame), text(words.say_node(expression, node))))
        for expression, node in _conditions(frame, stage, target)
    ]
    if not wanted:
        return text("")
    joined = function("concat_ws", text("; "), *wanted)
    missing = exp.DPipe(this=text(f"For {label}: "), expression=joined, safe=False)
    return case(
        (exp.EQ(this=joined.copy(), expression=text("")), text(f"For {label}: nothing is missing")), otherwise=missing
    )


def _expressions(frame: Frame, stage: StageRule, target: str) -> list[Expression]:
    paths = (enter_path(target), edge_path(stage.key, target), f"stages.{stage.key}.leave_when")
    return [e for e in map(frame.expression, paths) if e]


def _conditions(frame: Frame, stage: StageRule, target: str) -> Iterator[tuple[Expression, Node]]:
    """Everything that has to be true at once, one by one."""
    for expression in _expressions(frame, stage, target):
        rest = given(expression.tree, stage.key)
        for part in rest.parts if isinstance(rest, Logic) and rest.op == "and" else (rest,):
            if not isinstance(part, Literal):
                yield expression, part


def given(node: Node, stage: str) -> Node:
    """`node` with what it says of the present stage worked out, as far as that decides it."""
    match node:
        case Compare(op="=" | "!=" as op, left=Name(name="stage"), right=Literal(value=value)):
            return Literal(BOOLEAN, (value == stage) is (op == "="), start=node.start, end=node.end)
        case Not(operand=operand):
            inner = given(operand, stage)
            return Literal(BOOLEAN, not inner.value) if isinstance(inner, Literal) else replace(node, operand=inner)
        case Logic(op=op, parts=parts):
            return _joined(node, [given(part, stage) for part in parts], decides=op == "or")
        case _:
            return node


def _joined(node: Logic, parts: list[Node], *, decides: bool) -> Node:
    """An `and` is decided by a false part, an `or` by a true one; parts that decide nothing fall away."""
    if any(isinstance(p, Literal) and p.value is decides for p in parts):
        return Literal(BOOLEAN, decides)
    left = tuple(p for p in parts if not isinstance(p, Literal))
    if not left:
        return Literal(BOOLEAN, not decides)
    return left[0] if len(left) == 1 else replace(node, parts=left)


def _is_not_true(node: Node, frame: Frame) -> Sql:
    return exp.Not(this=exp.Is(this=exp.Paren(this=lower(node, rule_env(frame))), expression=exp.true()))
