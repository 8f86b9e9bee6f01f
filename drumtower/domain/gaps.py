"""Gaps and clashes of a plan: days on which a brand says nothing, and posts of a channel that get in each other's way."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What leaves to a channel: a delivery, or (no id) a day of a series that has none yet."""

    channel_id: UUID
    due_at: datetime
    day: date
    delivery_id: UUID | None = None
    series_id: UUID | None = None


class ClashKind(StrEnum):
    """Too close for the channel's gap, or twice on one day of a hot event."""

    CHANNEL_GAP = "channel_gap"
    HOT_EVENT = "hot_event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Things planned for one channel that get in each other's way, in the order in which they are due."""

    kind: ClashKind
    channel_id: UUID
    day: date
    planned: tuple[Planned, ...]
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HotDay:
    """One day of a hot event, with the channels of the brands it is for."""

    event_id: UUID
    day: date
    channel_ids: frozenset[UUID]


def gaps(days: Iterable[date], said: Mapping[UUID, set[date]]) -> dict[UUID, list[date]]:
    """Return, by brand, the days on which it says nothing; `said`: those on which it does."""
    every = list(days)
    return {brand_id: [day for day in every if day not in its] for brand_id, its in said.items()}


def too_close(planned: Iterable[Planned], rests: Mapping[UUID, timedelta]) -> Iterator[Clash]:
    """Return neighbours on a channel that are less than its gap apart; `rests` has the channels that have one."""
    for channel_id, own in _by_channel(planned).items():
        rest = rests.get(channel_id)
        for before, after in pairwise(own) if rest else ():
            if rest and after.due_at - before.due_at < rest:
                pair = (before, after)
                yield Clash(kind=ClashKind.CHANNEL_GAP, channel_id=channel_id, day=after.day, planned=pair)


def twice(planned: Iterable[Planned], hot: Iterable[HotDay]) -> Iterator[Clash]:
    """Return where a channel speaks more than once on a day of a hot event."""
    by_day: dict[tuple[UUID, date], list[Planned]] = defaultdict(list)
    for channel_id, own in _by_channel(planned).items():
        for one in own:
            by_day[channel_id, one.day].append(one)
    for moment in hot:
        for channel_id in sorted(moment.channel_ids):
            if len(found := by_day.get((channel_id, moment.day), [])) > 1:
                yield Clash(
                    kind=ClashKind.HOT_EVENT,
                    channel_id=channel_id,
                    day=moment.day,
                    planned=tuple(found),
                    event_id=moment.event_id,
                )


def _by_channel(planned: Iterable[Planned]) -> dict[UUID, list[Planned]]:
    found: dict[UUID, list[Planned]] = defaultdict(list)
    for one in sorted(planned, key=lambda one: one.due_at):
        found[one.channel_id].append(one)
    return found
