"""The Discourse sandbox speaks as the forum's source does: envelopes, limits, keys, queue, pushes; it survives a restart."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from drumtower.http import client
from drumtower.sandbox.discourse import DiscourseSandbox
from drumtower.testkit.serving import serve

TITLE, RAW = "秋茶上市，三点不同", "今年的秋茶比往年早了一周，香气更足。"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Forum:
    """A running sandbox and one account's credentials."""

    sandbox: DiscourseSandbox
    http: httpx.AsyncClient
    url: str
    me: dict[str, Any]

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.http.get(f"{self.url}/{path}.json", params=params, headers=self.key())

    async def post(self, **body: Any) -> httpx.Response:
        return await self.http.post(f"{self.url}/posts.json", json=body, headers=self.key())

    async def topic(self, title: str = TITLE, raw: str = RAW, **more: Any) -> dict[str, Any]:
        answer = await self.post(title=title, raw=raw, **more)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def control(self, what: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"{self.url}/control/{what}", json=body)

    def key(self, **changed: str) -> dict[str, str]:
        return {"Api-Key": self.me["api_key"], "Api-Username": self.me["username"]} | changed


@asynccontextmanager
async def running(log: Path | None = None, **account: Any) -> AsyncIterator[Forum]:
    sandbox = DiscourseSandbox(log)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(client(allow_private=True))
        url = await stack.enter_async_context(serve(sandbox.app))
        yield Forum(sandbox=sandbox, http=http, url=url, me=dict(sandbox.add_account(**account)))


@pytest.fixture
async def forum() -> AsyncIterator[Forum]:
    async with running() as made:
        yield made


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_type"]


