"""Q17 and Q20: sweepers are killed and work goes on; all of them are killed and readiness says so."""

import asyncio
import signal
import time
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, select

from drumtower.db.models import Heartbeat
from tests.faults.api import Api, serving
from tests.faults.field import ACCOUNTS, Field, Size
from tests.faults.report import Report, slowest
from tests.faults.world import World

CLASSES = ("weibo", "bluesky")
SWEEP = "reap"
LONGEST_GAP_SECONDS = 10.0
NOTICED_WITHIN = 32.0  # health.STALE_SECONDS, and a look


async def sweeps(world: World, size: Size) -> Report:
    """Kill the scheduler that swept last, again and again; the sweep never rests for longer than ten seconds."""
    async with world.field(dict.fromkeys(CLASSES, ACCOUNTS), seed=size.seed) as field:
        over = max(size.kills * 1.5, size.posts / 20)
        await field.plant(size.posts, CLASSES, after=0.5, over=over)
        await field.crew.start(2)
        await field.until_beating(2)
        ages: list[float] = []
        watch = asyncio.create_task(_watch(field, ages))
        hit = 0
        for _ in range(size.kills):
            await asyncio.sleep(over / size.kills)
            hit += await _kill_sweeper(field)
        watch.cancel()
        drained = await field.drain(60 + over)
        verdict = await field.verdict()
        late = slowest(await field.rows(), await field.attempts())
    return Report(
        name="Q17 sweepers are killed",
        posts=size.posts,
        fired={"sweeper killed": hit, "looks at the last sweep": len(ages)},
        verdict=verdict,
        drained_after=drained,
        claims={"no gap is longer than ten seconds": max(ages) < LONGEST_GAP_SECONDS},
        numbers={"longest_gap_seconds": round(max(ages), 2)},
        told={"slowest": late},
    )


async def _kill_sweeper(field: Field) -> int:
    async with field.db.transaction() as tx:
        newest = select(Heartbeat.replica).where(Heartbeat.step == SWEEP)
        holder = await tx.scalar(newest.order_by(Heartbeat.beat_at.desc()).limit(1))
    victims = [worker for worker in field.crew.living if str(holder).endswith(f":{worker.pid}")]
    for victim in victims:
        await victim.end(signal.SIGKILL)
        await field.crew.replace(victim)
    return len(victims)


async def _watch(field: Field, ages: list[float]) -> None:
    """Note how long ago anybody swept, ten times a second."""
    age: Select[Any] = select(func.now() - func.max(Heartbeat.beat_at)).where(Heartbeat.step == SWEEP)
    while True:
        async with field.db.transaction() as tx:
            gone: timedelta = (await tx.execute(age)).scalar_one()
        ages.append(gone.total_seconds())
        await asyncio.sleep(0.1)


async def silence(world: World, size: Size) -> Report:
    """Kill every scheduler while posts are due: readiness fails within half a minute, and names the oldest."""
    async with world.field(dict.fromkeys(CLASSES, 2), seed=size.seed) as field, serving(field) as api:
        await field.crew.start(2)
        await field.until_beating(2)
        well = (await api.client.get("/health/ready")).status_code
        killed = len(await field.crew.stop(signal.SIGKILL))
        await field.plant(size.posts, CLASSES)
        noticed = await _until(api, 503, NOTICED_WITHIN)
        told = (await api.client.get("/health/ready")).json()["checks"]
        await field.crew.start(2)
        again = await _until(api, well, 30.0)
        drained = await field.drain(60 + size.posts / 10)
        verdict = await field.verdict()
    return Report(
        name="Q20 no scheduler is left",
        posts=size.posts,
        fired={"killed": killed},
        verdict=verdict,
        drained_after=drained,
        claims={
            "it was well before": well == 200,
            "it is noticed in time": noticed is not None,
            "it says who is missing": told["scheduler"]["status"] == "fail",
            "it says how old the oldest due delivery is": told["oldest_due_delivery"]["age_seconds"]
            >= (noticed or 0) - 1,
            "it is well again": again is not None,
        },
        numbers={"noticed_seconds": noticed, "well_again_seconds": again},
    )


async def _until(api: Api, code: int, within: float) -> float | None:
    """Ask for readiness until it answers `code`; return the seconds, or None where it never does."""
    began = time.monotonic()
    while (took := time.monotonic() - began) < within:
        if (await api.client.get("/health/ready")).status_code == code:
            return round(took, 1)
        await asyncio.sleep(0.1)
    return None
