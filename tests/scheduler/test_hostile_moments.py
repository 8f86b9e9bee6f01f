"""Hostile inputs 97 and 98: what is taken away while a post is leaving."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from drumtower.domain.deliveries import State
from tests.factories import make_image
from tests.scheduler.stage import Stage


@asynccontextmanager
async def while_it_leaves(stage: Stage, path: str) -> AsyncIterator[None]:
    """Run the block while the platform has a call in hand; then let the dispatch land."""
    await stage.fault(path=path, behaviour="delay", seconds=0.5)
    leaving = asyncio.create_task(stage.dispatch())
    async with asyncio.timeout(10):
        while not await stage.fired():  # noqa: ASYNC110 - the platform has no bell
            await asyncio.sleep(0.01)
    yield
    await leaving


@pytest.mark.long
async def test_97_a_channel_disconnected_while_it_publishes(weibo: Stage, client: httpx.AsyncClient) -> None:
    leaving = await weibo.schedule(body="第一条")
    waiting = await weibo.schedule(body="第二条")
    async with while_it_leaves(weibo, "statuses/share"):
        answered = await client.delete(f"/v1/channels/{weibo.channel_id}")
        assert answered.is_success, answered.text
    out, held = await weibo.delivery(leaving), await weibo.delivery(waiting)
    assert (out.state, held.state) == (State.PUBLISHED, State.HELD)
    assert (held.error or {})["code"] == "channel_disconnected"
    assert [post["id"] for post in await weibo.remote_posts()] == [out.external_id]


@pytest.mark.long
async def test_98_a_token_revoked_in_mid_upload(wechat: Stage) -> None:
    cover = await make_image(wechat.db, wechat.storage, wechat.team)
    await wechat.control("settings", {"publish_delay": 0.0})
    planned = await wechat.schedule(asset_ids=(cover,))
    async with while_it_leaves(wechat, "add_material"):
        await wechat.control("tokens/void", {"account": wechat.account["account"]})
    for _ in range(4):
        await wechat.turn()
        await wechat.pass_time(3600)
    row = await wechat.delivery(planned)
    assert row.state == State.PUBLISHED, row.error
    assert len(await wechat.remote_posts()) == 1
