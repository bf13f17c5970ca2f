"""Salesforce record ids as people copy them: 15 characters from a page, 18 from the API.

Called by the command line. The last three characters say which of the first fifteen are capital letters, five by five
(Salesforce Help, "What's the difference between 15-character and 18-character record IDs?").
"""

from __future__ import annotations

import re
from string import ascii_uppercase

from connector.errors import FixFirst

_CHECKS = ascii_uppercase + "012345"


def is_id(text: str) -> bool:
    """Whether `text` has the form of a record id."""
    return re.fullmatch(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?", text) is not None


def full_id(text: str) -> str:
    """The id with 18 characters. FixFirst for what is no id, or one whose case was lost on the way."""
    if not is_id(text):
        raise FixFirst(
            f"{text!r} is not a record id: give its 15 or 18 letters and digits, as in the record's address."
        )
    full = text[:15] + "".join(_check(text[start : start + 5]) for start in (0, 5, 10))
    if len(text) == 18 and text != full:
        raise FixFirst(f"{text!r} is not a record id: upper and lower case do not fit. Copy it again.")
    return full


def _check(five: str) -> str:
    return _CHECKS[sum(1 << place for place, letter in enumerate(five) if letter in ascii_uppercase)]
