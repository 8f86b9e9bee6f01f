"""Q6: SIGTERM with sends in flight, rolling restarts, and a second SIGTERM."""

import asyncio
import signal
import time

from drumtower.domain.deliveries import State
from tests.faults.field import ACCOUNTS, Pace, Size
from tests.faults.report import Report, slowest
from tests.faults.weather import Weather
from tests.faults.world import World

CLASSES = ("weibo", "wechat", "bluesky", "blind")
PATIENCE_SECONDS = 25.0
HURRY_SECONDS = 2.0


async def stops(world: World, size: Size) -> Report:
    """Restart schedulers one after the other as an orchestrator does, while posts are on their way."""
    weather = Weather(before=0.1, after=0.6)
    async with world.field(
        dict.fromkeys(CLASSES, ACCOUNTS),
        pace=Pace(lease=30.0, concurrency=10),
        weather=weather,
        seed=size.seed,
    ) as field:
        over = max(size.posts / 20, size.kills * 1.5)
        await field.crew.start(2)
        await field.until_beating(2)
        await field.plant(size.posts, CLASSES, after=0.5, over=over)
        codes, took, hit = [], [], 0
        for _ in range(size.kills):
            await asyncio.sleep(over / size.kills / 2)
            hit += await field.platforms.until_busy(2)
            leaving = field.crew.living[0]
            began = time.monotonic()
            await field.crew.replace(leaving)
            codes.append(await leaving.end(signal.SIGTERM))
            took.append(time.monotonic() - began)
        drained = await field.drain(60 + over)
        verdict = await field.verdict()
        late = slowest(await field.rows(), await field.attempts())
    return Report(
        name="Q6 SIGTERM and rolling restarts",
        posts=size.posts,
        fired={"SIGTERM": len(codes), "calls that platforms had at a SIGTERM": hit},
        verdict=verdict,
        drained_after=drained,
        claims={
            "every exit was 0": set(codes) == {0},
            "none took longer than its patience": max(took) < PATIENCE_SECONDS + 5,
            "all went out": verdict.states == {State.PUBLISHED.value: size.posts},
            "nobody has to be asked": not verdict.flagged,
        },
        numbers={"longest_stop_seconds": round(max(took), 2)},
        told={"slowest": late},
    )


async def hurry(world: World, size: Size) -> Report:
    """Let a second SIGTERM end a scheduler whose sends hang; what it had is settled by others."""
    weather = Weather(hang=1.0)
    async with world.field({"weibo": 4}, pace=Pace(lease=10.0), weather=weather, seed=size.seed) as field:
        [leaving] = await field.crew.start()
        await field.plant(4, ["weibo"])
        hit = await field.platforms.until_busy(2)
        leaving.send(signal.SIGTERM)
        await asyncio.sleep(1.0)
        patient = leaving.lives
        began = time.monotonic()
        code = await leaving.end(signal.SIGTERM)
        took = time.monotonic() - began
        weather.hang = 0.0
        await field.crew.start()
        drained = await field.drain(60)
        verdict = await field.verdict()
    return Report(
        name="Q6 a second SIGTERM",
        posts=4,
        fired={"calls that hang": hit},
        verdict=verdict,
        drained_after=drained,
        claims={
            "the first one waits": patient,
            "the second one does not": took <= HURRY_SECONDS,
            "the exit is 0": code == 0,
        },
        numbers={"seconds_after_the_second": round(took, 2)},
    )
