"""Listening: every channel in its turn, each page once, and nobody's trouble is another's."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update

from drumtower.connections import Connections
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Channel, FeedbackCursor, InboundEvent, Interaction
from drumtower.domain import failures
from drumtower.domain.deliveries import State
from drumtower.limits import Limits
from drumtower.platforms import FeedbackPage, InteractionEvent, PlatformError
from drumtower.platforms.registry import Registry
from drumtower.settings import Settings
from drumtower.testkit.serving import serve
from services.scheduler import listen as listening
from services.scheduler.listen import listen
from services.scheduler.turns import claim, note
from tests.factories import Team
from tests.feedback.rows import interactions, make_channel, make_delivery, said
from tests.scheduler.conftest import MakeStage
from tests.scheduler.scripted import OtherAdapter, Script, ScriptedAdapter
from tests.scheduler.stage import Stage

Open = Callable[..., Awaitable[Channel]]


async def cursor_of(db: Database, channel: Channel) -> FeedbackCursor:
    async with db.transaction() as tx:
        return await tx.get_one(FeedbackCursor, channel.id)


async def all_due(db: Database) -> None:
    """Let every channel's turn come now."""
    async with db.transaction() as tx:
        await tx.execute(text("UPDATE feedback_cursors SET next_at = now() - interval '1 second'"))


def page(*events: InteractionEvent, more: bool = False, **cursor: Any) -> FeedbackPage:
    return FeedbackPage(events=events, cursor=cursor, more=more)


class TestOnASandbox:
    @pytest.mark.long
    async def test_a_comment_is_heard_answered_and_our_answer_is_no_feedback(
        self, weibo: Stage, client: httpx.AsyncClient
    ) -> None:
        post = await weibo.schedule()
        await weibo.dispatch()
        out = await weibo.delivery(post)
        author = {"id": "2489518277", "name": "小鱼"}
        await weibo.control(
            "public/comment",
            {
                "account": weibo.account["id"],
                "post": out.external_id,
                "author": author,
                "text": "物流太慢了，差评！",
            },
        )
        for _ in range(2):
            await listen(weibo.db, weibo.connections, weibo.settings)
            await all_due(weibo.db)
        (heard,) = await interactions(weibo.db, weibo.channel_id)
        assert (heard.text, heard.sentiment, heard.delivery_id) == ("物流太慢了，差评！", "negative", out.id)

        made = await client.post(f"/v1/interactions/{heard.id}/replies", json={"text": "马上为您查"})
        assert made.status_code == 201, made.text
        await weibo.dispatch()
        await listen(weibo.db, weibo.connections, weibo.settings)
        state = await weibo.control("state", method="GET")
        ours = [comment for comment in state["comments"] if comment["in_reply_to"]]
        assert [(comment["text"], comment["in_reply_to"]) for comment in ours] == [
            ("回复@小鱼:马上为您查", heard.external_id)
        ]
        (answered,) = await interactions(weibo.db, weibo.channel_id)
        assert answered.answered_at is not None
        listed = (await client.get(f"/v1/interactions/{heard.id}/replies")).json()["data"]
        assert [(row["state"], row["external_id"]) for row in listed] == [(State.PUBLISHED, ours[0]["id"])]

    @pytest.mark.long
    async def test_a_platform_that_breaks_off_is_asked_again_later(self, weibo: Stage) -> None:
        await weibo.schedule()
        await weibo.dispatch()
        await weibo.fault(path="comments", behaviour="reset", times=20)
        await listen(weibo.db, weibo.connections, weibo.settings)
        assert await weibo.fired() >= 1
        async with weibo.db.transaction() as tx:
            cursor = await tx.get_one(FeedbackCursor, weibo.channel_id)
        assert cursor.failures == 1
        assert str(cursor.last_error).startswith("platform_unavailable")
        assert cursor.last_at is None
        await weibo.control("faults", method="DELETE")
        await all_due(weibo.db)
        await listen(weibo.db, weibo.connections, weibo.settings)
        async with weibo.db.transaction() as tx:
            cursor = await tx.get_one(FeedbackCursor, weibo.channel_id)
        assert (cursor.failures, cursor.last_error) == (0, None)
        assert cursor.last_at is not None