class TestTopics:
    async def test_a_topic_and_its_page(self, forum: Forum) -> None:
        made = await forum.topic(category=4, tags=[{"name": "秋茶"}])
        assert (made["post_number"], made["raw"], made["username"]) == (1, RAW, forum.me["username"])
        assert made["post_url"] == f"/t/topic/{made['topic_id']}/1"
        page = (await forum.get(f"t/{made['topic_id']}")).json()
        assert (page["title"], page["category_id"], page["posts_count"]) == (TITLE, 4, 1)
        assert [tag["name"] for tag in page["tags"]] == ["秋茶"]
        assert page["post_stream"]["stream"] == [made["id"]]
        assert "raw" not in page["post_stream"]["posts"][0]
        assert datetime.fromisoformat(page["created_at"]).tzinfo is not None
        single = (await forum.get(f"posts/{made['id']}")).json()
        assert single["raw"] == RAW

    async def test_a_form_is_taken_like_json(self, forum: Forum) -> None:
        form = {"title": TITLE, "raw": RAW}
        answer = await forum.http.post(f"{forum.url}/posts.json", data=form, headers=forum.key())
        assert answer.json()["raw"] == RAW

    async def test_the_key_leads_to_the_topic_and_is_taken_once(self, forum: Forum) -> None:
        made = await forum.topic(external_id="Delivery-1")
        moved = await forum.get("t/external_id/delivery-1")
        assert moved.status_code == 301
        path = urlsplit(moved.headers["location"]).path
        assert path == f"/t/topic/{made['topic_id']}.json"
        assert (await forum.get(path[1:].removesuffix(".json"))).json()["external_id"] == "Delivery-1"
        again = await forum.post(title="另一个题目，不重复", raw=f"{RAW}！", external_id="DELIVERY-1")
        assert (again.status_code, again.json()["errors"]) == (422, ["External has already been taken"])
        for odd in ("a b", "x" * 51, "键"):
            refused = await forum.post(title=f"题目也要不一样{len(odd)}", raw=f"{RAW}{odd}", external_id=odd)
            assert refused.status_code == 422
        assert error(await forum.get("t/external_id/nobody")) == (404, "not_found")

    async def test_the_same_call_within_two_minutes_gets_the_same_answer(self, forum: Forum) -> None:
        first = await forum.topic(external_id="k1")
        assert await forum.topic(external_id="k1") == first
        assert len(forum.sandbox.store.all("posts")) == 1
        await forum.control("clock", seconds=121)
        assert (await forum.post(title=TITLE, raw=RAW, external_id="k1")).status_code == 422

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"raw": "短", "title": TITLE}, "Body is too short"),
            ({"raw": "长" * 32_001, "title": TITLE}, "Body is too long"),
            ({"raw": RAW, "title": "短"}, "Title is too short"),
            ({"raw": RAW, "title": "长" * 256}, "Title is too long"),
            ({"raw": f"{RAW}违禁词", "title": TITLE}, "not allowed"),
        ],
    )
    async def test_texts_that_the_rules_refuse(self, forum: Forum, body: dict[str, Any], said: str) -> None:
        answer = await forum.post(**body)
        assert answer.status_code == 422
        assert answer.json()["action"] == "create_post"
        assert said in answer.json()["errors"][0]
        assert "error_type" not in answer.json()

    async def test_titles_and_texts_once(self, forum: Forum) -> None:
        await forum.topic()
        title = await forum.post(title=TITLE, raw="同一个题目，另一段正文。")
        text = await forum.post(title="另一个题目，不重复", raw=RAW)
        assert [one.json()["errors"] for one in (title, text)] == [
            ["Title has already been used"],
            ["Body is too similar to what you recently posted"],
        ]

    async def test_what_has_a_name_of_its_own(self, forum: Forum) -> None:
        assert error(await forum.post(title=TITLE)) == (400, "invalid_parameters")
        assert error(await forum.post(title=TITLE, raw=RAW, category=99)) == (400, "invalid_parameters")
        assert error(await forum.post(title=TITLE, raw=f"{RAW}1", category=7)) == (403, "invalid_access")
        assert error(await forum.post(topic_id=9, raw=RAW)) == (404, "not_found")
        await forum.control("settings", read_only=True)
        assert error(await forum.post(title=TITLE, raw=RAW)) == (503, "read_only")

    @pytest.mark.parametrize(
        ("version", "tags", "kept"),
        [
            ("2026.8.0", [{"name": "茶"}], ["茶"]),
            ("2026.8.0", ["茶"], []),
            ("3.4.0", ["茶", "长" * 25, *"abcde"], ["茶", "长" * 20, "a", "b", "c"]),
            ("3.4.0", [{"name": "茶"}], []),
        ],
    )
    async def test_tags(self, forum: Forum, version: str, tags: list[Any], kept: list[str]) -> None:
        await forum.control("settings", version=version)
        assert (await forum.get("about")).json()["about"]["version"] == version
        await forum.topic(tags=tags)
        assert forum.sandbox.store.all("posts")[0]["tags"] == kept


