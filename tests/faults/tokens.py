"""R14: tokens end while many posts of one account are on their way: one renewal, and every post goes out."""

from sqlalchemy import select, update

from drumtower.db.models import Channel
from drumtower.domain.deliveries import State
from drumtower.sandbox.faults import Behaviour, Fault
from tests.faults.field import Field, Pace, Size
from tests.faults.report import Report, slowest
from tests.faults.world import World

CLASSES = ("wechat", "bluesky")
SERVER = "com.atproto.server"
RENEWALS = {"wechat": ("stable_token",), "bluesky": (f"{SERVER}.refreshSession", f"{SERVER}.createSession")}
# A renewal that takes longer than the dispatcher's own pace: nobody may be faster with the old token.
SLOW = 3.0


async def tokens(world: World, size: Size, *, voided: bool = False) -> Report:
    """Let the tokens run out by our own clock or, `voided`, by the platform's word only."""
    pace = Pace(lease=20.0, concurrency=max(4, size.posts // 2))
    async with world.field(dict.fromkeys(CLASSES, 1), pace=pace, seed=size.seed) as field:
        await (_void(field) if voided else _expire(field))
        before = field.platforms.weather.calls.copy()
        for slug, paths in RENEWALS.items():
            field.platforms.made[slug].faults.waiting += [
                Fault(path=path, behaviour=Behaviour.DELAY, seconds=SLOW, times=10**6) for path in paths
            ]
        await field.plant(size.posts, CLASSES)
        await field.crew.start(2)
        drained = await field.drain(60 + size.posts)
        verdict = await field.verdict()
        calls = field.platforms.weather.calls - before
        renewals = {slug: sum(calls[f"{slug}/{path}"] for path in paths) for slug, paths in RENEWALS.items()}
        async with field.db.transaction() as tx:
            statuses = set(await tx.scalars(select(Channel.status)))
        late = slowest(await field.rows(), await field.attempts())
    return Report(
        name="R14 voided tokens" if voided else "R14 expired tokens",
        posts=size.posts,
        fired=renewals,
        verdict=verdict,
        drained_after=drained,
        claims={
            "one renewal an account": set(renewals.values()) == {1},
            "every channel is still connected": statuses == {"connected"},
            "all went out": verdict.states == {State.PUBLISHED.value: size.posts},
        },
        told={"slowest": late},
    )


async def _expire(field: Field) -> None:
    async with field.db.transaction() as tx:
        await tx.execute(update(Channel).values(token=None, token_expires_at=None))


async def _void(field: Field) -> None:
    """Make the platforms refuse tokens that look good here."""
    [wechat], [bluesky] = field.stages["wechat"], field.stages["bluesky"]
    await wechat.control("tokens/void", {"account": wechat.account["account"]})
    # The platform's clock goes on three hours: access tokens live two, refresh tokens ninety days.
    await bluesky.control("clock", {"seconds": 3 * 3600})
