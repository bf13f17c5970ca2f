"""Mapping files for tests: a small whole model, and variations of it by replacing lines."""

from __future__ import annotations

from pathlib import Path

from connector.errors import Problem
from connector.mapping import Mapping, judge_mapping

MODEL = """\
format: 1
model: small
label: Small
scope: won > 0
params:
  patience: 90 days
lists:
  won_types: [New Customer]
facts:
  won: count(Opportunity where IsWon)
  first_won: min(Opportunity.CloseDate where IsWon)
  age: today - first_won
  amount:
    label: Won
    value: sum(Opportunity.Amount where IsWon)
    type: currency(16, 2)
    write: Won__c
stages:
  - key: fresh
    label: Fresh
    enter_when: age < 30
    next: [settled]
  - key: settled
    label: Settled
    enter_when: age >= 30
    next: [gone]
  - key: gone
    label: Gone
    kind: terminal
    enter_when: won = 0
    next: [fresh]
order: [gone, settled, fresh]
write:
  stage: Stage__c
  state: State__c
ctas:
  - key: hello
    type: lifecycle
    open_when: stage = 'fresh'
    due: today + 5 business days
    subject: Say hello to {Name}
playbooks:
  - key: start
    on_enter: fresh
    steps:
      - {key: one, subject: One, due: entered + 3 days}
      - {key: two, subject: Two, due: entered + 6 days, after: [one]}
"""


def write(folder: Path, *changes: tuple[str, str], text: str = MODEL) -> Path:
    """The small model with some text replaced, as a file; every replaced text must be there once."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    path = folder / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, *changes: tuple[str, str]) -> tuple[Problem, ...]:
    """What is wrong with the small model after some changes."""
    return judge_mapping(write(folder, *changes)).problems


def loaded(folder: Path, *changes: tuple[str, str]) -> Mapping:
    """The small model after changes that leave it right."""
    judged = judge_mapping(write(folder, *changes))
    assert judged.mapping is not None, "\n".join(map(str, judged.problems))
    return judged.mapping
