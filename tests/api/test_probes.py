"""What an account may do: probed without changing anything, dated, with reasons; what it may not goes to a person."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import select

from drumtower.db.models import AuditEvent, Channel
from drumtower.domain.content import Kind
from drumtower.platforms import Handoff, Message, NoOptions, PublishRequest
from drumtower.sandbox.wechat import WeChatSandbox
from drumtower.testkit.serving import serve
from services.api.deps import Services
from services.scheduler.send import _call
from tests.api.desk import Json, answer
from tests.factories import Team


async def connect(client: httpx.AsyncClient, team: Team, url: str, opened: Json) -> Json:
    asked: Json = {"platform": "wechat", "name": "公众号", "brand_id": str(team.brand_id), "base_url": url}
    credentials = {name: value for name, value in opened.items() if name != "id"}
    return answer(await client.post("/v1/channels", json=asked | {"credentials": credentials}), 201)


async def capabilities(client: httpx.AsyncClient, channel: Json) -> tuple[dict[str, Json], Any]:
    read = answer(await client.get(f"/v1/channels/{channel['id']}/capabilities"))
    return {grant["feature"]: grant for grant in read["grants"]}, read["probed_at"]


async def test_a_personal_account_publishes_by_hand(
    app: FastAPI, client: httpx.AsyncClient, team: Team
) -> None:
    services: Services = app.state.services
    sandbox = WeChatSandbox()
    async with serve(sandbox.app) as url:
        channel = await connect(client, team, url, dict(sandbox.add_account(profile="personal")))
        grants, probed_at = await capabilities(client, channel)
        assert probed_at is None
        assert {grant["state"] for grant in grants.values()} == {"unknown"}
        before = list(sandbox.store.log())
        answer(await client.post(f"/v1/channels/{channel['id']}/probe"))
        grants, probed_at = await capabilities(client, channel)
        publish = grants["publish"]
        assert (publish["state"], publish["platform_code"], publish["handoff"]) == (
            "not_permitted",
            "48001",
            True,
        )
        assert "not granted" in publish["reason"]
        assert (grants["statistics"]["state"], grants["statistics"]["handoff"]) == ("not_permitted", False)
        assert grants["reply"]["state"] == "unknown"
        assert probed_at is not None
        changed = [one for one in list(sandbox.store.log())[len(before) :] if one["collection"][0] != "_"]
        assert changed == [], "a probe changes nothing"
        connection = await services.connections.open(UUID(channel["id"]))
        assert isinstance(await _call(connection, _request(connection)), Handoff)
        assert not sandbox.store.all("drafts")
        # Rights come and go: after a day the platform is asked again.
        async with services.db.transaction() as tx:
            row = await tx.get_one(Channel, UUID(channel["id"]))
            assert row.probed_at is not None
            row.probed_at -= timedelta(days=1, seconds=1)
        assert (await services.connections.open(UUID(channel["id"]))).not_permitted is None


def _request(connection: Any) -> PublishRequest:
    return PublishRequest(
        credentials=connection.credentials,
        message=Message(title="题", text="文", body="文", kind=Kind.ARTICLE),
        options=NoOptions(),
        idempotency_key="k",
        created_at=connection.credentials.token.expires_at,
    )


async def test_a_verified_account_may(client: httpx.AsyncClient, team: Team, app: FastAPI) -> None:
    sandbox = WeChatSandbox()
    async with serve(sandbox.app) as url:
        channel = await connect(client, team, url, dict(sandbox.add_account()))
        answer(await client.post(f"/v1/channels/{channel['id']}/probe"))
        grants, _ = await capabilities(client, channel)
    assert grants["publish"]["state"] == grants["statistics"]["state"] == "allowed"
    services: Services = app.state.services
    async with services.db.transaction() as tx:
        assert "channel.probed" in (await tx.scalars(select(AuditEvent.verb))).all()
