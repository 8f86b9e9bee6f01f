"""What a dead or paused dispatcher left behind: not started is due again, started is unknown."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from drumtower.db.engine import Database
from drumtower.db.models import Delivery
from drumtower.db.repositories.deliveries import move
from drumtower.domain import failures, retries
from drumtower.domain.deliveries import LEASED, Event, State
from services.scheduler.settle import close_attempt, failure_json

BATCH = 200


async def reap(db: Database) -> timedelta | None:
    """Take every lease that has run out away from its holder."""
    async with db.transaction() as tx:
        stale = await tx.scalars(
            select(Delivery)
            .where(Delivery.state.in_([state.value for state in LEASED]), Delivery.next_at <= func.now())
            .order_by(Delivery.next_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        rows = stale.all()
        now = datetime.now(UTC)
        for row in rows:
            held = row.fence
            row.fence += 1  # whoever held it writes nothing from here on
            if State(row.state) is State.CLAIMED:
                await move(
                    tx, row, Event.RETRY, now, next_at=now, lease_until=None, attempts=row.attempts - 1
                )
                continue
            lost = failures.OutcomeUnknown(detail="the sending process ended before it knew the outcome")
            await close_attempt(tx, row.id, held, lost, now)
            await move(
                tx,
                row,
                Event.LOSE,
                now,
                next_at=retries.next_lookup(0, now),
                lookups=0,
                lease_until=None,
                error=failure_json(lost),
            )
    return timedelta() if len(rows) == BATCH else None
