"""Q1 to Q5: PostgreSQL stops and starts under load; Redis forgets, goes away, or says what it said before."""

import asyncio
import signal
from collections.abc import Sequence
from datetime import UTC, datetime

from redis.asyncio import Redis

from drumtower.db.models import Delivery
from drumtower.jobs import ArqQueue, Role
from tests.faults.field import ACCOUNTS, Field, Pace, Size
from tests.faults.report import Report, slowest
from tests.faults.servers import own_field, start, stop
from tests.faults.weather import Weather
from tests.faults.world import World

CLASSES = ("weibo", "wechat", "bluesky", "blind")
ABLE = ("weibo", "wechat", "bluesky")
DOWN_SECONDS = 2.0
FLUSH_EVERY = 2.0


async def postgres(world: World, size: Size) -> Report:
    """Stop PostgreSQL at once (no goodbye to anybody), start it, and so on, while posts go out."""
    weather = Weather(before=0.05, after=0.3)
    async with own_field(world, dict.fromkeys(CLASSES, ACCOUNTS), weather=weather, seed=size.seed) as (
        field,
        embedded,
    ):
        over = max(size.posts / 20, size.kills * 5.0)
        await field.plant(size.posts, CLASSES, after=0.5, over=over)
        await field.crew.start(2)
        hit, back = 0, []
        for _ in range(size.kills):
            await asyncio.sleep(field.draw.uniform(0.3, 0.7) * over / size.kills)
            hit += await field.platforms.until_busy(1)
            await stop(embedded.postgres, signal.SIGQUIT)
            await asyncio.sleep(field.draw.uniform(0, DOWN_SECONDS))
            await start(embedded.postgres)
            back.append(datetime.now(UTC))
        drained = await field.drain(90 + over)
        verdict = await field.verdict()
        rows = await field.rows()
        late = slowest(rows, await field.attempts())
        exits = len(field.crew.workers) - len(field.crew.living)
        waits = [first_after(rows, at) for at in back]
    return Report(
        name="Q1 PostgreSQL stops at once",
        posts=size.posts,
        fired={"stop": len(back), "calls that platforms had at a stop": hit},
        verdict=verdict,
        drained_after=drained,
        claims={"no scheduler ended": not exits},
        numbers={"seconds_to_the_first_post_after_a_return": waits},
        told={"slowest": late},
    )


async def flushes(world: World, size: Size) -> Report:
    """Empty Redis every two seconds: hints are lost, posts are not, and no later than the sweep finds them."""
    async with own_field(world, dict.fromkeys(ABLE, ACCOUNTS), seed=size.seed) as (field, embedded):
        over = max(6.0, size.posts / 20)
        await field.crew.start(2)
        await field.plant(size.posts, ABLE, after=2.0, over=over)
        flushed = 0
        redis = Redis.from_url(embedded.redis_url)
        flushing = asyncio.create_task(_ring(field))
        for _ in range(int(over / FLUSH_EVERY) + 1):
            flushed += bool(await redis.flushall())
            await asyncio.sleep(FLUSH_EVERY)
        flushing.cancel()
        await redis.aclose()
        drained = await field.drain(60 + over)
        verdict = await field.verdict()
        lateness = await _lateness(field)
        exits = len(field.crew.workers) - len(field.crew.living)
    return Report(
        name="Q2 Redis is emptied",
        posts=size.posts,
        fired={"FLUSHALL": flushed},
        verdict=verdict,
        drained_after=drained,
        claims={"no scheduler ended": not exits},
        numbers={"lateness_seconds": lateness},
    )


async def bell_gone(world: World, size: Size) -> Report:
    """Stop Redis for a while: posts go out by the clock, and the bell rings again when it is back."""
    async with own_field(world, dict.fromkeys(ABLE, ACCOUNTS), seed=size.seed) as (field, embedded):
        over = max(4.0, size.posts / 20)
        await field.crew.start(2)
        await field.until_beating(2)
        embedded.valkey.send(signal.SIGKILL)
        await asyncio.to_thread(embedded.valkey.wait_gone, 10.0)
        await field.plant(size.posts, ABLE, after=1.0, over=over)
        without = await field.drain(60 + over)
        await start(embedded.valkey)
        heard = await _is_heard(field, embedded.redis_url)
        await field.plant(3, ABLE)
        drained = await field.drain(60)
        verdict = await field.verdict()
        lateness = await _lateness(field)
        lost = field.crew.said("bell.lost")
        exits = len(field.crew.workers) - len(field.crew.living)
    return Report(
        name="Q3 Redis is gone",
        posts=size.posts + 3,
        fired={"schedulers that missed the bell": lost},
        verdict=verdict,
        drained_after=drained,
        claims={
            "no scheduler ended": not exits,
            "all went out without it": without is not None,
            "the bell is heard again": heard,
        },
        numbers={"lateness_seconds": lateness},
    )


