"""Claims what is due a moment ahead, and sends it from this process at its instant, each platform within its bulkhead."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter as Count

from drumtower.db.engine import Database
from drumtower.db.models import Delivery
from drumtower.settings import Settings
from services.scheduler.claim import Claim, Flight, claim_due
from services.scheduler.send import Sender

log = structlog.get_logger(__name__)

# With something due that could not be claimed, look again after this at the latest.
BUSY = timedelta(milliseconds=50)
# A platform that was full is asked for again when this share of its places is free: batches, not one row at a time.
FREED_SHARE = 8

CLAIMS = Count("drumtower_deliveries_claimed_total", "Deliveries claimed by this replica", ["platform"])


@dataclass(slots=True)
class Dispatcher:
    """Holds the sends in flight. `stopping` lets them end and claims no more."""

    db: Database
    sender: Sender
    settings: Settings
    stopping: bool = False
    _flying: dict[asyncio.Task[None], Delivery] = field(default_factory=dict)
    _load: Counter[str] = field(default_factory=Counter)
    _channels: Counter[UUID] = field(default_factory=Counter)
    _freed: asyncio.Event = field(default_factory=asyncio.Event)
    _claiming: asyncio.Task[Claim] | None = None
    _apart: bool = False

    def __post_init__(self) -> None:
        self.sender.outcomes.on_written = self._freed.set

    async def step(self) -> timedelta | None:
        """Claim and start what is due; rest until the next due instant."""
        if self.stopping:
            return None
        self._freed.clear()
        # Cut off at its commit, a claim would leave its rows to the reaper: they would wait for their lease to end.
        self._claiming = asyncio.create_task(self._claim(), name="claim")
        claim = await asyncio.shield(self._claiming)
        if claim.cleared:
            return timedelta()
        if not claim.has_more:
            return claim.rest()
        await self._until_freed()
        return timedelta()

    async def _claim(self) -> Claim:
        await self.sender.outcomes.told()
        try:
            async with self.db.transaction() as tx:
                claim = await claim_due(
                    tx,
                    self.sender.connections,
                    self.sender.outcomes.gate,
                    lease=self.settings.lease,
                    room=self._room,
                    channel_room=self._channel_room,
                    full=[platform for platform in self._load if self._room(platform) == 0],
                    apart=self._apart,
                )
        except Exception:
            # Whatever spoiled this batch: the next one is taken unseen, and each of it fails or goes by itself.
            self._apart = True
            raise
        self._apart = False
        self._launch(claim.flights)
        return claim

    def _room(self, platform: str) -> int:
        return max(0, self.settings.platform_concurrency - self._load[platform])

    def _channel_room(self, channel_id: UUID) -> int:
        return max(0, self.settings.channel_concurrency - self._channels[channel_id])

    def _launch(self, flights: Sequence[Flight]) -> None:
        for flight in flights:
            delivery = flight.delivery
            CLAIMS.labels(delivery.platform).inc()
            task = asyncio.create_task(self.sender.send(flight), name=f"send {delivery.id}")
            self._flying[task] = delivery
            self._load[delivery.platform] += 1
            self._channels[delivery.channel_id] += 1
            task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        delivery = self._flying.pop(task)
        platform = delivery.platform
        self._load[platform] -= 1
        self._channels[delivery.channel_id] -= 1
        if not self._channels[delivery.channel_id]:
            del self._channels[delivery.channel_id]
        if self._room(platform) >= max(1, self.settings.platform_concurrency // FREED_SHARE):
            self._freed.set()

    async def _until_freed(self) -> None:
        """Wait for room, or for a channel whose publish has landed, but not for long."""
        try:
            await asyncio.wait_for(self._freed.wait(), BUSY.total_seconds())
        except TimeoutError:
            return

    async def drain(self, patience: timedelta) -> None:
        """Wait for the sends in flight and what they brought; what is cut off the reaper and reconciliation settle."""
        self.stopping = True
        if self._claiming is not None:
            await asyncio.wait([self._claiming])
        landing = asyncio.create_task(self._land(), name="landing")
        await asyncio.wait([landing], timeout=patience.total_seconds())
        landing.cancel()
        log.info("dispatch.drained", cut_off=len(self._flying))

    async def _land(self) -> None:
        if self._flying:
            await asyncio.wait(self._flying)
        await self.sender.outcomes.written()
