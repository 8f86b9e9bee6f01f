"""Gives everything that can be measured a sample plan: each published post, and each connected channel."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.engine import Database, Tx
from drumtower.db.models import SamplePlan
from drumtower.domain.ids import new_id
from drumtower.platforms import StatsSource
from drumtower.platforms.registry import Registry

# What a usual look reaches back to; the relay rings the bell right after a post is out.
RECENT = timedelta(hours=1)
# What a sweep reaches back to: a post whose outcome was found out late, or a platform that has learnt to count.
SWEEP = timedelta(days=90)
BATCH = 500

# By channel, because deliveries are indexed so: a look back of an hour must not read all that was ever published.
_POSTS = text("""
SELECT c.workspace_id, c.id AS channel_id, d.id AS delivery_id
FROM channels c
CROSS JOIN LATERAL (
    SELECT d.id FROM deliveries d
    WHERE d.channel_id = c.id AND d.published_at > :since AND d.state = 'published' AND d.action = 'publish'
      AND d.external_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM sample_plans p WHERE p.channel_id = c.id AND p.delivery_id = d.id)
) d
WHERE c.platform = ANY(:platforms)
LIMIT :most
""")
_CHANNELS = text("""
SELECT c.workspace_id, c.id AS channel_id, CAST(NULL AS uuid) AS delivery_id
FROM channels c
WHERE c.platform = ANY(:platforms) AND c.status = 'connected'
  AND NOT EXISTS (SELECT FROM sample_plans p WHERE p.channel_id = c.id AND p.delivery_id IS NULL)
LIMIT :most
""")


def sources(registry: Registry) -> list[str]:
    """Return the platforms that give numbers."""
    return [slug for slug, adapter in registry.adapters.items() if issubclass(adapter, StatsSource)]


async def step(db: Database, platforms: Collection[str], now: datetime, back: timedelta) -> timedelta | None:
    """Plan what has no plan yet, posts published up to `back` ago among it; zero while there may be more."""
    given = {"platforms": list(platforms), "most": BATCH}
    async with db.transaction() as tx:
        posts = (await tx.execute(_POSTS, {**given, "since": now - back})).all()
        channels = (await tx.execute(_CHANNELS, given)).all()
        await _add(tx, [*posts, *channels], now)
    return timedelta() if BATCH in (len(posts), len(channels)) else None


async def _add(tx: Tx, subjects: list[Any], now: datetime) -> None:
    if subjects:
        plans = [
            {
                "id": new_id(),
                "workspace_id": row.workspace_id,
                "channel_id": row.channel_id,
                "delivery_id": row.delivery_id,
                "next_at": now,
                "failures": 0,
            }
            for row in subjects
        ]
        # Another replica may have been faster.
        await tx.execute(insert(SamplePlan).values(plans).on_conflict_do_nothing())