class TestKeysAndLimits:
    async def test_who_calls(self, forum: Forum) -> None:
        page = f"{forum.url}/u/{forum.me['username']}.json"
        for headers, told in (
            ({}, (403, "not_logged_in")),
            (forum.key(**{"Api-Key": "x"}), (403, "invalid_access")),
            (forum.key(**{"Api-Username": "other"}), (403, "invalid_access")),
        ):
            assert error(await forum.http.get(page, headers=headers)) == told
        user = (await forum.http.get(page, headers=forum.key())).json()["user"]
        assert (str(user["id"]), user["can_edit"]) == (forum.me["id"], True)
        await forum.control("key", key=forum.me["api_key"], action="revoke")
        assert error(await forum.http.get(page, headers=forum.key())) == (403, "invalid_access")

    async def test_a_limit_says_how_long_in_header_and_body(self) -> None:
        async with running(settings={"max_admin_api_reqs_per_minute": 3}) as forum:
            for _ in range(3):
                assert (await forum.get("about")).status_code == 200
            refused = await forum.get("about")
            assert error(refused) == (429, "rate_limit")
            wait = refused.json()["extras"]["wait_seconds"]
            assert refused.headers["retry-after"] == str(wait)
            assert 55 <= wait <= 60
            await forum.control("clock", seconds=wait + 1)
            assert (await forum.get("about")).status_code == 200

    async def test_the_pace_binds_all_but_the_staff(self) -> None:
        pace = {"rate_limit_create_topic": 15, "rate_limit_create_post": 5}
        async with running(settings=pace) as forum:
            made = await forum.topic()
            assert error(await forum.post(title="另一个题目，不重复", raw=f"{RAW}2")) == (429, "rate_limit")
            assert (await forum.post(topic_id=made["topic_id"], raw=f"{RAW}3")).status_code == 200
            assert error(await forum.post(topic_id=made["topic_id"], raw=f"{RAW}4")) == (429, "rate_limit")
        async with running(settings=pace, staff=True) as forum:
            for number in range(3):
                await forum.topic(f"题目各不相同第{number}个", f"{RAW}{number}")

    async def test_files(self, forum: Forum) -> None:
        async def send(data: bytes, **form: str) -> httpx.Response:
            files = {"file": ("a.png", data, "image/png")}
            address = f"{forum.url}/uploads.json"
            return await forum.http.post(address, data=form, files=files, headers=forum.key())

        good = await send(PNG, upload_type="composer")
        assert good.json()["short_url"].startswith("upload://")
        assert (good.json()["width"], good.json()["height"]) == (640, 480)
        assert error(await send(PNG)) == (400, "invalid_parameters")
        for bad in (b"<html>", PNG.ljust(4096 * 1024 + 1, b"\x00")):
            answer = await send(bad, upload_type="composer")
            assert (answer.status_code, list(answer.json())) == (422, ["errors"])

    async def test_settings_have_names(self, forum: Forum) -> None:
        assert (await forum.control("settings", min_post_lenght=1)).status_code == 422


class TestModeratorsAndAnswers:
    async def test_the_queue_keeps_no_key(self, forum: Forum) -> None:
        await forum.control("settings", needs_approval=True)
        told = (await forum.post(title=TITLE, raw=RAW, external_id="k1", category=4)).json()
        assert (told["action"], told["success"], told["pending_count"]) == ("enqueued", True, 1)
        (waiting,) = (await forum.get(f"posts/{forum.me['username']}/pending")).json()["pending_posts"]
        assert (waiting["id"], waiting["raw_text"], waiting["title"]) == (
            told["pending_post"]["id"],
            RAW,
            TITLE,
        )
        await forum.control("moderate", id=waiting["id"], action="approve")
        (topic,) = forum.sandbox.store.all("posts")
        assert (topic["external_id"], topic["category"], topic["text"]) == (None, 4, RAW)
        assert (await forum.get(f"posts/{forum.me['username']}/pending")).json()["pending_posts"] == []
        assert (await forum.control("moderate", id=waiting["id"], action="reject")).status_code == 404

    async def test_answers_their_numbers_and_lists(self, forum: Forum) -> None:
        made = await forum.topic()
        topic = str(made["topic_id"])
        said = (await forum.control("public/comment", post=topic, text="几点开门？")).json()["id"]
        answer = (
            await forum.post(topic_id=int(topic), raw="九点开门，欢迎光临。", reply_to_post_number=2)
        ).json()
        assert (answer["post_number"], answer["reply_to_post_number"]) == (3, 2)
        page = (await forum.get(f"t/{topic}", include_raw="true")).json()
        assert page["post_stream"]["stream"] == [made["id"], int(said), answer["id"]]
        assert [post["raw"] for post in page["post_stream"]["posts"]][1:] == ["几点开门？", answer["raw"]]
        chosen = await forum.get(f"t/{topic}/posts", **{"post_ids[]": [said]})
        assert [post["id"] for post in chosen.json()["post_stream"]["posts"]] == [int(said)]
        await forum.control("public/like", post=topic, count=3)
        await forum.control("public/read", post=topic, count=9)
        page = (await forum.get(f"t/topic/{topic}")).json()
        assert (page["views"], page["like_count"], page["posts_count"], page["highest_post_number"]) == (
            9,
            3,
            3,
            3,
        )
        assert page["post_stream"]["posts"][0]["actions_summary"][0] == {
            "id": 2,
            "count": 3,
            "can_act": False,
        }
        assert error(await forum.http.delete(f"{forum.url}/t/{topic}.json", headers=forum.key())) == (
            403,
            "invalid_access",
        )

    async def test_a_topic_that_is_taken_down_is_gone_without_words(self, forum: Forum) -> None:
        made = await forum.topic(external_id="k1")
        address = f"{forum.url}/t/{made['topic_id']}.json"
        gone = await forum.http.delete(address, headers=forum.key())
        assert (gone.status_code, gone.content) == (200, b"")
        assert error(await forum.http.delete(address, headers=forum.key())) == (404, "not_found")
        assert error(await forum.get("t/external_id/k1")) == (404, "not_found")

    async def test_the_list_of_topics_by_activity_and_by_age(self, forum: Forum) -> None:
        made = [await forum.topic(f"题目各不相同第{number}个", f"{RAW}{number}") for number in range(31)]
        first = str(made[0]["topic_id"])
        await forum.control("public/comment", post=first, text="还在吗")
        path = f"topics/created-by/{forum.me['username']}"
        active = (await forum.get(path)).json()["topic_list"]
        assert str(active["topics"][0]["id"]) == first
        assert (active["topics"][0]["posts_count"], len(active["topics"])) == (2, 30)
        assert active["more_topics_url"] == f"/{path}?page=1"
        rest = (await forum.get(path, page=1)).json()["topic_list"]
        assert (len(rest["topics"]), "more_topics_url" in rest) == (1, False)
        newest = (await forum.get(path, order="created")).json()["topic_list"]["topics"]
        assert newest[0]["id"] == made[-1]["topic_id"]


