"""What a channel has planned and published in a platform's hour or day: counted, never kept, so it can't drift."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Text, case, cast, func, or_, select

from drumtower.db.models import Delivery
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.deliveries import LEASED, WAITING, State
from drumtower.domain.quotas import FREES, Quota, window

# What has been overdue for longer is not counted into the hour or day in which it will leave.
OVERDUE = timedelta(days=7)
_STILL_TO_LEAVE = [state.value for state in WAITING | LEASED | {State.HELD}]


def _leaves_at(now: datetime) -> ColumnElement[datetime]:
    """When it went out, or will at the earliest."""
    return case(
        (Delivery.published_at.is_not(None), Delivery.published_at),
        (Delivery.state.in_(_STILL_TO_LEAVE), func.greatest(Delivery.due_at, now)),
        else_=func.coalesce(Delivery.sent_at, Delivery.due_at),
    )


class QuotaRepository(Scoped):
    """Counts a workspace's deliveries against their channels' quotas."""

    async def hold(self, channel_id: UUID) -> None:
        """Let nobody else plan on the channel until the transaction ends. Take several in the order of their ids."""
        key = func.hashtextextended(cast(f"quota:{channel_id}", Text), 0)
        await self.tx.execute(select(func.pg_advisory_xact_lock(key)))

    async def used(
        self, channel_id: UUID, quota: Quota, at: datetime, now: datetime, *, but: UUID | None = None
    ) -> int:
        """Count what the hour or day that holds `at` has; `but` leaves one delivery out."""
        start, end = window(quota, at)
        leaves = _leaves_at(now)
        counts = await self.tx.scalar(
            select(func.count()).where(
                *self._counted(channel_id, quota, start, but), leaves >= start, leaves < end
            )
        )
        return counts or 0

    async def full(self, channel_id: UUID, quota: Quota, at: datetime, now: datetime) -> set[datetime]:
        """Return the starts of the hours or days from that of `at` on that are full."""
        start, _ = window(quota, at)
        leaves = _leaves_at(now)
        # Truncated on the zone's clock, and told as an instant again.
        begins = func.date_trunc(quota.period.value, leaves, quota.timezone)
        found = await self.tx.scalars(
            select(begins)
            .where(*self._counted(channel_id, quota, start, None), leaves >= start)
            .group_by(begins)
            .having(func.count() >= quota.count)
        )
        return set(found.all())

    def _counted(
        self, channel_id: UUID, quota: Quota, start: datetime, but: UUID | None
    ) -> list[ColumnElement[bool]]:
        since = or_(Delivery.due_at >= start - OVERDUE, Delivery.published_at >= start)
        conditions = [
            Delivery.workspace_id == self.workspace_id,
            Delivery.channel_id == channel_id,
            Delivery.action == quota.action.value,
            Delivery.state.not_in([state.value for state in FREES]),
            since,
        ]
        return [*conditions, Delivery.id != but] if but is not None else conditions
