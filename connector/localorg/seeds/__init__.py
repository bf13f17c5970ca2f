"""Seeds: books of records that a local org can start with. `load_seed` is the only entrance.

Same name, seed number, size and org clock give the same org, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from connector.localorg.seeds.big import fill_big, write_big
from connector.localorg.seeds.book import Book, load_book
from connector.localorg.seeds.customer_fields import customer_definitions
from connector.localorg.seeds.demo import write_demo
from connector.localorg.seeds.hostile import write_hostile
from connector.localorg.seeds.marketing import WELCOME_CAMPAIGN

if TYPE_CHECKING:
    from connector.localorg.org import Org

__all__ = ["SEEDS", "WELCOME_CAMPAIGN", "Seed", "load_seed"]


@dataclass(frozen=True, slots=True)
class Seed:
    """A named book: what writes it and how many accounts it has unless told otherwise.

    `fill` makes what is too much to be written row by row.
    """

    write: Callable[[datetime, int, int, str], Book]
    size: int
    summary: str
    fill: Callable[[Org, int, int], None] | None = None


COMPANY = "Northstar Software"
SEEDS: Mapping[str, Seed] = {
    "demo": Seed(write_demo, 500, "500 accounts with two years of believable history"),
    "small": Seed(write_demo, 44, "the same in small, every storyline included"),
    "hostile": Seed(write_hostile, 0, "names and texts that break naive software"),
    "big": Seed(write_big, 10_000, "any number of accounts with children to match, to measure with", fill_big),
}


def load_seed(org: Org, name: str, *, seed: int = 1, size: int | None = None) -> None:
    """Fill an empty org with the named book as of the org's clock."""
    found = SEEDS.get(name)
    if found is None:
        raise ValueError(f"there is no seed {name!r}; choose one of {', '.join(SEEDS)}")
    org.update_record("Organization", org.state.org_id, {"Name": COMPANY})
    org.define_fields(customer_definitions())
    book = found.write(org.clock.now(), seed, size or found.size, _standard_profile(org))
    load_book(org, book)
    if found.fill is not None:
        found.fill(org, seed, size or found.size)


def _standard_profile(org: Org) -> str:
    profiles = {row["Name"]: row["Id"] for row in org.records("Profile")}
    return str(profiles.get("Standard User") or next(iter(profiles.values())))
