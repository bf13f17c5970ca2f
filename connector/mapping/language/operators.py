"""Which types go together in comparisons and arithmetic, and what comes out.

Called by check. Pure functions over types: the result's Type, or a sentence that says why there is none.
"""

from __future__ import annotations

from connector.mapping.language.types import BOOLEAN, DAYS, ERROR, NUMBER, TEXT, TIME, Kind, Type, exact

_NUMERIC = frozenset({Kind.NUMBER, Kind.DAYS})
_TIMES = frozenset({Kind.DATE, Kind.DATETIME})
_ORDERED = _NUMERIC | _TIMES | {Kind.DURATION, Kind.TIME}
_MILLISECONDS = exact(8)
"""Of a day: what Salesforce gives for the difference of two times of day."""

Verdict = Type | str


def compared(op: str, left: Type, right: Type) -> Verdict:
    """BOOLEAN, or why `left op right` makes no sense."""
    kinds = {left.kind, right.kind}
    if Kind.ERROR in kinds:
        return BOOLEAN
    if Kind.NULL in kinds:
        return f"nothing equals null; write `{'is not null' if op == '!=' else 'is null'}`"
    if kinds == _TIMES:
        return "a date and a date with time cannot be compared; write DATEVALUE(...) around the one with time"
    if kinds == {Kind.DAYS, Kind.DURATION}:
        return _days_against(left if left.kind is Kind.DURATION else right)
    if len(kinds) == 2 and not kinds <= _NUMERIC:
        return _misfit(left, right)
    if kinds == {Kind.DURATION} and left.unit != right.unit:
        return f"{left.unit} and {right.unit} cannot be compared"
    if op not in {"=", "!="} and not kinds <= _ORDERED:
        return f"`{op}` compares numbers, dates and durations, not {left.kind.phrase}"
    return BOOLEAN


def _days_against(duration: Type) -> Verdict:
    if duration.unit in {"months", "business days"}:
        return (
            f"a number of days cannot be compared with {duration.unit}; compare dates, "
            f"such as since < today - 3 {duration.unit}"
        )
    return BOOLEAN


def _misfit(left: Type, right: Type) -> str:
    message = f"{left.kind.phrase} cannot be compared with {right.kind.phrase}"
    kinds = {left.kind, right.kind}
    if Kind.TIME in kinds:
        return f"{message}; TIMEVALUE(...) makes a time of day of a text or of a date with time"
    if kinds & _TIMES and Kind.TEXT in kinds:
        return f"{message}; a date is written DATE(2026, 12, 31)"
    if kinds & _TIMES and kinds & {Kind.NUMBER, Kind.DAYS, Kind.DURATION}:
        return f"{message}; subtract two dates to get days, or write today - 30 days"
    if kinds == {Kind.NUMBER, Kind.DURATION}:
        return f"{message}; subtract two dates to get days"
    if kinds == {Kind.TEXT, Kind.NUMBER}:
        return f"{message}; VALUE(...) makes a number of a text"
    return message


def calculated(op: str, left: Type, right: Type) -> Verdict:
    """The type of `left op right`, or why it has none."""
    if ERROR in (left, right):
        return ERROR
    if Kind.NULL in {left.kind, right.kind}:
        return f"`{op}` with null is never known; use BLANKVALUE(...) to say what a missing value counts as"
    match op:
        case "+" | "-":
            return _added(op, left, right)
        case "&":
            return _joined(left, right)
        case _:
            return _scaled(op, left, right)


def _joined(left: Type, right: Type) -> Verdict:
    if left.kind is right.kind is Kind.TEXT:
        return TEXT
    other = left if right.kind is Kind.TEXT else right
    return f"only texts can be joined, and this is {other.kind.phrase}; write TEXT(...) around it"


