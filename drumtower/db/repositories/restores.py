"""What a database that was restored from a backup can't know: which of its deliveries went out after the backup."""

from sqlalchemy import func, select

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery
from drumtower.db.repositories.deliveries import move
from drumtower.domain import failures
from drumtower.domain.deliveries import Event, State

BATCH = 200
# What has left, or is with a platform, is looked up or asked for anyway.
_UNSENT = (State.PLANNED.value, State.RETRYING.value, State.CLAIMED.value)
_LOST = failures.OutcomeUnknown(
    detail="The database was restored from a backup: it may have gone out after that."
)


async def doubt(tx: Tx) -> int:
    """Make unknown what is due and not sent, as far as this database knows; return how many, zero at the end."""
    due = await tx.scalars(
        select(Delivery)
        .where(Delivery.state.in_(_UNSENT), Delivery.due_at <= func.now())
        .order_by(Delivery.due_at)
        .limit(BATCH)
        .with_for_update()
    )
    rows = due.all()
    now = (await tx.execute(select(func.now()))).scalar_one()
    code = failures.code(_LOST)
    for row in rows:
        row.fence += 1
        error = {"code": code, "detail": _LOST.detail, "hint": failures.HINTS[code]}
        await move(tx, row, Event.LOSE, now, next_at=now, lookups=0, lease_until=None, error=error)
    return len(rows)
