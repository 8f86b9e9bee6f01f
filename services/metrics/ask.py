"""Asks one channel's platform for the numbers that are due."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

import structlog

from drumtower.connections import Connection, Connections
from drumtower.domain import failures
from drumtower.platforms import Audience, AudienceSource, PlatformError, Reading, StatsSource
from services.metrics.plans import Asked, Due

log = structlog.get_logger(__name__)

# One channel's calls all told; well within the lease.
CHANNEL_TIMEOUT = 40.0
POSTS_PER_CALL = 50

Answer = TypeVar("Answer")
Call = Callable[[Connection], Awaitable[Answer]]


async def ask(connections: Connections, channel_id: UUID, plans: Sequence[Due]) -> list[Asked]:
    """Ask for all that is due on a channel. Never raises: what went wrong is in the answers."""
    asking = _Asking(connections)
    failure: failures.Failure
    try:
        async with asyncio.timeout(CHANNEL_TIMEOUT):
            await asking.ask(channel_id, plans)
            return asking.asked
    except PlatformError as error:
        failure = error.failure
    except TimeoutError:
        failure = failures.Transient(detail=f"no answer within {CHANNEL_TIMEOUT:.0f} s")
    except Exception as error:
        # An adapter that breaks its contract must not stop the others, and the plan shall show why it has no numbers.
        log.exception("pull.broken", channel_id=str(channel_id), platform=plans[0].platform)
        failure = failures.Transient(detail=f"a fault on our side: {type(error).__name__}")
    settled = {each.due.id for each in asking.asked}
    return asking.asked + [Asked(due=plan, failure=failure) for plan in plans if plan.id not in settled]


class _Asking:
    """The calls to one channel; `asked` holds what has been settled so far."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.asked: list[Asked] = []

    async def ask(self, channel_id: UUID, plans: Sequence[Due]) -> None:
        """Ask for everything; raise PlatformError where the rest would fail alike."""
        connection = await self.connections.open(channel_id)
        own = [plan for plan in plans if plan.post is None]
        posts = [plan for plan in plans if plan.post is not None]
        if own:
            connection = await self._settle(connection, own, _channel_stats(own))
            connection = await self._audience(connection)
        for start in range(0, len(posts), POSTS_PER_CALL):
            batch = posts[start : start + POSTS_PER_CALL]
            connection = await self._settle(connection, batch, _post_stats(batch))

    async def _audience(self, connection: Connection) -> Connection:
        """Ask who follows, where the platform tells; a refusal stops nothing else, and is asked again the next day."""
        if not isinstance(connection.adapter, AudienceSource):
            return connection
        try:
            audience, connection = await self._renewing(connection, _audience_of)
            self.asked = [replace(one, audience=audience) for one in self.asked]
        except PlatformError as error:
            self.asked = [replace(one, audience_failure=error.failure) for one in self.asked]
        return connection

    async def _settle(
        self, connection: Connection, plans: Sequence[Due], call: Call[dict[UUID, Reading]]
    ) -> Connection:
        try:
            readings, connection = await self._renewing(connection, call)
        except PlatformError as error:
            # One kind of number may be closed to this account while another is open.
            if not isinstance(error.failure, failures.NotPermitted | failures.ContentRejected):
                raise
            self.asked += [Asked(due=plan, failure=error.failure) for plan in plans]
        else:
            self.asked += [Asked(due=plan, reading=readings.get(plan.id)) for plan in plans]
        return connection

    async def _renewing(self, connection: Connection, call: Call[Answer]) -> tuple[Answer, Connection]:
        """Make a call; where the token is refused, get a new one and make it once more."""
        try:
            return await call(connection), connection
        except PlatformError as error:
            if not isinstance(error.failure, failures.AuthExpired):
                raise
        await self.connections.renew(connection)
        renewed = await self.connections.open(connection.channel_id)
        return await call(renewed), renewed


def _source(connection: Connection) -> StatsSource:
    assert isinstance(connection.adapter, StatsSource)
    return connection.adapter


async def _audience_of(connection: Connection) -> Audience:
    assert isinstance(connection.adapter, AudienceSource)
    return await connection.adapter.audience(connection.credentials)


def _channel_stats(plans: Sequence[Due]) -> Call[dict[UUID, Reading]]:
    async def call(connection: Connection) -> dict[UUID, Reading]:
        reading = await _source(connection).channel_stats(connection.credentials)
        return {plan.id: reading for plan in plans}

    return call


def _post_stats(plans: Sequence[Due]) -> Call[dict[UUID, Reading]]:
    by_post = {plan.post.external_id: plan for plan in plans if plan.post is not None}

    async def call(connection: Connection) -> dict[UUID, Reading]:
        posts = [plan.post for plan in plans if plan.post is not None]
        readings = await _source(connection).post_stats(connection.credentials, posts)
        return {plan.id: readings[key] for key, plan in by_post.items() if key in readings}

    return call
