"""Python inside SQLite: local time, localized text and distances. Installed by run.py when a statement needs them.

The texts of FORMAT are those of two locales, and ISO for every other one; nobody has compared them with a live org.
"""

import math
import sqlite3
from typing import Any

from connector.localorg.soql.viewer import to_local

_DAYS = {"en_US": "{0.month}/{0.day}/{0.year}", "en_GB": "{0.day:02d}/{0.month:02d}/{0.year}"}
_RADIUS = {"km": 6371.0, "mi": 3958.8}


def install(connection: sqlite3.Connection) -> None:
    """Make the functions known to a connection."""
    connection.create_function("sf_local", 2, local_text, deterministic=True)
    connection.create_function("sf_format", 6, format_value, deterministic=True)
    connection.create_function("sf_distance", 5, distance, deterministic=True)


def local_text(stored: str | None, zone: str) -> str | None:
    """A stored moment as it reads on a clock of the zone."""
    return None if stored is None else to_local(stored, zone).strftime("%Y-%m-%dT%H:%M:%S.000%z")


def format_value(value: Any, kind: str, scale: int, locale: str, zone: str, code: str) -> str | None:
    """A stored value as people of a locale read it; amounts name their currency in an org with several."""
    if value is None:
        return None
    match kind:
        case "date":
            return _format_day(str(value), locale)
        case "datetime":
            return _format_moment(local_text(str(value), zone) or "", locale)
        case "currency":
            sign = f"{code} " if code else "£" if locale == "en_GB" else "$"
            return f"{'-' if value < 0 else ''}{sign}{abs(value):,.{max(scale, 2)}f}"
        case "percent":
            return f"{value:,.{scale}f}%"
        case "int" | "double":
            return f"{value:,.{scale}f}"
    return str(value)


def _format_day(text: str, locale: str) -> str:
    pattern = _DAYS.get(locale)
    return pattern.format(_Day(text)) if pattern else text[:10]


def _format_moment(text: str, locale: str) -> str:
    hour, minute = int(text[11:13]), text[14:16]
    clock = f"{(hour + 11) % 12 + 1}:{minute} {'AM' if hour < 12 else 'PM'}" if locale == "en_US" else text[11:16]
    return f"{_format_day(text, locale)} {clock}"


class _Day:
    """The numbers of a date in wire form."""

    def __init__(self, text: str) -> None:
        self.year, self.month, self.day = int(text[:4]), int(text[5:7]), int(text[8:10])


def distance(latitude: float | None, longitude: float | None, to_lat: float, to_lon: float, unit: str) -> float | None:
    """The great circle between two places."""
    if latitude is None or longitude is None:
        return None
    a, b, turn = math.radians(latitude), math.radians(to_lat), math.radians(to_lon - longitude)
    cosine = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(turn)
    return _RADIUS[unit] * math.acos(max(-1.0, min(1.0, cosine)))
