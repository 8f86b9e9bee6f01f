"""Claims what is due the moment it is due, and sends it in this process, each platform within its own bulkhead."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from prometheus_client import Counter as Count

from drumtower.db.engine import Database
from drumtower.db.models import Delivery
from drumtower.settings import Settings
from services.scheduler.freezing import hold_frozen
from services.scheduler.leases import claim_due, clock, next_due
from services.scheduler.send import Sender

log = structlog.get_logger(__name__)

BATCH = 100
# With a platform full, look again as soon as it may have room.
BUSY = timedelta(milliseconds=50)

CLAIMS = Count("drumtower_deliveries_claimed_total", "Deliveries claimed by this replica", ["platform"])


@dataclass(slots=True)
class Dispatcher:
    """Holds the sends in flight. `stopping` lets them end and claims no more."""

    db: Database
    sender: Sender
    settings: Settings
    stopping: bool = False
    _flying: dict[asyncio.Task[None], str] = field(default_factory=dict)
    _bulkheads: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _claiming: asyncio.Task[timedelta | None] | None = None

    async def step(self) -> timedelta | None:
        """Claim and start what is due; rest until the next due instant."""
        if self.stopping:
            return None
        # Cut off at its commit, a claim would leave its rows to the reaper: they would wait for their lease to end.
        self._claiming = asyncio.create_task(self._claim(), name="claim")
        return await asyncio.shield(self._claiming)

    async def _claim(self) -> timedelta | None:
        load = Counter(self._flying.values())
        # What is claimed but waits for its platform's bulkhead is ready the moment a place is free.
        limit = min(BATCH, 2 * self.settings.platform_concurrency)
        full = [platform for platform, count in load.items() if count >= limit]
        taken = time.monotonic()
        async with self.db.transaction() as tx:
            claimed = await claim_due(tx, limit=limit, lease=self.settings.lease, full=full)
            free = await hold_frozen(tx, claimed, await clock(tx))
            rest = await next_due(tx)
        self._launch(free, taken)
        if len(claimed) == limit:
            return timedelta()
        return max(rest, BUSY) if full and rest is not None else rest

    def _launch(self, claimed: Sequence[Delivery], taken: float) -> None:
        for delivery in claimed:
            CLAIMS.labels(delivery.platform).inc()
            task = asyncio.create_task(self._send(delivery, taken), name=f"send {delivery.id}")
            self._flying[task] = delivery.platform
            task.add_done_callback(self._landed)

    async def _send(self, delivery: Delivery, taken: float) -> None:
        bulkhead = self._bulkheads.setdefault(
            delivery.platform, asyncio.Semaphore(self.settings.platform_concurrency)
        )
        async with bulkhead:
            await self.sender.send(delivery, taken)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.pop(task, None)

    async def drain(self, patience: timedelta) -> None:
        """Wait for the sends in flight; what is cut off is settled by the reaper and reconciliation."""
        self.stopping = True
        if self._claiming is not None:
            await asyncio.wait([self._claiming])
        if self._flying:
            _, left = await asyncio.wait(self._flying, timeout=patience.total_seconds())
            log.info("dispatch.drained", cut_off=len(left))
