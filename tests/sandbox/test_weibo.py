"""The Weibo sandbox speaks as documented: envelopes, limits, sign-in, pushes, and survives a restart."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from drumtower.http import client
from drumtower.sandbox.weibo import WeiboSandbox, messages
from drumtower.testkit.serving import serve

LINK = "https://gulou.example/a"
GIF = b"GIF89a" + b"\x00" * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Weibo:
    """A running sandbox and one account's credentials."""

    sandbox: WeiboSandbox
    http: httpx.AsyncClient
    url: str
    me: dict[str, Any]

    async def get(self, name: str, **params: Any) -> httpx.Response:
        return await self.http.get(f"{self.url}/2/{name}.json", params=params, headers=self._token())

    async def post(self, name: str, files: Any = None, **form: Any) -> httpx.Response:
        return await self.http.post(
            f"{self.url}/2/{name}.json", data=form, files=files, headers=self._token()
        )

    async def share(self, text: str, **form: Any) -> httpx.Response:
        return await self.post("statuses/share", status=text, rip="203.0.113.7", **form)

    async def control(self, what: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"{self.url}/control/{what}", json=body)

    def _token(self) -> dict[str, str]:
        return {"Authorization": f"OAuth2 {self.me['access_token']}"}


@asynccontextmanager
async def running(log: Path | None = None, **account: Any) -> AsyncIterator[Weibo]:
    sandbox = WeiboSandbox(log)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(client(allow_private=True))
        url = await stack.enter_async_context(serve(sandbox.app))
        yield Weibo(sandbox=sandbox, http=http, url=url, me=dict(sandbox.add_account(**account)))
        await sandbox.pusher.drained()


@pytest.fixture
async def weibo() -> AsyncIterator[Weibo]:
    async with running() as made:
        yield made


def code(answer: httpx.Response) -> Any:
    assert answer.status_code >= 400
    assert set(answer.json()) >= {"request", "error_code", "error"}
    return answer.json()["error_code"]


async def test_a_status_is_answered_as_documented(weibo: Weibo) -> None:
    status = (await weibo.share(f"鼓楼 {LINK}")).json()
    assert status["idstr"] == status["mid"] == str(status["id"])
    assert status["id"] > 2**53
    assert status["text"].startswith("鼓楼 http://t.cn/")
    assert status["created_at"].split()[4] == "+0800"
    assert status["user"]["idstr"] == weibo.me["id"]
    assert {"reposts_count", "comments_count", "attitudes_count"} <= set(status)
    long = (await weibo.get("short_url/expand", url_short=status["text"].split()[1])).json()
    assert long["urls"][0]["url_long"] == LINK


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 20008),
        ("   ", 20008),
        ("没有链接", 10017),
        ("别人的链接 https://other.example/a", 10017),
        ("假域名 https://evilgulou.example/a", 10017),
        ("字" * 130 + LINK, 0),
        ("字" * 131 + LINK, 20012),
        ("a" * 260 + " " + LINK, 20012),
        ("字" * 129 + "aa" + LINK, 0),
        ("字" * 129 + "aaa" + LINK, 20012),
        ("🎉" * 130 + LINK, 0),
        ("🎉" * 131 + LINK, 20012),
        (f"违禁词 {LINK}", 20021),
    ],
)
async def test_texts(weibo: Weibo, text: str, expected: int) -> None:
    answer = await weibo.share(text)
    assert (code(answer) if answer.is_error else 0) == expected
    assert weibo.sandbox.store.count("posts") == int(expected == 0)


async def test_repeats(weibo: Weibo) -> None:
    assert (await weibo.share(f"一样 {LINK}")).is_success
    assert code(await weibo.share(f"一样 {LINK}")) == 20019
    assert code(await weibo.share(f"一 样 {LINK}?other=1")) == 20017
    await weibo.control("clock", seconds=601)
    assert (await weibo.share(f"一样 {LINK}")).is_success


async def test_pictures(weibo: Weibo) -> None:
    assert (await weibo.share(f"图 {LINK}", files={"pic": ("a.gif", GIF, "image/gif")})).is_success
    bad = {"pic": ("a.gif", b"<html>", "image/gif")}
    assert code(await weibo.share(f"假图 {LINK}", files=bad)) == 20005
    assert code(await weibo.share(f"不是文件 {LINK}", pic="GIF89a")) == 20007
    large = {"pic": ("a.gif", GIF.ljust(5 * 1024 * 1024, b"\0"), "image/gif")}
    assert code(await weibo.share(f"大图 {LINK}", files=large)) == 20006


