"""Asks platforms that publish in their own time how it went. Each look is without side effect."""

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from drumtower.connections import Connections
from drumtower.db.engine import Database, persistently
from drumtower.db.models import Delivery
from drumtower.db.repositories.deliveries import move
from drumtower.domain import failures, retries
from drumtower.domain.deliveries import Event, State
from drumtower.platforms import Accepted, Confirmable, PlatformError, Published
from services.scheduler.gate import closed_channels
from services.scheduler.leases import LeaseLost, clock, hold, take_due
from services.scheduler.settle import apart, failure_json, open_attempt, settle
from services.scheduler.twins import disbelieve

log = structlog.get_logger(__name__)

BATCH = 50
LEASE = timedelta(seconds=60)

Answer = Published | Accepted | failures.Failure


async def confirm(db: Database, connections: Connections) -> timedelta | None:
    """Look at every accepted delivery whose turn it is."""
    async with db.transaction() as tx:
        closed = await closed_channels(tx, connections.registry)
        taken = await take_due(tx, State.ACCEPTED, limit=BATCH, lease=LEASE, closed=closed)
    await asyncio.gather(*(apart(_confirm(db, connections, delivery), delivery) for delivery in taken))
    return timedelta() if len(taken) == BATCH else None


async def _confirm(db: Database, connections: Connections, delivery: Delivery) -> None:
    assert delivery.next_at is not None
    started = delivery.next_at - LEASE  # when it was taken, by the database's clock
    told = await _look(connections, delivery)

    async def write() -> None:
        async with db.transaction() as tx:
            now = await clock(tx)
            [answer] = await disbelieve(tx, [(delivery.id, told)])
            row = await hold(tx, delivery.id, delivery.fence, State.ACCEPTED)
            attempt = open_attempt(row, "confirm", started)
            attempt.ended_at = now
            attempt.outcome = _word(answer)
            attempt.detail = answer.detail if not isinstance(answer, Published) else answer.external_id
            tx.add(attempt)
            if isinstance(answer, Published | Accepted | failures.ContentRejected | failures.Disconnected):
                await settle(tx, row, answer, now)
            elif isinstance(answer, failures.OutcomeUnknown | failures.NotPermitted):
                await move(
                    tx,
                    row,
                    Event.LOSE,
                    now,
                    next_at=retries.next_lookup(0, now),
                    lookups=0,
                    error=failure_json(answer),
                )
            else:  # the look itself failed; the delivery is as accepted as it was
                row.next_at = _again(answer, row, now)
                row.lookups += 1

    try:
        await persistently(write)
    except LeaseLost:
        return  # a webhook told us first


async def _look(connections: Connections, delivery: Delivery) -> Answer:
    try:
        connection = await connections.open(delivery.channel_id)
        if not isinstance(connection.adapter, Confirmable):
            return failures.OutcomeUnknown(detail=f"{connection.platform} can't be asked how it went")
        try:
            return await connection.adapter.confirm(connection.credentials, delivery.handle or {})
        except PlatformError as error:
            if isinstance(error.failure, failures.AuthExpired):
                await connections.renew(connection)
            raise
    except PlatformError as error:
        return error.failure
    except (SQLAlchemyError, OSError):
        raise
    except Exception as bug:  # an adapter's; it is looked up, and a person is asked in the end
        log.exception("delivery.broken", delivery_id=str(delivery.id))
        return failures.OutcomeUnknown(detail=f"internal error: {type(bug).__name__}")


def _again(failure: failures.Failure, row: Delivery, now: datetime) -> datetime:
    if isinstance(failure, failures.RateLimited):
        return failure.until or now + retries.BLIND_RATE_WAIT
    return now + retries.backoff(row.lookups + 1, 1.0)


def _word(answer: Answer) -> str:
    if isinstance(answer, Published):
        return "published"
    return "accepted" if isinstance(answer, Accepted) else failures.code(answer)
