"""The WeChat sandbox on its own: tokens, refusals, people and days."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from drumtower.sandbox.wechat import WeChatSandbox
from drumtower.sandbox.wechat.ground import BEIJING
from tests.sandbox.wechat_caller import JPEG, READER, Caller, calling


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling(WeChatSandbox()) as made:
        yield made


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
