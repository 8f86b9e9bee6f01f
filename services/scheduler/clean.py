"""Takes away what preparations left on platforms for deliveries that no longer want it. It is never in a hurry."""

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from drumtower.connections import Connections
from drumtower.db.engine import Database, persistently
from drumtower.db.models import Channel, Leftover
from drumtower.db.repositories import leftovers
from drumtower.domain import failures, preparations
from drumtower.messages import CONNECTED
from drumtower.platforms import Discarder, PlatformError
from services.scheduler.leases import clock

log = structlog.get_logger(__name__)

BATCH = 10
LEASE = timedelta(seconds=60)
# Shorter than the lease, whatever the platform does.
SECONDS = 40.0

DISCARDED, KEPT, GIVEN_UP = "discarded", "kept", "given_up"


async def clean(db: Database, connections: Connections) -> timedelta | None:
    """Clean up what is owed; one that fails stops no other."""
    async with db.transaction() as tx:
        taken = await leftovers.take(tx, limit=BATCH, lease=LEASE)
    await asyncio.gather(*(_clean(db, connections, leftover) for leftover in taken))
    return timedelta() if len(taken) == BATCH else None


async def _clean(db: Database, connections: Connections, leftover: Leftover) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            answer = await _discard(db, connections, leftover)
    except (SQLAlchemyError, OSError):
        log.exception("leftover.broken", leftover_id=str(leftover.id))
        return  # it comes again when its lease runs out
    except Exception as bug:  # an adapter's, or its time ran out
        log.exception("leftover.broken", leftover_id=str(leftover.id))
        answer = failures.Transient(detail=f"internal error: {type(bug).__name__}")

    async def write() -> None:
        async with db.transaction() as tx:
            row = await leftovers.hold(tx, leftover.id, leftover.attempts)
            if row is not None:
                _write(row, answer, await clock(tx))

    await persistently(write)


async def _discard(db: Database, connections: Connections, leftover: Leftover) -> str | failures.Failure:
    async with db.transaction() as tx:
        channel = await tx.get_one(Channel, leftover.channel_id)
    adapter = connections.registry.adapters.get(channel.platform)
    if adapter is None or not issubclass(adapter, Discarder):
        return KEPT  # the platform clears it away by itself, or has no call for it
    if channel.status != CONNECTED:
        return failures.Disconnected(detail="the channel is disconnected")
    try:
        connection = await connections.open(channel.id)
        assert isinstance(connection.adapter, Discarder)
        try:
            await connection.adapter.discard(connection.credentials, leftover.checkpoint)
        except PlatformError as error:
            if isinstance(error.failure, failures.AuthExpired):
                await connections.renew(connection)
            raise
    except PlatformError as error:
        return error.failure
    return DISCARDED


def _write(row: Leftover, answer: str | failures.Failure, now: datetime) -> None:
    if isinstance(answer, str):
        row.outcome, row.next_at, row.ended_at, row.last_error = answer, None, now, None
        return
    row.last_error = f"{failures.code(answer)}: {answer.detail}"[:500]
    row.next_at = _again(answer, row.attempts, now)
    if row.next_at is None:
        row.outcome, row.ended_at = GIVEN_UP, now
        log.error("leftover.given_up", leftover_id=str(row.id), delivery_id=str(row.delivery_id))


def _again(failure: failures.Failure, tries: int, now: datetime) -> datetime | None:
    later = preparations.next_try(tries, now)
    if later is None:
        return None
    if isinstance(failure, failures.Disconnected):
        return max(later, now + preparations.DISCONNECTED_WAIT)
    if isinstance(failure, failures.RateLimited) and failure.until is not None:
        return max(later, failure.until)
    return later
