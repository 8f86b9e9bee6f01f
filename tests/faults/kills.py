"""R1 and R2: kill -9 under load, with four ways to settle what is unknown; and the proof that this test can fail."""

import asyncio
import random

from tests.faults.field import Field, Pace, Size, World
from tests.faults.platforms import Weather
from tests.faults.report import Report

CLASSES = ("weibo", "wechat", "bluesky", "blind")  # lookup, handle, key, none
WORKERS = 3
POSTS_PER_SECOND = 12


async def kills(world: World, size: Size, *, naive: bool = False) -> Report:
    """Kill a scheduler that has sends in flight, again and again, each time replaced by another.

    `naive` switches on what everybody does who retries on a time-out; then posts must appear twice.
    """
    weather = Weather(before=0.1, after=0.3, hang=0.01, gateway=0.02, draw=random.Random(size.seed))
    each = max(2, size.posts // 100)
    async with world.field(
        dict.fromkeys(CLASSES, each), pace=Pace(lease=4.0), weather=weather, seed=size.seed
    ) as field:
        over = size.posts / POSTS_PER_SECOND
        await field.plant(size.posts, CLASSES, over=over)
        await field.crew.start(WORKERS, naive=naive)
        flying = await _kill(field, size.kills, over)
        drained = await field.drain(60 + over)
        verdict = await field.verdict()
    deaths = [worker.code for worker in field.crew.workers[: size.kills + WORKERS]]
    return Report(
        name="R2 naive resend" if naive else "R1 kill -9",
        posts=size.posts,
        fired={"kill -9": deaths.count(-9), "kill with sends in flight": sum(count > 0 for count in flying)},
        verdict=verdict,
        drained_after=drained,
        expects="doubles" if naive else "",
        numbers={
            "in_flight_at_kills": sum(flying),
            "answers_lost": dict(weather.fired),
            "acts": dict(weather.acts),
        },
    )


async def _kill(field: Field, times: int, over: float) -> list[int]:
    flying = []
    for _ in range(times):
        await asyncio.sleep(field.draw.uniform(0.3, 0.9) * over / times)
        try:
            await field.until_flying(within=5)
        except TimeoutError:
            continue
        victim = field.draw.choice(field.crew.living)
        flying.append(await field.flying())
        await victim.end()
        await field.crew.replace(victim)
    return flying
