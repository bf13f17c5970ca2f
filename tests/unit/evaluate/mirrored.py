"""A book of a few records in a mirror in memory, judged by a mapping given as text: for the tests of evaluate.

What a record does not say is left blank, except for Id, stamps and names; `judge` is one run over the book.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from connector.calendar import Calendar
from connector.data import Evaluation, ObjectPull, PullResult, State
from connector.evaluate import Evaluated, evaluate
from connector.mapping import Mapping as Model
from connector.mapping import load_mapping
from connector.store.mirror import Mirror

ORG, HERE = "00D000000000001AAA", "production"
TODAY = date(2026, 9, 1)
Row = Mapping[str, Any]


HERE_FILES = Path(__file__).parent


def care(folder: Path, *changes: tuple[str, str]) -> Model:
    """The model of care.yaml with some text replaced; every replaced text must be there once."""
    text = (HERE_FILES / "care.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    (folder / "model.yaml").write_text(text, encoding="utf-8")
    shutil.copy(HERE_FILES / "care_describe.json", folder / "describe.json")
    return load_mapping(folder)


PREFIXES = {
    "Account": "001", "Asset": "02i", "Case": "500", "Contact": "003", "Contract": "800", "EmailMessage": "02s",
    "Event": "00U", "EventRelation": "0RE", "Lead": "00Q", "Opportunity": "006", "Task": "00T", "User": "005",
}  # fmt: skip


def record_id(sobject: str, number: int) -> str:
    return f"{PREFIXES.get(sobject, 'a00')}{number:012d}AAA"


@dataclass
class Book:
    """Rows by sObject, and how each was pulled."""

    model: Model
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    pulls: dict[str, ObjectPull] = field(default_factory=dict)
    today: date = TODAY
    calendar: Calendar = field(default_factory=Calendar)

    def __post_init__(self) -> None:
        self.add("TaskStatus", MasterLabel="Not needed", ApiName="Not needed", IsClosed=True)

    def add(self, sobject: str, **fields: Any) -> str:
        """One more record; returns its id."""
        rows = self.rows.setdefault(sobject, [])
        stamp = datetime(2026, 8, 31, 8, 0, tzinfo=UTC)
        row = {"Id": record_id(sobject, len(rows) + 1), "SystemModstamp": stamp, "IsDeleted": False, **fields}
        rows.append(row)
        return str(row["Id"])

    def account(self, **fields: Any) -> str:
        number = len(self.rows.get("Account", ())) + 1
        return self.add("Account", **{"Name": f"Account {number}", **fields})

    def staged(self, stage: str, since: date = date(2026, 3, 1), **more: Any) -> str:
        """An account that we put into `stage`; `more` are fields, or parts of the state by their State names."""
        model = self.model.model
        own = {k: v for k, v in more.items() if k in State.__dataclass_fields__}
        account = self.account(**{k: v for k, v in more.items() if k not in own})
        row = self.rows["Account"][-1]
        state = State(stage, since, record=account, org=ORG, installation=HERE, **own)
        found = model.stage(stage)
        row |= {model.write.stage: found.api_value if found else stage, model.write.state: state.to_text()}
        if model.write.entered:
            row[model.write.entered] = since
        return account

    def fails(self, sobject: str, reason: str = "the query timed out.") -> None:
        self.pulls[sobject] = ObjectPull(sobject, complete=False, reason=reason)

    def hides(self, sobject: str, name: str) -> None:
        self.pulls[sobject] = ObjectPull(sobject, complete=True, hidden={name: "our user may not read it."})

    def fill(self, mirror: Mirror) -> PullResult:
        """Puts everything into the mirror as a pull would."""
        as_of = datetime.combine(self.today, time(12), UTC)
        for sobject, wanted in self.model.needs.fields.items():
            describe = self.model.describes[sobject]
            hidden = self.pulls[sobject].hidden if sobject in self.pulls else {}
            names = sorted(
                {n for n in {*wanted, "Id", "SystemModstamp", "IsDeleted"} - hidden.keys() if describe.find(n)}
            )
            mirror.ensure(describe, names)
            rows = [[row.get(name) for name in names] for row in self.rows.get(sobject, [])]
            mirror.store(sobject, names, rows, as_of, replace=True)
        complete = {name: ObjectPull(name, complete=True) for name in self.model.needs.fields}
        return PullResult(as_of, ORG, "Europe/Berlin", complete | self.pulls)

    def judge(self, mirror: Mirror, **options: Any) -> Evaluated:
        """One run over the book as it is."""
        pulled = self.fill(mirror)
        return evaluate(
            mirror.connection, self.model, pulled, describes=self.model.describes, calendar=self.calendar,
            installation=HERE, **options,
        )  # fmt: skip

    def write(self, evaluations: Sequence[Evaluation]) -> None:
        """What was decided, into the records, as a run would write it."""
        model = self.model.model
        rows = {row["Id"]: row for row in self.rows["Account"]}
        for found in evaluations:
            row, decision = rows[found.subject], found.decision
            stage, proposed = model.stage(decision.stage), model.stage(decision.proposed)
            row[model.write.stage] = stage.api_value if stage else None
            row[model.write.state] = decision.state.to_text()
            values = {
                model.write.entered: decision.state.since if stage else None,
                model.write.proposed: proposed.api_value if proposed else None,
                model.write.next: found.next_text,
                **found.kpis,
            }
            row |= {name: value for name, value in values.items() if name}
            if decision.moves and model.write.reason:
                row[model.write.reason] = decision.moves[-1].because.sentence

    def later(self, today: date) -> Book:
        self.today = today
        return self


def by_name(found: Evaluated) -> dict[str, Evaluation]:
    return {e.name: e for e in found.evaluations}
