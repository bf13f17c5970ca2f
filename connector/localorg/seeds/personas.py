"""The storylines that accounts of the demo book live through, as a table. Read by `history`.

Days are counted back from the day of the seed. A persona says what became of a customer; chance fills in the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

Days = tuple[int, int]
RenewalDeal = Literal["none", "open", "lost"]


@dataclass(frozen=True, slots=True)
class Persona:
    """One kind of account. `began` dates the running (or last) contract, else `ends` says when it ends."""

    key: str
    share: int  # of 100 accounts
    began: Days | None = None
    ends: Days | None = None
    earlier_terms: Days = (0, 0)
    used: tuple[float, float] = (0.0, 0.0)  # active users of licensed ones
    touch_every: int = 21
    last_touch: Days = (1, 20)
    trained: bool = True
    renewal: RenewalDeal = "none"
    expansion_chance: float = 0.0
    case_chance: float = 0.25
    escalated: bool = False
    lapse: Days | None = None  # days between an earlier, lost contract and this one


PERSONAS = (
    Persona("onboarding", 9, began=(2, 45), used=(0.1, 0.5), touch_every=7, last_touch=(0, 7), trained=False),
    Persona("launched", 11, began=(60, 130), used=(0.5, 0.65), touch_every=12, last_touch=(1, 14)),
    Persona("adopter", 29, ends=(131, 330), earlier_terms=(0, 1), used=(0.72, 0.99), expansion_chance=0.4),
    Persona("renewal_prepared", 9, ends=(12, 118), earlier_terms=(0, 1), used=(0.6, 0.95), renewal="open"),
    Persona("renewal_forgotten", 6, ends=(5, 115), earlier_terms=(0, 1), used=(0.5, 0.9), last_touch=(10, 50)),
    Persona("silent", 8, ends=(125, 280), earlier_terms=(0, 1), used=(0.55, 0.9), touch_every=30, last_touch=(75, 200)),
    Persona(
        "leaving", 6, ends=(20, 170), earlier_terms=(0, 1), used=(0.03, 0.3),
        touch_every=35, last_touch=(65, 130), case_chance=1.0, escalated=True,
    ),
    Persona(
        "churned", 9, ends=(-420, -35), earlier_terms=(0, 1), used=(0.0, 0.1),
        touch_every=40, last_touch=(45, 300), renewal="lost",
    ),
    Persona("won_back", 4, began=(10, 110), used=(0.5, 0.8), touch_every=10, last_touch=(1, 12), lapse=(60, 220)),
    Persona("prospect", 7, touch_every=14, last_touch=(2, 60), case_chance=0.0),
    Persona("partner", 2, touch_every=30, last_touch=(5, 40), case_chance=0.0),
)  # fmt: skip


def cast_personas(count: int, rng: Random) -> list[Persona]:
    """A persona for each of `count` accounts: every persona at least once, the rest by share, shuffled."""
    if count < len(PERSONAS):
        raise ValueError(f"a book needs at least {len(PERSONAS)} accounts, one per persona; got {count}")
    total, spare = sum(p.share for p in PERSONAS), count - len(PERSONAS)
    cast = [p for p in PERSONAS for _ in range(1 + p.share * spare // total)]
    cast += sorted(PERSONAS, key=lambda p: -p.share)[: count - len(cast)]
    rng.shuffle(cast)
    return cast
