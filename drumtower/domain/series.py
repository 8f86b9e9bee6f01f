"""Series: a plan that repeats, by days, weeks or months, on the clock of one zone."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import count, islice
from zoneinfo import ZoneInfo

from drumtower.domain.schedules import recurring
from drumtower.domain.slots import Weekday


class Every(StrEnum):
    """What a series counts in. Nothing is shorter than a day."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class SeriesState(StrEnum):
    """Whether it plans on."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


LONGEST_INTERVAL = {Every.DAY: 365, Every.WEEK: 52, Every.MONTH: 24}
# An occurrence gives way to what else its channel publishes, but not into another day's plan.
FURTHEST_SHIFT = timedelta(hours=12)
# What a stopped scheduler could not plan in time is still planned while it is no older; its own late policy decides.
OLDEST = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Every `interval` days, weeks (on `weekdays`) or months (on `day`; a shorter month's last day stands for it)."""

    every: Every
    interval: int = 1
    weekdays: tuple[Weekday, ...] = ()
    day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A series as the rules know it. `times` counts from the first day; it and `ends_on` may both be absent."""

    rule: Rule
    local: time
    timezone: str
    starts_on: date
    ends_on: date | None = None
    times: int | None = None

    def at(self, day: date) -> datetime:
        """Return the instant of the day's occurrence; on the day the clocks change as schedules.recurring says."""
        return recurring(datetime.combine(day, self.local), ZoneInfo(self.timezone))


def days(plan: Plan, first: date, last: date) -> Iterator[date]:
    """Return the days of the plan from `first` to `last`, both inclusive."""
    until = last if plan.ends_on is None else min(last, plan.ends_on)
    for day in islice(_all(plan.rule, plan.starts_on), plan.times):
        if day > until:
            return
        if day >= first:
            yield day


def _all(rule: Rule, start: date) -> Iterator[date]:
    match rule.every:
        case Every.DAY:
            return (start + timedelta(days=step) for step in count(0, rule.interval))
        case Every.WEEK:
            return _weekly(rule, start)
        case Every.MONTH:
            return _monthly(rule, start)


def _weekly(rule: Rule, start: date) -> Iterator[date]:
    monday = start - timedelta(days=start.weekday())
    order = list(Weekday)
    offsets = sorted(order.index(weekday) for weekday in rule.weekdays)
    for week in count(0, rule.interval):
        for offset in offsets:
            day = monday + timedelta(weeks=week, days=offset)
            if day >= start:
                yield day


def _monthly(rule: Rule, start: date) -> Iterator[date]:
    assert rule.day is not None
    for step in count(0, rule.interval):
        year, month = divmod(start.year * 12 + start.month - 1 + step, 12)
        day = date(year, month + 1, min(rule.day, monthrange(year, month + 1)[1]))
        if day >= start:
            yield day