async def test_methods_paths_and_parameters(weibo: Weibo) -> None:
    assert code(await weibo.get("statuses/share", status=LINK)) == 10021
    assert code(await weibo.get("statuses/update", status=LINK)) == 10020
    assert code(await weibo.post("statuses/share", status=LINK)) == 10016
    assert code(await weibo.post("statuses/share", status=LINK, rip="here")) == 10008
    assert code(await weibo.get("statuses/user_timeline", count="many")) == 10008
    assert code(await weibo.get("statuses/user_timeline", uid="1")) == 10014
    assert code(await weibo.get("statuses/count", ids=",".join("1" * 101))) == 10008


async def test_tokens(weibo: Weibo) -> None:
    async def show(token: str) -> httpx.Response:
        params = {"uid": weibo.me["id"], "access_token": token}
        return await weibo.http.get(f"{weibo.url}/2/users/show.json", params=params)

    assert (await show(weibo.me["access_token"])).is_success
    assert code(await show("")) == code(await show("2.00nobody")) == 21332
    await weibo.control("clock", days=31)
    assert code(await show(weibo.me["access_token"])) == 21327


async def test_codes_as_strings(weibo: Weibo) -> None:
    await weibo.control("settings", string_codes=True)
    assert code(await weibo.share("")) == "20008"


async def test_sign_in(weibo: Weibo) -> None:
    back = "https://drumtower.example/v1/oauth/weibo/callback"
    ask = {"client_id": weibo.me["app_key"], "redirect_uri": back, "response_type": "code", "state": "s1"}
    answer = await weibo.http.get(f"{weibo.url}/oauth2/authorize", params=ask)
    assert answer.status_code == 302
    given = parse_qs(urlsplit(answer.headers["location"]).query)
    assert given["state"] == ["s1"]
    form = {"client_id": weibo.me["app_key"], "client_secret": weibo.me["app_secret"], "redirect_uri": back}
    form |= {"grant_type": "authorization_code", "code": given["code"][0]}
    wrong = await weibo.http.post(f"{weibo.url}/oauth2/access_token", data=form | {"client_secret": "x"})
    assert wrong.json()["error_code"] == 21324
    token = (await weibo.http.post(f"{weibo.url}/oauth2/access_token", data=form)).json()
    assert isinstance(token["remind_in"], str)
    assert isinstance(token["expires_in"], int)
    again = await weibo.http.post(f"{weibo.url}/oauth2/access_token", data=form)
    assert again.json()["error_code"] == 21325
    ask_info = {"access_token": token["access_token"]}
    info = (await weibo.http.post(f"{weibo.url}/oauth2/get_token_info", data=ask_info)).json()
    assert (info["uid"], info["appkey"]) == (int(weibo.me["id"]), weibo.me["app_key"])
    assert isinstance(info["expire_in"], str)
    revoked = await weibo.http.get(f"{weibo.url}/oauth2/revokeoauth2", params=ask_info)
    assert revoked.json() == {"result": "true"}
    assert code(await weibo.http.post(f"{weibo.url}/oauth2/get_token_info", data=ask_info)) == 21319


async def test_limits_where_they_are_set() -> None:
    async with running(posts_per_hour=2) as weibo:
        assert [(await weibo.share(f"第{n}条{'呀' * n} {LINK}")).status_code for n in range(2)] == [200, 200]
        assert code(await weibo.share(f"第三条 {LINK}")) == 20016
        await weibo.control("clock", seconds=3600)
        assert (await weibo.share(f"下一个小时 {LINK}")).is_success
    async with running(calls_per_day=1) as weibo:
        assert (await weibo.get("users/show", uid=weibo.me["id"])).is_success
        assert code(await weibo.get("users/show", uid=weibo.me["id"])) == 10023


async def test_what_20032_hides_shows_later(weibo: Weibo) -> None:
    await weibo.control("settings", pending=1)
    assert code(await weibo.share(f"稍后 {LINK}")) == 20032
    assert (await weibo.get("statuses/user_timeline")).json()["statuses"] == []
    (post,) = weibo.sandbox.store.all("posts")
    assert code(await weibo.get("statuses/show", id=post["id"])) == 20101
    await weibo.control("clock", seconds=90)
    assert (await weibo.get("statuses/show", id=post["id"])).json()["idstr"] == post["id"]
    assert len((await weibo.get("statuses/user_timeline")).json()["statuses"]) == 1