class TestPushesAndRestart:
    async def test_a_push_is_signed_over_its_raw_body(self, forum: Forum) -> None:
        heard: list[tuple[dict[str, str], bytes]] = []

        async def hook(request: Request) -> Response:
            heard.append((dict(request.headers), await request.body()))
            return Response()

        made = await forum.topic()
        async with serve(Starlette(routes=[Route("/hook", hook, methods=["POST"])])) as url:
            await forum.control("webhook", account=forum.me["id"], url=f"{url}/hook")
            await forum.control("public/comment", post=str(made["topic_id"]), text="在吗")
            await forum.control("public/mention", account=forum.me["id"], text="新品几时上？")
            await asyncio.wait_for(forum.sandbox.pusher.drained(), 5)
        assert len(heard) == 2
        for headers, body in heard:
            digest = hmac.new(forum.me["webhook_secret"].encode(), body, hashlib.sha256).hexdigest()
            assert headers["x-discourse-event-signature"] == f"sha256={digest}"
            assert (headers["x-discourse-event-type"], headers["x-discourse-event"]) == (
                "post",
                "post_created",
            )
        texts = {json.loads(body)["post"]["raw"] for _, body in heard}
        assert texts == {"在吗", f"@{forum.me['username']} 新品几时上？"}
        assert len({headers["x-discourse-event-id"] for headers, _ in heard}) == 2

    async def test_a_restart_loses_nothing(self, tmp_path: Path) -> None:
        log = tmp_path / "discourse.jsonl"
        async with running(log) as forum:
            made = await forum.topic(external_id="k1")
            await forum.control("public/comment", post=str(made["topic_id"]), text="在吗")
            me = forum.me
            forum.sandbox.store.close()
        async with running(log) as forum:
            headers = {"Api-Key": me["api_key"], "Api-Username": me["username"]}
            page = await forum.http.get(f"{forum.url}/t/{made['topic_id']}.json", headers=headers)
            assert (page.json()["posts_count"], page.json()["external_id"]) == (2, "k1")
            forum.sandbox.store.close()
