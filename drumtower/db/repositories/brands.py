"""Brands of one workspace."""

from uuid import UUID

from sqlalchemy import Select

from drumtower.db.models import Brand
from drumtower.db.repositories.scope import Scoped


class BrandRepository(Scoped):
    """Reads and adds brands."""

    def all(self) -> Select[Brand]:
        return self.select(Brand)

    async def get(self, brand_id: UUID, *, lock: bool = False) -> Brand:
        """Return the brand; raise NotFound."""
        return await self.find(Brand, brand_id, "brand", lock=lock)

    async def knows(self, brand_id: UUID) -> bool:
        """Say whether this is a brand of the workspace."""
        return await self.tx.scalar(self.all().where(Brand.id == brand_id)) is not None

    def add(self, brand: Brand) -> Brand:
        self.tx.add(brand)
        return brand
