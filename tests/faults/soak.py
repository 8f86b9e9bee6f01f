"""Q22: hours of load with a fault every twenty seconds; what nobody kills must not grow."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from drumtower.embedded.servers import EmbeddedServers
from tests.faults.crew import Worker
from tests.faults.field import Field, Size
from tests.faults.report import Report, slowest
from tests.faults.servers import own_field, start, stop
from tests.faults.weather import Weather
from tests.faults.world import World

CLASSES = ("weibo", "wechat", "bluesky", "blind")
ACCOUNTS = 40
A_SECOND = 50
EVERY = 20.0
WARM_SECONDS = 60.0
MOST_GROWTH = 1.1

Fault = Callable[[Field, EmbeddedServers], Awaitable[None]]


async def soak(world: World, size: Size) -> Report:
    """Publish fifty a second, one fault every twenty seconds; two schedulers of three are never killed."""
    weather = Weather(before=0.02, after=0.1)
    async with own_field(world, dict.fromkeys(CLASSES, ACCOUNTS), weather=weather, seed=size.seed) as (
        field,
        embedded,
    ):
        spared = await field.crew.start(2)
        await field.crew.start(1)
        await field.until_beating(3)
        ahead, over = max(5.0, size.posts / 200), size.posts / A_SECOND
        await field.plant(size.posts, CLASSES, after=ahead, over=over)
        sizes, fired, until = [], Counter[str](), time.monotonic() + over
        await asyncio.sleep(WARM_SECONDS)
        while time.monotonic() < until:
            sizes.append([_resident(worker) for worker in spared])
            fault = field.draw.choice(FAULTS)
            await fault(field, embedded)
            fired[fault.__name__.strip("_").replace("_", " ")] += 1
            await asyncio.sleep(EVERY)
        drained = await field.drain(180)
        sizes.append([_resident(worker) for worker in spared])
        verdict = await field.verdict()
        late = slowest(await field.rows(), await field.attempts())
    growth = [round(last / first, 3) for first, last in zip(sizes[0], sizes[-1], strict=True)]
    return Report(
        name="Q22 soak",
        posts=size.posts,
        fired=dict(fired),
        verdict=verdict,
        drained_after=drained,
        claims={
            "who was spared lives": all(worker.lives for worker in spared),
            "no scheduler grew by a tenth": max(growth) < MOST_GROWTH,
        },
        numbers={"growth": growth, "resident_mib": sizes[-1], "seconds": round(size.posts / A_SECOND)},
        told={"slowest": late, "resident_mib": sizes},
    )


async def _kill(field: Field, _: EmbeddedServers) -> None:
    victim = field.crew.living[-1]
    await victim.end(signal.SIGKILL)
    await field.crew.replace(victim)


async def _restart(field: Field, _: EmbeddedServers) -> None:
    leaving = field.crew.living[-1]
    await field.crew.replace(leaving)
    await leaving.end(signal.SIGTERM)


async def _pause(field: Field, _: EmbeddedServers) -> None:
    sleeper = field.draw.choice(field.crew.living)
    sleeper.send(signal.SIGSTOP)
    await asyncio.sleep(field.draw.uniform(1, 12))
    sleeper.send(signal.SIGCONT)


async def _stop_postgres(field: Field, embedded: EmbeddedServers) -> None:
    await stop(embedded.postgres, signal.SIGQUIT)
    await asyncio.sleep(field.draw.uniform(0, 2))
    await start(embedded.postgres)


async def _stop_valkey(field: Field, embedded: EmbeddedServers) -> None:
    await stop(embedded.valkey, signal.SIGKILL)
    await asyncio.sleep(field.draw.uniform(0, 5))
    await start(embedded.valkey)


async def _hang(field: Field, _: EmbeddedServers) -> None:
    field.platforms.weather.hang = 0.05
    await asyncio.sleep(EVERY / 4)
    field.platforms.weather.hang = 0.0


FAULTS: tuple[Fault, ...] = (_kill, _restart, _pause, _stop_postgres, _stop_valkey, _hang)


def _resident(worker: Worker) -> float:
    """MiB in memory of its own and shared, by /proc."""
    pages = int(Path(f"/proc/{worker.pid}/statm").read_text().split()[1])
    return round(pages * 4096 / 2**20, 1)
