"""R1 and R2: kill -9 under load, with four ways to settle what is unknown; and the proof that this test can fail."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass

from drumtower.domain.deliveries import State
from tests.faults.field import ACCOUNTS, Field, Size
from tests.faults.report import Report, slowest
from tests.faults.weather import Weather
from tests.faults.world import World

CLASSES = ("weibo", "bluesky", "blind", "wechat")  # lookup, key, none, handle
WORKERS = 3
POSTS_PER_SECOND = 40
# Seconds; where unknown outcomes are sent again, some are sent for ever.
UNTIL_DOUBLES = 400.0
# Of the publishing calls; a short run gets more of them, so that it meets some at all.
LEAST_LOST = 6


@dataclass(slots=True, kw_only=True)
class _Toll:
    """What the kills met."""

    kills: int = 0
    in_flight: int = 0
    in_hands: int = 0  # calls that a platform had, unanswered


async def kills(world: World, size: Size, *, naive: bool = False) -> Report:
    """Kill a scheduler that has sends in flight, again and again, as long as posts come due; each time replaced by another.

    `naive` switches on what everybody does who retries on a time-out; then posts must appear twice.
    """
    share = max(0.01, LEAST_LOST / size.posts)
    wanted = max(1, size.posts // 50)
    weather = Weather(before=0.1, after=0.4, hang=share, gateway=share, draw=random.Random(size.seed))
    accounts = dict.fromkeys(CLASSES, max(ACCOUNTS, size.posts // 100))
    async with world.field(accounts, weather=weather, seed=size.seed) as field:
        over = size.posts / POSTS_PER_SECOND
        await field.plant(size.posts, CLASSES, after=0.5, over=over)
        await field.crew.start(WORKERS, naive=naive)
        toll = await _kill(field, size.kills, over)
        # Sent again for ever, some of it never ends: the naive run is looked at as soon as it has gone wrong.
        drained = await _until_doubles(field, wanted) if naive else await field.drain(60 + 2 * over)
        left = 0 if naive else await field.settle()
        verdict = await field.verdict()
        late = slowest(await field.rows(), await field.attempts())
        claims = (
            {f"{wanted} doubles and more": len(verdict.doubles) >= wanted}
            if naive
            else {
                "nobody died of itself": field.crew.died() == toll.kills,
                "what can be looked up is settled": not left,
            }
        )
    return Report(
        name="R2 naive resend" if naive else "R1 kill -9",
        posts=size.posts,
        fired={
            "kill": toll.kills,
            "kill in flight": toll.in_flight,
            "kill unanswered": toll.in_hands,
            **weather.fired,
        },
        verdict=verdict,
        drained_after=drained,
        expects="doubles" if naive else "",
        claims=claims,
        numbers={"acts": dict(weather.acts)},
        told={"slowest": late},
    )


async def _kill(field: Field, times: int, over: float) -> _Toll:
    toll = _Toll()
    began = asyncio.get_running_loop().time()
    for number in range(times):
        at = began + (number + field.draw.uniform(0.2, 0.8)) * over / times
        await asyncio.sleep(at - asyncio.get_running_loop().time())
        unanswered = await field.platforms.until_busy(WORKERS, within=5)
        victim = field.draw.choice(field.crew.living)
        await victim.end()
        toll.kills += 1
        toll.in_hands += unanswered
        toll.in_flight += await field.count(State.CLAIMED, State.SENDING)
        await field.crew.replace(victim)
    return toll


async def _until_doubles(field: Field, wanted: int) -> float | None:
    """Wait until so many doubles show; None, since such a run never drains."""
    with suppress(TimeoutError):
        async with asyncio.timeout(UNTIL_DOUBLES):
            while len((await field.verdict()).doubles) < wanted:  # noqa: ASYNC110 - other processes make them
                await asyncio.sleep(0.5)
    return None
