"""Posts: written, validated all at once, edited without losing anybody's work, found again."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI

from drumtower.crypto import Box
from drumtower.db.engine import Database
from tests.api.desk import (
    answer,
    approve,
    draft,
    edit,
    planned,
    problems,
    read,
    schedule,
    set_post,
    set_row,
    statements,
    write,
)
from tests.factories import Team, make_asset, make_channel, make_team

SHANGHAI = ZoneInfo("Asia/Shanghai")


def day(ahead: int) -> str:
    return (datetime.now(UTC).astimezone(SHANGHAI).date() + timedelta(days=ahead)).isoformat()


class TestCost:
    async def test_writing_reads_nothing_that_can_not_be_there(
        self, client: httpx.AsyncClient, app: FastAPI, team: Team
    ) -> None:
        with statements(app) as seen:
            await write(client, team)
        assert len(seen) <= 8, "\n".join(seen)  # one of them asks that its links be looked at


class TestWriting:
    async def test_create_and_read(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box
    ) -> None:
        channel = await make_channel(db, team, box, "wechat")
        cover = await make_asset(db, team)
        body = "中文、English、한국어、👨‍👩‍👧‍👦、🇨🇳\n“引号”与 \\ 反斜杠"
        variant = {"channel_id": str(channel), "title": "公众号标题", "options": {"author": "小鼓"}}
        asked = draft(
            team, body=body, asset_ids=[str(cover)], variants=[variant], due_on=day(3), pillar="产品"
        )
        made = await client.post("/v1/posts", json=asked)
        post = answer(made, 201)
        assert made.headers["location"] == f"/v1/posts/{post['id']}"
        assert made.headers["etag"] == '"1"'
        assert (post["body"], post["status"], post["version"]) == (body, "draft", 1)
        assert post["owner_id"] == post["created_by"] == str(team.owner_id)
        assert post["variants"] == [{**variant, "body": None, "asset_ids": None}]
        assert post["review"]["state"] == "draft"
        assert post["review"]["criteria"]["accuracy"] == {
            "verdict": None,
            "note": None,
            "reviewer_id": None,
            "at": None,
        }
        assert post["deliveries"] == []
        assert await read(client, post) == post

    async def test_equal_content_has_an_equal_hash(self, client: httpx.AsyncClient, team: Team) -> None:
        one, other = await write(client, team), await write(client, team)
        different = await write(client, team, body="别的")
        assert one["content_hash"] == other["content_hash"] != different["content_hash"]

    async def test_everything_wrong_is_said_at_once(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box
    ) -> None:
        other = await make_team(db)
        strange_channel = await make_channel(db, other, box)
        strange_asset = await make_asset(db, other)
        wechat = await make_channel(db, team, box, "wechat")
        asked = draft(
            team,
            brand_id=str(other.brand_id),
            owner_id=str(other.owner_id),
            body="\u200b \u2060",
            due_on=day(-1),
            asset_ids=[str(strange_asset)],
            variants=[
                {"channel_id": str(strange_channel)},
                {"channel_id": str(wechat), "options": {"author": "太长" * 20, "colour": "red"}},
                {"channel_id": str(wechat), "body": "\u3000", "asset_ids": [str(uuid4())]},
            ],
        )
        refused = await client.post("/v1/posts", json=asked)
        assert problems(refused) == {
            "/brand_id": "unknown_brand",
            "/owner_id": "unknown_owner",
            "/body": "blank_text",
            "/due_on": "date_in_past",
            "/asset_ids/0": "unknown_asset",
            "/variants/0/channel_id": "unknown_channel",
            "/variants/1/options/author": "option_invalid",
            "/variants/1/options/colour": "option_invalid",
            "/variants/2/channel_id": "duplicate_channel",
            "/variants/2/body": "blank_text",
            "/variants/2/asset_ids/0": "unknown_asset",
        }
        assert (await client.get("/v1/posts")).json()["data"] == []

    async def test_form_is_checked_at_once(self, client: httpx.AsyncClient, team: Team) -> None:
        asked = draft(
            team,
            titel="typo",
            title=5,
            kind="song",
            language="中文",
            links=["javascript:alert(1)", "https://", "ok", "https://a b"],
            hashtags=["#秋茶", "秋 茶", ""],
            due_on=20261201,
            disclosures=["ad", "paid"],
        )
        found = problems(await client.post("/v1/posts", json=asked))
        assert found["/titel"] == "unknown_field"
        assert set(found) == {
            "/titel",
            "/title",
            "/kind",
            "/language",
            *(f"/links/{i}" for i in range(4)),
            *(f"/hashtags/{i}" for i in range(3)),
            "/due_on",
            "/disclosures/1",
        }
        assert found["/links/0"] == "invalid_link"
        assert found["/hashtags/0"] == "invalid_hashtag"

    @pytest.mark.parametrize("body", ["", " \n\t", "\u200b\u200d\ufeff", "\u3164\u2800", "\u3000"])
    async def test_a_post_says_something(self, client: httpx.AsyncClient, team: Team, body: str) -> None:
        refused = await client.post("/v1/posts", json=draft(team, title="", body=body))
        assert set(problems(refused)) == {"/body"}

    async def test_media_alone_is_enough(self, client: httpx.AsyncClient, team: Team, db: Database) -> None:
        cover = await make_asset(db, team)
        post = await write(client, team, title="", body="", asset_ids=[str(cover)])
        assert post["asset_ids"] == [str(cover)]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title", "长" * 501),
            ("body", "长" * 50_001),
            ("hashtags", ["茶"] * 51),
            ("links", ["https://a.example/"] * 51),
            ("due_on", "2026-12-01T00:00:00"),
            ("due_on", "9999-12-31"),
            ("brand_id", "鼓楼"),
            ("variants", {}),
        ],
    )
    async def test_lengths_counts_and_types(
        self, client: httpx.AsyncClient, team: Team, field: str, value: Any
    ) -> None:
        refused = await client.post("/v1/posts", json=draft(team, **{field: value}))
        assert [pointer.split("/")[1] for pointer in problems(refused)] == [field]

    async def test_a_repeat_with_the_same_key_is_one_post(
        self, client: httpx.AsyncClient, team: Team
    ) -> None:
        headers = {"Idempotency-Key": "one"}
        answers = [await client.post("/v1/posts", json=draft(team), headers=headers) for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert answers[1].headers["etag"] == answers[0].headers["etag"]
        assert len((await client.get("/v1/posts")).json()["data"]) == 1


class TestEditing:
    async def test_an_etag_is_needed(self, client: httpx.AsyncClient, team: Team) -> None:
        post = await write(client, team)
        address = f"/v1/posts/{post['id']}"
        assert (await client.patch(address, json={"title": "新"})).status_code == 428
        stale = await client.patch(address, json={"title": "新"}, headers={"If-Match": '"7"'})
        assert stale.status_code == 412
        assert (await read(client, post))["title"] == post["title"]

    async def test_a_merge_patch_makes_a_version(self, client: httpx.AsyncClient, team: Team) -> None:
        post = await write(client, team, pillar="产品", due_on=day(2))
        changed = await edit(client, post, body="新的正文", pillar=None)
        after = answer(changed)
        assert changed.headers["etag"] == '"2"'
        assert (after["version"], after["body"], after["pillar"]) == (2, "新的正文", None)
        assert (after["title"], after["due_on"]) == (post["title"], post["due_on"])
        assert after["content_hash"] != post["content_hash"]
        versions = answer(await client.get(f"/v1/posts/{post['id']}/versions"))["data"]
        assert [(v["version"], v["content"]["body"]) for v in versions] == [
            (2, "新的正文"),
            (1, post["body"]),
        ]
        first = answer(await client.get(f"/v1/posts/{post['id']}/versions/1"))
        assert first == versions[1]
        assert (await client.get(f"/v1/posts/{post['id']}/versions/3")).status_code == 404
        assert (await client.get(f"/v1/posts/{post['id']}/versions/{2**40}")).status_code == 422

    async def test_what_is_not_content_makes_none(self, client: httpx.AsyncClient, team: Team) -> None:
        post = await write(client, team)
        after = answer(await edit(client, post, pillar="茶知识", due_on=day(5)))
        assert (after["version"], after["revision"]) == (1, 2)
        assert after["content_hash"] == post["content_hash"]

    @pytest.mark.parametrize("same", [{}, {"title": "秋茶上新"}, {"variants": [], "pillar": None}])
    async def test_the_same_again_changes_nothing(
        self, client: httpx.AsyncClient, team: Team, same: dict[str, Any]
    ) -> None:
        post = await write(client, team)
        assert answer(await edit(client, post, **same)) == post

    async def test_refused_edits_change_nothing(self, client: httpx.AsyncClient, team: Team) -> None:
        post = await write(client, team)
        refused = await edit(client, post, title=None, links=None, body="\u200b", owner_id=str(uuid4()))
        assert problems(refused) == {
            "/title": "null_not_allowed",
            "/links": "null_not_allowed",
            "/body": "blank_text",
            "/owner_id": "unknown_owner",
        }
        assert await read(client, post) == post

    async def test_a_passed_day_does_not_hinder_other_edits(
        self, client: httpx.AsyncClient, team: Team, db: Database
    ) -> None:
        post = await write(client, team)
        await set_post(db, post, due_on=datetime(2026, 1, 1, tzinfo=UTC).date())
        assert answer(await edit(client, post, body="改"))["version"] == 2

    async def test_two_editors_at_once_lose_nothing(self, client: httpx.AsyncClient, team: Team) -> None:
        post = await write(client, team)
        asks = [
            client.patch(f"/v1/posts/{post['id']}", json={"body": f"第{i}版"}, headers={"If-Match": '"1"'})
            for i in range(4)
        ]
        codes = sorted(one.status_code for one in await asyncio.gather(*asks))
        assert codes == [200, 412, 412, 412]
        assert (await read(client, post))["version"] == 2

    async def test_duplicate_and_archive(self, client: httpx.AsyncClient, team: Team) -> None:
        post = await write(client, team, due_on=day(1))
        copy = answer(await client.post(f"/v1/posts/{post['id']}/duplicate"), 201)
        assert copy["id"] != post["id"]
        assert copy["content_hash"] == post["content_hash"]
        assert (copy["due_on"], copy["version"], copy["status"]) == (None, 1, "draft")
        archived = answer(await client.post(f"/v1/posts/{post['id']}/archive"))
        assert archived["status"] == "archived"
        for again in (
            await edit(client, post, body="改"),
            await client.post(f"/v1/posts/{post['id']}/submit"),
        ):
            assert answer(again, 409)["code"] == "post_archived"

    async def test_what_may_still_leave_is_not_archived(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
    ) -> None:
        post, [delivery] = await planned(client, reviewer, team, [await make_channel(db, team, box)])
        refused = await client.post(f"/v1/posts/{post['id']}/archive")
        assert answer(refused, 409)["code"] == "deliveries_going"
        await client.post(f"/v1/deliveries/{delivery['id']}/cancel")
        assert answer(await client.post(f"/v1/posts/{post['id']}/archive"))["status"] == "archived"
        late = await schedule(client, post, [await make_channel(db, team, box)])
        assert problems(late)[""] == "post_archived"


class TestFinding:
    @pytest.mark.long
    async def test_filters(self, client: httpx.AsyncClient, team: Team, db: Database) -> None:
        video = await write(client, team, kind="video", pillar="产品", due_on=day(1), title="茶山")
        promo = await write(client, team, nature="promotional", due_on=day(10), body="满 100% 减_半")
        await write(client, team, title="别的")

        async def found(**asked: Any) -> list[str]:
            data = answer(await client.get("/v1/posts", params=asked))["data"]
            return [post["id"] for post in data]

        assert await found(kind="video") == [video["id"]]
        assert await found(nature="promotional") == [promo["id"]]
        assert await found(pillar="产品") == [video["id"]]
        assert await found(due_on_from=day(1), due_on_to=day(9)) == [video["id"]]
        assert await found(q="茶山") == [video["id"]]
        assert await found(q="好茶", kind="video") == [video["id"]]
        assert await found(q="100% 减") == [promo["id"]]
        assert await found(q="减_半") == [promo["id"]]
        assert await found(q="茶_") == []
        assert await found(q="%") == [promo["id"]]
        assert len(await found(status=["draft", "approved"], brand_id=str(team.brand_id))) == 3
        assert await found(status="approved") == []
        assert await found(campaign_id=str(uuid4())) == []
        for wrong in ({"status": "new"}, {"due_on_from": "soon"}, {"colour": "red"}, {"q": ""}):
            assert (await client.get("/v1/posts", params=wrong)).status_code == 422

    @pytest.mark.long
    async def test_a_page_costs_the_same_whatever_its_length(
        self,
        app: FastAPI,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
    ) -> None:
        await planned(client, reviewer, team, [await make_channel(db, team, box)])
        counts = []
        for _ in range(2):
            with statements(app) as seen:
                page = answer(await client.get("/v1/posts"))["data"]
            counts.append(
                sum("FROM posts" in s or "FROM deliveries" in s or "FROM reviews" in s for s in seen)
            )
            assert page[-1]["deliveries"][0]["state"] == "planned"
            for _ in range(4):
                await write(client, team)
        assert counts == [3, 3]

    async def test_a_stranger_sees_nothing(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient, team: Team
    ) -> None:
        post = await write(client, team)
        address = f"/v1/posts/{post['id']}"
        for path in ("", "/versions", "/versions/1", "/evidence", "/reviews"):
            assert (await stranger.get(f"{address}{path}")).status_code == 404, path
        calls: list[tuple[str, Any]] = [
            ("/preflight", {}),
            ("/submit", None),
            ("/archive", None),
            ("/duplicate", None),
            ("/reviews", {"criteria": {"accuracy": {"verdict": "pass"}}, "version": 1}),
            ("/schedule", {"channel_ids": [str(uuid4())], "now": True}),
        ]
        for path, body in calls:
            refused = await stranger.post(f"{address}{path}", json=body)
            assert refused.status_code == 404, path
        patched = await stranger.patch(address, json={"title": "mine"}, headers={"If-Match": "*"})
        assert patched.status_code == 404
        assert (await stranger.get("/v1/posts")).json()["data"] == []

    async def test_permissions_are_checked(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team
    ) -> None:
        assert (await reviewer.post("/v1/posts", json=draft(team))).status_code == 403
        post = await write(client, team)
        asked = {"channel_ids": [str(uuid4())], "now": True}
        assert (await reviewer.post(f"/v1/posts/{post['id']}/schedule", json=asked)).status_code == 403
        assert (await reviewer.get(f"/v1/posts/{post['id']}")).status_code == 200


@pytest.mark.long
async def test_evidence_is_one_pack(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    post = await write(client, team)
    await edit(client, post, body="第二版，更好")
    post = await approve(client, reviewer, post)
    [delivery] = answer(await schedule(client, post, [await make_channel(db, team, box)]), 201)["data"]
    await set_row(db, delivery["id"], state="unknown")
    seen = {"verdict": "live", "url": "https://weibo.com/1/abc"}
    answer(await client.post(f"/v1/deliveries/{delivery['id']}/reconcile", json=seen))
    pack = answer(await client.get(f"/v1/posts/{post['id']}/evidence"))
    assert [version["version"] for version in pack["versions"]] == [1, 2]
    assert len(pack["reviews"]) == 4
    assert pack["post"]["status"] == "published"
    assert pack["deliveries"][0]["content_hash"] == pack["versions"][1]["content_hash"]
    assert [one["step"] for one in pack["deliveries"][0]["tried"]] == ["reconcile"]
    assert pack["checks"]["version"] == 2
    verbs = [entry["verb"] for entry in pack["audit"]]
    assert verbs == [
        "post.created",
        "post.updated",
        "post.submitted",
        "post.approved",
        "post.scheduled",
        "delivery.reconciled",
    ]
