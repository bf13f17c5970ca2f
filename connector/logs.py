"""Sets structlog up once per process: one event per line on stderr, as text or JSON.

Called by the command line. Events carry names and numbers only; record contents stay at DEBUG, secrets out of all.
"""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

from connector.settings import LogSettings


def configure_logs(settings: LogSettings) -> None:
    """From here on every structlog event at or above the level goes to stderr, and so do library warnings."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, *_rendering(settings)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s [%(levelname)s] %(message)s")


def _rendering(settings: LogSettings) -> list[Processor]:
    if settings.format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # The default formatter prints the locals of every frame: tokens, forms with secrets, records.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
