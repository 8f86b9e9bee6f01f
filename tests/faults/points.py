"""R6: the process ends at each named point of a delivery's way, and nothing is lost or doubled by it."""

import asyncio
from datetime import timedelta

from tests.faults.crashes import POINTS
from tests.faults.field import ACCOUNTS, Field, Pace, Size
from tests.faults.report import Report, slowest
from tests.faults.world import World

CLASSES = ("weibo", "wechat", "bluesky", "blind")
AT_ONCE = 4
# Another scheduler may have taken what was planted for this one: more is planted as often, seconds apart.
ROUNDS = 40
PATIENCE = 1.5
# What comes only after another's end is not waited for.
AFTER_A_CRASH = ("reap", "reconcile")
LEASE = 2.5


async def points(world: World, size: Size) -> Report:
    """Let schedulers end themselves at point after point, each crashed one replaced by the next."""
    each = max(2, size.posts // len(POINTS))
    async with world.field(dict.fromkeys(CLASSES, ACCOUNTS), pace=Pace(lease=LEASE), seed=size.seed) as field:
        report = field.settings.storage_dir.parent / "fired"
        waiting = list(POINTS)
        waited_in_vain: list[str] = []
        await asyncio.gather(*(_crash(field, waiting, each, waited_in_vain) for _ in range(AT_ONCE)))
        await field.crew.start(2)
        drained = await field.drain(60 + size.posts / 4)
        verdict = await field.verdict()
        fired = report.read_text().splitlines() if report.exists() else []
        late = slowest(await field.rows(), await field.attempts())
        claims = {"each crash was one of ours": field.crew.died() == len(fired) + len(waited_in_vain)}
    return Report(
        name="R6 crash at named points",
        posts=len(field.acknowledged),
        fired={point: fired.count(point) for point in POINTS},
        verdict=verdict,
        drained_after=drained,
        claims=claims,
        told={"slowest": late},
    )


async def _crash(field: Field, waiting: list[str], each: int, waited_in_vain: list[str]) -> None:
    """Work through the points that wait; a point that is not reached in its time stays unfired, which is red."""
    fired = field.settings.storage_dir.parent / "fired"
    while waiting:
        point = waiting.pop(0)
        [worker] = await field.crew.start(crash=point, fired=fired)
        for _ in range(ROUNDS):
            crashed = timedelta(minutes=1) if point.startswith(AFTER_A_CRASH) else None
            await field.plant(each, CLASSES, broken_off=crashed)
            try:
                await worker.ended(PATIENCE)
            except TimeoutError:
                continue
            break
        else:
            waited_in_vain.append(point)
            await worker.end()
