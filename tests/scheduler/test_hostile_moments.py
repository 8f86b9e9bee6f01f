"""Hostile inputs 97, 98 and 100: what is taken away while a post is leaving."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from drumtower.db.plain import fetch
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


DUE = 10_000
# Copies of a planned delivery, each due.
MANY = """
INSERT INTO deliveries (id, workspace_id, channel_id, platform, action, payload, state, due_at,
    next_at, attempts, fence, lookups, checkpoint, prepared, context, needs_check, revision, created_by, created_at, updated_at)
SELECT gen_random_uuid(), workspace_id, channel_id, platform, action, payload, state,
    due_at + n * interval '1 ms', next_at + n * interval '1 ms', 0, 0, 0, '{}', false, '{}', false, 1, created_by, now(), now()
FROM deliveries, generate_series(1, $2) AS n WHERE id = $1
"""


@pytest.mark.long
async def test_100_a_workspace_closed_with_10_000_due(weibo: Stage, client: httpx.AsyncClient) -> None:
    leaving = await weibo.schedule(body="第一条")
    waiting = await weibo.schedule(body="第二条")
    async with weibo.db.transaction() as tx:
        await fetch(tx, MANY, waiting.id, DUE)
    async with while_it_leaves(weibo, "statuses/share"):
        closed = await client.delete("/v1/workspace", params={"name": "Tests"})
        assert closed.status_code == 204, closed.text
    out = await weibo.delivery(leaving)
    assert out.state == State.PUBLISHED
    for _ in range(5):
        await weibo.dispatch()
    async with weibo.db.transaction() as tx:
        rows = await fetch(tx, "SELECT state, count(*) AS rows FROM deliveries GROUP BY state")
    found = {row["state"]: row["rows"] for row in rows}
    assert found.pop("published") == 1
    assert sum(found.values()) == DUE + 1
    assert found.pop("held", 0) > 0
    assert set(found) <= {"planned"}
    assert [post["id"] for post in await weibo.remote_posts()] == [out.external_id]
