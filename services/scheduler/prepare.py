"""Does the slow part ahead of the due second: a fresh token, uploads, the platform's draft. Nothing of it is public."""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy import Interval, func, literal, or_, select
from sqlalchemy.exc import SQLAlchemyError

from drumtower.connections import Connections
from drumtower.db.engine import Database, Tx
from drumtower.db.models import Delivery
from drumtower.db.repositories.leftovers import leave
from drumtower.domain import failures
from drumtower.domain.deliveries import WAITING, Action, State
from drumtower.platforms import PlatformError, Preparable
from drumtower.settings import Settings
from drumtower.storage import Storage
from services.scheduler.leases import LeaseLost, clock, hold, take_unprepared
from services.scheduler.requests import publish_request, read_facts
from services.scheduler.settle import after_renewal, apart, failure_json

log = structlog.get_logger(__name__)

BATCH = 20
# A preparation that failed is tried again after this, but never later than the due instant, when sending does it.
AGAIN = timedelta(seconds=30)


async def prepare(
    db: Database, connections: Connections, storage: Storage, settings: Settings
) -> timedelta | None:
    """Prepare what is due soon."""
    able = {
        slug: adapter.capabilities.prepared_for
        for slug, adapter in connections.registry.adapters.items()
        if issubclass(adapter, Preparable)
    }
    async with db.transaction() as tx:
        for slug, good_for in able.items():
            if good_for is not None:
                await _forget_stale(tx, slug, good_for, settings.prepare_ahead)
        taken = await take_unprepared(
            tx, able, ahead=settings.prepare_ahead, limit=BATCH, lease=settings.lease
        )
    await asyncio.gather(
        *(apart(_prepare(db, connections, storage, delivery), delivery) for delivery in taken)
    )
    return timedelta() if len(taken) == BATCH else None


async def _forget_stale(tx: Tx, platform: str, good_for: timedelta, ahead: timedelta) -> None:
    """Forget what will no longer be on the platform when it is needed, so that it is prepared anew."""
    free = or_(Delivery.lease_until.is_(None), Delivery.lease_until < func.now())
    found = await tx.scalars(
        select(Delivery)
        .where(
            Delivery.state.in_([state.value for state in WAITING]),
            Delivery.next_at <= func.now() + ahead,
            Delivery.action == Action.PUBLISH.value,
            Delivery.platform == platform,
            Delivery.prepared_at + literal(good_for, Interval())
            <= func.greatest(Delivery.next_at, func.now()),
            free,
        )
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = found.all()
    now = await clock(tx)
    for row in rows:
        leave(tx, row, now)
        row.checkpoint, row.prepared, row.prepared_at = {}, False, None
        row.fence += 1


async def _prepare(db: Database, connections: Connections, storage: Storage, delivery: Delivery) -> None:
    failure: failures.Failure | None = None
    try:
        async with db.transaction() as tx:
            facts = await read_facts(tx, delivery)
        connection = await connections.open(delivery.channel_id)
        request = publish_request(facts, connection.adapter, connection.credentials, db, storage)
        assert isinstance(connection.adapter, Preparable)
        try:
            await connection.adapter.prepare(request)
        except PlatformError as error:
            failure = await after_renewal(connections, connection, error.failure)
    except PlatformError as error:
        failure = error.failure
    except LeaseLost:
        return
    except (SQLAlchemyError, ConnectionError, TimeoutError):
        raise
    except Exception as bug:  # ours or an adapter's; sending meets it again, and counts
        log.exception("delivery.broken", delivery_id=str(delivery.id))
        failure = failures.Transient(detail=f"internal error: {type(bug).__name__}")
    await _release(db, delivery, failure)


async def _release(db: Database, delivery: Delivery, failure: failures.Failure | None) -> None:
    try:
        async with db.transaction() as tx:
            row = await hold(tx, delivery.id, delivery.fence, State.PLANNED)
            row.prepared = failure is None
            row.error = None if failure is None else failure_json(failure)
            row.lease_until = None if failure is None else min(await clock(tx) + AGAIN, row.due_at)
    except LeaseLost:
        log.info("prepare.overtaken", delivery_id=str(delivery.id))
