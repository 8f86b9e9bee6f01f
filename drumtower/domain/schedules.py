"""When a post is due: an instant, or a wall-clock time in an IANA zone."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from drumtower.domain.errors import Invalid

# A client's "in a moment" that arrives a little late is not a past time.
GRACE = timedelta(seconds=5)
FURTHEST = timedelta(days=366 * 2)


@cache
def _names() -> frozenset[str]:
    # Listing them reads the whole time zone database: 26 ms, in which nothing else could run.
    return frozenset(available_timezones())


def zone(name: str, pointer: str = "/timezone") -> ZoneInfo:
    """Return the IANA zone; offsets such as GMT+8 and unknown names are refused."""
    if name not in _names():
        raise Invalid.at(
            pointer,
            "unknown_timezone",
            f"{name!r} is no IANA time zone.",
            "Use a name such as Asia/Shanghai.",
        )
    return ZoneInfo(name)


def resolve(local: datetime, timezone: str, pointer: str = "") -> datetime:
    """Return the instant of a wall-clock time; a time that daylight saving skips or doubles is refused.

    Both readings are offered, because only the person who plans knows which was meant.
    """
    if local.tzinfo is not None:
        raise Invalid.at(
            f"{pointer}/local",
            "offset_not_wanted",
            "`local` is a wall-clock time and takes no offset.",
            "Send `at` with an offset, or `local` with `timezone`.",
        )
    where = zone(timezone, f"{pointer}/timezone")
    first, second = (local.replace(tzinfo=where, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    options = " or ".join(instant.astimezone(where).isoformat() for instant in sorted((first, second)))
    gap = first.astimezone(where).replace(tzinfo=None) != local
    code, what = ("time_skipped", "does not exist") if gap else ("time_doubled", "happens twice")
    raise Invalid.at(
        f"{pointer}/local",
        code,
        f"{local.isoformat()} {what} in {timezone}: the clocks change.",
        f"Send `at` as {options}.",
    )


def recurring(local: datetime, where: ZoneInfo) -> datetime:
    """Return the instant of a wall-clock time that a plan repeats, where nobody is asked on the day the clocks change.

    A time that is skipped is read with the offset from before the gap, so it comes later by the gap; of a time that
    happens twice the first counts (RFC 5545, section 3.3.5).
    """
    return local.replace(tzinfo=where, fold=0).astimezone(UTC)


def check_future(at: datetime, now: datetime, pointer: str = "/at") -> None:
    """Refuse an instant that has passed or is too far off to be meant."""
    if at < now - GRACE:
        raise Invalid.at(
            pointer, "time_in_past", f"{at.isoformat()} has passed.", 'Give a later time, or "now": true.'
        )
    if at > now + FURTHEST:
        raise Invalid.at(
            pointer, "time_too_far", f"{at.isoformat()} is more than two years away.", "Check the year."
        )
