"""The keys of what we create: built, and read back from what exists. They last for ever.

A Task of a CTA: `model:cta:subject:period:n`; of a playbook step: `model:playbook.step:subject:since`; a
membership: `model:campaign:person:since`. Keys sit in a unique text field of 255 characters.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

PERIOD_LENGTH = 120
"""What is longer is kept as a digest, so that the whole key fits."""


@dataclass(frozen=True)
class CtaKey:
    cta: str
    period: str
    n: int


@dataclass(frozen=True)
class StepKey:
    playbook: str
    step: str
    since: str


@dataclass(frozen=True)
class MemberKey:
    campaign: str
    person: str
    since: str


def cta_key(model: str, cta: str, subject: str, period: str, n: int) -> str:
    return f"{model}:{cta}:{subject}:{short_period(period)}:{n}"


def step_key(model: str, playbook: str, step: str, subject: str, since: date) -> str:
    return f"{model}:{playbook}.{step}:{subject}:{since.isoformat()}"


def member_key(model: str, campaign: str, person: str, since: date | None) -> str:
    return f"{model}:{campaign}:{person}:{since.isoformat() if since else ''}"


def read_task_key(key: str, model: str) -> CtaKey | StepKey | None:
    """What the key of a Task says; None when it is not one of `model`'s. A period may hold colons."""
    parts = key.split(":")
    if len(parts) < 4 or parts[0] != model:
        return None
    playbook, dot, step = parts[1].partition(".")
    if dot:
        return StepKey(playbook, step, parts[3])
    if len(parts) < 5 or not parts[-1].isdigit():
        return None
    return CtaKey(parts[1], ":".join(parts[3:-1]), int(parts[-1]))


def read_member_key(key: str, model: str) -> MemberKey | None:
    """What the key of a CampaignMember says; None when it is not one of `model`'s."""
    parts = key.split(":")
    if len(parts) != 4 or parts[0] != model:
        return None
    return MemberKey(*parts[1:])


def key_name(key: str) -> str:
    """`<model>.<cta, playbook.step or campaign>` of any of our keys."""
    return ".".join(key.split(":")[:2])


def short_period(period: str) -> str:
    if len(period) <= PERIOD_LENGTH:
        return period
    return hashlib.sha256(period.encode()).hexdigest()[:32]
