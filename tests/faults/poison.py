"""Q15: rows that always raise. Each ends where a person sees it, and no other delivery waits for it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import update

from drumtower.crypto import Box, new_key
from drumtower.db.models import Channel, Delivery
from drumtower.domain.deliveries import State
from tests.factories import make_asset
from tests.faults.field import ACCOUNTS, Field, Pace, Size
from tests.faults.report import Report, history
from tests.faults.world import World
from tests.scheduler.stage import Stage

CLASSES = ("weibo", "wechat", "bluesky")
# Where a person sees it: failed with a reason, held with a reason, or unknown with the question put.
SEEN = frozenset({State.FAILED, State.HELD})


async def poison(world: World, size: Size) -> Report:
    """Mix rows that nobody can send into good ones."""
    async with world.field(dict.fromkeys(CLASSES, ACCOUNTS), pace=Pace(lease=4.0), seed=size.seed) as field:
        await field.connect({"weibo": 2, "bluesky": 1})  # the last of each is only for what is spoiled
        spoiled = {slug: [stages.pop()] for slug, stages in field.stages.items() if slug == "bluesky"}
        spoiled["weibo"] = [field.stages["weibo"].pop(), field.stages["weibo"].pop()]
        good = await field.plant(size.posts, CLASSES, after=0.5, over=size.posts / 20)
        bad = await _spoil(field, spoiled)
        await field.crew.start(2, hasty_retries=True)
        drained = await field.drain(90 + size.posts / 5, leave=0)
        verdict = await field.verdict(State.PUBLISHED, *SEEN)
        rows = {row.id: row for row in await field.rows()}
        attempts = await field.attempts()
        lives = {
            name: history(rows[one], attempts) + f" {rows[one].error}"[:160] for name, one in bad.items()
        }
    return Report(
        name="Q15 poison rows",
        posts=size.posts + len(bad),
        fired={"delivery.broken": field.crew.said("delivery.broken")},
        verdict=verdict,
        drained_after=drained,
        claims={
            "the good ones went out": all(rows[one].state == State.PUBLISHED for one in good),
            **{f"{name} is seen": _is_seen(rows[one]) for name, one in bad.items()},
        },
        told={"lives": lives},
    )


def _is_seen(row: Delivery) -> bool:
    return bool(row.error) and (State(row.state) in SEEN or (row.state == State.UNKNOWN and row.needs_check))


async def _spoil(field: Field, spoiled: Mapping[str, list[Stage]]) -> dict[str, UUID]:
    """Plant one row of each kind, and break it."""
    kinds = (
        "a payload without a body",
        "a platform nobody speaks",
        "a file that is gone",
        "credentials of another key",
    )
    now = datetime.now(UTC)
    stages = (*spoiled["weibo"], field.stages["wechat"][0], *spoiled["bluesky"])
    made = [field.promise(stage, now) for stage in stages]
    payload, platform, file, credentials = (delivery for _, delivery in made)
    payload.payload = {key: value for key, value in payload.payload.items() if key != "body"}
    platform.platform = "orkut"
    missing = await make_asset(field.db, field.team)
    file.payload = file.payload | {"asset_ids": [str(missing)]}
    await field.commit(made)
    async with field.db.transaction() as tx:
        await tx.execute(update(Channel).where(Channel.id == platform.channel_id).values(platform="orkut"))
        await tx.execute(
            update(Channel)
            .where(Channel.id == credentials.channel_id)
            .values(credentials=Box(new_key()).seal({}), token=None)
        )
    return dict(zip(kinds, (payload.id, platform.id, file.id, credentials.id), strict=True))
