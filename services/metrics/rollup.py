"""Folds new samples into daily rollups: only the days they touch, however long the history is."""

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DataError, IntegrityError

from drumtower.db.engine import Database, Tx
from drumtower.db.models import Channel, DirtyDay, Workspace
from drumtower.db.repositories.rollups import RollupRepository

log = structlog.get_logger(__name__)

CHANNELS = 200
DAYS = 500

# At random, so that replicas seldom meet, and channels that can't be rolled up never stand in the way of the others.
_DIRTY = text("""
SELECT workspace_id, channel_id FROM (SELECT DISTINCT workspace_id, channel_id FROM dirty_days) d
ORDER BY random() LIMIT :most
""")


async def step(db: Database) -> timedelta | None:
    """Roll up every dirty channel once; zero while there may be more to do than was done."""
    async with db.transaction() as tx:
        dirty = (await tx.execute(_DIRTY, {"most": CHANNELS})).all()
    done = [await _try(db, workspace_id, channel_id) for workspace_id, channel_id in dirty]
    more = DAYS in done or (len(dirty) == CHANNELS and any(done))
    return timedelta() if more else None


async def _try(db: Database, workspace_id: UUID, channel_id: UUID) -> int:
    try:
        return await roll_up(db, workspace_id, channel_id)
    except (IntegrityError, DataError) as error:
        # Its dirt is still there; the other channels go on.
        log.exception("rollup.failed", channel_id=str(channel_id), error=type(error.orig).__name__)
        return 0


async def roll_up(db: Database, workspace_id: UUID, channel_id: UUID) -> int:
    """Roll up one channel's dirty days, and return how many; 0 too where another replica is at it."""
    async with db.transaction() as tx:
        zone = await _zone(tx, channel_id)
        if zone is None:
            await tx.execute(delete(DirtyDay).where(DirtyDay.channel_id == channel_id))
            return 0
        rollups = RollupRepository(tx, workspace_id, channel_id, zone)
        if not await rollups.lock():
            return 0
        dirt = await rollups.take_dirt(DAYS)
        await rollups.make(dirt)
    return len(dirt)


async def _zone(tx: Tx, channel_id: UUID) -> ZoneInfo | None:
    """Return the zone whose days count for the channel; None where the channel is gone."""
    name = await tx.scalar(
        select(Workspace.timezone)
        .join(Channel, Channel.workspace_id == Workspace.id)
        .where(Channel.id == channel_id)
    )
    return ZoneInfo(name) if name else None
