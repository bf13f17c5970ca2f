"""Record ids.

Three characters of key prefix, two of the pod, ten of counter, three of checksum. Called by every part.

Ids are case-sensitive in their first 15 characters; the checksum makes the 18-character form safe to compare
without case.
"""

from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ALLOWED = frozenset(ALPHABET)
_COUNTER_WIDTH = 9


def id_checksum(id15: str) -> str:
    """Return the three characters that tell which of the first fifteen are upper case (five bits each)."""
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << i for i, c in enumerate(id15[start : start + 5]) if "A" <= c <= "Z")
        suffix += _CHECK[bits]
    return suffix


def make_id(prefix: str, pod: str, counter: int) -> str:
    """Build the id of the nth record of a prefix; same arguments, same id."""
    digits = ""
    while counter:
        counter, digit = divmod(counter, 62)
        digits = ALPHABET[digit] + digits
    id15 = f"{prefix}{pod}0{digits.rjust(_COUNTER_WIDTH, '0')}"
    return id15 + id_checksum(id15)


def counter_of(record_id: str) -> int:
    """Tell the how-manieth record of its prefix an id belongs to."""
    counter = 0
    for digit in record_id[6:15]:
        counter = counter * 62 + ALPHABET.index(digit)
    return counter


def id_series(prefix: str, pod: str) -> Callable[[int], str]:
    """A faster make_id for millions of records of one prefix; counters up to 62**5."""
    head = f"{prefix}{pod}00000"
    tails = [f"{a}{b}" for a in ALPHABET for b in ALPHABET]
    ends = [f"{t}{c}" for t in tails for c in ALPHABET]
    start = id_checksum(f"{head}00000")[:2]
    high, low = ([_capitals(t) for t in texts] for texts in (tails, ends))

    def make(counter: int) -> str:
        first, second = divmod(counter, 62**3)
        return f"{head}{tails[first]}{ends[second]}{start}{_CHECK[high[first] | low[second] << 2]}"

    return make


def _capitals(text: str) -> int:
    return sum(1 << i for i, c in enumerate(text) if "A" <= c <= "Z")


def make_pod(seed: int) -> str:
    """Two characters that differ between orgs made from different seeds."""
    return ALPHABET[10 + seed % 52] + ALPHABET[(seed // 52) % 62]


def to_id18(text: str) -> str | None:
    """Return the 18-character form of a 15 or 18 character id, or None when it is not an id at all."""
    if not text.isascii() or not _ALLOWED.issuperset(text):
        return None
    if len(text) == 15:
        return text + id_checksum(text)
    if len(text) == 18 and id_checksum(text[:15]) == text[15:].upper():
        return text[:15] + text[15:].upper()
    return None
