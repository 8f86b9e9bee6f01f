"""Slots: a channel's regular publishing times. A slot takes one delivery."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from drumtower.domain.schedules import recurring

MOST = 100  # a channel
# How far ahead a free slot is looked for: what is full for half a year is no plan.
AHEAD = timedelta(days=182)


class Weekday(StrEnum):
    """A day of the week, in ISO 8601's order."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"

    @classmethod
    def of(cls, day: date) -> "Weekday":
        return list(cls)[day.weekday()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A weekly wall-clock time in an IANA zone."""

    weekday: Weekday
    local: time
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One occurrence of a slot."""

    at: datetime
    slot: Slot


def next_opening(slots: Iterable[Slot], after: datetime, taken: Collection[datetime]) -> Opening | None:
    """Return the first opening after `after` that is not taken; None where there is none within AHEAD."""
    found = (_first(slot, after, taken) for slot in slots)
    return min((one for one in found if one is not None), key=lambda one: one.at, default=None)


def _first(slot: Slot, after: datetime, taken: Collection[datetime]) -> Opening | None:
    return next((Opening(at=at, slot=slot) for at in occurrences(slot, after) if at not in taken), None)


def occurrences(slot: Slot, after: datetime) -> Iterator[datetime]:
    """Return when the slot opens after `after`, within AHEAD.

    On the day the clocks change it follows domain/schedules.recurring: later by the gap, or the first of the two.
    """
    zone = ZoneInfo(slot.timezone)
    day = after.astimezone(zone).date()
    for offset in range(AHEAD.days + 1):
        there = day + timedelta(days=offset)
        if Weekday.of(there) is slot.weekday:
            at = recurring(datetime.combine(there, slot.local), zone)
            if at > after:
                yield at