class TestWeChat:
    @pytest.mark.long
    async def test_a_message_pushed_to_us_is_answered(
        self, make_stage: MakeStage, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        stage = await make_stage("wechat")
        fan = {"id": "oUser00000000000000000000001"}
        async with serve(app) as address:
            url = f"{address}/v1/webhooks/wechat/{stage.channel_id}"
            await stage.control("callback", {"account": stage.account["id"], "url": url, "mode": "safe"})
            await stage.control(
                "public/message", {"account": stage.account["id"], "author": fan, "text": "怎么买？"}
            )
            heard = await self._heard(stage)
        assert (heard.text, heard.kind, heard.intent) == ("怎么买？", "message", "purchase")
        made = await client.post(f"/v1/interactions/{heard.id}/replies", json={"text": "菜单里有小店"})
        assert (made.status_code, made.json()["action"]) == (201, "message")
        await stage.dispatch()
        state = await stage.control("state", method="GET")
        sent = [(row["to"], row["text"]) for row in state["messages"] if row["direction"] == "out"]
        assert sent == [(fan["id"], "菜单里有小店")]
        shown = (await client.get(f"/v1/interactions/{heard.id}")).json()
        assert shown["answered_at"] is not None

    async def _heard(self, stage: Stage) -> Interaction:
        for _ in range(200):
            if rows := await interactions(stage.db, stage.channel_id):
                return rows[0]
            await asyncio.sleep(0.05)
        raise AssertionError("nothing was heard")


@pytest.fixture
async def scripted(connections: Connections) -> Connections:
    """Connections that know the scripted platforms."""
    ScriptedAdapter.scripts.clear()
    ScriptedAdapter.asked.clear()
    ScriptedAdapter.tokens.clear()
    registry = Registry(adapters={"scripted": ScriptedAdapter, "other": OtherAdapter}, refused={})
    return replace(connections, registry=registry)


@pytest.fixture
def open_channel(db: Database, team: Team, box: Box) -> Open:
    """Connect an account whose platform says what the script says."""

    async def make(account: str, script: Script, platform: str = "scripted") -> Channel:
        ScriptedAdapter.scripts[account] = script
        return await make_channel(db, team, box, account, platform=platform)

    return make


@pytest.fixture
def hear(db: Database, scripted: Connections, settings: Settings) -> Callable[[], Awaitable[Any]]:
    return lambda: listen(db, scripted, settings)


Hear = Callable[[], Awaitable[timedelta | None]]


class TestPages:
    async def test_it_goes_on_where_it_stopped(
        self, db: Database, team: Team, open_channel: Open, hear: Hear
    ) -> None:
        broken = True

        def script(cursor: dict[str, object]) -> FeedbackPage | Exception:
            number = cast("int", cursor.get("page", 0)) + 1
            if broken and number == 3:
                return PlatformError(failures.Transient(detail="gone"))
            return page(said(f"c{number}"), said(f"c{number - 1}"), page=number, more=number < 4)

        channel = await open_channel("a", script)
        now = datetime.now(UTC)
        for age in range(3):
            await make_delivery(
                db,
                team,
                channel,
                state="published",
                external_id=f"p{age}",
                published_at=now - timedelta(days=age * 16),
                next_at=None,
            )
        await hear()
        cursor = await cursor_of(db, channel)
        assert (cursor.cursor, cursor.failures) == ({"page": 2}, 1)
        assert cursor.last_error == "platform_unavailable: gone"
        broken = False
        await all_due(db)
        rest = await hear()
        assert {row.external_id for row in await interactions(db, channel.id)} == {f"c{n}" for n in range(5)}
        assert (await cursor_of(db, channel)).cursor == {"page": 4}
        assert [asked[1] for asked in ScriptedAdapter.asked] == [
            {},
            {"page": 1},
            {"page": 2},
            {"page": 2},
            {"page": 3},
        ]
        assert ScriptedAdapter.asked[0][2] == ["p0", "p1"]  # newest first; the third is too old
        assert rest is not None
        assert timedelta(seconds=50) < rest <= timedelta(seconds=60)

    @pytest.mark.long
    async def test_endless_pages_are_bounded(
        self, db: Database, open_channel: Open, hear: Hear, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listening, "CLAIM_FOR_SECONDS", 0.05)

        def script(cursor: dict[str, object]) -> FeedbackPage:
            number = cast("int", cursor.get("page", 0)) + 1
            return page(said(f"c{number}"), page=number, more=True)

        channel = await open_channel("a", script)
        assert await hear() == timedelta()
        assert (await cursor_of(db, channel)).cursor == {"page": 20}
        assert len(await interactions(db, channel.id)) == 20

    async def test_one_bad_entry_is_set_apart_once(
        self, db: Database, open_channel: Open, hear: Hear
    ) -> None:
        bad = said("bad\x00", "毒")
        channel = await open_channel("a", lambda _: page(said("c1"), bad, cast("Any", None), said("c2")))
        for _ in range(2):
            await hear()
            await all_due(db)
        assert {row.external_id for row in await interactions(db, channel.id)} == {"c1", "c2"}
        async with db.transaction() as tx:
            kept = (await tx.scalars(select(InboundEvent).order_by(InboundEvent.id))).all()
        assert len(kept) == 2
        assert "external_id" in str(kept[0].fault)
        assert "毒" in kept[0].body.decode("unicode-escape")
        assert (await cursor_of(db, channel)).failures == 0

    @pytest.mark.long
    async def test_who_lost_the_turn_moves_no_cursor(
        self, db: Database, open_channel: Open, scripted: Connections, settings: Settings
    ) -> None:
        taken = asyncio.Event()

        def script(cursor: dict[str, object]) -> FeedbackPage | float:
            taken.set()
            return 0.5

        channel = await open_channel("a", script)
        slow = asyncio.create_task(listen(db, scripted, settings))
        await taken.wait()
        async with db.transaction() as tx:
            await tx.execute(
                update(FeedbackCursor).values(
                    cursor={"page": 9}, next_at=datetime.now(UTC) + timedelta(days=1)
                )
            )
        await slow
        cursor = await cursor_of(db, channel)
        assert (cursor.cursor, cursor.last_at) == ({"page": 9}, None)
        assert cursor.next_at > datetime.now(UTC) + timedelta(hours=23)


class TestTurns:
    @pytest.mark.long
    async def test_each_channel_once_among_many_listeners(
        self, db: Database, open_channel: Open, scripted: Connections, settings: Settings
    ) -> None:
        for number in range(12):
            await open_channel(f"a{number}", lambda _: page(said("c1"), seen=True))
        await asyncio.gather(*(listen(db, scripted, settings) for _ in range(4)))
        assert sorted(asked[0] for asked in ScriptedAdapter.asked) == sorted(f"a{n}" for n in range(12))
        async with db.transaction() as tx:
            assert len((await tx.scalars(select(Interaction))).all()) == 12

    async def test_only_connected_channels_have_turns(
        self, db: Database, open_channel: Open, hear: Hear
    ) -> None:
        channel = await open_channel("a", lambda _: page())
        async with db.transaction() as tx:
            await tx.execute(update(Channel).values(status="disconnected"))
        assert await hear() is None
        assert ScriptedAdapter.asked == []
        async with db.transaction() as tx:
            await tx.execute(update(Channel).values(status="connected"))
        await hear()
        assert [asked[0] for asked in ScriptedAdapter.asked] == [channel.account_id]

    @pytest.mark.long
    async def test_a_platform_that_hangs_holds_its_own_slots_only(
        self, db: Database, open_channel: Open, hear: Hear, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listening, "PULL_SECONDS", 3.0)
        hung = [await open_channel(f"h{number}", lambda _: 60.0) for number in range(6)]
        fine = [await open_channel(f"f{number}", lambda _: page(said("c1")), "other") for number in range(9)]
        work = asyncio.create_task(cast("Any", hear()))
        async with asyncio.timeout(60):
            while True:
                heard = [bool(await interactions(db, channel.id)) for channel in fine]
                if all(heard):
                    break
                await asyncio.sleep(0.05)
        assert not work.done()  # the hung ones still are
        await work
        for channel in hung:
            cursor = await cursor_of(db, channel)
            assert cursor.last_error == "platform_unavailable: no answer within 3 s"


class TestTrouble:
    @pytest.mark.long
    async def test_each_kind_of_failure(self, db: Database, open_channel: Open, hear: Hear) -> None:
        until = datetime.now(UTC) + timedelta(hours=5)
        limited = await open_channel(
            "limited", lambda _: PlatformError(failures.RateLimited(detail="slow down", until=until))
        )
        buggy = await open_channel("buggy", lambda _: KeyError("a bug of the adapter's"))
        nonsense = await open_channel("nonsense", lambda _: page(said("c1"), n=float("nan")))
        gone = await open_channel(
            "gone", lambda _: PlatformError(failures.Disconnected(detail="the owner withdrew it"))
        )
        refused = await open_channel(
            "refused", lambda _: PlatformError(failures.NotPermitted(detail="48001"))
        )
        fine = await open_channel("fine", lambda _: page(said("c1")))
        for _ in range(2):
            await hear()
            await all_due(db)
        assert len(await interactions(db, fine.id)) == 1
        cursor = await cursor_of(db, limited)
        assert (cursor.failures, cursor.last_error) == (0, "rate_limited: slow down")
        cursor = await cursor_of(db, buggy)
        assert (cursor.failures, str(cursor.last_error)[:30]) == (2, "platform_unavailable: KeyError")
        assert str((await cursor_of(db, nonsense)).last_error).startswith("platform_unavailable: ValueError")
        assert (await cursor_of(db, refused)).last_error == "not_permitted: 48001"
        async with db.transaction() as tx:
            channel = await tx.get_one(Channel, gone.id)
        assert (channel.status, channel.status_detail) == ("disconnected", "the owner withdrew it")
        assert [asked[0] for asked in ScriptedAdapter.asked].count("gone") == 1

    async def test_the_wait_grows_and_a_rate_limit_is_kept(
        self, db: Database, open_channel: Open, hear: Hear
    ) -> None:
        until = datetime.now(UTC) + timedelta(hours=5)
        limited = await open_channel(
            "limited", lambda _: PlatformError(failures.RateLimited(detail="slow down", until=until))
        )
        broken = await open_channel("broken", lambda _: PlatformError(failures.Transient(detail="x")))
        waits = []
        await hear()
        assert (await cursor_of(db, limited)).next_at >= until
        for _ in range(3):
            waits.append((await cursor_of(db, broken)).next_at - datetime.now(UTC))
            await all_due(db)
            assert await hear() != timedelta(), "the closed channel's turn kept the step from resting"
        # Its turn came, but the platform had closed the channel: nobody asked again.
        assert [asked[0] for asked in ScriptedAdapter.asked].count("limited") == 1
        assert timedelta(seconds=90) < waits[0] < waits[1] < waits[2] <= timedelta(seconds=480)

    @pytest.mark.long
    async def test_a_refused_token_is_renewed_once(
        self, db: Database, open_channel: Open, hear: Hear
    ) -> None:
        expired = PlatformError(failures.AuthExpired(detail="40001"))

        def script(cursor: dict[str, object]) -> FeedbackPage | Exception:
            return expired if len(ScriptedAdapter.tokens) == 1 else page(said("c1"))

        channel = await open_channel("a", script)
        await hear()
        assert len(ScriptedAdapter.tokens) == 2
        assert len(await interactions(db, channel.id)) == 1
        hopeless = await open_channel("b", lambda _: expired)
        await hear()
        assert [asked[0] for asked in ScriptedAdapter.asked].count("b") == 2
        assert (await cursor_of(db, hopeless)).last_error == "auth_expired: 40001"
        async with db.transaction() as tx:
            assert (await tx.get_one(Channel, hopeless.id)).status == "connected"

    async def test_who_connects_again_is_not_thrown_out_by_old_news(
        self, db: Database, box: Box, open_channel: Open, scripted: Connections, settings: Settings
    ) -> None:
        channel = await open_channel("a", lambda _: page())
        await listen(db, scripted, settings)
        await all_due(db)
        limits = Limits(registry=scripted.registry)
        (turn,) = await claim(db, limits, ["scripted"], Counter())
        async with db.transaction() as tx:
            await tx.execute(update(Channel).values(credentials=box.seal({"secret": "new"})))
        await note(db, limits, turn, timedelta(minutes=1), failures.Disconnected(detail="old news"))
        async with db.transaction() as tx:
            assert (await tx.get_one(Channel, channel.id)).status == "connected"
        assert (await cursor_of(db, channel)).next_at <= datetime.now(UTC)

    async def test_our_own_database_stops_the_step(self, scripted: Connections, settings: Settings) -> None:
        gone = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", application="tests")
        with pytest.raises(OSError, match="Connect"):
            await listen(gone, scripted, settings)
        await gone.close()
