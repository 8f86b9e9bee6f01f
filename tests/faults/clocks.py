"""R16 and R17: wrong clocks, and a day without any scheduler."""

from datetime import timedelta

from drumtower.domain.deliveries import State
from tests.faults.field import ACCOUNTS, Size
from tests.faults.report import Report, slowest
from tests.faults.world import World

CLASSES = ("weibo", "wechat", "bluesky")
SKEWS: tuple[dict[str, float], ...] = ({"skew": -300}, {"skew": 0}, {"skew": 300})
# An hour either way in the middle of the run, and a clock that gains twenty seconds every second.
JUMPS: tuple[dict[str, float], ...] = (
    {"skew": 3600, "skew_after": 5},
    {"skew": -3600, "skew_after": 5},
    {"drift": 20},
)
DOWN = timedelta(hours=26)
LATE_BY = 3600
PER_SECOND = 40


async def skews(world: World, size: Size, *, jumping: bool = False) -> Report:
    """Send with schedulers whose clocks are wrong either way, or go wrong: due is what the database says."""
    wrongs = JUMPS if jumping else SKEWS
    async with world.field(dict.fromkeys(CLASSES, ACCOUNTS), seed=size.seed) as field:
        for wrong in wrongs:
            await field.crew.start(1, **wrong)
        # By a wrong clock they would be four minutes too late, or not due at all.
        await field.plant(size.posts, CLASSES, after=2.0, over=size.posts / PER_SECOND, late_by=60)
        drained = await field.drain(60 + size.posts / 5)
        verdict = await field.verdict()
        rows = await field.rows()
        asked = field.platforms.asked_at
        ahead = [(row.due_at - asked[row.id]).total_seconds() for row in rows if row.id in asked]
        error = max((abs(row.published_at - asked[row.id]) for row in rows if row.published_at), default=DOWN)
        late = slowest(rows, await field.attempts())
        wrong_clocks = field.crew.said("faults.clock")
    return Report(
        name="Q11 clocks that jump and drift" if jumping else "R16 never early",
        posts=size.posts,
        fired={"schedulers with a clock of their own": wrong_clocks},
        verdict=verdict,
        drained_after=drained,
        claims={
            "each was seen": len(ahead) == size.posts,
            "none was early": max(ahead, default=1.0) <= 0.0,
            "what we say of the time is right": error < timedelta(seconds=15),
            "none was called late": set(verdict.states) == {State.PUBLISHED.value},
        },
        numbers={"earliest_seconds_before_due": round(max(ahead, default=0.0), 3)},
        told={"slowest": late},
    )


async def downtime(world: World, size: Size) -> Report:
    """Start after 26 hours: what may be late goes out, what may not is missed, what was half sent is settled."""
    third = max(3, size.posts // 3)
    async with world.field(dict.fromkeys(CLASSES, ACCOUNTS), seed=size.seed) as field:
        before = -DOWN.total_seconds()
        lasting = await field.plant(third, CLASSES, after=before, over=3600)
        fleeting = await field.plant(third, CLASSES, after=before, over=3600, late_by=LATE_BY)
        broken = await field.plant(third, CLASSES, after=before, over=60, broken_off=DOWN)
        await field.crew.start(2)
        drained = await field.drain(60 + size.posts / 3)
        verdict = await field.verdict(State.PUBLISHED, State.MISSED)
        states = {row.id: State(row.state) for row in await field.rows()}
        late = slowest(await field.rows(), await field.attempts())
    return Report(
        name="R17 26 hours without a scheduler",
        posts=len(states),
        fired={"due while nobody ran": len(states)},
        verdict=verdict,
        drained_after=drained,
        claims={
            "what may be late is out": all(states[one] is State.PUBLISHED for one in lasting),
            "what may not is missed": all(states[one] is State.MISSED for one in fleeting),
            "what was half sent is settled": all(states[one] is State.PUBLISHED for one in broken),
        },
        told={"slowest": late},
    )
