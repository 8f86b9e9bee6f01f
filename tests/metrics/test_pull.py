"""Pulling from the sandbox platforms: what is given is stored, what is not stays unknown, and failures only delay."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from drumtower.adapters.weibo.adapter import WeiboAdapter
from drumtower.connections import Connections, seal_token
from drumtower.db.engine import Database
from drumtower.db.models import Channel
from drumtower.platforms import Adapter, Credentials, PostReference, Reading, Token
from drumtower.platforms.registry import Registry
from drumtower.sandbox.faults import Behaviour
from services.metrics import plan, rollup
from services.metrics import plans as due_plans
from services.metrics.pull import Puller
from tests.factories import Team
from tests.metrics.conftest import Connect, SetClock, plans, publish, publish_article, pull, readings
from tests.scheduler.stage import Stage


async def like(stage: Stage, post: str | None, count: int) -> None:
    await stage.control("public/like", {"account": stage.account["id"], "post": post, "count": count})


class TestWhatIsStored:
    async def test_weibo_gives_no_exposure_so_there_is_none(
        self, db: Database, connect: Connect, puller: Puller
    ) -> None:
        stage = await connect("weibo", followers=1204)
        post = await publish(stage)
        await like(stage, post.external_id, 7)
        await pull(puller)
        assert await readings(db, stage.channel_id, post.id) == [{"likes": 7, "comments": 0, "shares": 0}]
        assert await readings(db, stage.channel_id, None) == [{"followers": 1204}]

    async def test_bluesky(self, db: Database, connect: Connect, puller: Puller) -> None:
        stage = await connect("bluesky", followers=3)
        post = await publish(stage)
        await like(stage, post.external_id, 2)
        await pull(puller)
        [reading] = await readings(db, stage.channel_id, post.id)
        assert reading["likes"] == 2
        assert "exposure" not in reading
        assert await readings(db, stage.channel_id, None) == [{"followers": 3}]

    @pytest.mark.long
    async def test_wechat_tells_the_next_day_and_gives_exposure(
        self, db: Database, connect: Connect, puller: Puller
    ) -> None:
        stage = await connect("wechat", followers=50)
        post = await publish_article(stage)
        for public, count in (("read", 40), ("like", 4)):
            await stage.control(
                f"public/{public}",
                {"account": stage.account["id"], "post": post.external_id, "count": count},
            )
        await pull(puller)
        assert await readings(db, stage.channel_id, post.id) == []
        own = (await plans(db, stage.channel_id))[post.id]
        assert str(own.last_error).startswith("no_reading")
        assert (own.failures, own.last_at) == (0, None)

        await stage.control("clock", {"days": 2})
        assert isinstance(puller.clock, SetClock)
        puller.clock.move(timedelta(minutes=11))
        await pull(puller)
        [reading] = await readings(db, stage.channel_id, post.id)
        assert (reading["exposure"], reading["likes"]) == (40, 4)

    @pytest.mark.long
    async def test_the_same_day_told_again_is_stored_once(
        self, db: Database, connect: Connect, puller: Puller, clock: SetClock
    ) -> None:
        stage = await connect("wechat")
        post = await publish_article(stage)
        await stage.control(
            "public/read", {"account": stage.account["id"], "post": post.external_id, "count": 40}
        )
        await stage.control("clock", {"days": 2})
        # Our clock moves along: what the platform tells is of the past then, and the same each time.
        clock.move(timedelta(days=2))
        for _ in range(3):
            await pull(puller)
            clock.move(timedelta(hours=7))
        assert len(await readings(db, stage.channel_id, post.id)) == 1
        assert len(await readings(db, stage.channel_id, None)) == 1

    @pytest.mark.long
    async def test_a_post_that_is_gone_has_no_reading_and_is_no_failure(
        self, db: Database, connect: Connect, puller: Puller
    ) -> None:
        stage = await connect("weibo")
        kept = await publish(stage)
        await stage.schedule(body="另一条微博，关于春茶")
        await stage.work()
        gone = next(one for one in await stage.deliveries() if one.id != kept.id)
        await stage.control("moderate", {"post": gone.external_id})
        await pull(puller)
        assert len(await readings(db, stage.channel_id, kept.id)) == 1
        assert await readings(db, stage.channel_id, gone.id) == []
        assert (await plans(db, stage.channel_id))[gone.id].failures == 0

    async def test_samples_reach_the_rollup(self, db: Database, connect: Connect, puller: Puller) -> None:
        woken = []
        puller.stored = lambda: woken.append(1)
        stage = await connect("weibo")
        post = await publish(stage)
        await pull(puller)
        assert woken
        await rollup.step(db)
        async with db.transaction() as tx:
            from_rollups = await tx.execute(
                text("SELECT metric, total FROM rollups WHERE delivery_id = :post ORDER BY 1"),
                {"post": post.id},
            )
            assert [tuple(row) for row in from_rollups] == [("comments", 0), ("likes", 0), ("shares", 0)]


class TestPlan:
    async def test_dense_while_young_sparse_when_old_then_over(
        self, db: Database, connect: Connect, puller: Puller, clock: SetClock
    ) -> None:
        stage = await connect("weibo")
        post = await publish(stage)
        assert post.published_at is not None
        for age, rest in (
            (timedelta(), timedelta(minutes=10)),
            (timedelta(hours=3), timedelta(hours=1)),
            (timedelta(days=2), timedelta(hours=6)),
            (timedelta(days=8), timedelta(days=1)),
            (timedelta(days=31), timedelta(days=7)),
            (timedelta(days=91), None),
        ):
            clock.moment = post.published_at + age + timedelta(seconds=1)
            await pull(puller)
            own = (await plans(db, stage.channel_id))[post.id]
            assert own.next_at == (clock.moment + rest if rest else None)
            assert own.last_at == clock.moment
        assert len(await readings(db, stage.channel_id, post.id)) == 6
        assert (await plans(db, stage.channel_id))[None].next_at == clock.moment + timedelta(days=1)

    async def test_a_rehearsal_has_one_interval(
        self, db: Database, connect: Connect, puller: Puller, clock: SetClock
    ) -> None:
        puller.rehearsal = timedelta(seconds=2)
        stage = await connect("weibo")
        await publish(stage)
        await pull(puller)
        assert {one.next_at for one in (await plans(db, stage.channel_id)).values()} == {
            clock.moment + timedelta(seconds=2)
        }

    async def test_what_is_not_due_is_not_asked(
        self, db: Database, connect: Connect, puller: Puller, clock: SetClock
    ) -> None:
        stage = await connect("weibo")
        post = await publish(stage)
        for _ in range(3):
            await pull(puller)
        assert len(await readings(db, stage.channel_id, post.id)) == 1

    async def test_a_crash_after_the_claim_only_delays(
        self, db: Database, connect: Connect, puller: Puller, clock: SetClock
    ) -> None:
        stage = await connect("weibo")
        post = await publish(stage)
        await plan.step(db, puller.platforms, clock.now(), plan.RECENT)
        async with db.transaction() as tx:
            assert len(await due_plans.claim(tx, puller.platforms, clock.now(), 10)) == 2
        await pull(puller)
        assert await readings(db, stage.channel_id, post.id) == []
        clock.move(due_plans.LEASE)
        await pull(puller)
        assert len(await readings(db, stage.channel_id, post.id)) == 1

    async def test_two_replicas_ask_once(
        self, db: Database, connect: Connect, puller: Puller, connections: Connections, clock: SetClock
    ) -> None:
        stage = await connect("weibo")
        post = await publish(stage)
        twin = Puller(db=db, connections=connections, clock=clock, platforms=puller.platforms)
        await plan.step(db, puller.platforms, clock.now(), plan.RECENT)
        await asyncio.gather(puller.step(), twin.step())
        await asyncio.gather(puller.settle(), twin.settle())
        assert len(await readings(db, stage.channel_id, post.id)) == 1

    async def test_a_disconnected_channel_rests(self, db: Database, connect: Connect, puller: Puller) -> None:
        stage = await connect("weibo")
        post = await publish(stage)
        await set_channel(db, stage, status="disconnected")
        await pull(puller)
        assert await readings(db, stage.channel_id, post.id) == []
        await set_channel(db, stage, status="connected")
        await pull(puller)
        assert len(await readings(db, stage.channel_id, post.id)) == 1


async def set_channel(db: Database, stage: Stage, **columns: Any) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(Channel).where(Channel.id == stage.channel_id).values(**columns))


class TestFailures:
    @pytest.mark.long
    async def test_a_rate_limit_is_waited_for(
        self, db: Database, connect: Connect, puller: Puller, clock: SetClock
    ) -> None:
        stage = await connect("weibo")
        post = await publish(stage)
        await stage.fault(path="statuses/count", status=429, headers={"Retry-After": "900"})
        await pull(puller)
        assert await stage.fired() == 1
        own = (await plans(db, stage.channel_id))[post.id]
        assert str(own.last_error).startswith("rate_limited")
        assert own.next_at is not None
        assert timedelta(minutes=14) < own.next_at - clock.moment < timedelta(minutes=16)
        # What was answered before the limit is kept.
        assert len(await readings(db, stage.channel_id, None)) == 1

    async def test_a_refused_token_is_renewed_once(
        self, db: Database, connect: Connect, puller: Puller, connections: Connections
    ) -> None:
        stage = await connect("bluesky")
        post = await publish(stage)
        stale = Token(access="no longer good", expires_at=datetime.now(UTC) + timedelta(hours=1))
        await set_channel(db, stage, token=seal_token(connections.box, stale))
        await pull(puller)
        assert len(await readings(db, stage.channel_id, post.id)) == 1
        assert (await plans(db, stage.channel_id))[post.id].failures == 0

    @pytest.mark.long
    async def test_a_token_that_stays_refused_backs_off(
        self, db: Database, connect: Connect, puller: Puller, clock: SetClock
    ) -> None:
        stage = await connect("weibo")
        post = await publish(stage)
        await stage.control("token", {"token": stage.account["access_token"], "action": "revoke"})
        await pull(puller)
        own = (await plans(db, stage.channel_id))[post.id]
        assert own.failures == 1
        assert own.last_error is not None
        assert own.next_at is not None
        assert own.next_at > clock.moment

    @pytest.mark.long
    async def test_an_outage_backs_off_and_ends(
        self, db: Database, connect: Connect, puller: Puller, clock: SetClock
    ) -> None:
        stage = await connect("weibo")
        post = await publish(stage)
        await stage.fault(path="users/show", status=503, times=3)
        rests = []
        for _ in range(3):
            await pull(puller)
            own = (await plans(db, stage.channel_id))[post.id]
            assert own.next_at is not None
            rests.append(own.next_at - clock.moment)
            clock.moment = own.next_at
        assert rests == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
        assert own.failures == 3
        await pull(puller)
        own = (await plans(db, stage.channel_id))[post.id]
        assert (own.failures, own.last_error) == (0, None)
        assert len(await readings(db, stage.channel_id, post.id)) == 1

    async def test_numbers_of_the_channel_that_are_closed_do_not_close_those_of_posts(
        self, db: Database, connect: Connect, puller: Puller
    ) -> None:
        stage = await connect("weibo")
        post = await publish(stage)
        body = (
            '{"error_code": 10014, "error": "Insufficient app permissions!", "request": "/2/users/show.json"}'
        )
        await stage.fault(path="users/show", status=403, body=body)
        await pull(puller)
        assert await stage.fired() == 1
        made = await plans(db, stage.channel_id)
        assert str(made[None].last_error).startswith("not_permitted")
        assert made[post.id].last_error is None
        assert len(await readings(db, stage.channel_id, post.id)) == 1

    @pytest.mark.long
    async def test_a_platform_that_hangs_delays_no_other(
        self, db: Database, connect: Connect, puller: Puller
    ) -> None:
        hanging, healthy = await connect("weibo"), await connect("bluesky")
        await publish(hanging)
        post = await publish(healthy)
        puller.concurrency = 1
        await hanging.fault(path="users/show", behaviour=Behaviour.HANG, seconds=60, times=5)
        started = time.monotonic()
        await plan.step(db, puller.platforms, puller.clock.now(), plan.RECENT)
        await puller.step()
        while not await readings(db, healthy.channel_id, post.id):
            assert time.monotonic() - started < 10
            await asyncio.sleep(0.05)
        # Its lane is full: nothing more of it is claimed while others go on.
        async with db.transaction() as tx:
            waiting = await due_plans.claim(tx, ["weibo"], puller.clock.now(), 10)
        assert waiting == []
        began = time.monotonic()
        await puller.settle(0.2)
        assert time.monotonic() - began < 5

    @pytest.mark.long
    async def test_a_broken_adapter_stops_no_other_channel(
        self, db: Database, connect: Connect, connections: Connections, clock: SetClock
    ) -> None:
        class Broken(WeiboAdapter):
            async def post_stats(
                self, credentials: Credentials, posts: Sequence[PostReference]
            ) -> dict[str, Reading]:
                raise ZeroDivisionError

        broken, healthy = await connect("weibo"), await connect("bluesky")
        lost, post = await publish(broken), await publish(healthy)
        adapters: dict[str, type[Adapter]] = {**connections.registry.adapters, "weibo": Broken}
        registry = Registry(adapters=adapters, refused={})
        puller = Puller(
            db=db,
            connections=replace(connections, registry=registry),
            clock=clock,
            platforms=plan.sources(registry),
        )
        await pull(puller)
        assert len(await readings(db, healthy.channel_id, post.id)) == 1
        own = (await plans(db, broken.channel_id))[lost.id]
        assert own.last_error == "platform_unavailable: a fault on our side: ZeroDivisionError"


class TestPlanning:
    async def test_only_published_posts_that_can_be_counted_get_a_plan(
        self, db: Database, connect: Connect, team: Team, clock: SetClock
    ) -> None:
        stage = await connect("weibo")
        post = await publish(stage)
        await stage.schedule(timedelta(days=1), body="明天再说")
        for _ in range(2):
            await plan.step(db, ["weibo"], clock.now(), plan.RECENT)
        assert set(await plans(db, stage.channel_id)) == {None, post.id}

    async def test_a_platform_without_numbers_gets_none(
        self, db: Database, connect: Connect, clock: SetClock
    ) -> None:
        stage = await connect("weibo")
        await publish(stage)
        await plan.step(db, ["bluesky"], clock.now(), plan.SWEEP)
        assert await plans(db, stage.channel_id) == {}

    @pytest.mark.long
    async def test_the_sweep_finds_what_became_known_late(
        self, db: Database, connect: Connect, clock: SetClock
    ) -> None:
        stage = await connect("weibo")
        post = await publish(stage)
        clock.move(timedelta(days=3))
        await plan.step(db, ["weibo"], clock.now(), plan.RECENT)
        assert set(await plans(db, stage.channel_id)) == {None}
        await plan.step(db, ["weibo"], clock.now(), plan.SWEEP)
        assert set(await plans(db, stage.channel_id)) == {None, post.id}
