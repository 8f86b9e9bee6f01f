"""Audiences, pulled daily with the channel's own numbers."""

from datetime import timedelta

from sqlalchemy import select, update

from drumtower.db.engine import Database
from drumtower.db.models import AudienceProfile, SamplePlan
from services.metrics import retention
from services.metrics.pull import Puller
from tests.metrics.conftest import Connect, SetClock, plans, pull, readings


async def stored(db: Database) -> list[AudienceProfile]:
    async with db.transaction() as tx:
        return list(await tx.scalars(select(AudienceProfile)))


async def test_an_audience_is_kept_once_a_day_and_for_two_years(
    db: Database, connect: Connect, puller: Puller, clock: SetClock
) -> None:
    stage = await connect("douyin", followers=1000)
    await pull(puller)
    async with db.transaction() as tx:
        await tx.execute(update(SamplePlan).values(next_at=clock.now()))
    await pull(puller)
    (row,) = await stored(db)
    assert (row.channel_id, row.total) == (stage.channel_id, 1000)
    assert row.people["gender"] == {"male": 380, "female": 550}
    assert row.people["region"]["北京"] == 330
    await retention.step(db, clock.now() + timedelta(days=730))
    assert await stored(db)
    await retention.step(db, clock.now() + timedelta(days=732))
    assert not await stored(db)


async def test_a_refused_audience_costs_no_number(db: Database, connect: Connect, puller: Puller) -> None:
    scopes = "user_info,video.create.bind,video.list.bind,video.data.bind,data.external.user"
    stage = await connect("douyin", followers=1000, scopes=scopes)
    await pull(puller)
    assert await stored(db) == []
    assert await readings(db, stage.channel_id, None) == [{"followers": 1000}]
    plan = (await plans(db, stage.channel_id))[None]
    assert (plan.last_error or "").startswith("audience: "), "and it is told why"
    assert plan.failures == 0


async def test_few_followers_give_no_audience(db: Database, connect: Connect, puller: Puller) -> None:
    await connect("douyin", followers=100)
    await pull(puller)
    assert await stored(db) == [], "not given is not 0"
