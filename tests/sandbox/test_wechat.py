"""The WeChat sandbox on its own: tokens, refusals, jobs that survive a kill, callbacks that are tried three times."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from drumtower.adapters.wechat.adapter import WeChatAdapter
from drumtower.http import client
from drumtower.platforms import Credentials, InteractionEvent, OutcomeEvent, Received, WebhookRequest
from drumtower.sandbox.wechat import WeChatSandbox, callbacks
from drumtower.sandbox.wechat.ground import BEIJING
from drumtower.testkit.serving import serve

JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 60
READER = "oReader0000000000000000000001"
SERVER = """
import sys
from pathlib import Path
import uvicorn
from drumtower.sandbox.wechat import WeChatSandbox
uvicorn.run(WeChatSandbox(Path(sys.argv[1])).app, fd=int(sys.argv[2]), log_level="error")
"""


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


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling(WeChatSandbox()) as made:
        yield made


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


class TestTokens:
    async def test_stable_repeats_and_force_kills(self, caller: Caller) -> None:
        first = await caller.stable()
        assert (await caller.stable())["access_token"] == first["access_token"] == caller.token
        assert 7100 < first["expires_in"] <= 7200
        forced = await caller.stable(force=True)
        assert forced["access_token"] != first["access_token"]
        assert (await caller.get("/cgi-bin/draft/count"))["errcode"] == 40001
        # Within 30 s a second force is the normal mode.
        assert (await caller.stable(force=True))["access_token"] == forced["access_token"]

    async def test_renewed_shortly_before_the_end_and_both_work(self, caller: Caller) -> None:
        await caller.control("tokens/age", account=caller.secret["account"], seconds=7200 - 240)
        newer = (await caller.stable())["access_token"]
        assert newer != caller.token
        assert (await caller.get("/cgi-bin/draft/count")) == {"total_count": 0}
        await caller.control("tokens/age", account=caller.secret["account"], seconds=300)
        assert (await caller.get("/cgi-bin/draft/count"))["errcode"] == 42001

    async def test_the_plain_token_does_not_disturb_the_stable_one(self, caller: Caller) -> None:
        query = {"appid": caller.secret["app_id"], "secret": caller.secret["app_secret"]}
        ask = {"grant_type": "client_credential", **query}
        one, two = [await caller.get("/cgi-bin/token", **ask) for _ in range(2)]
        assert len({one["access_token"], two["access_token"], caller.token}) == 3
        assert "total_count" in await caller.get("/cgi-bin/draft/count")
        await caller.control("tokens/age", account=caller.secret["account"], seconds=301)
        caller.token = one["access_token"]
        assert (await caller.get("/cgi-bin/draft/count"))["errcode"] == 42001

    @pytest.mark.parametrize(
        ("wrong", "code"), [({"grant_type": "x"}, 40002), ({"appid": "x"}, 40013), ({"secret": "x"}, 40125)]
    )
    async def test_wrong_asks(self, caller: Caller, wrong: dict[str, Any], code: int) -> None:
        assert (await caller.stable(**wrong))["errcode"] == code

    async def test_wrong_tokens_and_methods(self, caller: Caller) -> None:
        assert (await caller.post("/cgi-bin/draft/count"))["errcode"] == 43001
        assert (await caller.get("/cgi-bin/draft/add"))["errcode"] == 43002
        caller.token = "made-up"
        assert (await caller.get("/cgi-bin/draft/count"))["errcode"] == 40001
        caller.token = ""
        assert (await caller.get("/cgi-bin/draft/count"))["errcode"] == 41001


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"title": "题" * 33}, 45003),
            ({"title": " "}, 44003),
            ({"author": "人" * 17}, 45110),
            ({"digest": "摘" * 129}, 45004),
            ({"content": "正" * 20_000}, 45002),
            ({"content": ""}, 44004),
            ({"content_source_url": "https://example.com/" + "a" * 1024}, 45005),
            ({"content_source_url": "javascript:alert(1)"}, 41039),
            ({"thumb_media_id": "made-up"}, 40007),
            ({"thumb_media_id": None}, 40007),
            ({"need_open_comment": 2}, 47003),
            ({"article_type": "newspic"}, 47003),
        ],
    )
    async def test_drafts(self, caller: Caller, changes: dict[str, Any], code: int) -> None:
        assert (await caller.draft(**changes))["errcode"] == code

    async def test_limits_themselves_pass(self, caller: Caller) -> None:
        longest = {"title": "题" * 32, "author": "人" * 16, "digest": "摘" * 128, "content": "正" * 19_999}
        assert "media_id" in await caller.draft(**longest)

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", 44002),
            (b"{", 47001),
            (b"[]", 47001),
            (b"\xff\xfe", 47001),
            (b'{"articles": [{"title": "\\u9f13"}]}', 40033),
            (b'{"articles": [{"title": "\\\\u9f13"}]}', 44004),  # an author's own text, no escape
        ],
    )
    async def test_bodies(self, caller: Caller, content: bytes, code: int) -> None:
        assert (await caller.post("/cgi-bin/draft/add", content=content))["errcode"] == code

    async def test_another_accounts_cover(self) -> None:
        sandbox = WeChatSandbox()
        async with calling(sandbox) as one, calling(sandbox) as two:
            article = await one.article()
            assert (await two.post("/cgi-bin/draft/add", {"articles": [article]}))["errcode"] == 40007
            mine = (await one.draft())["media_id"]
            assert (await two.post("/cgi-bin/freepublish/submit", {"media_id": mine}))["errcode"] == 40007

    # aiohttp warns about every body over 1 MiB.
    @pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
    async def test_files(self, caller: Caller) -> None:
        upload, material = "/cgi-bin/media/uploadimg", "/cgi-bin/material/add_material"
        assert "url" in await caller.upload(upload)
        assert (await caller.upload(upload, JPEG[:4].ljust(1024 * 1024, b"\x00")))["errcode"] == 40009
        assert (await caller.upload(upload, b"GIF89a", "a.gif"))["errcode"] == 40005
        assert (await caller.upload(upload, JPEG, "a.png"))["errcode"] == 40005
        assert (await caller.upload(upload, b"not an image"))["errcode"] == 40005
        assert (await caller.upload(upload, b""))["errcode"] == 44001
        assert (await caller.upload(material, type="music"))["errcode"] == 40004
        assert (await caller.upload(material, JPEG.ljust(65 * 1024), type="thumb"))["errcode"] == 40012
        assert (await caller.post(upload))["errcode"] == 41005

    async def test_what_does_not_survive(self, caller: Caller) -> None:
        picture = (await caller.upload("/cgi-bin/media/uploadimg"))["url"]
        content = (
            f'<p>一<script>x</script><!--y--><img src="{picture}"/><img src="https://example.com/z.png"/>'
            '<a href="https://example.com/">二</a><a href="https://mp.weixin.qq.com/s/1">三</a></p>'
        )
        media_id = (await caller.draft(content=content))["media_id"]
        (item,) = (await caller.post("/cgi-bin/draft/get", {"media_id": media_id}))["news_item"]
        assert (
            item["content"]
            == f'<p>一<img src="{picture}"/>二<a href="https://mp.weixin.qq.com/s/1">三</a></p>'
        )

    async def test_a_personal_account(self) -> None:
        async with calling(WeChatSandbox(), profile="personal") as caller:
            assert (await caller.submit())["errcode"] == 48001
            for path in (
                "/cgi-bin/comment/list",
                "/cgi-bin/message/custom/send",
                "/datacube/getarticletotaldetail",
            ):
                assert (await caller.post(path))["errcode"] == 48001
            assert (await caller.get("/cgi-bin/user/get"))["errcode"] == 48001

    @pytest.mark.parametrize(
        "name", ["getarticlesummary", "getarticletotal", "getuserread", "getusersharehour"]
    )
    async def test_what_is_off_line(self, caller: Caller, name: str) -> None:
        assert (await caller.post(f"/datacube/{name}", {"begin_date": "2026-01-01"}))["errcode"] == 47009


class TestPublishes:
    async def test_a_task_ends_by_itself(self, caller: Caller) -> None:
        await caller.control("settings", publish_delay=0.3)
        task = await caller.submit()
        ask = {"publish_id": task["publish_id"]}
        assert (await caller.post("/cgi-bin/freepublish/get", ask))["publish_status"] == 1
        assert (await caller.state()).get("posts", []) == []
        await asyncio.sleep(0.5)
        done = await caller.post("/cgi-bin/freepublish/get", ask)
        assert done["publish_status"] == 0
        assert f"mid={task['msg_data_id']}" in done["article_detail"]["item"][0]["article_url"]
        (post,) = (await caller.state())["posts"]
        assert post["id"] == done["article_id"]
        assert post["text"] == "正文"
        assert {"account", "created_at", "likes", "comments", "shares", "reads", "deleted"} <= set(post)
        assert (await caller.post("/cgi-bin/draft/batchget", {"offset": 0, "count": 20}))["total_count"] == 0

    @pytest.mark.parametrize(("status", "out"), [(2, False), (3, False), (4, False), (5, True), (6, True)])
    async def test_scenarios(self, caller: Caller, status: int, out: bool) -> None:
        await caller.control("scenario", account=caller.secret["account"], publish_status=status)
        task = await caller.submit()
        await caller.control("clock", seconds=2)
        said = await caller.post("/cgi-bin/freepublish/get", {"publish_id": task["publish_id"]})
        assert said["publish_status"] == status
        assert said["fail_idx"] == ([1] if status in (2, 4) else [])
        assert len((await caller.state()).get("posts", [])) == int(out)
        assert (await caller.post("/cgi-bin/draft/batchget", {"offset": 0, "count": 1}))[
            "total_count"
        ] == int(not out)
        await caller.submit()
        await caller.control("clock", seconds=2)
        assert [post["deleted"] for post in (await caller.state())["posts"]][-1] is False

    async def test_the_poll_quota_of_the_day(self, caller: Caller) -> None:
        await caller.control("settings", poll_quota=3)
        ask = {"publish_id": (await caller.submit())["publish_id"]}
        codes = [(await caller.post("/cgi-bin/freepublish/get", ask)).get("errcode", 0) for _ in range(4)]
        assert codes == [0, 0, 0, 45009]
        await caller.control("clock", days=1)
        assert "publish_status" in await caller.post("/cgi-bin/freepublish/get", ask)

    async def test_lists_reads_and_deletion(self, caller: Caller) -> None:
        for title in ("一", "二"):
            await caller.submit(title=title)
        await caller.control("clock", seconds=2)
        ask = {"offset": 0, "count": 20, "no_content": 1}
        listed = await caller.post("/cgi-bin/freepublish/batchget", ask)
        news = [item["content"]["news_item"][0] for item in listed["item"]]
        assert [one["title"] for one in news] == ["二", "一"]
        assert all(one["thumb_media_id"] and "content" not in one for one in news)
        gone = {"article_id": listed["item"][0]["article_id"], "index": 1}
        assert (await caller.post("/cgi-bin/freepublish/delete", gone))["errcode"] == 0
        assert (await caller.post("/cgi-bin/freepublish/delete", gone))["errcode"] == 53600
        assert (await caller.post("/cgi-bin/freepublish/getarticle", gone))["errcode"] == 53600
        for count in (0, 21):
            assert (await caller.post("/cgi-bin/freepublish/batchget", {**ask, "count": count}))[
                "errcode"
            ] == 47003

    async def test_two_submits_are_two_articles(self, caller: Caller) -> None:
        media_id = (await caller.draft())["media_id"]
        for _ in range(2):
            await caller.post("/cgi-bin/freepublish/submit", {"media_id": media_id})
        await caller.control("clock", seconds=2)
        assert len((await caller.state())["posts"]) == 2


class TestRestart:
    async def test_a_task_ends_although_the_server_was_killed(self, tmp_path: Path) -> None:
        log = tmp_path / "wechat.jsonl"
        seed = WeChatSandbox(log)
        secret = seed.add_account()
        seed.store.put("_settings", "all", {"publish_delay": 1.5})
        seed.store.close()
        async with client(allow_private=True) as http, _process(log) as (base_url, kill):
            caller = Caller(http, base_url, secret)
            caller.token = (await caller.stable())["access_token"]
            async with listening(caller, "safe") as receiver:
                task = await caller.submit()
                await kill()
                assert receiver.received == []
                async with _process(log) as (_, kill_again):  # nobody asks it anything
                    await receiver.hears(1)
                    await kill_again()
        (event,) = receiver.received[0].events
        assert isinstance(event, OutcomeEvent)
        assert event.handle == {"publish_id": task["publish_id"]}
        restarted = WeChatSandbox(log)
        assert [post["publish_id"] for post in restarted.store.all("posts")] == [task["publish_id"]]
        assert restarted.store.all("drafts") == []
        restarted.store.close()


@asynccontextmanager
async def _process(log: Path) -> AsyncIterator[tuple[str, Any]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.set_inheritable(True)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVER, str(log), str(listener.fileno()), pass_fds=[listener.fileno()]
        )

        async def kill() -> None:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()

        try:
            yield f"http://127.0.0.1:{port}", kill
        finally:
            await kill()


class TestCallbacks:
    @pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
    async def test_a_publish_and_a_message_in_every_mode(self, caller: Caller, mode: str) -> None:
        account = caller.secret["account"]
        async with listening(caller, mode) as receiver:
            said = await caller.control(
                "public/message", account=account, author={"id": READER}, text="在吗 ]]> 👍"
            )
            await receiver.hears(1)
            (message,) = receiver.received[0].events
            assert isinstance(message, InteractionEvent)
            assert (message.text, message.author_id) == ("在吗 ]]> 👍", READER)
            assert message.external_id == said.json()["id"]
            task = await caller.submit()
            await caller.control("clock", seconds=2)
            await receiver.hears(2)
            (event,) = receiver.received[1].events
            assert isinstance(event, OutcomeEvent)
            assert event.outcome is not None
            assert event.handle == {"publish_id": task["publish_id"]}
            assert event.outcome.external_id == (await caller.state())["posts"][0]["id"]
            assert event.outcome.context["msg_data_id"] == task["msg_data_id"]

    async def test_three_tries_with_one_message_id(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(callbacks, "PAUSE", 0.05)
        monkeypatch.setattr(callbacks, "PATIENCE", httpx.Timeout(0.3))
        account = caller.secret["account"]
        async with listening(caller, "safe") as receiver:
            receiver.slow = 1.0  # over the patience: cut off
            receiver.answers = [PlainTextResponse("", 500)]
            await caller.control("public/message", account=account, author={"id": READER}, text="在吗")
            await receiver.hears(3)
            await asyncio.sleep(0.3)
            assert len({received.event_key for received in receiver.received}) == 1
            assert len(receiver.received) == 3
            (push,) = (await caller.state())["pushes"]
            assert (push["state"], push["tries"]) == ("done", 3)

    async def test_given_up_after_three(self, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(callbacks, "PAUSE", 0.02)
        account = caller.secret["account"]
        async with listening(caller, "safe") as receiver:
            receiver.answers = [PlainTextResponse("", 500)] * 9
            await caller.control("public/message", account=account, author={"id": READER}, text="在吗")
            await receiver.hears(3)
            await asyncio.sleep(0.3)
        assert len(receiver.received) == 3
        (push,) = (await caller.state())["pushes"]
        assert push["state"] == "given_up"

    async def test_an_address_that_does_not_answer_is_not_kept(self, caller: Caller) -> None:
        account = caller.secret["account"]
        async with serve(Starlette()) as url:
            answer = await caller.control("callback", account=account, url=f"{url}/hook", mode="safe")
        assert answer.status_code == httpx.codes.BAD_REQUEST
        answer = await caller.control("callback", account="gh_nobody", url="http://127.0.0.1:9/")
        assert answer.status_code == httpx.codes.NOT_FOUND

    async def test_no_key_no_safe_mode(self) -> None:
        async with calling(WeChatSandbox(), encoding_aes_key="") as caller:
            answer = await caller.control(
                "callback", account=caller.secret["account"], url="http://127.0.0.1:9/"
            )
            assert answer.status_code == httpx.codes.BAD_REQUEST


class TestPeople:
    async def test_three_messages_after_a_follow(self, caller: Caller) -> None:
        account = caller.secret["account"]
        await caller.control("public/follow", account=account, author={"id": READER})
        say = {"touser": READER, "msgtype": "text", "text": {"content": "欢迎"}}
        codes = [(await caller.post("/cgi-bin/message/custom/send", say))["errcode"] for _ in range(4)]
        assert codes == [0, 0, 0, 45047]
        await caller.control("clock", seconds=60)
        assert (await caller.post("/cgi-bin/message/custom/send", say))["errcode"] == 45015
        assert (await caller.get("/cgi-bin/user/get"))["total"] == 1

    @pytest.mark.parametrize(
        ("changes", "code"),
        [({"msgtype": "poem"}, 40008), ({"text": {}}, 44004), ({"text": {"content": "长" * 683}}, 45002)],
    )
    async def test_messages_that_are_refused(
        self, caller: Caller, changes: dict[str, Any], code: int
    ) -> None:
        say = {"touser": READER, "msgtype": "text", "text": {"content": "欢迎"}, **changes}
        assert (await caller.post("/cgi-bin/message/custom/send", say))["errcode"] == code

    async def test_comments(self, caller: Caller) -> None:
        task = await caller.submit(need_open_comment=1)
        await caller.control("clock", seconds=2)
        (post,) = (await caller.state())["posts"]
        said = await caller.control("public/comment", post=post["id"], author={"id": READER}, text="好")
        ask = {"msg_data_id": int(task["msg_data_id"]), "index": 0, "begin": 0, "count": 49, "type": 0}
        listed = await caller.post("/cgi-bin/comment/list", ask)
        assert listed["total"] == 1
        assert said.json()["id"] == f"{task['msg_data_id']}_1_{listed['comment'][0]['user_comment_id']}"
        refused: list[tuple[str, dict[str, Any], int]] = [
            ("list", {"count": 50}, 88010),
            ("list", {"count": 0}, 88010),
            ("list", {"msg_data_id": 1}, 88001),
            ("reply/add", {"content": ""}, 88007),
            ("reply/add", {"user_comment_id": 9}, 88008),
            ("reply/add", {}, 0),
            ("reply/add", {}, 88005),
        ]
        for path, changes, code in refused:
            body = {**ask, "user_comment_id": 1, "content": "谢谢", **changes}
            assert (await caller.post(f"/cgi-bin/comment/{path}", body))["errcode"] == code
        ours = [one for one in (await caller.state())["comments"] if one["in_reply_to"]]
        assert [(one["text"], one["in_reply_to"]) for one in ours] == [("谢谢", said.json()["id"])]

    async def test_closed_comments_are_closed(self, caller: Caller) -> None:
        await caller.submit()
        await caller.control("clock", seconds=2)
        (post,) = (await caller.state())["posts"]
        said = await caller.control("public/comment", post=post["id"], author={"id": READER}, text="好")
        assert said.status_code == httpx.codes.CONFLICT
        assert (await caller.control("public/like", post="nothing")).status_code == httpx.codes.NOT_FOUND


class TestDatacube:
    async def test_a_day_is_there_from_eight_oclock_of_the_next(self, caller: Caller) -> None:
        await caller.submit()
        await caller.control("clock", seconds=2)
        (post,) = (await caller.state())["posts"]
        await caller.control("public/read", post=post["id"], count=5)
        day = datetime.fromisoformat(post["created_at"]).astimezone(BEIJING).date()
        ask = {"begin_date": day.isoformat(), "end_date": day.isoformat()}
        assert (await caller.post("/datacube/getarticletotaldetail", ask))["errcode"] == 61501
        now = datetime.now(UTC).astimezone(BEIJING)
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), BEIJING)
        await caller.control("clock", seconds=(midnight - now).total_seconds() + 60)
        assert (await caller.post("/datacube/getarticletotaldetail", ask))["errcode"] == 61503
        await caller.control("clock", seconds=8 * 3600)
        told = await caller.post("/datacube/getarticletotaldetail", ask)
        assert told["list"][0]["msgid"] == f"{post['msg_data_id']}_1"
        assert told["list"][0]["detail_list"][0]["read_user"] == 5

    @pytest.mark.parametrize(
        ("begin", "end", "code"),
        [
            ("2026-1-1", "2026-01-01", 61500),
            ("2026-01-01", "2026-01-02", 61501),
            ("2025-10-31", "2025-10-31", 61501),
        ],
    )
    async def test_ranges(self, caller: Caller, begin: str, end: str, code: int) -> None:
        ask = {"begin_date": begin, "end_date": end}
        assert (await caller.post("/datacube/getarticletotaldetail", ask))["errcode"] == code
