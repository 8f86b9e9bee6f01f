"""Preflight: what each platform would refuse, counted its way, said at once and with a pointer."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import update

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Brand, LinkLook
from tests.api.desk import BODY, LINK, Json, answer, problems, write
from tests.factories import Team, make_asset, make_channel, make_team

FAMILY = "👨‍👩‍👧‍👦"
# A line break and a link: what the post's one link adds on Weibo (a half and ten, rounded over the whole).
ROOM = 140 - 10 - 1


async def check(client: httpx.AsyncClient, post: Json, **asked: Any) -> Json:
    return answer(await client.post(f"/v1/posts/{post['id']}/preflight", json=asked))


async def one(client: httpx.AsyncClient, post: Json, channel: UUID) -> Json:
    [row] = (await check(client, post, channel_ids=[str(channel)]))["data"]
    found: Json = row
    return found


def blocking(row: Json) -> dict[str, str]:
    return {v["pointer"]: v["code"] for v in row["violations"] if v["severity"] == "block"}


class TestCounting:
    @pytest.mark.parametrize(
        ("body", "value"),
        [
            ("茶" * ROOM, 140),
            ("t" * (2 * ROOM), 140),
            ("茶" * 100 + "t" * 58, 140),
            ("看https://example.com/" + "x" * 900 + " " + "茶" * 117, 139),
        ],
    )
    async def test_weibo_counts_chinese_ascii_and_links(
        self,
        client: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
        body: str,
        value: int,
    ) -> None:
        channel = await make_channel(db, team, box)
        row = await one(client, await write(client, team, body=body), channel)
        assert row["length"] == {"value": value, "maximum": 140, "unit": "weibo"}
        assert row["ok"] is True
        longer = await one(client, await write(client, team, body=body + "好茶"), channel)
        assert blocking(longer) == {"/body": "body_too_long"}
        assert longer["violations"][0]["hint"]

    async def test_bluesky_counts_what_people_see(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box
    ) -> None:
        channel = await make_channel(db, team, box, "bluesky")
        row = await one(client, await write(client, team, body=FAMILY * 100, links=[]), channel)
        assert row["length"] == {"value": 100, "maximum": 300, "unit": "grapheme"}
        assert row["ok"] is True
        # 121 families are 121 graphemes and 3,025 bytes: over the second limit, under the first.
        heavy = await one(client, await write(client, team, body=FAMILY * 121, links=[]), channel)
        assert blocking(heavy) == {"/body": "body_too_long"}
        long = await one(client, await write(client, team, body="茶" * 301, links=[]), channel)
        assert blocking(long) == {"/body": "body_too_long"}


class TestWhere:
    async def test_without_channels_the_variants_are_meant(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box
    ) -> None:
        weibo = await make_channel(db, team, box)
        bluesky = await make_channel(db, team, box, "bluesky")
        both = await check(client, await write(client, team))
        assert [row["channel_id"] for row in both["data"]] == [str(weibo), str(bluesky)]
        variants = [{"channel_id": str(bluesky), "body": "short"}]
        meant = await check(client, await write(client, team, variants=variants))
        assert [row["platform"] for row in meant["data"]] == ["bluesky"]

    async def test_no_body_at_all_will_do(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box
    ) -> None:
        await make_channel(db, team, box)
        post = await write(client, team)
        assert answer(await client.post(f"/v1/posts/{post['id']}/preflight"))["ok"] is True

    async def test_unknown_and_doubled_channels(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box
    ) -> None:
        mine = str(await make_channel(db, team, box))
        strange = str(await make_channel(db, await make_team(db), box))
        post = await write(client, team)
        asked = {"channel_ids": [mine, strange, str(uuid4()), mine]}
        refused = await client.post(f"/v1/posts/{post['id']}/preflight", json=asked)
        assert problems(refused) == {
            "/channel_ids/1": "unknown_channel",
            "/channel_ids/2": "unknown_channel",
            "/channel_ids/3": "duplicate_channel",
        }

    async def test_pointers_lead_into_the_variant(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box
    ) -> None:
        channel = await make_channel(db, team, box, status="disconnected")
        variants = [{"channel_id": str(channel), "body": "长" * 141}]
        row = await one(client, await write(client, team, variants=variants, kind="live"), channel)
        assert blocking(row) == {
            "/variants/0/channel_id": "channel_disconnected",
            "/kind": "kind_not_supported",
            "/variants/0/body": "body_too_long",
        }
        assert row["ok"] is False

    async def test_a_platform_nobody_speaks(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box
    ) -> None:
        channel = await make_channel(db, team, box, "renren")
        row = await one(client, await write(client, team), channel)
        assert (blocking(row), row["length"]) == ({"/channel": "platform_unknown"}, None)


class TestMediaAndWords:
    async def test_media(self, client: httpx.AsyncClient, team: Team, db: Database, box: Box) -> None:
        weibo = await make_channel(db, team, box)
        good = await make_asset(db, team)
        film = await make_asset(db, team, content_type="video/mp4")
        huge = await make_asset(db, team, size=5 * 1024 * 1024)
        gone = await make_asset(db, team, expires_at=datetime(2026, 1, 1, tzinfo=UTC))
        row = await one(client, await write(client, team, asset_ids=[str(good)]), weibo)
        assert row["ok"] is True
        many = await write(client, team, asset_ids=[str(i) for i in (good, film, huge, gone)])
        assert blocking(await one(client, many, weibo)) == {
            "/asset_ids": "too_many_images",
            "/asset_ids/1": "media_type",
            "/asset_ids/2": "media_too_large",
            "/asset_ids/3": "licence_expired",
        }

    @pytest.mark.long
    async def test_a_link_under_the_channels_domain_is_asked_for(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box
    ) -> None:
        channel = await make_channel(db, team, box)
        bare = await write(client, team, links=[])
        assert blocking(await one(client, bare, channel)) == {"/links": "link_domain_required"}
        inside = await write(client, team, links=[], body=f"{BODY} {LINK}")
        assert (await one(client, inside, channel))["ok"] is True

    async def test_words_of_the_brand(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box
    ) -> None:
        async with db.transaction() as tx:
            words = {"banned_words": ["最好"], "required_words": ["鼓楼茶"]}
            await tx.execute(update(Brand).where(Brand.id == team.brand_id).values(**words))
        channel = await make_channel(db, team, box)
        row = await one(client, await write(client, team, body="最\u200b好的茶", title="秋茶"), channel)
        assert blocking(row) == {"/body": "banned_word"}
        points = {v["code"]: (v["criterion"], v["severity"]) for v in row["violations"]}
        assert points["banned_word"] == ("compliance", "block")
        assert points["required_word_missing"] == ("compliance", "warn")

    async def test_warnings_stop_nothing(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box
    ) -> None:
        channel = await make_channel(db, team, box)
        mute = await make_asset(db, team, alt_text="")
        post = await write(client, team, nature="promotional", asset_ids=[str(mute)], body="{{产品}} 上新")
        row = await one(client, post, channel)
        assert row["ok"] is True
        assert {v["code"] for v in row["violations"]} == {
            "disclosure_missing",
            "alt_text_missing",
            "placeholder_left",
            "ad_share_small_sample",
        }


async def test_a_dead_link_is_told_once_somebody_has_looked(
    client: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    channel = await make_channel(db, team, box)
    post = await write(client, team)
    assert "link_dead" not in {one["code"] for one in (await one(client, post, channel))["violations"]}
    async with db.transaction() as tx:
        seen = {"state": "dead", "detail": "HTTP 404", "looked_at": datetime.now(UTC), "next_at": None}
        await tx.execute(update(LinkLook).where(LinkLook.url == LINK).values(**seen))
    [dead] = [
        found for found in (await one(client, post, channel))["violations"] if found["code"] == "link_dead"
    ]
    assert (dead["pointer"], dead["severity"], dead["criterion"]) == ("/links/0", "warn", "accuracy")
