"""R10: equal texts on one account. What is unknown must not be taken for its twin."""

import random
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import PurePath
from uuid import UUID

from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.store import Record
from tests.faults.field import Field, Size
from tests.faults.report import Report, slowest
from tests.faults.weather import Weather
from tests.faults.world import World

CLASSES = ("weibo", "wechat", "bluesky")
TEXT = "秋茶上新，办公室里也能喝到一杯好茶"


async def texts(world: World, size: Size) -> Report:
    """Send the same text again and again on one account a platform, a third of the answers lost after the act."""
    weather = Weather(after=0.2, gateway=0.33, draw=random.Random(size.seed))
    async with world.field(dict.fromkeys(CLASSES, 1), weather=weather, seed=size.seed) as field:
        now = datetime.now(UTC)
        made = [
            field.promise(
                field.stages[CLASSES[number % 3]][0], now + timedelta(seconds=number / 20), text=TEXT
            )
            for number in range(size.posts)
        ]
        await field.commit(made)
        await _know_owners(field)
        await field.crew.start(2)
        drained = await field.drain(60 + size.posts)
        verdict = await field.verdict()
        late = slowest(await field.rows(), await field.attempts())
    return Report(
        name="R10 equal texts",
        posts=size.posts,
        fired=dict(weather.fired),
        verdict=verdict,
        drained_after=drained,
        claims={"each has a post of its own": verdict.states == {"published": size.posts}},
        told={"slowest": late},
    )


async def _know_owners(field: Field) -> None:
    """Tell whose a post is by what each adapter promises to leave on its platform, not by its text."""
    posts = import_module("drumtower.adapters.bluesky.posts")
    keys = {posts.record_key(row.id.hex, row.due_at): row.id for row in await field.rows()}

    def owner(slug: str, post: Record, platform: SandboxPlatform) -> UUID | None:
        if slug == "bluesky":
            return keys.get(post["id"].rpartition("/")[2])
        if slug == "wechat":
            cover = platform.store.get("_media", post["news_item"][0]["thumb_media_id"])
            return UUID(PurePath(cover["name"]).stem) if cover else None
        _, found, rest = str(post["text"]).partition("dt=")
        return UUID(rest[:32]) if found else None

    field.platforms.owner = owner
