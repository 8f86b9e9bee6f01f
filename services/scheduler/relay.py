"""Tells other roles what happened: outbox rows become rings of their bells, at least once."""

from datetime import timedelta

from sqlalchemy import func, select, update

from drumtower.db.engine import Database
from drumtower.db.models import OutboxEvent
from drumtower.jobs import JobQueue, Role

BATCH = 500
LISTENERS = {"delivery.published": Role.METRICS, "delivery.planned": Role.SCHEDULER}


async def relay(db: Database, queue: JobQueue) -> timedelta | None:
    """Relay what waits. A crash between ring and commit rings twice, which nobody minds."""
    async with db.transaction() as tx:
        found = await tx.execute(
            select(OutboxEvent.id, OutboxEvent.name)
            .where(OutboxEvent.relayed_at.is_(None))
            .order_by(OutboxEvent.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        events = found.all()
        ids = [event.id for event in events]
        await tx.execute(update(OutboxEvent).where(OutboxEvent.id.in_(ids)).values(relayed_at=func.now()))
    for role in {LISTENERS[event.name] for event in events if event.name in LISTENERS}:
        await queue.ring(role)
    return timedelta() if len(events) == BATCH else None
