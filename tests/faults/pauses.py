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
