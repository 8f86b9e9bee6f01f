"""Audiences, pulled daily with the channel's own numbers."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update

from drumtower.adapters.bluesky.adapter import BlueskyAdapter
from drumtower.connections import Connections
from drumtower.db.engine import Database
from drumtower.db.models import AudienceProfile, SamplePlan
from drumtower.domain.audience_profiles import Dimension
from drumtower.domain.samples import Metric
from drumtower.platforms import Adapter, Audience, AudienceSource, Credentials
from drumtower.platforms.registry import Registry
from services.metrics import plan, retention
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


async def test_a_page_on_linkedin_tells_of_its_followers_work(
    db: Database, connect: Connect, puller: Puller, clock: SetClock
) -> None:
    await connect("linkedin", followers=1000)
    await pull(puller)
    (row,) = await stored(db)
    assert (row.total, row.as_of) == (1000, clock.now()), "LinkedIn does not say when it counted"
    assert row.people["seniority"] == {
        "urn:li:seniority:4": 420,
        "urn:li:seniority:6": 90,
        "urn:li:seniority:8": 35,
    }
    assert row.people["company_size"] == {"SIZE_2_TO_10": 150, "SIZE_51_TO_200": 330}
    assert "urn:li:industry:96" not in row.people["industry"], "small groups are left out"


async def test_a_token_refused_for_the_audience_is_renewed(
    db: Database, connect: Connect, connections: Connections, clock: SetClock
) -> None:
    class Telling(BlueskyAdapter, AudienceSource):
        capabilities = replace(BlueskyAdapter.capabilities, audience_dimensions=(Dimension.GENDER,))

        async def audience(self, credentials: Credentials) -> Audience:
            followers = (await self.channel_stats(credentials)).values[Metric.FOLLOWERS]
            return Audience(people={Dimension.GENDER: {"female": followers}}, total=followers)

    adapters: dict[str, type[Adapter]] = {**connections.registry.adapters, "bluesky": Telling}
    registry = Registry(adapters=adapters, refused={})
    told = replace(connections, registry=registry)
    stage = await connect("bluesky")
    expired = '{"error": "ExpiredToken", "message": "Token has expired"}'
    # The first of these calls asks for the numbers.
    await stage.fault(path="getProfile", skip=1, status=400, body=expired)
    await pull(Puller(db=db, connections=told, clock=clock, platforms=plan.sources(registry)))
    assert await stage.fired() == 1
    assert (await plans(db, stage.channel_id))[None].last_error is None
    assert await stored(db)
