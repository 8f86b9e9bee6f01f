"""Keeps the tables that only grow in hand: partitions made ahead, rows that nobody needs any more removed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from drumtower.db.engine import Database
from drumtower.db.partitions import ensure_partitions

BATCH = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How long after the moment in `column` the rows of `table` are kept."""

    table: str
    column: str
    kept: timedelta


RULES = (
    # Longer than any client goes on repeating a request.
    Rule(table="idempotency_keys", column="created_at", kept=timedelta(hours=48)),
    # Relayed long ago: whoever reads events has them.
    Rule(table="outbox_events", column="relayed_at", kept=timedelta(days=7)),
    # Of replicas that are gone.
    Rule(table="heartbeats", column="beat_at", kept=timedelta(days=1)),
)


async def step(db: Database, now: datetime) -> timedelta | None:
    """Make the coming months' partitions and remove a batch of old rows of each table; zero while there are more."""
    async with db.transaction() as tx:
        await ensure_partitions(tx, now)
    removed = [await _remove(db, rule, now) for rule in RULES]
    return timedelta() if BATCH in removed else None


async def _remove(db: Database, rule: Rule, now: datetime) -> int:
    old = f"SELECT ctid FROM {rule.table} WHERE {rule.column} < :before LIMIT :most FOR UPDATE SKIP LOCKED"  # noqa: S608 - ours
    async with db.transaction() as tx:
        gone = await tx.execute(
            text(f"DELETE FROM {rule.table} WHERE ctid IN ({old}) RETURNING 1"),  # noqa: S608 - ours
            {"before": now - rule.kept, "most": BATCH},
        )
        return len(gone.all())
