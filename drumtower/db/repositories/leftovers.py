"""Clean-ups that the engine owes: written with what made them necessary, so that no crash forgets them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery, Leftover


def leave(tx: Tx, delivery: Delivery, now: datetime, checkpoint: Mapping[str, Any] | None = None) -> None:
    """Owe the platform a clean-up of the delivery's checkpoint (or of `checkpoint`), if it names anything."""
    named = delivery.checkpoint if checkpoint is None else checkpoint
    if named:
        left = Leftover(
            workspace_id=delivery.workspace_id,
            delivery_id=delivery.id,
            channel_id=delivery.channel_id,
            checkpoint=dict(named),
            next_at=now,
            attempts=0,
            created_at=now,
        )
        tx.add(left)


async def take(tx: Tx, *, limit: int, lease: timedelta) -> Sequence[Leftover]:
    """Take the clean-ups that are due; each comes again after `lease` if we die. `attempts` is the fence."""
    due = (
        select(Leftover.id)
        .where(Leftover.next_at <= func.now())
        .order_by(Leftover.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = await tx.scalars(
        update(Leftover)
        .where(Leftover.id.in_(due.scalar_subquery()))
        .values(next_at=func.now() + lease, attempts=Leftover.attempts + 1)
        .returning(Leftover)
        .execution_options(synchronize_session=False)
    )
    return taken.all()


async def hold(tx: Tx, leftover_id: UUID, attempts: int) -> Leftover | None:
    """Lock it for writing; None where somebody else has it now."""
    return await tx.scalar(
        select(Leftover)
        .where(Leftover.id == leftover_id, Leftover.attempts == attempts, Leftover.next_at.is_not(None))
        .with_for_update()
    )
