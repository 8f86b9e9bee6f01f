"""Moments as platforms write them. What is no moment reads as None: a caller decides what that proves."""

from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from typing import Any

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
# Numbers above this are milliseconds; as seconds they would lie in the year 5138.
_MILLISECONDS = 10**11


def epoch(value: Any) -> datetime | None:
    """Read seconds or milliseconds since 1970, as a number or as digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MILLISECONDS * 10**3:
        return None
    seconds = value / 1000 if value >= _MILLISECONDS else value
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


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
