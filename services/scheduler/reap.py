"""What a dead or paused dispatcher left behind: not started is due again, started is unknown."""

from datetime import timedelta

from sqlalchemy import func, select, text

from drumtower.db.engine import Database
from drumtower.db.models import Delivery
from drumtower.db.repositories.deliveries import move
from drumtower.domain import failures, retries
from drumtower.domain.deliveries import LEASED, Event, State
from services.scheduler.leases import clock
from services.scheduler.settle import close_attempt, failure_json

BATCH = 200
# A process that is frozen or cut off inside a transaction keeps its row locks, and SKIP LOCKED passes by its rows for
# as long. The server's own time-outs miss a session that stopped between the messages of one statement.
END_FROZEN = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user"
    " AND datname = current_database() AND application_name LIKE 'drumtower-%' AND xact_start IS NOT NULL"
    " AND wait_event = 'ClientRead' AND state_change < now() - interval '10 seconds'"
)


async def reap(db: Database) -> timedelta | None:
    """Take every lease that has run out away from its holder."""
    async with db.transaction() as tx:
        await tx.execute(END_FROZEN)
        stale = await tx.scalars(
            select(Delivery)
            .where(Delivery.state.in_([state.value for state in LEASED]), Delivery.next_at <= func.now())
            .order_by(Delivery.next_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        rows = stale.all()
        now = await clock(tx)
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