async def test_the_state_shows_what_checkers_compare(weibo: Weibo) -> None:
    number = (await weibo.share(f"给检查看 {LINK}")).json()["idstr"]
    for what, count in (("like", 3), ("share", 2), ("read", 9), ("save", 1)):
        answer = await weibo.control(f"public/{what}", account=weibo.me["id"], post=number, count=count)
        assert (answer.status_code, answer.json()) == (200, {})
    author = {"id": "fan-1", "name": "粉丝"}
    said = await weibo.control(
        "public/comment", account=weibo.me["id"], post=number, author=author, text="好"
    )
    ours = await weibo.post("comments/reply", id=number, cid=said.json()["id"], comment="谢谢")
    await weibo.control("public/follow", account=weibo.me["id"], count=7)
    state = (await weibo.http.get(f"{weibo.url}/control/state")).json()
    (post,) = state["posts"]
    expected = {"id": number, "account": weibo.me["id"], "text": f"给检查看 {LINK}", "likes": 3, "shares": 2}
    assert expected.items() <= post.items()
    assert (post["comments"], post["reads"], post["deleted"]) == (2, None, False)
    reply = state["comments"][1]
    assert (reply["id"], reply["post"], reply["in_reply_to"]) == (
        ours.json()["idstr"],
        number,
        said.json()["id"],
    )
    assert reply["text"] == "回复@粉丝:谢谢"
    assert reply["author"]["id"] == weibo.me["id"]
    assert state["accounts"][0]["followers"] == 1204 + 7
    assert not any(name.startswith("_") for name in state)
    assert weibo.me["access_token"] not in json.dumps(state)


async def test_the_public_makes_mistakes_too(weibo: Weibo) -> None:
    assert (await weibo.control("public/like", post="404", count=1)).status_code == 404
    assert (await weibo.control("public/comment", account=weibo.me["id"])).status_code == 422
    assert (await weibo.control("public/message", account="nobody", text="x")).status_code == 404


async def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "weibo.jsonl"
    async with running(log) as weibo:
        first = (await weibo.share(f"断电之前 {LINK}")).json()["idstr"]
        await weibo.control(
            "public/comment", account=weibo.me["id"], post=first, author={"id": "9"}, text="在"
        )
        before = weibo.sandbox.store.dump()
    sandbox = WeiboSandbox(log)
    assert sandbox.store.dump() == before
    async with client(allow_private=True) as http, serve(sandbox.app) as url:
        again = Weibo(sandbox=sandbox, http=http, url=url, me=weibo.me)
        (status,) = (await again.get("statuses/user_timeline")).json()["statuses"]
        assert (status["idstr"], status["comments_count"]) == (first, 1)
        assert len((await again.get("comments/to_me")).json()["comments"]) == 1
        assert code(await again.share(f"断电之前 {LINK}")) == 20019
        assert int((await again.share(f"断电之后，再来一条 {LINK}")).json()["idstr"]) > int(first)
    weibo.sandbox.store.close()
    sandbox.store.close()


