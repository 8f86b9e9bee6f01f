"""Gaps and clashes, read off the calendar as it is shown."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import Brand, Channel
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.domain import gaps
from drumtower.domain.calendar import EventKind
from drumtower.domain.deliveries import Action, State
from drumtower.domain.gaps import HotDay, Planned
from services.api.calendar.gap_schemas import BrandGaps, ClashRead
from services.api.calendar.schemas import CalendarDay
from services.api.principals import Principal

NOT_SAID = frozenset({State.FAILED, State.MISSED})


async def look(
    tx: Tx, principal: Principal, days: Sequence[CalendarDay]
) -> tuple[list[BrandGaps], list[ClashRead]]:
    """Return each brand's silent days, and what gets in each other's way."""
    channels = await _channels(tx, principal)
    planned = [one for day in days for one in _planned(day)]
    brands = (await tx.scalars(BrandRepository(tx, principal.workspace_id).all().order_by(Brand.id))).all()
    said = {brand.id: set[date]() for brand in brands}
    for brand_id, day in _said(days, planned, channels):
        said[brand_id].add(day)
    silent = gaps.gaps((day.date for day in days), said)
    rests = {
        channel.id: timedelta(seconds=channel.min_gap_seconds)
        for channel in channels.values()
        if channel.min_gap_seconds
    }
    clashes = [*gaps.too_close(planned, rests), *gaps.twice(planned, _hot(days, channels))]
    shown = [BrandGaps(brand_id=brand.id, name=brand.name, days=silent[brand.id]) for brand in brands]
    return shown, [ClashRead.model_validate(clash) for clash in clashes]


async def _channels(tx: Tx, principal: Principal) -> dict[UUID, Channel]:
    every = ChannelRepository(tx, principal.workspace_id).all().order_by(Channel.id)
    return {channel.id: channel for channel in await tx.scalars(every)}


def _planned(day: CalendarDay) -> Iterator[Planned]:
    for one in day.deliveries:
        if one.action is Action.PUBLISH and one.state not in NOT_SAID:
            yield Planned(channel_id=one.channel_id, due_at=one.due_at, day=day.date, delivery_id=one.id)
    for coming in day.occurrences:
        for channel_id in coming.channel_ids:
            yield Planned(
                channel_id=channel_id, due_at=coming.due_at, day=day.date, series_id=coming.series_id
            )


def _said(
    days: Sequence[CalendarDay], planned: Sequence[Planned], channels: dict[UUID, Channel]
) -> Iterator[tuple[UUID, date]]:
    for day in days:
        for post in day.posts:
            yield post.brand_id, day.date
    for one in planned:
        yield channels[one.channel_id].brand_id, one.day


def _hot(days: Sequence[CalendarDay], channels: dict[UUID, Channel]) -> Iterator[HotDay]:
    by_brand: dict[UUID | None, set[UUID]] = defaultdict(set)
    for channel in channels.values():
        by_brand[channel.brand_id].add(channel.id)
        by_brand[None].add(channel.id)
    for day in days:
        for event in day.events:
            if event.kind is EventKind.HOT:
                concerned = frozenset(by_brand[event.brand_id])
                yield HotDay(event_id=event.id, day=day.date, channel_ids=concerned)
