"""Keeps the tables that only grow in hand: partitions made ahead, old idempotency keys removed."""

from datetime import datetime, timedelta

from sqlalchemy import text

from drumtower.db.engine import Database
from drumtower.db.partitions import ensure_partitions

# Longer than any client goes on repeating a request.
KEYS_KEPT = timedelta(hours=48)
BATCH = 5_000

_OLD_KEYS = text("""
DELETE FROM idempotency_keys WHERE id IN (
    SELECT id FROM idempotency_keys WHERE created_at < :before ORDER BY created_at LIMIT :most
    FOR UPDATE SKIP LOCKED
) RETURNING id
""")


async def step(db: Database, now: datetime) -> timedelta | None:
    """Make the coming months' partitions and remove a batch of old keys; zero while there are more."""
    async with db.transaction() as tx:
        await ensure_partitions(tx, now)
    async with db.transaction() as tx:
        gone = await tx.execute(_OLD_KEYS, {"before": now - KEYS_KEPT, "most": BATCH})
        removed = len(gone.all())
    return timedelta() if removed == BATCH else None
