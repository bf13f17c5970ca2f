"""What `connector verify` found, for people: one line per object, and the ids where mirror and org differed."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from connector.data import ObjectPull, PullResult
from connector.report.words import moment, plain

_COLUMNS = ("Org", "Mirror", "Missing", "Stale", "Gone")


def render_proofs(pulled: PullResult) -> RenderableType:
    """Counts of every object, what differed, and the verdict."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 2), show_edge=False)
    table.add_column("sObject")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    table.add_column("")
    for _, found in sorted(pulled.objects.items()):
        table.add_row(found.sobject, *_counts(found), _verdict(found))
    return Group(table, *_details(pulled), Text(), _closing(pulled))


def agrees(pulled: PullResult) -> bool:
    """Everything could be read, and nothing differed."""
    return pulled.complete and not any(o.proof and o.proof.differences for o in pulled.objects.values())


def _counts(found: ObjectPull) -> tuple[str, ...]:
    if found.proof is None:
        return ("",) * len(_COLUMNS)
    proof = found.proof
    return tuple(
        f"{n:,}" for n in (proof.org, proof.mirror, len(proof.missing), len(proof.stale), len(proof.surplus))
    )  # fmt: skip


def _verdict(found: ObjectPull) -> Text:
    if not found.complete:
        return Text("not proved", style="bold red")
    if found.proof is None:
        return Text("not counted")
    return Text("repaired", style="bold yellow") if found.proof.differences else Text("equal", style="green")


def _details(pulled: PullResult) -> Iterator[RenderableType]:
    for _, found in sorted(pulled.objects.items()):
        told = (*found.notices, *(() if found.complete else (found.reason,)))
        hidden = tuple(f"{found.sobject}.{name}: {why}" for name, why in found.hidden.items())
        for text in (*told, *hidden):
            yield Padding(Text(plain(text)), (1, 0, 0, 2))


def _closing(pulled: PullResult) -> Text:
    as_of = f" · as of {moment(pulled.as_of)}"
    if agrees(pulled):
        return Text("The mirror holds what the org holds" + as_of, style="bold green")
    if pulled.complete:
        return Text("The mirror differed from the org and was put right" + as_of, style="bold yellow")
    return Text("Not everything could be proved; facts over it are unknown" + as_of, style="bold red")
