"""R3: a scheduler that is paused beyond its lease must not send when it wakes; and the proof that this can fail."""

import asyncio
import signal

from drumtower.domain.deliveries import State
from tests.faults.field import ACCOUNTS, Field, Pace, Size
from tests.faults.report import Report, slowest
from tests.faults.world import World

# A second post by a key would be the first one again: it could hide what must be seen here.
CLASSES = ("weibo", "blind")
# Seconds between the intent's commit and the call, so that pauses find deliveries there.
LINGER = 0.7
PACE = Pace(lease=4.0, concurrency=2)
AT_ONCE = 6
WORKERS = 6
SLEEPERS = 2
PAUSE_SECONDS = 10.0
BLOCK_SECONDS = 5.0


async def crowded(world: World, size: Size) -> Report:
    """Let six schedulers share many posts, and SIGSTOP one after another for ten seconds, with a lease of four."""
    accounts = dict.fromkeys(CLASSES, 3 * ACCOUNTS)
    async with world.field(accounts, pace=PACE, seed=size.seed) as field:
        over = size.kills * (PAUSE_SECONDS / SLEEPERS + 0.5)
        await field.crew.start(WORKERS, linger=LINGER)
        await field.until_beating(WORKERS)
        await field.plant(size.posts, CLASSES, after=1.0, over=over)
        caught = 0
        for start in range(0, size.kills, SLEEPERS):
            caught += await field.until(State.SENDING, least=WORKERS)
            sleepers = field.draw.sample(field.crew.living, min(SLEEPERS, size.kills - start))
            for sleeper in sleepers:
                sleeper.send(signal.SIGSTOP)
            await asyncio.sleep(PAUSE_SECONDS)
            for sleeper in sleepers:
                sleeper.send(signal.SIGCONT)
        drained = await field.drain(60 + over)
        left = await field.settle()
        verdict = await field.verdict()
        attempts = await field.attempts()
        late = slowest(await field.rows(), attempts)
        said = {words: field.crew.said(words) for words in ("lease_lost", "stale_result")}
    asleep = sum("DeadlinePassed" in (a.detail or "") for a in attempts)
    return Report(
        name="R3 pauses among many",
        posts=size.posts,
        fired={
            "pause": size.kills,
            "intents committed then": caught,
            "results that came too late": said["stale_result"],
        },
        verdict=verdict,
        drained_after=drained,
        claims={"what can be looked up is settled": not left},
        numbers={**said, "deadline": asleep},
        told={"slowest": late},
    )


async def pauses(world: World, size: Size, *, unguarded: bool = False) -> Report:
    """SIGSTOP a scheduler with intents committed until another one has settled them, then let it go on.

    `unguarded` switches the check off that bytes leave within the lease; one double ends the run then.
    """
    async with world.field(dict.fromkeys(CLASSES, ACCOUNTS), pace=PACE, seed=size.seed) as field:
        caught = rounds = 0
        for _ in range(size.kills):
            rounds += 1
            caught += await _pause(field, unguarded)
            if unguarded and (await field.verdict()).doubles:
                break
        await field.crew.start()
        drained = await field.drain(60)
        verdict = await field.verdict()
        late = slowest(await field.rows(), await field.attempts())
        said = {words: field.crew.said(words) for words in ("lease_lost", "stale_result")}
        asleep = sum("DeadlinePassed" in (a.detail or "") for a in await field.attempts())
    return Report(
        name="R3 pause without the deadline check" if unguarded else "R3 pause beyond the lease",
        posts=rounds * AT_ONCE,
        fired={"pause with intents committed": caught},
        verdict=verdict,
        drained_after=drained,
        expects="doubles" if unguarded else "",
        numbers={**said, "rounds": rounds, "deadline": asleep},
        told={"slowest": late},
    )


async def _pause(field: Field, unguarded: bool) -> int:
    """Pause one with committed intents until they are settled without it; return how many it had."""
    [sleeper] = await field.crew.start(linger=LINGER, no_deadline=unguarded)
    await field.plant(AT_ONCE, CLASSES)
    sending = await field.until(State.SENDING, least=3)
    sleeper.send(signal.SIGSTOP)
    [rescuer] = await field.crew.start()
    # Locks that the sleeper holds are taken from it after ten seconds.
    # What the sleeper has locked is free only when the reaper has ended its sessions.
    await field.drain(PACE.lease + 40)
    sleeper.send(signal.SIGCONT)
    await asyncio.sleep(1.5)
    for worker in (sleeper, rescuer):
        await worker.end()
    return sending


async def blocks(world: World, size: Size) -> Report:
    """Let a bad task hold up the event loop for five seconds, again and again; it is told, and no lease is lost."""
    pace = Pace(lease=20.0)
    async with world.field(dict.fromkeys(CLASSES, ACCOUNTS), pace=pace, seed=size.seed) as field:
        over = size.posts / 5
        await field.crew.start(2, block=BLOCK_SECONDS)
        await field.until_beating(2)
        await field.plant(size.posts, CLASSES, after=0.5, over=over)
        drained = await field.drain(60 + 2 * over)
        verdict = await field.verdict()
        late = slowest(await field.rows(), await field.attempts())
        said = {
            words: field.crew.said(words)
            for words in ("faults.block", "loop.stalled", "lease_lost", "stale_result")
        }
    return Report(
        name="Q14 the event loop stands still",
        posts=size.posts,
        fired={"blocked for five seconds": said["faults.block"]},
        verdict=verdict,
        drained_after=drained,
        claims={
            "each was told, with its stack": said["loop.stalled"] >= said["faults.block"],
            "no lease was lost": not said["lease_lost"] + said["stale_result"],
            "all went out": verdict.states == {State.PUBLISHED.value: size.posts},
        },
        numbers=said,
        told={"slowest": late},
    )
