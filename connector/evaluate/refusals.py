"""What stops a run before anything is decided or planned: unreadable subjects, another installation, a bulk edit.

Called by evaluation.py and explain.py. Each raises with what was found and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from duckdb import DuckDBPyConnection

from connector.data import Via
from connector.errors import FixFirst, NeedsApproval, RetryLater
from connector.evaluate.frame import Frame
from connector.evaluate.judged import own_fields
from connector.evaluate.passes import Decided

BULK_RECORDS, BULK_SHARE = 20, Decimal("0.02")
"""More changed by hand between two runs than both of these is a bulk edit, which a person has to look at first."""


def refuse_unreadable(frame: Frame) -> None:
    """The subjects and the fields by which the engine remembers must be there, or everybody would look new."""
    model, trust = frame.mapping.model, frame.trust
    doubt = trust.doubt(model.subject)
    if doubt:
        raise RetryLater(f"{doubt} Nothing was evaluated, because {model.label} is about {model.subject}. Run again.")
    missing = [name for name in own_fields(model) if trust.doubt(model.subject, name)]
    if missing:
        raise FixFirst(
            f"{model.label}: {model.subject} has no field {', '.join(missing)} that we may read. Create the "
            "model's fields (`connector setup export DIR`, then deploy) and give our user the permission set. Nothing "
            "was evaluated."
        )


def refuse_missing_status(connection: DuckDBPyConnection, frame: Frame) -> None:
    """Without the closed status, a Task that is not needed any more would stay open under a strange status."""
    model, trust = frame.mapping.model, frame.trust
    if not (model.ctas or model.playbooks) or trust.doubts({"TaskStatus": ("ApiName", "IsClosed")}):
        return
    status = model.keys.not_needed
    found = connection.execute('SELECT 1 FROM org."TaskStatus" WHERE "ApiName" = ? AND "IsClosed"', [status]).fetchone()
    if found is None:
        raise FixFirst(
            f"{model.label}: the org has no closed Task status '{status}'. Add it in Setup (Object Manager, Task, "
            "Fields & Relationships, Status: New, then tick Closed), or name a closed status of the org under "
            "`keys: not_needed:` in the mapping. Nothing was evaluated."
        )


def refuse_foreign_hand(connection: DuckDBPyConnection, installation: str) -> None:
    """Another installation's memory on a subject means that two are writing."""
    row = connection.execute("SELECT count(*), min(written_by) FROM memory WHERE foreign_hand").fetchone()
    count, other = row or (0, "")
    if count:
        raise NeedsApproval(
            f"{count} records were last written by the installation '{other}', this one is '{installation}'. Two "
            "installations must not write to one org: stop one of them, or give this one the other's name in "
            "config.toml."
        )


def refuse_bulk_edit(decided: Mapping[str, Decided], subjects: int) -> None:
    """Many stages changed by hand at once are another tool's or a mistake, until a person has looked."""
    edited = [d for d in decided.values() if is_by_hand(d)]
    if len(edited) > BULK_RECORDS and len(edited) > BULK_SHARE * subjects:
        raise NeedsApproval(
            f"{len(edited)} stages were changed by hand since the last run: that looks like a bulk edit or "
            "another tool. See what happened; then put the stages back, or run once with the edit accepted."
        )


def is_by_hand(decided: Decided) -> bool:
    """Whether a person set or blanked the stage since the last run."""
    moves, memory = decided.decision.moves, decided.memory
    blanked = bool(memory.state and memory.state.stage and not memory.stage)
    return blanked or bool(moves and moves[0].via is Via.MANUAL)