async def stale_hints(world: World, size: Size) -> Report:
    """Bring back what Redis held before, again and again, as a restored snapshot does: old hints move nothing."""
    async with own_field(world, dict.fromkeys(ABLE, ACCOUNTS), seed=size.seed) as (field, embedded):
        queue, redis = ArqQueue(embedded.redis_url), Redis.from_url(embedded.redis_url)
        for _ in range(50):
            await queue.ring(Role.SCHEDULER)
        snapshot = {key: await redis.dump(key) for key in await redis.keys("*")}
        over = max(6.0, size.posts / 20)
        await field.plant(size.posts, ABLE, after=1.0, over=over)
        await field.crew.start(2)
        restored = 0
        for _ in range(size.kills):
            await asyncio.sleep(over / size.kills)
            await redis.flushall()
            for key, value in snapshot.items():
                await redis.restore(key, 0, value, replace=True)
                restored += 1
        await queue.close()
        await redis.aclose()
        drained = await field.drain(60 + over)
        verdict = await field.verdict()
        lateness = await _lateness(field)
        exits = len(field.crew.workers) - len(field.crew.living)
    return Report(
        name="Q4 Redis from an old snapshot",
        posts=size.posts,
        fired={"keys restored": restored},
        verdict=verdict,
        drained_after=drained,
        claims={"no scheduler ended": not exits},
        numbers={"lateness_seconds": lateness},
    )


async def hints(world: World, size: Size) -> Report:
    """Ring a hundred times for every post, in no order: each is claimed once all the same."""
    async with world.field(dict.fromkeys(ABLE, ACCOUNTS), pace=Pace(lease=30.0), seed=size.seed) as field:
        over = size.posts / 20
        queue = ArqQueue(field.settings.redis_url)
        await field.crew.start(3)
        await field.plant(size.posts, ABLE, after=1.0, over=over)
        rung = 0
        for _ in range(size.posts):
            for _ in range(10):
                await asyncio.gather(*(queue.ring(Role.SCHEDULER) for _ in range(10)))
            rung += 100
        await queue.close()
        drained = await field.drain(60 + over)
        verdict = await field.verdict()
        rows = await field.rows()
        claims = sum(row.attempts for row in rows)
    return Report(
        name="Q5 hints a hundred times over",
        posts=size.posts,
        fired={"hints": rung},
        verdict=verdict,
        drained_after=drained,
        claims={"claims within 5 % of posts": claims <= 1.05 * size.posts},
        numbers={"claims": claims},
    )


async def _ring(field: Field) -> None:
    """Ring all the time, so that there is something to forget."""
    queue = ArqQueue(field.settings.redis_url)
    while True:
        await queue.ring(Role.SCHEDULER)
        await asyncio.sleep(0.05)


async def _is_heard(field: Field, redis_url: str) -> bool:
    """Say whether a scheduler takes a hint within ten seconds."""
    queue, redis = ArqQueue(redis_url), Redis.from_url(redis_url)
    try:
        async with asyncio.timeout(10):
            await queue.ring(Role.SCHEDULER)
            while await redis.zcard("drumtower:scheduler"):  # noqa: ASYNC110 - other processes do it
                await asyncio.sleep(0.1)
    except TimeoutError:
        return False
    finally:
        await queue.close()
        await redis.aclose()
    return True


async def _lateness(field: Field) -> dict[str, float]:
    """How long after its due time each platform was first asked; of what went out in one attempt."""
    asked = field.platforms.asked_at
    late = sorted(
        (asked[row.id] - row.due_at).total_seconds() for row in await field.rows() if row.id in asked
    )
    return {"p50": round(late[len(late) // 2], 2), "max": round(late[-1], 2)} if late else {}


def first_after(rows: Sequence[Delivery], at: datetime) -> float | None:
    """Seconds from `at` to the first post after it; None where there was none."""
    later = [row.published_at - at for row in rows if row.published_at and row.published_at > at]
    return round(min(later).total_seconds(), 2) if later else None
