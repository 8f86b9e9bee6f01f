"""Q21: a backup is restored, and what went out after it was made must not go out again; and the proof that it could."""

import signal

from sqlalchemy.engine import make_url

from drumtower.db.repositories.restores import doubt
from drumtower.domain.deliveries import State
from tests.databases import execute
from tests.faults.field import ACCOUNTS, Field, Size
from tests.faults.report import Report, slowest
from tests.faults.weather import Weather
from tests.faults.world import World

CLASSES = ("weibo", "wechat", "bluesky", "blind")
# Bluesky's second write under a key is the first one again: it could hide what must be seen here.
BLUNT = ("weibo", "blind")
PER_SECOND = 15


async def restores(world: World, size: Size, *, trusting: bool = False) -> Report:
    """Back up in the middle of the load, go on for a while, and put the backup in the place of what there is.

    `trusting` starts schedulers on it as if nothing had happened; then posts must appear twice.
    """
    classes = BLUNT if trusting else CLASSES
    weather = Weather(before=0.05, after=0.2)
    async with world.field(dict.fromkeys(classes, ACCOUNTS), weather=weather, seed=size.seed) as field:
        over = size.posts / PER_SECOND
        await field.plant(size.posts, classes, after=0.5, over=over)
        await field.crew.start(2)
        await field.until(State.PUBLISHED, least=size.posts // 4, within=60 + over)
        await _killed(field)
        await _copy(world, field, back=False)
        out_before = len(list(field.platforms.posts()))
        await field.crew.start(2)
        await field.until(State.PUBLISHED, least=size.posts // 2, within=60 + over)
        await _killed(field)
        out_after = len(list(field.platforms.posts()))
        await _copy(world, field, back=True)
        doubted = 0 if trusting else await _doubt(field)
        await field.crew.start(2)
        drained = await field.drain(90 + over)
        left = 0 if trusting else await field.settle()
        verdict = await field.verdict()
        late = slowest(await field.rows(), await field.attempts())
    return Report(
        name="Q21 a backup restored, and trusted" if trusting else "Q21 a backup restored",
        posts=size.posts,
        fired={"out after the backup": out_after - out_before},
        verdict=verdict,
        drained_after=drained,
        expects="doubles" if trusting else "",
        claims={}
        if trusting
        else {
            "what can be looked up is settled": not left,
            "all else went out": verdict.states[State.PUBLISHED] + len(verdict.flagged) == size.posts,
        },
        numbers={"looked_up_before_sending": doubted},
        told={"slowest": late},
    )


async def _killed(field: Field) -> None:
    await field.crew.stop(signal.SIGKILL)
    await field.db.engine.dispose()


async def _copy(world: World, field: Field, *, back: bool) -> None:
    """Copy the field's database as a whole, or put the copy in its place."""
    name = make_url(field.settings.database_url).database
    source, target = (f"{name}_copy", name) if back else (name, f"{name}_copy")
    await execute(world.servers.database_url, f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")
    await execute(world.servers.database_url, f"CREATE DATABASE {target} TEMPLATE {source}")
    if back:
        await execute(world.servers.database_url, f"DROP DATABASE {source}")


async def _doubt(field: Field) -> int:
    """Do what `drumtower db restored` does."""
    doubted = 0
    while True:
        async with field.db.transaction() as tx:
            some = await doubt(tx)
        doubted += some
        if not some:
            return doubted
