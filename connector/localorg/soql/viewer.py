"""Who asks, and where they are: time zone, locale, fiscal year. Made by run.py for each statement, read when needed.

Date literals follow the user's time zone and locale (reference 2.1), in a Bulk job those of the user who made it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.localorg.transaction import Transaction
from connector.localorg.values import wire_datetime

GREENWICH = "GMT"


@dataclass
class Viewer:
    """One user for one statement; what it tells is read from the org when first asked."""

    txn: Transaction

    @property
    def user_id(self) -> str:
        """The user's id."""
        return self.txn.user_id

    @cached_property
    def zone(self) -> str:
        """The user's time zone; an unknown one counts as Greenwich."""
        found = self.txn.store.scalar('SELECT "TimeZoneSidKey" FROM "User" WHERE "Id" = ?', (self.txn.user_id,))
        return GREENWICH if found is None or find_zone(found) is None else str(found)

    @cached_property
    def locale(self) -> str:
        """The user's locale, such as en_GB."""
        found = self.txn.store.scalar('SELECT "LocaleSidKey" FROM "User" WHERE "Id" = ?', (self.txn.user_id,))
        return str(found or "en_US")

    @cached_property
    def fiscal_start(self) -> int:
        """The month in which the org's fiscal year begins."""
        return int(self.txn.store.scalar('SELECT "FiscalYearStartMonth" FROM "Organization" LIMIT 1') or 1)

    @cached_property
    def corporate_currency(self) -> str:
        """The currency that all others are measured by, in an org with several."""
        found = self.txn.select("CurrencyType", {"IsCorporate": 1})
        return str(found[0]["IsoCode"]) if found else ""

    @cached_property
    def currency(self) -> str:
        """The user's own currency: the default of the records that they make (object reference, User)."""
        row = self.txn.find("User", self.txn.user_id) or {}
        return str(row.get("DefaultCurrencyIsoCode") or self.corporate_currency)

    def knows_currency(self, code: str) -> bool:
        """Whether a currency is active in the org."""
        return bool(self.txn.select("CurrencyType", {"IsoCode": code, "IsActive": 1}))

    @property
    def today(self) -> date:
        """The user's day."""
        return to_local(self.txn.now, self.zone).date()

    def midnight(self, day: date) -> str:
        """The stored form of the moment at which a day of the user begins."""
        begins = datetime.combine(day, time(), find_zone(self.zone) or UTC)
        return wire_datetime(begins.astimezone(UTC))


@lru_cache(maxsize=64)
def find_zone(name: str) -> ZoneInfo | None:
    """A time zone by name, or None."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def to_local(stored: str, zone: str) -> datetime:
    """A stored moment in a time zone."""
    return datetime.strptime(stored, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(find_zone(zone))
