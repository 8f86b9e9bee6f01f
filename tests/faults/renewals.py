"""R14: kill -9 in the middle of a token's renewal. No refresh token is lost, and no account has to sign in anew."""

import asyncio
from contextlib import suppress

from sqlalchemy import select, update

from drumtower.db.models import Channel
from drumtower.domain.deliveries import State
from drumtower.sandbox.faults import Behaviour, Fault
from tests.faults.field import Field, Pace, Size
from tests.faults.report import Report, slowest
from tests.faults.tokens import RENEWALS
from tests.faults.world import World

CLASSES = ("wechat", "bluesky")
SLOW = 0.5
# Of the lease that a dead renewer leaves behind (connections.RENEW_LEASE), and of a post after it.
WITHIN = 60.0


async def renewals(world: World, size: Size) -> Report:
    """End a scheduler while platforms have its renewals in hand, `kills` times; the next one must get in."""
    async with world.field(dict.fromkeys(CLASSES, 1), pace=Pace(lease=4.0), seed=size.seed) as field:
        for slug in CLASSES:
            field.platforms.made[slug].faults.waiting += [
                Fault(path=path, behaviour=Behaviour.DELAY, seconds=SLOW, times=10**6)
                for path in RENEWALS[slug]
            ]
        hit = sum([await _end_one(field) for _ in range(size.kills)])
        await field.crew.start()
        drained = await field.drain(WITHIN)
        verdict = await field.verdict()
        async with field.db.transaction() as tx:
            statuses = set(await tx.scalars(select(Channel.status)))
        late = slowest(await field.rows(), await field.attempts())
    return Report(
        name="R14 kill -9 in a renewal",
        posts=len(field.acknowledged),
        fired={"kill in a renewal": hit},
        verdict=verdict,
        drained_after=drained,
        claims={
            "every channel is still connected": statuses == {"connected"},
            "all went out": set(verdict.states) == {State.PUBLISHED.value},
        },
        told={"slowest": late},
    )


async def _end_one(field: Field) -> int:
    """Kill a scheduler at its renewal; 1 where one was under way. The lease it held is given up at once."""
    async with field.db.transaction() as tx:
        old = {"token_expires_at": None, "token_lease_until": None}
        # Bluesky's renewal needs the refresh token that it has; WeChat's needs none.
        await tx.execute(update(Channel).where(Channel.platform == "wechat").values(token=None, **old))
    bluesky = field.stages["bluesky"][0]
    await bluesky.control("clock", {"seconds": 3 * 3600})
    before = _renewals(field)
    await field.plant(len(CLASSES), CLASSES)
    [worker] = await field.crew.start()
    with suppress(TimeoutError):
        async with asyncio.timeout(15):
            while _renewals(field) == before:  # noqa: ASYNC110 - another process calls
                await asyncio.sleep(0.005)
    await worker.end()
    async with field.db.transaction() as tx:
        await tx.execute(update(Channel).values(token_lease_until=None))
    return int(_renewals(field) > before)


def _renewals(field: Field) -> int:
    return sum(field.platforms.weather.calls[f"{slug}/{path}"] for slug in CLASSES for path in RENEWALS[slug])
