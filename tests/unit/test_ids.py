"""Record ids as people paste them."""

from __future__ import annotations

import pytest

from connector.errors import FixFirst
from connector.ids import full_id


@pytest.mark.parametrize(
    ("given", "full"),
    [
        pytest.param("001D000000IRFma", "001D000000IRFmaIAH", id="fifteen characters from a page"),
        pytest.param("001D000000IRFmaIAH", "001D000000IRFmaIAH", id="eighteen from the API"),
        pytest.param("000000000000000", "000000000000000AAA", id="no capital letters"),
    ],
)
def test_an_id_is_made_whole(given: str, full: str) -> None:
    assert full_id(given) == full


@pytest.mark.parametrize("given", ["Acme", "001D000000IRFmaIAI", "001d000000irfmaIAH", "001D000000IRFm", ""])
def test_what_is_no_id_is_refused(given: str) -> None:
    with pytest.raises(FixFirst, match="is not a record id"):
        full_id(given)
