"""What a field holds, and what a condition comes to."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

Value = str | bool | int | Decimal | date | datetime | None
Truth = bool | None
"""Kleene logic: None is unknown."""
