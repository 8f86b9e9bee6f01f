"""What is published and planned on channels, for their ad share, and what a second person has allowed."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select

from drumtower.db.engine import Tx
from drumtower.db.models import AdShareOverride, Delivery
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.ad_share import Item
from drumtower.domain.content import Nature
from drumtower.domain.deliveries import Action, State

# What never went out, and will not by itself.
NOT_COUNTED = (State.CANCELLED, State.FAILED, State.MISSED)
# A post may have gone out later than it was due by so much, and is found by when it was due.
LATEST = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Item):
    """An item with what it is."""

    post_id: UUID | None
    delivery_id: UUID
    due_at: datetime
    is_out: bool


async def counted_on(
    tx: Tx, channel_ids: Collection[UUID], start: datetime, end: datetime
) -> dict[UUID, list[Counted]]:
    """Return what each channel has published or planned between the two, both inclusive."""
    at = func.coalesce(Delivery.published_at, Delivery.due_at)
    nature = Delivery.payload["nature"].astext == Nature.PROMOTIONAL.value
    rows = await tx.execute(
        select(
            Delivery.channel_id,
            Delivery.id,
            Delivery.post_id,
            Delivery.due_at,
            Delivery.published_at,
            at.label("at"),
            nature.label("promotional"),
        ).where(
            Delivery.channel_id.in_(channel_ids),
            Delivery.action == Action.PUBLISH.value,
            Delivery.state.not_in([state.value for state in NOT_COUNTED]),
            Delivery.due_at.between(start - LATEST, end),
            at.between(start, end),
        )
    )
    found: dict[UUID, list[Counted]] = defaultdict(list)
    for row in rows:
        item = Counted(
            at=row.at,
            promotional=row.promotional,
            post_id=row.post_id,
            delivery_id=row.id,
            due_at=row.due_at,
            is_out=row.published_at is not None,
        )
        found[row.channel_id].append(item)
    return found


async def hold(tx: Tx, channel_ids: Collection[UUID]) -> None:
    """Let one promotional post at a time be planned on a channel: two that fit alone may not fit together."""
    for channel_id in sorted(channel_ids):
        await tx.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(f"ad_share:{channel_id}", 0)))
        )


async def overridden(tx: Tx, content_hashes: Collection[str]) -> set[tuple[str, UUID]]:
    """Return (content hash, channel) of what was allowed among these contents."""
    statement = select(AdShareOverride.content_hash, AdShareOverride.channel_id).where(
        AdShareOverride.content_hash.in_(content_hashes)
    )
    return {(row.content_hash, row.channel_id) for row in await tx.execute(statement)}


class AdShareRepository(Scoped):
    """Reads overrides."""

    def overrides(self, post_id: UUID | None) -> Select[AdShareOverride]:
        statement = self.select(AdShareOverride)
        return statement if post_id is None else statement.where(AdShareOverride.post_id == post_id)

    async def override(self, post_id: UUID, channel_id: UUID, content_hash: str) -> AdShareOverride | None:
        statement = self.overrides(post_id).where(
            AdShareOverride.channel_id == channel_id, AdShareOverride.content_hash == content_hash
        )
        return await self.tx.scalar(statement)
