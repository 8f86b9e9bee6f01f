"""Who calls the WeChat sandbox in its tests: an account's owner, and the address that its callbacks go to."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from drumtower.adapters.wechat.adapter import WeChatAdapter
from drumtower.http import client
from drumtower.platforms import Credentials, Received, WebhookRequest
from drumtower.sandbox.wechat import WeChatSandbox
from drumtower.testkit.serving import serve

JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 60
READER = "oReader0000000000000000000001"


@dataclass(slots=True)
class Caller:
    """One account's calls."""

    http: httpx.AsyncClient
    base_url: str
    secret: Mapping[str, str]
    token: str = ""

    async def post(self, path: str, body: Any = None, **more: Any) -> Any:
        content = more.pop("content", json.dumps(body or {}, ensure_ascii=False).encode())
        params = {"access_token": self.token, **more.pop("params", {})}
        answer = await self.http.post(f"{self.base_url}{path}", params=params, content=content, **more)
        return answer.json()

    async def get(self, path: str, **params: str) -> Any:
        return (
            await self.http.get(f"{self.base_url}{path}", params={"access_token": self.token, **params})
        ).json()

    async def control(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"{self.base_url}/control/{path}", json=body)

    async def stable(self, *, force: bool = False, **more: Any) -> Any:
        ask = {"grant_type": "client_credential", "appid": self.secret["app_id"]}
        ask |= {"secret": self.secret["app_secret"], **more}
        return await self.post("/cgi-bin/stable_token", {**ask, "force_refresh": force})

    async def upload(self, path: str, data: bytes = JPEG, name: str = "a.jpg", **params: str) -> Any:
        answer = await self.http.post(
            f"{self.base_url}{path}",
            params={"access_token": self.token, **params},
            files={"media": (name, data, "image/jpeg")},
        )
        return answer.json()

    async def article(self, **changes: Any) -> dict[str, Any]:
        cover = await self.upload("/cgi-bin/material/add_material", type="image")
        return {"title": "标题", "content": "<p>正文</p>", "thumb_media_id": cover["media_id"], **changes}

    async def draft(self, **changes: Any) -> Any:
        return await self.post("/cgi-bin/draft/add", {"articles": [await self.article(**changes)]})

    async def submit(self, **changes: Any) -> Any:
        media_id = (await self.draft(**changes))["media_id"]
        return await self.post("/cgi-bin/freepublish/submit", {"media_id": media_id})

    async def state(self) -> Any:
        return (await self.http.get(f"{self.base_url}/control/state")).json()


@asynccontextmanager
async def calling(sandbox: WeChatSandbox, **account: Any) -> AsyncIterator[Caller]:
    secret = sandbox.add_account(**account)
    async with client(allow_private=True) as http, serve(sandbox.app) as base_url:
        caller = Caller(http, base_url, secret)
        caller.token = (await caller.stable())["access_token"]
        yield caller


@dataclass(slots=True)
class Receiver:
    """Our side of a callback: verifies with the adapter, answers as told."""

    credentials: Credentials
    answers: list[Response] = field(default_factory=list)  # what to say first; "success" afterwards
    received: list[Received] = field(default_factory=list)
    slow: float = 0.0
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: Request) -> Response:
        adapter = WeChatAdapter(client())
        raw = WebhookRequest(
            method=request.method,
            query=dict(request.query_params),
            headers=dict(request.headers),
            body=await request.body(),
            received_at=datetime.now(UTC),
        )
        if request.method == "GET":
            return PlainTextResponse(adapter.challenge(raw, self.credentials).body)
        self.received.append(adapter.receive(raw, self.credentials))
        self.heard.set()
        await asyncio.sleep(self.slow if len(self.received) == 1 else 0)
        return self.answers.pop(0) if self.answers else PlainTextResponse("success")

    async def hears(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.received) < count:
                self.heard.clear()
                await self.heard.wait()


@asynccontextmanager
async def listening(caller: Caller, mode: str) -> AsyncIterator[Receiver]:
    values = dict(caller.secret)
    if mode == "plain":
        values.pop("encoding_aes_key")
    receiver = Receiver(Credentials(values=values, account_id=caller.secret["account"]))

    async def hear(request: Request) -> Response:
        return await receiver(request)

    app = Starlette(routes=[Route("/hook", hear, methods=["GET", "POST"])])
    async with serve(app) as url:
        answer = await caller.control(
            "callback", account=caller.secret["account"], url=f"{url}/hook?x=1", mode=mode
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        yield receiver
