"""R9: what was just published is not listed yet. "Absent" too early is no proof; and the proof that this can fail."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.store import Record
from drumtower.sandbox.weibo.server import WeiboSandbox
from tests.faults.field import ACCOUNTS, Field, Size
from tests.faults.report import Report, slowest
from tests.faults.weather import Weather
from tests.faults.world import World

# Bluesky's second write under a key is the first one again: it could hide what must be seen here.
CLASSES = ("weibo", "wechat")
LAG = timedelta(seconds=5)
TRUSTED_AFTER = 8.0


async def lags(world: World, size: Size, *, trusting: bool = False) -> Report:
    """Lose half of the answers after the act, and list no post before it is five seconds old.

    `trusting` believes the first look that finds nothing; then posts must appear twice.
    """
    weather = Weather(after=0.1, gateway=0.5, draw=random.Random(size.seed))
    accounts = dict.fromkeys(CLASSES, max(ACCOUNTS, size.posts // 40))
    async with world.field(accounts, weather=weather, seed=size.seed) as field:
        hidden = _hide(field)
        over = size.posts / 20
        await field.plant(size.posts, CLASSES, after=0.5, over=over)
        await field.crew.start(2, read_lag=0 if trusting else TRUSTED_AFTER)
        drained = await field.drain(90 + over)
        left = 0 if trusting else await field.settle()
        verdict = await field.verdict()
        late = slowest(await field.rows(), await field.attempts())
    return Report(
        name="R9 lists that lag, believed at once" if trusting else "R9 lists that lag",
        posts=size.posts,
        fired={"answers lost": weather.fired["gateway"], "reads that hid a post": hidden["reads"]},
        verdict=verdict,
        drained_after=drained,
        expects="doubles" if trusting else "",
        claims={"what can be looked up is settled": not left},
        told={"slowest": late},
    )


def _hide(field: Field) -> Counter[str]:
    """Let the lists of both platforms show a post `LAG` after it was made; count the reads that did not show one."""
    weibo, wechat = field.platforms.made["weibo"], field.platforms.made["wechat"]
    assert isinstance(weibo, WeiboSandbox)
    hidden: Counter[str] = Counter()
    timeline, total = weibo.state.timeline, weibo.state.post_count
    listed, born = wechat.store.all, _births(weibo, wechat)

    def shown(posts: list[Record]) -> list[Record]:
        old = [post for post in posts if datetime.now(UTC) - born[post["id"]] >= LAG]
        hidden["reads"] += len(old) < len(posts)
        return old

    weibo.state.timeline = lambda account, newest: shown(timeline(account, newest))  # type: ignore[method-assign]
    # The total lags with the list: a number that is ahead would betray that something is missing.
    weibo.state.post_count = lambda account: len(shown(timeline(account, total(account))))  # type: ignore[method-assign]

    def aged(collection: str) -> list[Record]:
        return shown(listed(collection)) if collection == "posts" else listed(collection)

    wechat.store.all = aged  # type: ignore[method-assign]
    return hidden


def _births(*platforms: SandboxPlatform) -> dict[str, datetime]:
    """Note when each post is made, from now on."""
    born: dict[str, datetime] = {}
    for platform in platforms:
        write = platform.store._write

        def noted(
            collection: str,
            key: str,
            value: Record | None,
            write: Callable[[str, str, Record | None], None] = write,
        ) -> None:
            if collection == "posts":
                born.setdefault(key, datetime.now(UTC))
            write(collection, key, value)

        platform.store._write = noted  # type: ignore[method-assign]
    return born
