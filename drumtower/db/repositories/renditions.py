"""Renditions of one workspace's assets, and the queue of those still to be made."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, func, select, update

from drumtower.db.engine import Tx
from drumtower.db.models import Rendition
from drumtower.db.repositories.scope import Scoped


class RenditionRepository(Scoped):
    """Reads and adds renditions."""

    def of(self, asset_id: UUID) -> Select[Rendition]:
        return self.select(Rendition).where(Rendition.asset_id == asset_id)

    async def by_key(self, asset_id: UUID, key: str) -> Rendition | None:
        return await self.tx.scalar(self.of(asset_id).where(Rendition.key == key).with_for_update())


async def take_rendition(tx: Tx, lease: timedelta) -> Rendition | None:
    """Take one that is to be made; nobody else gets it before the lease ends."""
    due = (
        select(Rendition.id)
        .where(Rendition.state == "pending", Rendition.next_at <= func.now())
        .order_by(Rendition.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    taken = (
        update(Rendition)
        .where(Rendition.id == due)
        .values(next_at=func.now() + lease, tries=Rendition.tries + 1)
        .returning(Rendition)
    )
    return (await tx.execute(taken)).scalar_one_or_none()
