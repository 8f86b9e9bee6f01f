"""What people said to us, in one workspace, and what we answered."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select

from drumtower.db.models import Delivery, Interaction
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.interactions import InteractionKind


class InteractionRepository(Scoped):
    """Interactions and conversations of one workspace."""

    def all(self) -> Select[Interaction]:
        return self.select(Interaction)

    async def get(self, interaction_id: UUID, *, lock: bool = False) -> Interaction:
        """Return the interaction; raise NotFound."""
        return await self.find(Interaction, interaction_id, "interaction", lock=lock)

    def replies(self, interaction_id: UUID) -> Select[Delivery]:
        """Select our answers to an interaction, whatever became of them."""
        return self.select(Delivery).where(Delivery.interaction_id == interaction_id)

    async def posts_of(self, delivery_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """Return the posts behind deliveries, by delivery."""
        if not delivery_ids:
            return {}
        found = await self.tx.execute(
            select(Delivery.id, Delivery.post_id).where(
                Delivery.workspace_id == self.workspace_id,
                Delivery.id.in_(delivery_ids),
                Delivery.post_id.is_not(None),
            )
        )
        return {delivery_id: post_id for delivery_id, post_id in found if post_id is not None}

    async def last_messages(self, conversation_ids: Collection[UUID]) -> dict[UUID, datetime]:
        """Return when each person last wrote to us in private: platforms count reply windows from it."""
        if not conversation_ids:
            return {}
        found = await self.tx.execute(
            select(Interaction.conversation_id, func.max(Interaction.occurred_at))
            .where(
                Interaction.workspace_id == self.workspace_id,
                Interaction.conversation_id.in_(conversation_ids),
                Interaction.kind == InteractionKind.MESSAGE.value,
            )
            .group_by(Interaction.conversation_id)
        )
        return {row[0]: row[1] for row in found}
