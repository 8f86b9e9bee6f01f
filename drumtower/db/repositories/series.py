"""Series of one workspace, what they have planned, and how a plan is taken back."""

from collections.abc import Collection, Sequence
from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery, Occurrence, Post, Series
from drumtower.db.repositories.deliveries import derive_status_of, move
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.deliveries import EDITABLE, Event, State
from drumtower.domain.series import Every, Plan, Rule, SeriesState
from drumtower.domain.slots import Weekday


class SeriesRepository(Scoped):
    """Reads series and occurrences."""

    def all(self) -> Select[Series]:
        return self.select(Series)

    async def get(self, series_id: UUID, *, lock: bool = False) -> Series:
        """Return the series; raise NotFound. `lock` it before anything it has planned changes."""
        return await self.find(Series, series_id, "series", lock=lock)

    def occurrences(self, series_id: UUID) -> Select[Occurrence]:
        return self.select(Occurrence).where(Occurrence.series_id == series_id)

    async def deliveries_of(self, occurrences: Collection[Occurrence]) -> dict[UUID, list[Delivery]]:
        """Return the deliveries by the id of their post."""
        ids = [one.post_id for one in occurrences if one.post_id is not None]
        statement = self.select(Delivery).where(Delivery.post_id.in_(ids)).order_by(Delivery.id)
        found: dict[UUID, list[Delivery]] = {post_id: [] for post_id in ids}
        for delivery in await self.tx.scalars(statement):
            if delivery.post_id is not None:
                found[delivery.post_id].append(delivery)
        return found

    async def coming(self, series_id: UUID, now: datetime) -> Sequence[Occurrence]:
        """Return the occurrences that have a post and are due after `now`, in order."""
        statement = self.occurrences(series_id).where(
            Occurrence.due_at > now, Occurrence.post_id.is_not(None)
        )
        return (await self.tx.scalars(statement.order_by(Occurrence.day))).all()


async def take_series(tx: Tx) -> Series | None:
    """Return a series that is to be looked at, locked; another replica takes another."""
    return await tx.scalar(
        select(Series)
        .where(Series.state == SeriesState.ACTIVE.value, Series.next_at <= func.now())
        .order_by(Series.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


async def wake(tx: Tx, post_id: UUID) -> None:
    """The post has changed, or its approval: what its series have planned is looked at again at once."""
    await tx.execute(update(Series).where(Series.post_id == post_id).values(next_at=func.now()))


async def withdraw(tx: Tx, occurrences: Sequence[Occurrence], now: datetime, *, whole: bool) -> int:
    """Take back what has not begun to leave, and return how many days are free again.

    A day of which something has left, or that a person has cancelled, stays as it is: with `whole` all of it, else
    only what has left. The copies of the others are archived.
    """
    taken = [one for one in occurrences if await _take_back(tx, one, now, whole=whole)]
    for occurrence in taken:
        await tx.delete(occurrence)
    await tx.flush()  # a day that is free again may be planned in the same transaction
    return len(taken)


async def _take_back(tx: Tx, occurrence: Occurrence, now: datetime, *, whole: bool) -> bool:
    rows = await tx.scalars(
        select(Delivery)
        .where(Delivery.post_id == occurrence.post_id)
        .order_by(Delivery.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = rows.all()
    waiting = [row for row in found if State(row.state) in EDITABLE | {State.CLAIMED}]
    is_whole = len(waiting) == len(found)
    if whole and not is_whole:
        return False
    for row in waiting:
        await move(tx, row, Event.CANCEL, now, fence=row.fence + 1)
    if is_whole:
        await _archive(tx, occurrence.post_id, now)
    return is_whole


async def _archive(tx: Tx, post_id: UUID | None, now: datetime) -> None:
    post = await tx.get_one(Post, post_id, with_for_update=True)
    post.archived_at = now
    post.revision += 1
    post.updated_at = now
    await derive_status_of(tx, post)


def plan_of(series: Series) -> Plan:
    """Return the series as the rules know it."""
    return Plan(
        rule=rule_of(series.rule),
        local=time.fromisoformat(series.local_time),
        timezone=series.timezone,
        starts_on=series.starts_on,
        ends_on=series.ends_on,
        times=series.times,
    )


def rule_of(stored: dict[str, Any]) -> Rule:
    return Rule(
        every=Every(stored["every"]),
        interval=stored["interval"],
        weekdays=tuple(Weekday(word) for word in stored["weekdays"]),
        day=stored["day"],
    )


def rule_json(rule: Rule) -> dict[str, Any]:
    return {
        "every": rule.every.value,
        "interval": rule.interval,
        "weekdays": [weekday.value for weekday in rule.weekdays],
        "day": rule.day,
    }
