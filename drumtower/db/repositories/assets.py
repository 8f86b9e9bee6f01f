"""Assets of one workspace."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select

from drumtower.db.models import Asset
from drumtower.db.repositories.scope import Scoped


class AssetRepository(Scoped):
    """Reads assets."""

    def all(self) -> Select[Asset]:
        return self.select(Asset)

    async def get(self, asset_id: UUID, *, lock: bool = False) -> Asset:
        """Return the asset; raise NotFound."""
        return await self.find(Asset, asset_id, "asset", lock=lock)

    async def among(self, asset_ids: Collection[UUID]) -> dict[UUID, Asset]:
        """Return those of `asset_ids` that are this workspace's, by id."""
        if not asset_ids:
            return {}
        found = await self.tx.scalars(self.all().where(Asset.id.in_(asset_ids)))
        return {asset.id: asset for asset in found}
