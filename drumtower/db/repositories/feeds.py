"""Calendar feeds, and what they show of one workspace."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select

from drumtower.db.engine import Tx
from drumtower.db.models import CalendarEvent, CalendarFeed, Channel, Delivery, Post
from drumtower.db.repositories.calendar import CalendarEventRepository
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.deliveries import Action, State


async def by_token(tx: Tx, token_hash: bytes) -> CalendarFeed | None:
    """Return the feed that the token opens, whoever's it is; None where it was revoked or never was."""
    return await tx.scalar(
        select(CalendarFeed).where(CalendarFeed.token_hash == token_hash, CalendarFeed.revoked_at.is_(None))
    )


class FeedRepository(Scoped):
    """Reads feeds, and the rows of a feed that is of one brand or channel, or of all (None)."""

    def all(self) -> Select[CalendarFeed]:
        return self.select(CalendarFeed)

    async def brand_of(self, feed: CalendarFeed) -> UUID | None:
        """Return the brand whose things the feed shows; None: every brand's."""
        if feed.channel_id is None:
            return feed.brand_id
        return await self.tx.scalar(select(Channel.brand_id).where(Channel.id == feed.channel_id))

    async def events(
        self, first: date, last: date, brand_id: UUID | None, now: datetime
    ) -> list[CalendarEvent]:
        """Return the events of the brand, and those of all brands."""
        found = await CalendarEventRepository(self.tx, self.workspace_id).standing(first, last, now)
        return [one for one in found if brand_id is None or one.brand_id in (None, brand_id)]

    def posts(self, first: date, last: date, brand_id: UUID | None) -> Select[Post]:
        """Select the posts that are due on these days."""
        statement = self.select(Post).where(Post.due_on.between(first, last), Post.archived_at.is_(None))
        if brand_id is not None:
            statement = statement.where(Post.brand_id == brand_id)
        return statement.order_by(Post.due_on, Post.id)

    def deliveries(
        self, first: date, last: date, zone: ZoneInfo, brand_id: UUID | None, channel_id: UUID | None
    ) -> Select[Delivery, str, str]:
        """Select what leaves or left on these days of the zone, with its post's title and its channel's name."""
        start, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in _bounds(first, last))
        statement = (
            select(Delivery, Post.title, Channel.name)
            .join(Channel, Channel.id == Delivery.channel_id)
            .join(Post, Post.id == Delivery.post_id)
            .where(
                Delivery.workspace_id == self.workspace_id,
                Delivery.action == Action.PUBLISH.value,
                Delivery.state != State.CANCELLED.value,
                Delivery.due_at >= start,
                Delivery.due_at < end,
            )
        )
        if brand_id is not None:
            statement = statement.where(Channel.brand_id == brand_id)
        if channel_id is not None:
            statement = statement.where(Delivery.channel_id == channel_id)
        return statement.order_by(Delivery.due_at, Delivery.id)


def _bounds(first: date, last: date) -> Iterator[date]:
    yield first
    yield last + timedelta(days=1)
