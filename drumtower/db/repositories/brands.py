"""Brands of one workspace."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from drumtower.db.models import Brand, Delivery, Post
from drumtower.db.repositories.ad_share import NOT_COUNTED
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.deliveries import Action


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

    async def pillars(
        self, brand_id: UUID, start: datetime, end: datetime, besides: UUID | None = None
    ) -> dict[str | None, int]:
        """Count the brand's posts, out and planned between the two, by pillar; `besides` is not counted."""
        rows = await self.tx.execute(
            select(Post.pillar, func.count(Post.id.distinct()))
            .join(Delivery, Delivery.post_id == Post.id)
            .where(*self._said(brand_id, start, end), Post.id.is_distinct_from(besides))
            .group_by(Post.pillar)
        )
        return {row[0]: row[1] for row in rows}

    async def said(self, brand_id: UUID, start: datetime, end: datetime, most: int) -> Sequence[Post]:
        """Return the brand's posts of these days, the newest first."""
        found = select(Delivery.post_id).join(Post, Delivery.post_id == Post.id)
        ids = found.where(*self._said(brand_id, start, end))
        statement = self.select(Post).where(Post.id.in_(ids)).order_by(Post.id.desc()).limit(most)
        return (await self.tx.scalars(statement)).all()

    def _said(self, brand_id: UUID, start: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
        return (
            Delivery.workspace_id == self.workspace_id,
            Delivery.due_at.between(start, end),
            Delivery.action == Action.PUBLISH.value,
            Delivery.state.not_in([state.value for state in NOT_COUNTED]),
            Post.brand_id == brand_id,
        )

    def add(self, brand: Brand) -> Brand:
        self.tx.add(brand)
        return brand
