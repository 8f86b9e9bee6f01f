"""The sandboxes of Douyin and Kuaishou as their own servers: pushes, quotas, switches, restarts."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from drumtower.adapters.douyin.adapter import DouyinAdapter
from drumtower.adapters.kuaishou.adapter import KuaishouAdapter
from drumtower.http import client
from drumtower.platforms import Credentials, Received, WebhookReceiver, WebhookRequest
from drumtower.sandbox.douyin import DouyinSandbox
from drumtower.sandbox.kuaishou import KuaishouSandbox
from drumtower.testkit.serving import serve

Sandbox = DouyinSandbox | KuaishouSandbox


@dataclass
class Receiver:
    """An address of ours: reads pushes with the adapter; the next `failures` are answered 500."""

    adapter: WebhookReceiver
    credentials: Credentials
    failures: int = 0
    got: list[Received] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        if self.failures:
            self.failures -= 1
            return Response(status_code=500)
        asked = WebhookRequest(
            method="POST",
            query={},
            headers=dict(request.headers),
            body=await request.body(),
            received_at=datetime.now(UTC),
        )
        self.got.append(self.adapter.receive(asked, self.credentials))
        answer = self.got[-1].answer
        return Response(answer.body, answer.status, media_type=answer.content_type)


@dataclass
class Place:
    """A served sandbox with an account, and the address that it pushes to."""

    sandbox: Sandbox
    http: httpx.AsyncClient
    url: str
    me: dict[str, Any]
    receiver: Receiver
    address: str

    async def control(self, path: str, **body: Any) -> Any:
        answer = await self.http.post(f"{self.url}/control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def place(
    adapter: Callable[[httpx.AsyncClient, str], WebhookReceiver], sandbox: Sandbox
) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(client(allow_private=True))
        url = await stack.enter_async_context(serve(sandbox.app))
        me = dict(sandbox.add_account())
        values = {name: str(value) for name, value in me.items()}
        receiver = Receiver(adapter(http, url), Credentials(values=values, account_id=me["id"]))
        address = await stack.enter_async_context(serve(receiver.app))
        yield Place(sandbox, http, url, me, receiver, f"{address}/")


@pytest.fixture
async def douyin() -> AsyncIterator[Place]:
    async with place(DouyinAdapter, DouyinSandbox()) as made:
        yield made


@pytest.fixture
async def kuaishou() -> AsyncIterator[Place]:
    async with place(KuaishouAdapter, KuaishouSandbox()) as made:
        yield made


@pytest.mark.parametrize("as_text", [True, False], ids=["content as text", "content as an object"])
async def test_douyin_checks_an_address_and_pushes_until_it_is_taken(douyin: Place, as_text: bool) -> None:
    account = douyin.me["id"]
    await douyin.control("settings", content_as_string=as_text)
    assert await douyin.control("webhook", account=account, url=douyin.address) == {"verified": True}
    douyin.receiver.failures = 1
    author = {"id": "9001", "name": "胡同老王"}
    await douyin.control("public/message", account=account, author=author, text="还有货吗")
    await douyin.sandbox.pusher.drained()
    check, push = douyin.receiver.got
    assert check.events == ()
    (event,) = push.events
    assert (getattr(event, "text", ""), getattr(event, "author_name", "")) == ("还有货吗", "胡同老王")
    tries = douyin.sandbox.store.all("pushes")
    assert [row["status"] for row in tries] == [500, 200]
    assert {row["msg_id"] for row in tries} == {push.event_key}, "a repeat keeps its Msg-Id"


async def test_kuaishou_takes_only_its_own_id_for_an_answer(kuaishou: Place) -> None:
    account = kuaishou.me["id"]
    assert await kuaishou.control("webhook", account=account, url=kuaishou.address) == {"verified": True}
    kuaishou.receiver.failures = 1
    await kuaishou.control("revoke", account=account, scopes=["user_video_info"])
    await kuaishou.sandbox.pusher.drained()
    _, told = kuaishou.receiver.got
    assert [getattr(event, "name", "") for event in told.events] == ["un_authorize"]
    tries = kuaishou.sandbox.store.all("pushes")
    assert [(row["status"], row["message_id"]) for row in tries] == [
        (500, told.event_key),
        (200, told.event_key),
    ]


async def test_an_address_with_another_secret_is_not_taken(douyin: Place, kuaishou: Place) -> None:
    for one in (douyin, kuaishou):
        values = {**one.receiver.credentials.values, "client_secret": "x", "app_secret": "x"}
        one.receiver.credentials = Credentials(values=values, account_id=one.me["id"])
        asked = {"account": one.me["id"], "url": one.address}
        assert await one.control("webhook", **asked) == {"verified": False}


async def test_douyin_says_no_with_200_and_in_both_places(douyin: Place) -> None:
    path = f"{douyin.url}/api/douyin/v1/video/video_list/"
    wrong = await douyin.http.get(
        path, params={"open_id": douyin.me["id"]}, headers={"access-token": "act.x"}
    )
    body = wrong.json()
    assert (wrong.status_code, body["data"]["error_code"], body["extra"]["error_code"]) == (
        200,
        2190002,
        2190002,
    )
    await douyin.control("settings", numbers_as_strings=True, bare_extra=True)
    headers = {"access-token": douyin.me["access_token"]}
    other = await douyin.http.get(path, params={"open_id": "somebody"}, headers=headers)
    assert other.json()["data"]["error_code"] == "2190015"
    assert "error_code" not in other.json()["extra"]
    await douyin.control("clock", days=16)
    late = await douyin.http.get(path, params={"open_id": douyin.me["id"]}, headers=headers)
    assert late.json()["data"]["error_code"] == "2190008"


async def test_a_missing_fragment_shows_when_the_video_is_published(kuaishou: Place) -> None:
    about = {"app_id": kuaishou.me["app_id"], "access_token": kuaishou.me["access_token"]}
    begun = (await kuaishou.http.post(f"{kuaishou.url}/openapi/photo/start_upload", params=about)).json()
    upload, token = f"http://{begun['endpoint']}/api/upload", begun["upload_token"]
    video = b"\x00\x00\x00\x18ftypisom"
    for number in (0, 2):
        query = {"upload_token": token, "fragment_id": number}
        assert (await kuaishou.http.post(f"{upload}/fragment", params=query, content=video)).json()[
            "result"
        ] == 1
    resumed = (await kuaishou.http.get(f"{upload}/resume", params={"upload_token": token})).json()
    assert (resumed["fragment_index"], resumed["fragment_list"]) == (0, ["0", "2"])
    done = {"upload_token": token, "fragment_count": 3}
    assert (await kuaishou.http.post(f"{upload}/complete", params=done)).json()["result"] == 1
    answer = await kuaishou.http.post(
        f"{kuaishou.url}/openapi/photo/publish",
        params=about | {"upload_token": token},
        data={"caption": "少了一片"},
        files={"cover": ("c.jpg", b"\xff\xd8\xff", "image/jpeg")},
    )
    assert answer.json()["result"] == 100120002


@pytest.mark.parametrize("kind", [DouyinSandbox, KuaishouSandbox])
async def test_a_restart_loses_nothing(tmp_path: Path, kind: type[Sandbox]) -> None:
    log = tmp_path / "log.jsonl"
    first = kind(log)
    me = dict(first.add_account())
    first.state.set(refused_words=["甲"])
    first.store.close()
    again = kind(log)
    assert json.dumps(again.store.dump()) == json.dumps(first.store.dump())
    assert again.state.settings()["refused_words"] == ["甲"]
    assert again.state.account(me["id"])["id"] == me["id"]
    again.store.close()
