"""Pulls the numbers that are due, in one lane per platform, so that a slow one delays no other."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from drumtower.connections import Connections
from drumtower.db.engine import Database, Tx, persistently
from drumtower.db.models import Channel
from drumtower.db.repositories import budgets
from drumtower.db.repositories.pressure import is_behind
from drumtower.domain import failures
from drumtower.domain.clock import Clock
from drumtower.limits import Limits
from services.metrics import plans
from services.metrics.ask import CHANNEL_TIMEOUT, ask
from services.metrics.plans import Asked, Due

log = structlog.get_logger(__name__)

CLAIM = 500


def _silent() -> None:
    """Tell nobody."""


@dataclass(slots=True, kw_only=True)
class Puller:
    """Pulls due numbers. `step` only claims and starts; the calls go on beside it, and `settle` waits for them.

    `stored` is called when there are new samples.
    """

    db: Database
    connections: Connections
    clock: Clock
    platforms: Sequence[str]
    rehearsal: timedelta | None = None
    concurrency: int = 20
    stored: Callable[[], None] = _silent
    _lanes: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _busy: Counter[str] = field(default_factory=Counter)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def step(self) -> timedelta | None:
        """Claim what is due on platforms that have room, and start pulling it; zero where there may be more."""
        free = [platform for platform in self.platforms if self._busy[platform] < self.concurrency]
        if not free:
            return None
        until = time.monotonic() + plans.LEASE.total_seconds() - CHANNEL_TIMEOUT
        async with self.db.transaction() as tx:
            if await is_behind(tx):
                log.warning("pull.rests", reason="publishing is behind")
                return None
            closed = await budgets.closed_channels(tx, self.limits.addresses)
            due = await plans.claim(tx, free, self.clock.now(), CLAIM, closed)
        channels: dict[UUID, list[Due]] = {}
        for plan in due:
            channels.setdefault(plan.channel_id, []).append(plan)
        for of_channel in channels.values():
            self._start(of_channel, until)
        return timedelta() if len(due) == CLAIM else None

    async def settle(self, within: float | None = None) -> None:
        """Wait until the calls under way have ended; those that have not within so many seconds are cancelled."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=within)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _start(self, due: Sequence[Due], until: float) -> None:
        self._busy[due[0].platform] += 1
        task = asyncio.create_task(self._pull(due, until), name=f"pull {due[0].channel_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pull(self, due: Sequence[Due], until: float) -> None:
        """Ask for the numbers, unless the lane was full until (monotonic seconds) the lease would not last."""
        platform, channel_id = due[0].platform, due[0].channel_id
        lane = self._lanes.setdefault(platform, asyncio.Semaphore(self.concurrency))
        try:
            async with lane:
                if time.monotonic() > until:
                    return
                asked = await ask(self.connections, channel_id, due)
            await persistently(partial(self._settle, asked), seconds=plans.LEASE.total_seconds())
            self.stored()
        except Exception:
            # The database stays away: the lease runs out, and the plans come again.
            log.exception("pull.failed", channel_id=str(channel_id), platform=platform)
        finally:
            self._busy[platform] -= 1

    async def _settle(self, asked: Sequence[Asked]) -> None:
        async with self.db.transaction() as tx:
            await plans.settle(tx, asked, self.clock.now(), self.rehearsal)
            await self._remember(tx, asked)

    @property
    def limits(self) -> Limits:
        return Limits(registry=self.connections.registry)

    async def _remember(self, tx: Tx, asked: Sequence[Asked]) -> None:
        """Keep the reset that a platform told: it binds deliveries too."""
        limited = [each.failure for each in asked if isinstance(each.failure, failures.RateLimited)]
        told = [failure for failure in limited if failure.until is not None]
        if told:
            channel = await tx.get_one(Channel, asked[0].due.channel_id)
            place = self.limits.place(channel.id, channel.platform, channel.base_url)
            await budgets.close(
                tx, {place.key(one.scope): (one.until, one.detail) for one in told if one.until}
            )
