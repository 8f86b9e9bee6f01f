"""Slots of one channel, and which openings are taken."""

from collections.abc import Sequence
from datetime import datetime, time
from uuid import UUID

from sqlalchemy import Select, func, select

from drumtower.db.models import Delivery, Slot
from drumtower.db.repositories.scope import Scoped
from drumtower.domain import slots
from drumtower.domain.deliveries import Action, State
from drumtower.domain.errors import NotFound

_OVER = [State.CANCELLED.value, State.FAILED.value, State.MISSED.value]


class SlotRepository(Scoped):
    """Reads slots and what is planned on a channel."""

    def all(self, channel_id: UUID) -> Select[Slot]:
        return self.select(Slot).where(Slot.channel_id == channel_id)

    async def of(self, channel_id: UUID) -> Sequence[Slot]:
        """Return the channel's slots."""
        return (await self.tx.scalars(self.all(channel_id).order_by(Slot.id))).all()

    async def count(self, channel_id: UUID) -> int:
        counted = self.all(channel_id).with_only_columns(func.count())
        return (await self.tx.execute(counted)).scalar_one()

    async def get(self, channel_id: UUID, slot_id: UUID) -> Slot:
        """Return one slot of the channel; raise NotFound."""
        found = await self.tx.scalar(self.all(channel_id).where(Slot.id == slot_id))
        if found is None:
            raise NotFound.thing("slot")
        return found

    async def taken(self, channel_id: UUID, after: datetime) -> set[datetime]:
        """Return when something is to be published on the channel after `after`, and which openings are booked."""
        rows = await self.tx.execute(
            select(Delivery.due_at, Delivery.slot_at).where(
                Delivery.workspace_id == self.workspace_id,
                Delivery.channel_id == channel_id,
                Delivery.action == Action.PUBLISH.value,
                Delivery.state.not_in(_OVER),
                func.greatest(Delivery.due_at, Delivery.slot_at) > after,
            )
        )
        return {at for row in rows for at in row if at is not None}


def slot_of(row: Slot) -> slots.Slot:
    """Return the slot as the rules know it."""
    return slots.Slot(
        weekday=slots.Weekday(row.weekday), local=time.fromisoformat(row.local_time), timezone=row.timezone
    )
