"""One transaction from "due" to "leaving": lock a batch, read its facts, check it once more, commit its intents."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from drumtower.connections import Connection, Connections
from drumtower.db.engine import Tx
from drumtower.db.models import Delivery
from drumtower.db.plain import fetch
from drumtower.db.repositories.deliveries import Move
from drumtower.domain.deliveries import Event
from drumtower.domain.preparations import is_stale
from drumtower.platforms import Preparable
from services.scheduler.admission import admit, put_back
from services.scheduler.candidates import AHEAD, Candidate, look, pick, roomy
from services.scheduler.gate import Gate
from services.scheduler.intents import intend
from services.scheduler.last_checks import last_check, reasons_to_stop
from services.scheduler.requests import Facts, is_publish, lock_due
from services.scheduler.settle import Stop
from services.scheduler.waits import Leaves

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Flight:
    """A claimed delivery on its way. With a `connection` its intent is committed, and only the call is left.

    Without one something slow comes first (a token, a preparation), or it could not be judged with the others.
    """

    facts: Facts
    connection: Connection | None
    claimed_at: datetime  # by the database's clock
    taken: float  # monotonic seconds, a moment before
    leaves_at: datetime  # by the database's clock
    seen: float  # monotonic seconds, a moment after `claimed_at`: what counts from here is never early

    @property
    def delivery(self) -> Delivery:
        return self.facts.delivery

    def now(self) -> datetime:
        """Tell the database's time from the claim's; this machine's clock may be wrong."""
        return self.claimed_at + timedelta(seconds=time.monotonic() - self.taken)

    async def until_due(self) -> None:
        """Wait for the instant at which it leaves."""
        due = self.seen + (self.leaves_at - self.claimed_at).total_seconds()
        while (left := due - time.monotonic()) > 0:  # noqa: ASYNC110 - timers count milliseconds, and may end early
            await asyncio.sleep(left)


@dataclass(slots=True, kw_only=True)
class Claim:
    """What was claimed. `rest_until`: when to look again, in monotonic seconds; None where nothing waits.

    `has_more`: something is due that was not claimed, for want of room, or because its channel is at work.
    `cleared`: something was stopped or put back, so that what stood behind it may go at once.
    """

    flights: Sequence[Flight] = ()
    has_more: bool = False
    cleared: bool = False
    rest_until: float | None = None

    def rest(self) -> timedelta | None:
        """Return how long that is from now on."""
        if self.rest_until is None:
            return None
        return timedelta(seconds=max(0.0, self.rest_until - time.monotonic()))


@dataclass(slots=True)
class _Sorted:
    """A batch by what becomes of it."""

    stopped: list[tuple[Facts, Stop]] = field(default_factory=list)
    apart: list[Facts] = field(default_factory=list)
    ready: list[tuple[Facts, Connection]] = field(default_factory=list)


async def claim_due(
    tx: Tx,
    connections: Connections,
    gate: Gate,
    *,
    lease: timedelta,
    room: Callable[[str], int],
    channel_room: Callable[[UUID], int] = roomy,
    full: Sequence[str] = (),
    apart: bool = False,
) -> Claim:
    """Claim what is due, or all but, as far as there is `room(platform)` and `channel_room(channel_id)`.

    `apart`: judge each by itself, later.
    """
    taken = time.monotonic()
    due = await look(tx, full)
    seen = time.monotonic()
    rest_until = None if due.next_at is None else seen + (due.next_at - due.now - AHEAD / 2).total_seconds()
    batch = await _lock_next(tx, due.candidates, room, channel_room)
    if not batch:
        return Claim(has_more=bool(due.candidates) or due.has_more, rest_until=rest_until)
    going = await _go(tx, connections, gate, batch, due.now, lease=lease, apart=apart)
    flights = [
        Flight(facts=facts, connection=to, claimed_at=due.now, taken=taken, leaves_at=leaves_at, seen=seen)
        for facts, to, leaves_at in going
    ]
    left = due.has_more or len(batch) < len(due.candidates)
    return Claim(flights=flights, has_more=left, cleared=len(flights) < len(batch), rest_until=rest_until)


async def _lock_next(
    tx: Tx, found: Sequence[Candidate], room: Callable[[str], int], channel_room: Callable[[UUID], int]
) -> list[Facts]:
    """Lock those whose turn it is; where another replica has just taken them all, those whose turn is next.

    Of a channel that it took, nothing: what comes first there may not have left.
    """
    while chosen := pick(found, room, channel_room):
        if batch := await _lock(tx, chosen):
            return batch
        taken = {candidate.channel_id for candidate in chosen}
        found = [candidate for candidate in found if candidate.channel_id not in taken]
    return []


