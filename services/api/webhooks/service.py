"""Takes a webhook: verified, kept raw, understood and committed before the platform hears that it was taken."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter

from drumtower import feedback
from drumtower.connections import read_credentials
from drumtower.crypto import Undecryptable
from drumtower.db.engine import Tx
from drumtower.db.models import Channel
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.inbound import InboundRepository, channel_called
from drumtower.domain.errors import NotFound, Unavailable
from drumtower.platforms import (
    Credentials,
    Received,
    WebhookAnswer,
    WebhookReceiver,
    WebhookRefused,
    WebhookRequest,
)
from services.api.deps import Services
from services.api.webhooks.door import DOOR

log = structlog.get_logger(__name__)

Done = TypeVar("Done")

# Platforms hang up after 5 s; what is left is for the body. Whoever gets no connection early is sent away early: a
# statement that is cut off costs its connection, and under load that would be the end of all of them.
ANSWER_SECONDS = 3.0
CONNECT_SECONDS = 1.5
STATEMENT_MS = 2_000
LOCK_MS = 1_000

EVENTS = Counter("drumtower_webhooks_total", "Webhooks taken", ["platform", "outcome"])


async def challenge(
    services: Services, platform: str, channel_id: str, request: WebhookRequest
) -> WebhookAnswer:
    """Answer a platform's address check; raise WebhookRefused where it is forged."""

    async def look() -> tuple[Channel, WebhookReceiver, Credentials]:
        async with services.db.transaction() as tx:
            return await _called(services, tx, platform, channel_id)

    _, receiver, credentials = await _in_time(look)
    _check_query(request)
    return receiver.challenge(request, credentials)


async def receive(
    services: Services, platform: str, channel_id: str, request: WebhookRequest
) -> WebhookAnswer:
    """Take a webhook; return what the platform wants to hear once everything is committed.

    A repeat gets the same answer and changes nothing. A refused one (WebhookRefused) leaves nothing behind.
    """

    async def work(tx: Tx, careful: bool) -> tuple[str, WebhookAnswer]:
        channel, receiver, credentials = await _called(services, tx, platform, channel_id)
        _check_query(request)
        received = receiver.receive(request, credentials)
        if received.account_id not in ("", channel.account_id):
            return await _pass_on(services, tx, (channel, receiver), request, received, careful=careful)
        return await _take(tx, channel, request, received, careful=careful), received.answer

    outcome, answer = await _in_time(partial(feedback.transact, services.db, work))
    EVENTS.labels(platform, outcome).inc()
    return answer


async def _pass_on(
    services: Services,
    tx: Tx,
    called: tuple[Channel, WebhookReceiver],
    request: WebhookRequest,
    received: Received,
    *,
    careful: bool,
) -> tuple[str, WebhookAnswer]:
    """Give a push to the channel of its account, by that channel's own secret; one that nobody connected is answered.

    An app has one address for all its accounts, and a platform gives up on an address that refuses.
    """
    channel, receiver = called
    repository = ChannelRepository(tx, channel.workspace_id)
    theirs = await repository.by_account(channel.platform, received.account_id)
    if theirs is None or theirs.base_url != channel.base_url:
        return "foreign", received.answer
    read = receiver.receive(request, read_credentials(services.box, theirs))
    return await _take(tx, theirs, request, read, careful=careful), read.answer


async def _take(
    tx: Tx, channel: Channel, request: WebhookRequest, received: Received, *, careful: bool
) -> str:
    """Store the event and what it says; return "new" or "repeat"."""
    inbound = InboundRepository(tx, channel.workspace_id)
    now = request.received_at
    event_id = await inbound.keep(
        channel, key=received.event_key, query=dict(request.query), body=request.body, now=now
    )
    if event_id is None:
        return "repeat"
    ingested = await feedback.ingest(tx, channel, received.events, now, careful=careful)
    if ingested.faults:
        log.error("webhook.fault", channel_id=str(channel.id), reasons=[f.reason for f in ingested.faults])
        await inbound.fault(event_id, "\n".join(fault.reason for fault in ingested.faults))
    return "new"


async def _in_time(work: Callable[[], Coroutine[Any, Any, Done]]) -> Done:
    """Do it, or raise Unavailable in time: nothing is stored then as far as the platform knows, and it sends again.

    Who is cut off still rolls back, over a connection that may be as slow as what it was cut off from: that goes on
    behind the answer.
    """
    with DOOR.entered():
        task = asyncio.create_task(work())
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asyncio.shield(task)
        except OSError as error:  # TimeoutError is one
            log.warning("webhook.database_away", error=type(error).__name__)
            raise Unavailable(
                "database_unavailable",
                "The database is away for a moment; nothing was stored.",
                retry_after=2,
            ) from error
        finally:
            _leave_behind(task)


_left: set[asyncio.Task[Any]] = set()


def _leave_behind(task: asyncio.Task[Any]) -> None:
    """Cancel what is not done, and keep hold of it until it has tidied up; what it says then interests nobody."""
    if not task.done():
        _left.add(task)
        task.add_done_callback(_forget)
        task.cancel()


def _forget(task: asyncio.Task[Any]) -> None:
    _left.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("webhook.left_behind", error=type(error).__name__)


async def _called(
    services: Services, tx: Tx, platform: str, channel_id: str
) -> tuple[Channel, WebhookReceiver, Credentials]:
    """Return whom the address names. Every address that names nobody gets the same answer."""
    async with asyncio.timeout(CONNECT_SECONDS):
        await tx.connection()
    channel = await _channel(tx, platform, channel_id)
    if channel is None or channel.platform not in services.registry.adapters:
        raise _nobody()
    adapter = services.connections.adapter(channel.platform, channel.base_url)
    if not isinstance(adapter, WebhookReceiver):
        raise _nobody()
    try:
        return channel, adapter, read_credentials(services.box, channel)
    except Undecryptable as error:
        log.error("webhook.credentials_unreadable", channel_id=str(channel.id))
        raise Unavailable(
            "credentials_unreadable", "The channel's credentials can't be read; nothing was stored."
        ) from error


async def _channel(tx: Tx, platform: str, channel_id: str) -> Channel | None:
    try:
        called = UUID(channel_id)
    except ValueError:
        return None
    return await channel_called(tx, platform, called, statement_ms=STATEMENT_MS, lock_ms=LOCK_MS)


def _check_query(request: WebhookRequest) -> None:
    # No signature covers every parameter, and no column holds this character.
    if any("\x00" in part for pair in request.query.items() for part in pair):
        raise WebhookRefused("body_malformed", "a parameter holds U+0000")


def _nobody() -> NotFound:
    return NotFound("not_found", "There is no webhook at this address.")
