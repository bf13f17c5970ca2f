"""The org's clock.

Everything that asks for the time in the local org asks here, so that tests can live through days.
"""

from datetime import UTC, date, datetime, timedelta


class Clock:
    """Time as the org sees it: real when made without argument, otherwise standing still until moved."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = None if at is None else _aware(at)

    def now(self) -> datetime:
        """Return the org's time, UTC, in whole seconds: Salesforce stamps records to the second."""
        return (self._at or datetime.now(UTC)).replace(microsecond=0)

    def today(self) -> date:
        """Return the org's day. The org's time zone is UTC in this cut."""
        return self.now().date()

    def set(self, at: datetime) -> None:
        """Stop the clock at a moment."""
        self._at = _aware(at)

    def advance(self, by: timedelta) -> None:
        """Move a stopped clock; a running one is stopped first."""
        self._at = self.now() + by


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"the clock needs an aware datetime, got {at!r}; add tzinfo=UTC")
    return at.astimezone(UTC)
