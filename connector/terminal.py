"""How the command line looks: a plain console for results, progress on standard error, stopping by signal.

Used by cli.py only. Output is 100 columns wide in a file or a pipe, and never colours there.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from types import FrameType

from rich.console import Console, RenderableType
from rich.markup import escape

WIDTH = 100


def show(result: RenderableType) -> None:
    """Prints a result: on a terminal with colours, elsewhere as plain lines without trailing blanks."""
    console = Console(highlight=False, markup=False)
    if console.is_terminal:
        console.width = min(console.width, WIDTH)
        console.print(result)
        return
    plain = Console(file=StringIO(), width=WIDTH, highlight=False, markup=False, color_system=None)
    with plain.capture() as captured:
        plain.print(result)
    for line in captured.get().splitlines():
        print(line.rstrip())  # noqa: T201


def error_console() -> Console:
    """For progress and complaints. Wraps nothing: a problem's caret must stay under its column."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def told_progress() -> Iterator[Callable[[str], None]]:
    """Tells what is going on: in one moving line on a terminal, in a line each elsewhere."""
    console = error_console()
    if not console.is_terminal:
        yield lambda text: console.print(f"... {text}")
        return
    with console.status("") as status:
        yield lambda text: status.update(escape(text))


@contextmanager
def stop_on_signal(on_stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and Ctrl+C call `on_stop` instead of ending the process; the second one ends it."""

    def handle(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
        sys.stderr.write("Stopping after the current batch. Once more to stop at once.\n")
        on_stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
