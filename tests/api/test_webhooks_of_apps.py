"""One address for all accounts of an app: each push reaches its own channel, and a revoked one is disconnected."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Channel, InboundEvent
from drumtower.sandbox.douyin.pushes import pushed, sign
from tests.conftest import client_for
from tests.factories import Team, make_team
from tests.feedback.rows import count, interactions, make_channel

KEY, SECRET = "awclientkey0001", "0123456789abcdef0123456789abcdef"


async def connect(db: Database, team: Team, box: Box, account: str, secret: str = SECRET) -> Channel:
    values = {"client_key": KEY, "client_secret": secret, "access_token": "act.x"}
    return await make_channel(db, team, box, account, platform="douyin", credentials=box.seal(values))


def body(account: str, event: str = "im_receive_msg", **content: Any) -> bytes:
    said: dict[str, Any] = {"conversation_short_id": "@c", "server_message_id": f"@{account}", "text": "在吗"}
    said |= {"create_time": 1_767_225_600_000}
    return pushed(event, "user_open_1", account, KEY, said | content)


@pytest.fixture
async def douyin(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Douyin's servers."""
    async with client_for(app, None) as made:
        yield made


async def push(douyin: httpx.AsyncClient, channel: Channel, raw: bytes) -> httpx.Response:
    number = hashlib.sha256(raw).hexdigest()[:32]
    headers = {"x-douyin-signature": sign(SECRET, raw), "msg-id": number}
    return await douyin.post(f"/v1/webhooks/douyin/{channel.id}", content=raw, headers=headers)


async def test_a_push_for_another_account_of_the_app_reaches_it(
    douyin: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    called, meant = await connect(db, team, box, "biz_1"), await connect(db, team, box, "biz_2")
    for _ in range(2):
        assert (await push(douyin, called, body("biz_2"))).status_code == 200
    assert await interactions(db, called.id) == []
    (said,) = await interactions(db, meant.id)
    assert (said.text, said.external_id) == ("在吗", "@biz_2")


async def test_an_account_that_nobody_connected_is_answered_and_not_stored(
    douyin: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    called = await connect(db, team, box, "biz_1")
    elsewhere = await make_team(db)
    stranger = await connect(db, elsewhere, box, "biz_3")
    for account in ("biz_2", "biz_3"):
        assert (await push(douyin, called, body(account))).status_code == 200
    assert await count(db, InboundEvent) == 0
    assert await interactions(db, stranger.id) == [], "another workspace's channel is out of reach"


async def test_a_channel_of_another_app_takes_nothing_from_this_one(
    douyin: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    called = await connect(db, team, box, "biz_1")
    other = await connect(db, team, box, "biz_2", secret="f" * 32)
    assert (await push(douyin, called, body("biz_2"))).status_code == 401
    assert await interactions(db, other.id) == []


@pytest.mark.parametrize(
    ("scopes", "status"),
    [(["user_info", "video.list.bind"], "disconnected"), (["video.list.bind"], "connected")],
    ids=["all of it", "a part of it"],
)
async def test_what_the_account_took_back_disconnects_its_channel(
    douyin: httpx.AsyncClient, db: Database, team: Team, box: Box, scopes: list[str], status: str
) -> None:
    called, meant = await connect(db, team, box, "biz_1"), await connect(db, team, box, "biz_2")
    raw = body("biz_2", "unauthorize", scopes=scopes)
    assert (await push(douyin, called, raw)).status_code == 200
    async with db.transaction() as tx:
        rows = [await tx.get_one(Channel, channel.id) for channel in (called, meant)]
    assert [row.status for row in rows] == ["connected", status]
    assert bool(rows[1].status_detail) == (status == "disconnected")
