"""Keeps the tables that only grow in hand: partitions made ahead, rows that nobody needs any more removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from drumtower.db.engine import Database
from drumtower.db.partitions import ensure_partitions
from drumtower.platforms.registry import Registry

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
    # Two years, for a comparison with the same season.
    Rule(table="audience_profiles", column="as_of", kept=timedelta(days=731)),
    # Of replicas that are gone.
    Rule(table="heartbeats", column="beat_at", kept=timedelta(days=1)),
)


# What stays of an interaction: that it was one, when, about which post, and our own verdict on it. A person without an
# interaction left has no conversation either.
_FORGET = (
    """
    UPDATE interactions SET author_id = '', author_name = '', text = '', url = NULL
    WHERE id IN (SELECT id FROM interactions WHERE platform = :platform AND received_at < :before AND author_id <> ''
        LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING 1
    """,
    """
    DELETE FROM inbound_events WHERE id IN (SELECT id FROM inbound_events
        WHERE platform = :platform AND received_at < :before LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING 1
    """,
    """
    UPDATE conversations SET author_id = 'forgotten:' || id, author_name = '' WHERE id IN (
        SELECT conversations.id FROM conversations JOIN channels ON channels.id = conversations.channel_id
        WHERE channels.platform = :platform AND conversations.author_id NOT LIKE 'forgotten:%' AND NOT EXISTS (
            SELECT 1 FROM interactions
            WHERE interactions.conversation_id = conversations.id AND interactions.author_id <> '')
            AND conversations.last_at < :before
        LIMIT :most FOR UPDATE OF conversations SKIP LOCKED)
    RETURNING 1
    """,
)


def kept_feedback(registry: Registry) -> dict[str, timedelta]:
    """Return how long each platform that sets an end lets us keep who said what."""
    spans = {name: adapter.capabilities.feedback_kept for name, adapter in registry.adapters.items()}
    return {name: span for name, span in spans.items() if span is not None}


async def step(db: Database, now: datetime, kept: Mapping[str, timedelta] | None = None) -> timedelta | None:
    """Make the coming months' partitions and remove a batch of old rows of each table; zero while there are more.

    `kept`: by platform, how long it lets us keep who said what (`Capabilities.feedback_kept`).
    """
    async with db.transaction() as tx:
        await ensure_partitions(tx, now)
    removed = [await _remove(db, rule, now) for rule in RULES]
    for platform, span in (kept or {}).items():
        removed += await _forget(db, platform, now - span)
    return timedelta() if BATCH in removed else None


async def _remove(db: Database, rule: Rule, now: datetime) -> int:
    old = f"SELECT ctid FROM {rule.table} WHERE {rule.column} < :before LIMIT :most FOR UPDATE SKIP LOCKED"  # noqa: S608 - ours
    async with db.transaction() as tx:
        gone = await tx.execute(
            text(f"DELETE FROM {rule.table} WHERE ctid IN ({old}) RETURNING 1"),  # noqa: S608 - ours
            {"before": now - rule.kept, "most": BATCH},
        )
        return len(gone.all())


async def _forget(db: Database, platform: str, before: datetime) -> list[int]:
    """Take away who said what on a platform before then."""
    counts = []
    for statement in _FORGET:
        async with db.transaction() as tx:
            given = {"platform": platform, "before": before, "most": BATCH}
            counts.append(len((await tx.execute(text(statement), given)).all()))
    return counts