async def _lock(tx: Tx, chosen: Sequence[Candidate]) -> list[Facts]:
    """Lock the chosen with their channels, and leave out whose channel another replica has just put to work."""
    batch = await lock_due(tx, [candidate.id for candidate in chosen])
    publishing = [facts.channel.id for facts in batch if is_publish(facts.delivery)]
    if not publishing:
        return batch
    # Who puts a channel to work holds its row until the commit, so what this newer snapshot shows is all there is.
    busy = {row["channel_id"] for row in await fetch(tx, _AT_WORK, publishing)}
    return [facts for facts in batch if facts.channel.id not in busy or not is_publish(facts.delivery)]


_AT_WORK = """
SELECT channel_id FROM deliveries
WHERE channel_id = ANY ($1::uuid[]) AND action = 'publish' AND state IN ('claimed', 'sending')
"""


async def _go(
    tx: Tx,
    connections: Connections,
    gate: Gate,
    batch: Sequence[Facts],
    now: datetime,
    *,
    lease: timedelta,
    apart: bool,
) -> list[tuple[Facts, Connection | None, datetime]]:
    """Move each of a locked batch by what becomes of it; return what leaves, how, and when."""
    leaves = {one.delivery.id: max(now, one.delivery.next_at or now) for one in batch}
    if apart:
        found = _Sorted(apart=list(batch))
    else:
        found = _sort(batch, await reasons_to_stop(tx, batch, leaves), connections, leaves)
    leaving = [facts for facts, _ in found.ready] + found.apart
    waits = await admit(tx, gate, leaving, now, leaves)
    await put_back(tx, waits)
    going = [facts for facts in leaving if facts.delivery.id not in waits]
    ready = [(facts, connection) for facts, connection in found.ready if facts.delivery.id not in waits]
    moves = [_lease(facts, now, lease, attempts=1) for facts in going]
    for facts, stop in found.stopped:
        moves += [_lease(facts, now, lease), Move(facts.delivery, stop.event, now, stop.changes)]
    await intend(tx, [facts for facts, _ in ready], now, leaves, before=moves)
    connected: dict[UUID, Connection] = {facts.delivery.id: connection for facts, connection in ready}
    return [(one, connected.get(one.delivery.id), leaves[one.delivery.id]) for one in going]


def _sort(
    batch: Sequence[Facts], stopped: dict[UUID, Stop], connections: Connections, leaves: Leaves
) -> _Sorted:
    found = _Sorted()
    for facts in batch:
        try:
            at = leaves[facts.delivery.id]
            stop = last_check(facts, stopped.get(facts.delivery.id), connections, at)
            connection = None if stop else ready(facts, connections, at)
        except Exception:
            # A spoiled row must not keep the others: by itself it fails where a person sees it.
            log.exception("claim.set_apart", delivery_id=str(facts.delivery.id))
            found.apart.append(facts)
            continue
        if stop is not None:
            found.stopped.append((facts, stop))
        elif connection is not None:
            found.ready.append((facts, connection))
        else:
            found.apart.append(facts)
    return found


def ready(facts: Facts, connections: Connections, at: datetime) -> Connection | None:
    """Open the channel where nothing slow is left to do; None where a token or a preparation comes first."""
    connection = connections.ready(facts.channel)
    if connection is None or must_prepare(connection, facts.delivery, at):
        return None
    return connection


def must_prepare(connection: Connection, delivery: Delivery, now: datetime) -> bool:
    """Say whether the slow part is still to be done, or done so long ago that the platform may have lost it."""
    if not is_publish(delivery) or not isinstance(connection.adapter, Preparable):
        return False
    return not delivery.prepared or has_gone_stale(connection, delivery, now)


def has_gone_stale(connection: Connection, delivery: Delivery, now: datetime) -> bool:
    return is_stale(delivery.prepared_at, connection.adapter.capabilities.prepared_for, now)


def _lease(facts: Facts, now: datetime, lease: timedelta, *, attempts: int = 0) -> Move:
    """Take the row under a fence higher than any before; who held it for a preparation writes nothing any more."""
    delivery = facts.delivery
    changes = {
        "attempts": delivery.attempts + attempts,
        "fence": delivery.fence + 1,
        "lease_until": now + lease,
        "next_at": now + lease,
    }
    return Move(delivery, Event.CLAIM, now, changes)
