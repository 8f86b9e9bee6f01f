"""One claimed delivery, from the last checks to the platform's answer. No transaction is open while bytes travel."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from drumtower import http
from drumtower.connections import Connection, Connections
from drumtower.db.engine import Database, Tx, persistently
from drumtower.db.models import Delivery
from drumtower.db.repositories.deliveries import move
from drumtower.domain import failures
from drumtower.domain.deliveries import Action, Event, State, is_late
from drumtower.domain.errors import Severity, Violation
from drumtower.domain.reviews import Approval, approval_violations
from drumtower.messages import violations_of
from drumtower.platforms import (
    Handoff,
    Messenger,
    Outcome,
    PlatformError,
    Preparable,
    Published,
    PublishRequest,
    Replier,
    ReplyRequest,
)
from drumtower.settings import Settings
from drumtower.storage import Storage
from services.scheduler.freezing import hold_frozen
from services.scheduler.leases import LeaseLost, hold
from services.scheduler.requests import Facts, is_publish, publish_request, read_facts, reply_request
from services.scheduler.settle import (
    Result,
    after_renewal,
    close_attempt,
    error_json,
    open_attempt,
    settle,
    settle_published,
)

log = structlog.get_logger(__name__)

# What must be left of the lease when bytes leave: the longest an answer may take, so that nobody reaps us meanwhile.
SEND_MARGIN_SECONDS = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends claimed deliveries."""

    db: Database
    connections: Connections
    storage: Storage
    settings: Settings

    async def send(self, delivery: Delivery, taken: float) -> None:
        """Bring one delivery, claimed at `taken` (monotonic seconds), to its outcome, and record it.

        Raises nothing that another delivery could feel.
        """
        with structlog.contextvars.bound_contextvars(delivery_id=str(delivery.id), attempt=delivery.attempts):
            try:
                await self._send(delivery, taken)
            except LeaseLost as lost:
                log.info("delivery.lease_lost", detail=str(lost))
            except (DBAPIError, PoolTimeout, ConnectionError, TimeoutError):
                # The database is away: the lease runs out, and the reaper decides by what had started.
                log.exception("delivery.broken")
            except Exception as bug:
                # Ours or an adapter's. It counts as an attempt, so that it ends as failed and not never.
                log.exception("delivery.broken")
                failure = failures.OutcomeUnknown(detail=f"internal error: {type(bug).__name__}")
                await self._record(delivery, taken, connection=None, result=failure, started=True)

    async def _send(self, delivery: Delivery, taken: float) -> None:
        checked = await self._check(delivery, _now(delivery, taken))
        if checked is None:
            return
        facts, connection = checked
        if connection is None:
            try:
                connection = await self._make_ready(facts)
            except PlatformError as error:
                await self._record(delivery, taken, connection=None, result=error.failure, started=False)
                return
            if not await self._start(delivery, _now(delivery, taken)):
                return
        result = await self._leave(connection, self._request(facts, connection), taken)
        await self._record(delivery, taken, connection=connection, result=result, started=True)

    async def _check(self, delivery: Delivery, now: datetime) -> tuple[Facts, Connection | None] | None:
        """Read the facts and check everything once more; None where the delivery may not go.

        With nothing slow left to do, the intent is committed with the checks, and the open channel comes back.
        """
        async with self.db.transaction() as tx:
            row = await hold(tx, delivery.id, delivery.fence, State.CLAIMED)
            facts = await read_facts(tx, row)
            if await _stop(tx, facts, self.connections, now):
                return None
            connection = self.connections.ready(facts.channel)
            if connection is None or _must_prepare(connection, row):
                return facts, None
            await _intend(tx, row, now)
        return facts, connection

    async def _make_ready(self, facts: Facts) -> Connection:
        """Do what should have been done ahead of time: a fresh token, uploads, the platform's draft."""
        connection = await self.connections.open(facts.channel.id)
        request = self._request(facts, connection)
        if isinstance(request, PublishRequest) and _must_prepare(connection, facts.delivery):
            assert isinstance(connection.adapter, Preparable)
            try:
                await connection.adapter.prepare(request)
            except PlatformError as error:
                failure = await after_renewal(self.connections, connection, error.failure)
                raise PlatformError(failure) from error
        return connection

    def _request(self, facts: Facts, connection: Connection) -> PublishRequest | ReplyRequest:
        if is_publish(facts.delivery):
            return publish_request(facts, connection.adapter, connection.credentials, self.db, self.storage)
        return reply_request(facts, connection.credentials, self.db)

    async def _start(self, delivery: Delivery, now: datetime) -> bool:
        """Commit the intent after a preparation; False where a freeze has come meanwhile."""
        async with self.db.transaction() as tx:
            row = await hold(tx, delivery.id, delivery.fence, State.CLAIMED)
            if not await hold_frozen(tx, [row], now):
                return False
            await _intend(tx, row, now)
        return True

    async def _leave(
        self, connection: Connection, request: PublishRequest | ReplyRequest, taken: float
    ) -> Result:
        """Make the call, within the lease."""
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

    async def _record(
        self,
        delivery: Delivery,
        taken: float,
        *,
        connection: Connection | None,
        result: Result,
        started: bool,
    ) -> None:
        """Write the outcome, as soon as the database takes it."""
        if isinstance(result, failures.AuthExpired) and connection is not None:
            result = await after_renewal(self.connections, connection, result)

        async def write() -> None:
            now = _now(delivery, taken)
            async with self.db.transaction() as tx:
                row = await tx.get_one(Delivery, delivery.id, with_for_update=True)
                if started:
                    await close_attempt(tx, delivery.id, delivery.fence, result, now)
                await _write(tx, row, delivery.fence, result, now)

        await persistently(write)