class Callback:
    """A fan-service callback that keeps what it got and answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, bytes, float]] = []
        self.echo: str | None = None
        self.app = Starlette(routes=[Route("/hook", self._hook, methods=["GET", "POST"])])

    async def _hook(self, request: Request) -> Response:
        if request.method == "GET":
            return PlainTextResponse(self.echo or request.query_params["echostr"])
        self.got.append((dict(request.query_params), await request.body()))
        status, body, seconds = self.answers.pop(0) if self.answers else (200, b"", 0.0)
        await asyncio.sleep(seconds)
        return Response(body, status_code=status)


@asynccontextmanager
async def hooked() -> AsyncIterator[tuple[Weibo, Callback]]:
    callback = Callback()
    async with serve(callback.app) as url, running() as weibo:
        set_ = await weibo.control("webhook", account=weibo.me["id"], url=f"{url}/hook")
        assert set_.json() == {"verified": True}
        yield weibo, callback


async def write(weibo: Weibo, text: str = "在吗") -> None:
    await weibo.control(
        "public/message", account=weibo.me["id"], author={"id": "9001", "name": "王"}, text=text
    )
    await weibo.sandbox.pusher.drained()


async def test_a_push_is_signed_and_documented() -> None:
    async with hooked() as (weibo, callback):
        await write(weibo, "你好 👋")
        ((query, body),) = callback.got
        assert query["signature"] == messages.sign(weibo.me["app_secret"], query["timestamp"], query["nonce"])
        assert len(query["timestamp"]) == 13
        push = json.loads(body)
        assert set(push) == {"type", "receiver_id", "sender_id", "created_at", "text", "data"}
        assert (push["receiver_id"], push["sender_id"], push["text"]) == (
            int(weibo.me["id"]),
            9001,
            "你好 👋",
        )
        assert [row["status"] for row in weibo.sandbox.store.all("pushes")] == [200]


def test_the_official_signature() -> None:
    # open.weibo.com/wiki: the values of the official example.
    assert (
        messages.sign("xyz123xyz", "1397022061823", "57155157") == "90e4c22c90a58f26526c2dd5b6c56c8822edeaa1"
    )


async def test_three_tries_then_silence() -> None:
    async with hooked() as (weibo, callback):
        callback.answers = [(500, b"", 0), (503, b"", 0), (500, b"", 0), (500, b"", 0)]
        await write(weibo)
        assert len(callback.got) == 3
        assert len({body for _, body in callback.got}) == 1
        assert [row["try"] for row in weibo.sandbox.store.all("pushes")] == [1, 2, 3]


@pytest.mark.long
async def test_a_slow_callback_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages.FanService, "patience", 1.0)
    async with hooked() as (weibo, callback):
        callback.answers = [(200, b"", 4.0)]
        await write(weibo)
        assert len(callback.got) == 2
        tries = weibo.sandbox.store.all("pushes")
        assert [row["status"] for row in tries] == [None, 200]
        assert tries[0]["error"] == "TimeoutError"


async def test_a_passive_reply_is_delivered() -> None:
    async with hooked() as (weibo, callback):
        data = quote(json.dumps({"text": "稍等"}, ensure_ascii=False))
        reply = {
            "result": True,
            "sender_id": weibo.me["id"],
            "receiver_id": "9001",
            "type": "text",
            "data": data,
        }
        callback.answers = [(200, json.dumps(reply).encode(), 0), (200, b"success", 0)]
        await write(weibo, "第一句")
        await write(weibo, "第二句")
        out = [row for row in weibo.sandbox.store.all("messages") if row["direction"] == "out"]
        assert [(row["to"], row["text"]) for row in out] == [("9001", "稍等")]


async def test_a_callback_that_fails_its_check_is_not_taken(weibo: Weibo) -> None:
    callback = Callback()
    callback.echo = "something else"
    async with serve(callback.app) as url:
        answer = await weibo.control("webhook", account=weibo.me["id"], url=f"{url}/hook")
        assert answer.json() == {"verified": False}
        await write(weibo)
        assert callback.got == []
    dead = await weibo.control("webhook", account=weibo.me["id"], url=f"{url}/hook")
    assert dead.json() == {"verified": False}


async def test_a_follow_is_pushed_and_opens_the_48_hours() -> None:
    async with hooked() as (weibo, callback):
        fan = {"id": "9002", "name": "李"}
        await weibo.control("public/follow", account=weibo.me["id"], author=fan, count=1)
        await weibo.sandbox.pusher.drained()
        assert json.loads(callback.got[0][1])["data"] == {"subtype": "follow"}
        data = json.dumps({"text": "欢迎"})
        assert (await weibo.post("messages/reply", type="text", data=data, receiver_id="9002")).json()[
            "result"
        ]
        assert code(await weibo.post("messages/reply", type="text", data=data, receiver_id="9002")) == 20306
        assert code(await weibo.post("messages/reply", type="text", data=data, receiver_id="9003")) == 20301
        await weibo.control("clock", days=2)
        late = json.dumps({"text": "还在吗"})
        assert code(await weibo.post("messages/reply", type="text", data=late, receiver_id="9002")) == 20301


@pytest.mark.parametrize(
    ("data", "kind", "expected"),
    [
        ('{"text": "' + "字" * 299 + '"}', "text", 0),
        ('{"text": "' + "字" * 300 + '"}', "text", 20013),
        (quote('{"text": "编码两次"}'), "text", 0),
        ("no json", "text", 10008),
        ("[]", "text", 10008),
        ('{"text": "x"}', "hologram", 10008),
    ],
)
async def test_message_bodies(weibo: Weibo, data: str, kind: str, expected: int) -> None:
    await write(weibo)
    answer = await weibo.post("messages/reply", type=kind, data=data, receiver_id="9001")
    assert (code(answer) if answer.is_error else 0) == expected
