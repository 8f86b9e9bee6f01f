"""Lets go what a freeze held, once it is over: a channel's deliveries at a distance from each other, never a burst."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

import structlog
from sqlalchemy import select, text

from drumtower.db.engine import Database, Tx
from drumtower.db.models import Channel, Delivery, Freeze
from drumtower.db.repositories.deliveries import move
from drumtower.db.repositories.freezes import freezes_on, taken_on, thawed
from drumtower.domain.deliveries import Action, Event, is_late
from drumtower.domain.freezes import ANSWERS, Gaps, first_free
from drumtower.settings import Settings
from services.scheduler.freezing import frozen_json
from services.scheduler.leases import clock
from services.scheduler.settle import error_json

log = structlog.get_logger(__name__)

BATCH = 200
# One releaser at a time: two would not see each other's instants, and their deliveries would leave together.
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('release', 0))")


async def release(db: Database, settings: Settings) -> timedelta | None:
    """Release one batch of what is held by freezes that are over."""
    gaps = Gaps(publish=settings.release_gap, answer=settings.release_answer_gap)
    async with db.transaction() as tx:
        if not await tx.scalar(_ALONE):
            return None
        rows = await thawed(tx, BATCH)
        if not rows:
            return None
        await _release(tx, rows, gaps, await clock(tx))
    log.info("freeze.released", deliveries=len(rows))
    return timedelta() if len(rows) == BATCH else None


async def _release(tx: Tx, rows: Sequence[Delivery], gaps: Gaps, now: datetime) -> None:
    """Move the locked rows: on to another freeze, back to their plan, or to missed."""
    stopped = await freezes_on(tx, rows)
    for row in rows:
        if row.id in stopped:
            _hand_over(row, stopped[row.id], now)
    free = sorted((row for row in rows if row.id not in stopped), key=_lane)
    own = await _own_gaps(tx, {row.channel_id for row in free})
    for (channel_id, is_answer), lane in groupby(free, key=_lane):
        gap = gaps.answer if is_answer else max(gaps.publish, own[channel_id])
        await _space_out(tx, channel_id, is_answer, list(lane), gap, now)


async def _own_gaps(tx: Tx, channel_ids: Collection[UUID]) -> dict[UUID, timedelta]:
    """Return how far apart each channel wants its posts at all times; the claim keeps that too."""
    rows = await tx.execute(select(Channel.id, Channel.min_gap_seconds).where(Channel.id.in_(channel_ids)))
    return {row.id: timedelta(seconds=row.min_gap_seconds or 0) for row in rows}


def _lane(row: Delivery) -> tuple[UUID, bool]:
    """What may not burst: a channel's posts, and apart from them its answers."""
    return row.channel_id, row.purpose in ANSWERS


def _hand_over(row: Delivery, freeze: Freeze, now: datetime) -> None:
    row.freeze_id = freeze.id
    row.error = frozen_json(freeze)
    row.revision += 1
    row.updated_at = now


async def _space_out(
    tx: Tx, channel_id: UUID, is_answer: bool, lane: Sequence[Delivery], gap: timedelta, now: datetime
) -> None:
    actions = ANSWERS if is_answer else frozenset(Action) - ANSWERS
    taken = await taken_on(tx, channel_id, actions, now - gap)
    for row in lane:
        at = first_free(max(now, row.due_at), gap, taken)
        if is_late(row.due_at, row.late_by_seconds, at):
            await move(tx, row, Event.MISS, now, error=_missed(row, at))
            continue
        taken.append(at)
        await move(tx, row, Event.RELEASE, now, next_at=at, not_before=at, lease_until=None, error=None)


def _missed(row: Delivery, at: datetime) -> dict[str, object]:
    reason = (row.error or {}).get("detail", "It was frozen.")
    detail = (
        f"{reason} It was to go out within {row.late_by_seconds} s of {row.due_at.isoformat()},"
        f" and could leave at {at.isoformat()} at the earliest."
    )
    return error_json("missed", detail, "Schedule it again.")