def _now(delivery: Delivery, taken: float) -> datetime:
    """Tell the database's time from the claim's, which wrote `updated_at`; this machine's clock may be wrong."""
    return delivery.updated_at + timedelta(seconds=time.monotonic() - taken)


async def _write(tx: Tx, row: Delivery, fence: int, result: Result, now: datetime) -> None:
    state = State(row.state)
    if row.fence == fence and state in (State.CLAIMED, State.SENDING):
        await settle(tx, row, _harmless(result) if state is State.CLAIMED else result, now)
    elif isinstance(result, Published) and state is State.UNKNOWN:
        # We were given up for lost, but the platform did answer: a fact beats a fence.
        await settle_published(tx, row, result, now)
    else:
        log.info("delivery.stale_result", state=state.value)


def _harmless(result: Result) -> Result:
    """Before the call that publishes, nothing can be unknown: what was prepared may be prepared again."""
    if isinstance(result, failures.OutcomeUnknown):
        return failures.Transient(detail=result.detail, platform_code=result.platform_code)
    return result


def _must_prepare(connection: Connection, delivery: Delivery) -> bool:
    return is_publish(delivery) and not delivery.prepared and isinstance(connection.adapter, Preparable)


async def _intend(tx: Tx, row: Delivery, now: datetime) -> None:
    """From the commit of this on, a crash means that it may have happened."""
    await move(tx, row, Event.START, now, sent_at=row.sent_at or now)
    tx.add(open_attempt(row, "send", now))


async def _call(connection: Connection, request: PublishRequest | ReplyRequest) -> Outcome:
    adapter = connection.adapter
    if isinstance(request, PublishRequest):
        return await adapter.publish(request)
    if request.kind == "message" and isinstance(adapter, Messenger):
        return await adapter.message(request)
    if isinstance(adapter, Replier):
        return await adapter.reply(request)
    return Handoff(reason=f"{adapter.slug} takes no answers by API")


async def _stop(tx: Tx, facts: Facts, connections: Connections, now: datetime) -> bool:
    """Stop a claimed delivery that must not leave: say why, and where it stands now."""
    delivery = facts.delivery
    if is_late(delivery.due_at, delivery.late_by_seconds, now):
        late = f"It was to go out within {delivery.late_by_seconds} s of {delivery.due_at.isoformat()}."
        await move(tx, delivery, Event.MISS, now, error=error_json("missed", late, "Schedule it again."))
        return True
    held = _reason_to_hold(facts)
    if held is not None:
        await move(tx, delivery, Event.HOLD, now, error=error_json(held.code, held.detail, held.hint))
        return True
    if not await hold_frozen(tx, [delivery], now):
        return True
    refused = _blocking(facts, connections, now)
    if refused:
        shown = [{"pointer": v.pointer, "code": v.code, "detail": v.detail, "hint": v.hint} for v in refused]
        error = error_json("preflight_failed", refused[0].detail, refused[0].hint, violations=shown)
        await move(tx, delivery, Event.REFUSE, now, error=error)
        return True
    return False


def _reason_to_hold(facts: Facts) -> Violation | None:
    delivery, post = facts.delivery, facts.post
    if facts.channel.status != "connected":
        detail = facts.channel.status_detail or "The channel is disconnected."
        hint = failures.HINTS["channel_disconnected"]
        return Violation(pointer="/channel_id", code="channel_disconnected", detail=detail, hint=hint)
    if post is None or delivery.action != Action.PUBLISH.value:
        return None
    approval = Approval(content_hash=post.approved_hash, expires_at=post.approval_expires_at)
    return next(iter(approval_violations(approval, delivery.content_hash or "", delivery.due_at)), None)


def _blocking(facts: Facts, connections: Connections, now: datetime) -> list[Violation]:
    if not is_publish(facts.delivery):
        return []
    adapter = connections.registry.get(facts.channel.platform)
    found = violations_of(adapter, facts.content, facts.assets, facts.channel, facts.brand, now)
    return [violation for violation in found if violation.severity is Severity.BLOCK]
