"""Settles unknown outcomes by looking, never by sending again: found, provably absent, or a person is asked."""

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from drumtower.connections import Connections
from drumtower.db.engine import Database, Tx, persistently
from drumtower.db.models import Delivery
from drumtower.db.repositories.deliveries import move
from drumtower.domain import failures, retries
from drumtower.domain.deliveries import Event, State
from drumtower.platforms import (
    Absent,
    Accepted,
    Finder,
    Finding,
    PlatformError,
    Published,
    ReplyFinder,
    Undecidable,
)
from drumtower.settings import Settings
from drumtower.storage import Storage
from services.scheduler.gate import closed_channels
from services.scheduler.leases import LeaseLost, clock, hold, take_due
from services.scheduler.requests import is_publish, publish_request, read_facts, reply_request
from services.scheduler.settle import apart, error_json, open_attempt, settle
from services.scheduler.twins import NOT_ITS_OWN, disbelieve

log = structlog.get_logger(__name__)

BATCH = 50
LEASE = timedelta(seconds=60)


async def reconcile(
    db: Database, connections: Connections, storage: Storage, settings: Settings
) -> timedelta | None:
    """Look at every unknown delivery whose turn it is."""
    async with db.transaction() as tx:
        closed = await closed_channels(tx, connections.registry)
        taken = await take_due(tx, State.UNKNOWN, limit=BATCH, lease=LEASE, closed=closed)
    await asyncio.gather(
        *(apart(_reconcile(db, connections, storage, settings, delivery), delivery) for delivery in taken)
    )
    return timedelta() if len(taken) == BATCH else None


async def _reconcile(
    db: Database, connections: Connections, storage: Storage, settings: Settings, delivery: Delivery
) -> None:
    assert delivery.next_at is not None
    started = delivery.next_at - LEASE  # when it was taken, by the database's clock
    found = await _look(db, connections, storage, delivery)
    adapter = connections.registry.adapters.get(delivery.platform)
    rest = (
        max(settings.reconcile_grace, adapter.capabilities.read_lag) if adapter else settings.reconcile_grace
    )

    async def write() -> None:
        async with db.transaction() as tx:
            now = await clock(tx)
            finding = await _its_own(tx, delivery, found)
            row = await hold(tx, delivery.id, delivery.fence, State.UNKNOWN)
            attempt = open_attempt(row, "reconcile", started)
            attempt.ended_at = now
            attempt.outcome, attempt.detail = _describe(finding)
            tx.add(attempt)
            await _apply(tx, row, finding, now, _rested(row, rest, started))

    try:
        await persistently(write)
    except LeaseLost:
        return  # a webhook or a person settled it first


async def _its_own(
    tx: Tx, delivery: Delivery, found: Finding | failures.Failure
) -> Finding | failures.Failure:
    if not isinstance(found, Published):
        return found
    [believed] = await disbelieve(tx, [(delivery.id, found)])
    return found if believed is found else Undecidable(reason=NOT_ITS_OWN)


def _rested(row: Delivery, rest: timedelta, looked_at: datetime) -> bool:
    """Say whether the platform's own read can be trusted by now: "absent" too early is no proof."""
    return looked_at - row.updated_at >= rest


async def _look(
    db: Database, connections: Connections, storage: Storage, delivery: Delivery
) -> Finding | failures.Failure:
    async with db.transaction() as tx:
        facts = await read_facts(tx, delivery)
    since = delivery.sent_at or delivery.due_at
    try:
        connection = await connections.open(delivery.channel_id)
        adapter = connection.adapter
        if is_publish(delivery) and isinstance(adapter, Finder):
            request = publish_request(facts, adapter, connection.credentials, db, storage)
            return await adapter.find(request, since)
        if not is_publish(delivery) and isinstance(adapter, ReplyFinder):
            return await adapter.find_reply(reply_request(facts, connection.credentials, db), since)
        return Undecidable(reason=f"{connection.platform} gives no way to look it up")
    except PlatformError as error:
        if isinstance(error.failure, failures.AuthExpired):
            await _renew(connections, delivery)
        return error.failure
    except LeaseLost:
        return failures.Transient(detail="overtaken")
    except (SQLAlchemyError, OSError):
        raise
    except Exception as bug:  # an adapter's
        log.exception("delivery.broken", delivery_id=str(delivery.id))
        return Undecidable(reason=f"looking for it failed: {type(bug).__name__}")


async def _renew(connections: Connections, delivery: Delivery) -> None:
    try:
        await connections.renew(await connections.open(delivery.channel_id))
    except PlatformError:
        return  # the next look tries again


async def _apply(
    tx: Tx, row: Delivery, finding: Finding | failures.Failure, now: datetime, rested: bool
) -> None:
    match finding:
        case Published() | Accepted():
            await settle(tx, row, finding, now)
        case Absent() if rested and row.attempts >= retries.MAX_ATTEMPTS:
            detail = f"It did not arrive in {row.attempts} attempts."
            await move(tx, row, Event.REFUSE, now, error=error_json("absent", detail))
        case Absent() if rested:
            await move(
                tx,
                row,
                Event.ABSENT,
                now,
                next_at=now,
                not_before=None,
                error=error_json("absent", "It was not on the platform: it goes again."),
            )
        case Undecidable(reason=reason):
            _ask_a_person(row, reason)
            _look_again(row, now)
        case _:  # absent, but too early to believe; or the look itself failed
            if row.lookups >= retries.LOOKS_BEFORE_ASKING and not isinstance(finding, Absent):
                _ask_a_person(row, "the platform could not be asked")
            _look_again(row, now)


def _ask_a_person(row: Delivery, reason: str) -> None:
    row.needs_check = True
    hint = "Look at the channel, and reconcile: live with its link, absent, or send_again if it is not there."
    row.error = error_json("needs_check", f"It may be live, and only a person can tell: {reason}.", hint)


def _look_again(row: Delivery, now: datetime) -> None:
    row.lookups += 1
    row.next_at = retries.next_lookup(row.lookups, now)


def _describe(finding: Finding | failures.Failure) -> tuple[str, str | None]:
    match finding:
        case Published(external_id=external_id):
            return "found", external_id
        case Accepted():
            return "accepted", None
        case Absent():
            return "absent", None
        case Undecidable(reason=reason):
            return "undecidable", reason
        case failure:
            return failures.code(failure), failure.detail
