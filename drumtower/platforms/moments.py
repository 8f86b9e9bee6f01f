"""Moments as platforms write them. What is no moment reads as None: a caller decides what that proves."""

from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from typing import Any

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
_LONGEST = 15
# Numbers above this (in the year 2106) are milliseconds.
_LAST_SECOND = 2**32


def epoch(value: Any, *, milliseconds: bool = True) -> datetime | None:
    """Read seconds since 1970, as a number or as digits; milliseconds too unless the platform writes none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        return None
    if value < _LAST_SECOND:
        return datetime.fromtimestamp(value, UTC)
    usable = milliseconds and _LAST_SECOND <= value < _LAST_SECOND * 1000
    return datetime.fromtimestamp(value / 1000, UTC) if usable else None


def iso(value: Any) -> datetime | None:
    """Read an ISO 8601 moment with its offset."""
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return parsed if parsed.tzinfo else None


def next_midnight(now: datetime, zone: tzinfo) -> datetime:
    """Return when the day after `now` begins in `zone`, in UTC: when a quota of the day opens again."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone).astimezone(UTC)
