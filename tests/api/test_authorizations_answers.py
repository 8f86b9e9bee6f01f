"""Platforms whose token answers differ: the account named there only, tokens by GET, refresh tokens with more lives."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from drumtower.db.models import Channel
from drumtower.domain.failures import Disconnected
from drumtower.platforms import PlatformError, Token
from drumtower.sandbox.douyin import DouyinSandbox
from drumtower.sandbox.kuaishou import KuaishouSandbox
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.testkit.serving import serve
from services.api.deps import Services
from tests.api.desk import Json, answer
from tests.api.test_authorizations import Stand
from tests.factories import Team


@pytest.fixture
async def douyin(client: httpx.AsyncClient, team: Team) -> AsyncIterator[Stand]:
    async with serve((sandbox := DouyinSandbox()).app) as url:
        yield Stand(client=client, team=team, platform="douyin", url=url, sandbox=sandbox)


@pytest.fixture
async def kuaishou(client: httpx.AsyncClient, team: Team) -> AsyncIterator[Stand]:
    async with serve((sandbox := KuaishouSandbox()).app) as url:
        yield Stand(client=client, team=team, platform="kuaishou", url=url, sandbox=sandbox)


def _app(stand: Stand, **options: str) -> Json:
    """What the owner enters: the app alone, not whose token will come."""
    return {name: value for name, value in stand.account(**options).items() if name != "open_id"}


def _only_account(sandbox: SandboxPlatform) -> str:
    (account,) = sandbox.store.all("accounts")
    return str(account["id"])


async def _renewed(app: FastAPI, channel: Json, *, refresh_ends: timedelta) -> Token:
    """Open the channel as if its token ended now, and its refresh token in a while."""
    services: Services = app.state.services
    now = datetime.now(UTC)
    async with services.db.transaction() as tx:
        row = await tx.get_one(Channel, UUID(channel["id"]))
        stored = services.box.open(row.token or b"")
        ends = {"expires_at": now.isoformat(), "refresh_expires_at": (now + refresh_ends).isoformat()}
        row.token = services.box.seal(stored | ends)
    opened = await services.connections.open(UUID(channel["id"]))
    assert opened.credentials.token is not None
    return opened.credentials.token


async def test_the_account_is_the_one_that_the_tokens_answer_names(douyin: Stand, kuaishou: Stand) -> None:
    for stand in (douyin, kuaishou):
        channel = await stand.connect(_app(stand))
        assert channel["account_id"] == _only_account(stand.sandbox)
        probed = answer(await stand.client.post(f"/v1/channels/{channel['id']}/probe"))
        assert probed["status"] == "connected"


async def test_a_person_is_asked_for_only_when_no_extension_is_left(douyin: Stand, app: FastAPI) -> None:
    channel = await douyin.connect(_app(douyin))
    assert channel["authorise_by"] is None
    for count in range(1, 6):
        token = await _renewed(app, channel, refresh_ends=timedelta(days=4))
        assert token.extended == count
    health = answer(await douyin.client.get(f"/v1/channels/{channel['id']}/health"))
    ends = datetime.fromisoformat(health["authorise_by"])
    assert timedelta(days=29) < ends - datetime.now(UTC) <= timedelta(days=30)


async def test_an_app_that_may_not_extend_says_so_at_the_first_chance(douyin: Stand, app: FastAPI) -> None:
    channel = await douyin.connect(_app(douyin, scopes="user_info,video.create.bind"))
    await _renewed(app, channel, refresh_ends=timedelta(days=4))
    health = answer(await douyin.client.get(f"/v1/channels/{channel['id']}/health"))
    assert datetime.fromisoformat(health["authorise_by"]) - datetime.now(UTC) < timedelta(days=4)


async def test_a_refresh_token_that_was_used_up_needs_a_person(kuaishou: Stand, app: FastAPI) -> None:
    channel = await kuaishou.connect(_app(kuaishou))
    first = await _renewed(app, channel, refresh_ends=timedelta(days=90))
    assert first.account_id == channel["account_id"]
    for record in kuaishou.sandbox.store.all("_refresh"):
        kuaishou.sandbox.store.delete("_refresh", record["token"])
    with pytest.raises(PlatformError) as caught:
        await _renewed(app, channel, refresh_ends=timedelta(days=90))
    assert isinstance(caught.value.failure, Disconnected)
