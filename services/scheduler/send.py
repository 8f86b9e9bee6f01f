"""One claimed delivery, on to the platform's answer. No transaction is open while bytes travel."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from drumtower import http
from drumtower.connections import Connection, Connections
from drumtower.db.engine import Database
from drumtower.db.repositories.deliveries import Move, move_all
from drumtower.domain import failures
from drumtower.domain.deliveries import State
from drumtower.platforms import (
    Handoff,
    Messenger,
    Outcome,
    PlatformError,
    Preparable,
    PublishRequest,
    Replier,
    ReplyRequest,
)
from drumtower.settings import Settings
from drumtower.storage import Storage
from services.scheduler.claim import Flight, has_gone_stale, must_prepare, ready
from services.scheduler.gate import Call
from services.scheduler.intents import intend
from services.scheduler.last_checks import last_check, put_off, reasons_to_stop
from services.scheduler.leases import LeaseLost, hold
from services.scheduler.outcomes import Outcomes, Report
from services.scheduler.requests import is_publish, publish_request, read_facts, reply_request
from services.scheduler.settle import Result, after_renewal

log = structlog.get_logger(__name__)

# What must be left of the lease when bytes leave: the longest an answer may take, so that nobody reaps us meanwhile.
SEND_MARGIN_SECONDS = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends claimed deliveries, and hands what came of them to `outcomes`."""

    db: Database
    connections: Connections
    storage: Storage
    settings: Settings
    outcomes: Outcomes

    async def send(self, flight: Flight) -> None:
        """Bring one claimed delivery to the platform's answer. Raises nothing that another delivery could feel."""
        delivery = flight.delivery
        with structlog.contextvars.bound_contextvars(delivery_id=str(delivery.id), attempt=delivery.attempts):
            try:
                await self._send(flight)
            except LeaseLost as lost:
                log.info("delivery.lease_lost", detail=str(lost))
            except (DBAPIError, PoolTimeout, ConnectionError, TimeoutError):
                # The database is away: the lease runs out, and the reaper decides by what had started.
                log.exception("delivery.broken")
            except Exception as bug:
                # Ours or an adapter's. It counts as an attempt, so that it ends as failed and not never.
                log.exception("delivery.broken")
                failure = failures.OutcomeUnknown(detail=f"internal error: {type(bug).__name__}")
                await self._record(flight, failure, started=True)

    async def _send(self, flight: Flight) -> None:
        if flight.connection is None and not await self._catch_up(flight):
            return
        assert flight.connection is not None
        request = self._request(flight, flight.connection)
        await flight.until_due()
        call = self._call(flight, flight.now())
        result = await self._leave(flight.connection, request, flight.taken)
        await self._record(flight, result, started=True, call=call)

    async def _catch_up(self, flight: Flight) -> bool:
        """Do for one delivery what its claim could not: prepare it, check it again, commit its intent."""
        if not await self._check(flight):
            try:
                flight.connection = await self._make_ready(flight)
            except PlatformError as error:
                await self._record(
                    flight, error.failure, started=False, call=self._call(flight, flight.claimed_at)
                )
                return False
            await self._check(flight)
        return flight.connection is not None

    async def _check(self, flight: Flight) -> bool:
        """Check everything once more. True where that decides it: it was stopped, or its intent is committed."""
        now = flight.now()
        at = max(now, flight.leaves_at)
        leaves = {flight.delivery.id: at}
        async with self.db.transaction() as tx:
            row = await hold(tx, flight.delivery.id, flight.delivery.fence, State.CLAIMED)
            facts = await read_facts(tx, row)
            tx.expunge_all()
            stopped = await reasons_to_stop(tx, [facts], leaves)
            stop = last_check(facts, stopped.get(row.id), self.connections, at)
            connection = flight.connection or ready(facts, self.connections, at)
            if stop is None and connection is not None:
                wait = await self.outcomes.gate.closed(tx, self._call(flight, at), at)
                stop = None if wait is None else put_off(wait)
            if stop is not None:
                # Nothing was tried: the claim's attempt does not count.
                changes = {**stop.changes, "attempts": max(0, row.attempts - 1)}
                await move_all(tx, [Move(row, stop.event, now, changes)])
            elif connection is not None:
                await intend(tx, [facts], now, leaves)
        flight.facts = facts
        flight.connection = None if stop is not None else connection
        return stop is not None or connection is not None

    async def _make_ready(self, flight: Flight) -> Connection:
        """Do what should have been done ahead of time: a fresh token, uploads, the platform's draft."""
        connection = await self.connections.open(flight.facts.channel.id)
        now = flight.now()
        if has_gone_stale(connection, flight.delivery, now):
            flight.delivery.checkpoint = {}
        request = self._request(flight, connection)
        if isinstance(request, PublishRequest) and must_prepare(connection, flight.delivery, now):
            assert isinstance(connection.adapter, Preparable)
            try:
                await connection.adapter.prepare(request)
            except PlatformError as error:
                failure = await after_renewal(self.connections, connection, error.failure)
                raise PlatformError(failure) from error
        return connection

    def _request(self, flight: Flight, connection: Connection) -> PublishRequest | ReplyRequest:
        facts = flight.facts
        if is_publish(facts.delivery):
            return publish_request(facts, connection.adapter, connection.credentials, self.db, self.storage)
        return reply_request(facts, connection.credentials, self.db)

    async def _leave(
        self, connection: Connection, request: PublishRequest | ReplyRequest, taken: float
    ) -> Result:
        """Make the call, within the lease that began at `taken`."""
        lease = self.settings.lease.total_seconds()
        margin = min(SEND_MARGIN_SECONDS, lease / 2)
        limit = http.deadline.set(taken + lease - margin)
        try:
            async with asyncio.timeout(max(0.1, taken + lease - time.monotonic() - 1)):
                return await _call(connection, request)
        except PlatformError as error:
            return error.failure
        except TimeoutError:
            return failures.OutcomeUnknown(detail="the platform took longer than the lease")
        except LeaseLost:
            return failures.OutcomeUnknown(detail="the lease was lost between two remote writes")
        finally:
            http.deadline.reset(limit)

    def _call(self, flight: Flight, began: datetime) -> Call:
        facts = flight.facts
        first = flight.delivery.attempts <= 1
        return self.outcomes.gate.call(facts.delivery, facts.channel, first=first, began=began)

    async def _record(
        self, flight: Flight, result: Result, *, started: bool, call: Call | None = None
    ) -> None:
        """Hand the outcome over for writing."""
        if isinstance(result, failures.AuthExpired) and flight.connection is not None:
            result = await after_renewal(self.connections, flight.connection, result)
        delivery = flight.delivery
        report = Report(
            delivery_id=delivery.id,
            fence=delivery.fence,
            result=result,
            at=flight.now(),
            started=started,
            call=call,
        )
        self.outcomes.take(report)


async def _call(connection: Connection, request: PublishRequest | ReplyRequest) -> Outcome:
    adapter = connection.adapter
    if isinstance(request, PublishRequest):
        if connection.not_permitted is not None:
            return Handoff(reason=connection.not_permitted.reason)
        return await adapter.publish(request)
    if not request.external_id:
        return Handoff(reason="The id of the post that it follows is not known.")
    if request.kind == "message" and isinstance(adapter, Messenger):
        return await adapter.message(request)
    if isinstance(adapter, Replier):
        return await adapter.reply(request)
    return Handoff(reason=f"{adapter.slug} takes no answers by API")
