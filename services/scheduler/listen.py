"""Pulls comments, mentions and messages from channels whose platform gives them when asked."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter as Count
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from drumtower import feedback
from drumtower.connections import Connection, Connections
from drumtower.db.engine import Database, Tx
from drumtower.db.models import Channel, Delivery
from drumtower.db.repositories.feedback import FeedbackRepository
from drumtower.db.repositories.inbound import InboundRepository
from drumtower.domain import failures
from drumtower.domain.deliveries import Action, State
from drumtower.feedback import Fault
from drumtower.limits import Limits
from drumtower.platforms import FeedbackPage, FeedbackSource, PlatformError, PostReference
from drumtower.settings import Settings
from services.scheduler.turns import Turn, advance, claim, end, make_cursors, note, until_next

log = structlog.get_logger(__name__)

# Together shorter than what health takes for a standstill, and a pull is shorter than its lease.
CLAIM_FOR_SECONDS = 10.0
PULL_SECONDS = 15.0
LOOK_AGAIN_SECONDS = 0.5

MOST_PAGES = 20
POSTS_WATCHED = 50
WATCHED_FOR = timedelta(days=30)

HEARD = Count("drumtower_feedback_total", "Interactions pulled", ["platform"])


async def listen(db: Database, connections: Connections, settings: Settings) -> timedelta | None:
    """Pull from every channel whose turn it is; rest until the next one's."""
    adapters = connections.registry.adapters
    platforms = [slug for slug, adapter in adapters.items() if issubclass(adapter, FeedbackSource)]
    await make_cursors(db, platforms)
    limits = Limits(registry=connections.registry)
    pull = partial(_pull, db, connections, limits, settings.feedback_every)
    flying: dict[asyncio.Task[None], str] = {}
    closes = asyncio.get_running_loop().time() + CLAIM_FOR_SECONDS
    async with asyncio.TaskGroup() as group:
        while True:
            if asyncio.get_running_loop().time() < closes:
                for turn in await claim(db, limits, platforms, Counter(flying.values())):
                    flying[group.create_task(pull(turn))] = turn.channel.platform
            if not flying:
                break
            landed, _ = await asyncio.wait(
                flying, timeout=LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for task in landed:
                del flying[task]
    return await until_next(db, limits, platforms)


async def _pull(db: Database, connections: Connections, limits: Limits, every: timedelta, turn: Turn) -> None:
    """Take a channel's turn. Only our own database may stop the step; a channel's trouble is its own."""
    with structlog.contextvars.bound_contextvars(channel_id=str(turn.channel.id)):
        try:
            async with asyncio.timeout(PULL_SECONDS):
                more = await _read_pages(db, connections, turn)
        except PlatformError as error:
            failure = error.failure
        except TimeoutError:
            failure = failures.Transient(detail=f"no answer within {PULL_SECONDS:.0f} s")
        except (SQLAlchemyError, OSError):
            raise
        except Exception as error:  # an adapter's bug must not stop the other channels
            log.exception("feedback.broken")
            failure = failures.Transient(detail=f"{type(error).__name__}: {error}"[:300])
        else:
            await end(db, turn, every, more=more)
            return
        log.warning("feedback.failed", code=failures.code(failure), detail=failure.detail)
        await note(db, limits, turn, every, failure)


async def _read_pages(db: Database, connections: Connections, turn: Turn) -> bool:
    """Read page after page, each stored with its cursor; return whether there is more."""
    connection = await connections.open(turn.channel.id)
    async with db.transaction() as tx:
        posts = await _recent_posts(tx, turn.channel.id)
    cursor = turn.cursor
    for number in range(MOST_PAGES):
        page, connection = await _ask(connections, connection, cursor, posts, first=number == 0)
        cursor = feedback.storable(page.cursor)
        if not await _keep(db, turn, page) or not page.more:
            return False
    return True


async def _ask(
    connections: Connections,
    connection: Connection,
    cursor: dict[str, Any],
    posts: Sequence[PostReference],
    *,
    first: bool,
) -> tuple[FeedbackPage, Connection]:
    """Ask for one page; a refused token is renewed once a turn."""
    adapter = connection.adapter
    assert isinstance(adapter, FeedbackSource)
    try:
        return await adapter.feedback(connection.credentials, cursor, posts), connection
    except PlatformError as error:
        if not (first and isinstance(error.failure, failures.AuthExpired)):
            raise
    await connections.renew(connection)
    renewed = await connections.open(connection.channel_id)
    return await adapter.feedback(renewed.credentials, cursor, posts), renewed


async def _recent_posts(tx: Tx, channel_id: UUID) -> list[PostReference]:
    found = await tx.execute(
        select(Delivery.external_id, Delivery.published_at, Delivery.context)
        .where(
            Delivery.channel_id == channel_id,
            Delivery.published_at > func.now() - WATCHED_FOR,
            Delivery.action == Action.PUBLISH.value,
            Delivery.state == State.PUBLISHED.value,
            Delivery.external_id.is_not(None),
        )
        .order_by(Delivery.published_at.desc())
        .limit(POSTS_WATCHED)
    )
    return [
        PostReference(external_id=external_id, published_at=published_at, context=context)
        for external_id, published_at, context in found
        if external_id is not None and published_at is not None
    ]


async def _keep(db: Database, turn: Turn, page: FeedbackPage) -> bool:
    """Store a page and where it ends in one transaction; False where somebody else has our turn by now.

    A crash before the commit repeats the page, and what is stored already is known then.
    """
    added, held = await feedback.transact(db, partial(_write, turn, page))
    HEARD.labels(turn.channel.platform).inc(added)
    return held


async def _write(turn: Turn, page: FeedbackPage, tx: Tx, careful: bool) -> tuple[int, bool]:
    channel = turn.channel
    now = (await tx.execute(select(func.now()))).scalar_one()
    ingested = await feedback.ingest(tx, channel, page.events, now, careful=careful)
    await _quarantine(tx, channel, ingested.faults, now)
    await FeedbackRepository(tx, channel.workspace_id).link(channel.id)
    return ingested.added, await advance(tx, turn, page.cursor)


async def _quarantine(tx: Tx, channel: Channel, faults: Sequence[Fault], now: datetime) -> None:
    inbound = InboundRepository(tx, channel.workspace_id)
    for fault in faults:
        log.error("feedback.fault", reason=fault.reason)
        await inbound.keep(
            channel, key=f"pull:{fault.digest}", query={}, body=fault.entry, now=now, fault=fault.reason
        )
