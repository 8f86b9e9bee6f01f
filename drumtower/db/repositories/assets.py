"""Assets of one workspace."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, or_
from sqlalchemy.exc import IntegrityError

from drumtower.db.models import Asset
from drumtower.db.repositories.scope import Scoped


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