def _scaled(op: str, left: Type, right: Type) -> Verdict:
    for side in (left, right):
        if side.kind not in _NUMERIC:
            return f"`{op}` calculates with numbers, not with {side.kind.phrase}"
    if op == "*" and left.digits and right.digits:
        return exact(left.digits[0] + right.digits[0], left.digits[1] + right.digits[1])
    return NUMBER


def _added(op: str, left: Type, right: Type) -> Verdict:
    kinds = (left.kind, right.kind)
    if Kind.TEXT in kinds:
        return _joined(left, right) if op == "+" else "`-` calculates with numbers and dates, not with text"
    if left.kind is Kind.TIME:
        return _from_time_of_day(op, right)
    if left.kind in _TIMES:
        return _from_time(op, left, right)
    if right.kind in _TIMES:
        return _from_time(op, right, left) if op == "+" else f"a date cannot be taken from {left.kind.phrase}"
    if Kind.BOOLEAN in kinds:
        return f"`{op}` calculates with numbers, dates and durations, not with {Kind.BOOLEAN.phrase}"
    return _added_lengths(left, right)


def _from_time_of_day(op: str, other: Type) -> Verdict:
    if other.kind is Kind.TIME and op == "-":
        return _MILLISECONDS
    if other.kind is Kind.NUMBER:
        return TIME
    return f"milliseconds can be added to a time of day, not {other.kind.phrase}"


def _from_time(op: str, time: Type, other: Type) -> Verdict:
    if other.kind in _TIMES:
        return _difference(op, time, other)
    if other.kind in _NUMERIC:
        return time
    if other.kind is not Kind.DURATION:
        return f"days or a duration can be added to {time.kind.phrase}, not {other.kind.phrase}"
    if time.kind is Kind.DATE and other.unit == "hours":
        return "a date has no hours; count in days, or use a date with time"
    if time.kind is Kind.DATETIME and other.unit == "business days":
        return "business days are counted from a date; write DATEVALUE(...) around the date with time"
    return time


def _difference(op: str, left: Type, right: Type) -> Verdict:
    if op == "+":
        return "two dates cannot be added; write `-` for the days between them"
    if left.kind is not right.kind:
        return "a date and a date with time cannot be subtracted; write DATEVALUE(...) around the one with time"
    return DAYS if left.kind is Kind.DATE else Type(Kind.DAYS)


def _added_lengths(left: Type, right: Type) -> Verdict:
    """Numbers, days and durations among themselves."""
    kinds = {left.kind, right.kind}
    if kinds == {Kind.DURATION}:
        return left if left.unit == right.unit else f"{left.unit} and {right.unit} cannot be added"
    if Kind.DURATION in kinds:
        duration = left if left.kind is Kind.DURATION else right
        if Kind.NUMBER in kinds or duration.unit != "days":
            other = right if duration is left else left
            return f"{other.kind.phrase} and a duration in {duration.unit} cannot be added"
        return DAYS
    if not (left.digits and right.digits):
        return Type(Kind.DAYS if Kind.DAYS in kinds else Kind.NUMBER)
    total = exact(max(left.digits[0], right.digits[0]) + 1, max(left.digits[1], right.digits[1]))
    return Type(Kind.DAYS, total.digits) if Kind.DAYS in kinds else total


def merged(left: Type, right: Type) -> Verdict:
    """The one type of two alternatives (the branches of IF, a value and its stand-in), or why there is none."""
    kinds = {left.kind, right.kind}
    if Kind.ERROR in kinds:
        return ERROR
    if Kind.NULL in kinds:
        return left if right.kind is Kind.NULL else right
    if left == right:
        return left
    if kinds <= _NUMERIC:
        kind = left.kind if left.kind is right.kind else Kind.NUMBER
        if not (left.digits and right.digits):
            return Type(kind)
        return Type(kind, (max(left.digits[0], right.digits[0]), max(left.digits[1], right.digits[1])))
    if kinds == {Kind.TEXT}:
        return TEXT
    return f"the alternatives must be of one type, but one is {left.kind.phrase} and one is {right.kind.phrase}"
