"""Business hours: when a number of working hours is over, on working days only."""

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from drumtower.domain.calendar import MarkKind

SATURDAY = 5
# Nobody announces a year without a working day; past this, days count as they come.
LONGEST_BREAK = timedelta(days=366)


def is_workday(day: date, marked: Collection[MarkKind]) -> bool:
    """Say whether people work on the day: a make-up workday goes before a holiday, and both before the weekday."""
    if MarkKind.WORKDAY in marked:
        return True
    return MarkKind.STATUTORY_HOLIDAY not in marked and day.weekday() < SATURDAY


def after(
    start: datetime,
    span: timedelta,
    hours: tuple[time, time],
    zone: ZoneInfo,
    works: Callable[[date], bool],
) -> datetime:
    """Return when `span` of working time has passed since `start`: between the two `hours`, on days that `works` names."""
    day = start.astimezone(zone).date()
    last = day + LONGEST_BREAK
    while True:
        opens, closes = (datetime.combine(day, at, zone).astimezone(UTC) for at in hours)
        begins = max(opens, start)
        if begins < closes and (works(day) or day > last):
            if span <= closes - begins:
                return begins + span
            span -= closes - begins
            last = day + LONGEST_BREAK
        day += timedelta(days=1)
