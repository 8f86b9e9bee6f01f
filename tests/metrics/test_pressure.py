"""Publishing goes first, and what a platform closed stays closed for pulls too."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from drumtower.db.engine import Database
from drumtower.db.repositories import budgets
from drumtower.db.repositories.pressure import is_behind, oldest_due
from services.metrics.pull import Puller
from tests.metrics.conftest import Connect, SetClock, publish, pull, readings

ACT = text("UPDATE deliveries SET state = 'planned', published_at = NULL, next_at = now() + :after")


async def wait_since(db: Database, after: timedelta) -> None:
    """Let every delivery wait for what came `after` now."""
    async with db.transaction() as tx:
        await tx.execute(ACT, {"after": after})


@pytest.mark.parametrize(("due", "behind"), [(-61, True), (-59, False), (+61, False)])
async def test_behind_is_a_matter_of_age(db: Database, connect: Connect, due: int, behind: bool) -> None:
    await publish(await connect("weibo"))
    await wait_since(db, timedelta(seconds=due))
    async with db.transaction() as tx:
        assert await is_behind(tx) is behind
        age = await oldest_due(tx)
    assert (age is None) is (due > 0)


async def test_pulls_rest_while_publishing_is_behind(db: Database, connect: Connect, puller: Puller) -> None:
    """N9."""
    stage = await connect("weibo", followers=12)
    post = await publish(stage)
    await wait_since(db, timedelta(minutes=-2))
    await pull(puller)
    assert await readings(db, stage.channel_id, None) == []
    await wait_since(db, timedelta(minutes=2))
    await pull(puller)
    assert await readings(db, stage.channel_id, None) == [{"followers": 12}]
    assert post.id


async def test_a_channel_that_its_platform_closed_is_not_pulled(
    db: Database, connect: Connect, puller: Puller
) -> None:
    closed, other = await connect("weibo", followers=1), await connect("weibo", followers=2)
    until = datetime.now(UTC) + timedelta(minutes=5)
    place = puller.limits.place(closed.channel_id, "weibo", closed.base_url)
    async with db.transaction() as tx:
        await budgets.close(tx, {place.channel: (until, "told")})
    await pull(puller)
    assert await readings(db, closed.channel_id, None) == []
    assert await readings(db, other.channel_id, None) == [{"followers": 2}]
    async with db.transaction() as tx:
        await tx.execute(text("UPDATE rate_budgets SET closed_until = now() - interval '1 second'"))
    await pull(puller)
    assert await readings(db, closed.channel_id, None) == [{"followers": 1}]


async def test_a_closed_app_closes_all_its_channels_and_no_others(
    db: Database, connect: Connect, puller: Puller
) -> None:
    weibo, bluesky = await connect("weibo"), await connect("bluesky", followers=3)
    place = puller.limits.place(weibo.channel_id, "weibo", weibo.base_url)
    async with db.transaction() as tx:
        await budgets.close(tx, {place.app: (datetime.now(UTC) + timedelta(minutes=5), "told")})
        assert await budgets.closed_channels(tx, puller.limits.addresses) == {weibo.channel_id}
    await pull(puller)
    assert await readings(db, weibo.channel_id, None) == []
    assert await readings(db, bluesky.channel_id, None) == [{"followers": 3}]


async def test_what_a_pull_was_told_binds_deliveries(
    db: Database, connect: Connect, puller: Puller, clock: SetClock
) -> None:
    stage = await connect("weibo")
    await stage.fault(status=429, body="{}", headers={"retry-after": "120"}, times=1)
    await pull(puller)
    assert await stage.fired() == 1
    place = puller.limits.place(stage.channel_id, "weibo", stage.base_url)
    async with db.transaction() as tx:
        row = (await budgets.read(tx, [place.channel]))[place.channel]
    assert row.closed_until is not None
    assert timedelta(seconds=100) < row.closed_until - datetime.now(UTC) <= timedelta(seconds=120)
