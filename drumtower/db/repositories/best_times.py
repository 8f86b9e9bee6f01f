"""What a channel's posts brought, for its best times."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Date, cast, func, select

from drumtower.db.models import Delivery, Rollup
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.best_times import Result
from drumtower.domain.deliveries import Action, State
from drumtower.domain.samples import ENGAGEMENTS

# Posts are compared by what they brought in the same number of days, so a young one is left out.
DAYS = 3
PAST = timedelta(days=180)
MOST = 2_000


class BestTimeRepository(Scoped):
    """Reads a workspace's results."""

    async def results(self, channel_id: UUID, now: datetime) -> list[Result]:
        """Return the newest results of half a year; a post whose engagement is unknown is absent, not 0."""
        first_day = cast(Delivery.published_at, Date)
        rows = await self.tx.execute(
            select(Delivery.published_at, func.sum(Rollup.gain))
            .join(Rollup, Rollup.delivery_id == Delivery.id)
            .where(
                Delivery.workspace_id == self.workspace_id,
                Delivery.channel_id == channel_id,
                Delivery.action == Action.PUBLISH.value,
                Delivery.state == State.PUBLISHED.value,
                Delivery.published_at > now - PAST,
                Delivery.published_at <= now - timedelta(days=DAYS),
                Rollup.channel_id == channel_id,
                Rollup.metric.in_([metric.value for metric in ENGAGEMENTS]),
                Rollup.day <= first_day + DAYS,
            )
            .group_by(Delivery.id)
            .order_by(Delivery.published_at.desc())
            .limit(MOST)
        )
        return [Result(published_at=at, engagements=int(gained)) for at, gained in rows if at is not None]
