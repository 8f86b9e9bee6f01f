"""Runs a service's steps, each at its own interval and whenever the bell rings; a failing step stops no other."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

log = structlog.get_logger(__name__)

LONGEST_BACKOFF = timedelta(seconds=15)

# A step returns how long it may rest at most: zero when it found a full load of work, None for its usual interval.
Step = Callable[[], Awaitable[timedelta | None]]
Beat = Callable[[str, timedelta], Awaitable[None]]


@dataclass(slots=True)
class Ticker:
    """One step in a loop of its own. `wake()` runs it now. `beat(name, every)` is told of every good run,
    and once before the first, so that a step that never ends well is missed. Without `at_once` the first run waits for the bell or the interval.
    """

    name: str
    step: Step
    every: timedelta
    beat: Beat | None = None
    at_once: bool = True
    announced: bool = False
    failures: int = 0
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self._bell.set()

    async def run(self) -> None:
        """Run for ever; a cancellation ends it between two runs of the step, or inside one."""
        if not self.at_once:
            await self._rest(self.every)
        while True:
            await self._rest(await self._tick())

    async def _rest(self, most: timedelta) -> None:
        try:
            await asyncio.wait_for(self._bell.wait(), max(most.total_seconds(), 0.0))
        except TimeoutError:
            return
        finally:
            self._bell.clear()

    async def _tick(self) -> timedelta:
        try:
            if self.beat is not None and not self.announced:
                await self.beat(self.name, self.every)
                self.announced = True
            rest = await self.step()
            if self.beat is not None:
                await self.beat(self.name, self.every)
        except Exception:
            # The database may be away for a moment; the step comes again, later each time.
            self.failures += 1
            log.exception("step.failed", step=self.name, failures=self.failures)
            return min(self.every * (1 << min(self.failures, 6)), LONGEST_BACKOFF)
        self.failures = 0
        return self.every if rest is None else min(rest, self.every)


async def run_all(tickers: list[Ticker], *also: Awaitable[None]) -> None:
    """Run every ticker, and what else belongs to the service, until one of them is cancelled."""
    async with asyncio.TaskGroup() as group:
        for ticker in tickers:
            group.create_task(ticker.run(), name=ticker.name)
        for other in also:
            group.create_task(_forever(other))


async def _forever(awaitable: Awaitable[None]) -> None:
    await awaitable
