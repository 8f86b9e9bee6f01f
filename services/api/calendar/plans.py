"""What stands in the calendar without being a post or a delivery: freezes, and days of series not planned yet."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from drumtower.db.engine import Tx
from drumtower.db.models import Freeze, Occurrence, Post, Series
from drumtower.db.repositories.freezes import FreezeRepository
from drumtower.db.repositories.series import SeriesRepository, plan_of
from drumtower.domain.series import SeriesState, days
from services.api.calendar.schemas import CalendarDay, CalendarFreeze, CalendarOccurrence
from services.api.principals import Principal

MOST = 1_000  # freezes, or series, in one answer: more than a quarter has room for


async def add_freezes(
    tx: Tx,
    principal: Principal,
    by_day: dict[date, CalendarDay],
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
) -> None:
    """Put each standing freeze on the days that it touches."""
    standing = FreezeRepository(tx, principal.workspace_id).standing(start, end)
    for freeze in await tx.scalars(standing.order_by(Freeze.starts_at, Freeze.id).limit(MOST)):
        shown = _freeze(freeze)
        first = freeze.starts_at.astimezone(zone).date()
        # The end is exclusive: a freeze up to midnight does not touch the day that begins then.
        last = (min(freeze.ends_at or end, end) - timedelta(microseconds=1)).astimezone(zone).date()
        for day, cell in by_day.items():
            if first <= day <= last:
                cell.freezes.append(shown)


def _freeze(freeze: Freeze) -> CalendarFreeze:
    return CalendarFreeze.model_validate(
        {name: getattr(freeze, name) for name in CalendarFreeze.model_fields}
    )


async def add_occurrences(
    tx: Tx,
    principal: Principal,
    by_day: dict[date, CalendarDay],
    now: datetime,
    zone: ZoneInfo,
    campaign_id: UUID | None,
) -> None:
    """Put what active series will plan on its days; what they have planned is among the deliveries."""
    series = SeriesRepository(tx, principal.workspace_id)
    active = series.all().where(Series.state == SeriesState.ACTIVE.value).order_by(Series.id).limit(MOST)
    if campaign_id is not None:
        active = active.join(Post, Post.id == Series.post_id).where(Post.campaign_id == campaign_id)
    rows = (await tx.scalars(active)).all()
    near = (min(by_day) - timedelta(days=1), max(by_day) + timedelta(days=1))  # their zones differ from ours
    planned = select(Occurrence.series_id, Occurrence.day).where(
        Occurrence.workspace_id == principal.workspace_id, Occurrence.day.between(*near)
    )
    known = {(series_id, day) for series_id, day in await tx.execute(planned)} if rows else set()
    for row in rows:
        for at in _coming(row, near, known, now):
            cell = by_day.get(at.astimezone(zone).date())
            if cell is not None:
                cell.occurrences.append(_occurrence(row, at))


def _coming(
    series: Series, near: tuple[date, date], known: set[tuple[UUID, date]], now: datetime
) -> Iterator[datetime]:
    plan, since = plan_of(series), max(now, series.active_since)
    instants = (plan.at(day) for day in days(plan, *near) if (series.id, day) not in known)
    return (at for at in instants if at > since)


def _occurrence(series: Series, at: datetime) -> CalendarOccurrence:
    return CalendarOccurrence(
        series_id=series.id,
        name=series.name,
        post_id=series.post_id,
        channel_ids=[UUID(channel_id) for channel_id in series.channel_ids],
        due_at=at,
    )
