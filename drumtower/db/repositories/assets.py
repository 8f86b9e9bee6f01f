"""Assets of one workspace."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.exc import IntegrityError

from drumtower.db.engine import Tx
from drumtower.db.models import Asset, Delivery, Post
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.deliveries import FINAL

SHOWN = 50  # deliveries, of all that wait with one file


async def waiting_with(
    tx: Tx, workspace_id: UUID, asset_id: UUID, now: datetime
) -> Sequence[Row[UUID, UUID]]:
    """Return the deliveries that are still to go out with the asset, the next first, with their posts' owners."""
    statement = (
        select(Delivery.id, Post.owner_id)
        .join(Post, Post.id == Delivery.post_id)
        .where(
            Delivery.workspace_id == workspace_id,
            Delivery.due_at >= now,
            Delivery.state.not_in([state.value for state in FINAL]),
            Delivery.payload["asset_ids"].contains([str(asset_id)]),
        )
    )
    return (await tx.execute(statement.order_by(Delivery.due_at, Delivery.id).limit(SHOWN))).all()


class AssetRepository(Scoped):
    """Reads and adds assets."""

    def all(self) -> Select[Asset]:
        """Those that people brought; renditions stand behind theirs."""
        return self.select(Asset).where(Asset.derived_from.is_(None))

    async def get(self, asset_id: UUID, *, lock: bool = False) -> Asset:
        """Return the asset; raise NotFound."""
        return await self.find(Asset, asset_id, "asset", lock=lock)

    async def by_content(self, sha256: str) -> Asset | None:
        """Return the asset with this content."""
        return await self.tx.scalar(self.all().where(Asset.sha256 == sha256))

    async def add(self, asset: Asset) -> Asset:
        """Add the asset, and return it; or the one with the same content that is there already."""
        try:
            async with self.tx.begin_nested():
                self.tx.add(asset)
        except IntegrityError:
            known = await self.by_content(asset.sha256)
            if known is None:
                raise
            return known
        return asset

    async def among(self, asset_ids: Collection[UUID]) -> dict[UUID, Asset]:
        """Return those of `asset_ids` that are this workspace's, and their renditions, by id."""
        if not asset_ids:
            return {}
        wanted = or_(Asset.id.in_(asset_ids), Asset.derived_from.in_(asset_ids))
        found = await self.tx.scalars(self.select(Asset).where(wanted))
        return {asset.id: asset for asset in found}
