"""Links: made, followed by people and machines, and never broken by the counting."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
import pytest
from defusedxml import ElementTree
from fastapi import FastAPI
from sqlalchemy import select, text

from drumtower.db.engine import Database
from drumtower.db.models import Click
from tests.conftest import client_for
from tests.factories import Team
from tests.metrics.rows import make_channel

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.50"
NEW = {"target_url": "https://shop.example.com/tea?from=weibo", "name": "双十一 🍵", "placement": "post"}


@pytest.fixture
async def visitor(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with a phone and no credentials."""
    async with client_for(app, None) as made:
        made.headers["User-Agent"] = PHONE
        yield made


async def make_link(client: httpx.AsyncClient, **fields: object) -> dict[str, str]:
    made = await client.post("/v1/links", json={**NEW, **fields})
    assert made.status_code == 201, made.text
    body: dict[str, str] = made.json()
    return body


async def follow(visitor: httpx.AsyncClient, link: dict[str, str], **headers: str) -> httpx.Response:
    answer = await visitor.get(f"/l/{link['code']}", headers=headers)
    assert answer.status_code == 302, answer.text
    return answer


class TestLinks:
    async def test_create_read_rename(self, client: httpx.AsyncClient, db: Database, team: Team) -> None:
        channel = await make_channel(db, team)
        made = await client.post("/v1/links", json={**NEW, "channel_id": str(channel)})
        link = made.json()
        assert made.headers["location"] == f"/v1/links/{link['id']}"
        assert link["short_url"] == f"http://127.0.0.1:8000/l/{link['code']}"
        assert (link["clicks"], link["bot_clicks"], link["conversions"]) == (0, 0, 0)
        assert (await client.get(made.headers["location"])).json() == link
        renamed = await client.patch(f"/v1/links/{link['id']}", json={"name": "海报"})
        assert renamed.json() == {**link, "name": "海报"}
        listed = await client.get("/v1/links", params={"channel_id": str(channel), "placement": "post"})
        assert [one["id"] for one in listed.json()["data"]] == [link["id"]]
        assert (await client.get("/v1/links", params={"placement": "other"})).json()["data"] == []

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"target_url": "ftp://example.com/x"}, "/target_url"),
            ({"target_url": "javascript:alert(1)"}, "/target_url"),
            ({"target_url": "//example.com"}, "/target_url"),
            ({"target_url": "https://user:pass@example.com/"}, "/target_url"),
            ({"target_url": "https://example.com/" + "a" * 2048}, "/target_url"),
            ({"channel_id": "019a71c2-2f80-7c3e-9d55-7d3c0f6f2a11"}, "/channel_id"),
            ({"post_id": "019a71c2-2f80-7c3e-9d55-7d3c0f6f2a11"}, "/post_id"),
            ({"code": "mine"}, "/code"),
        ],
    )
    async def test_what_is_refused(
        self, client: httpx.AsyncClient, fields: dict[str, str], pointer: str
    ) -> None:
        refused = await client.post("/v1/links", json={**NEW, **fields})
        assert refused.status_code == 422
        assert [one["pointer"] for one in refused.json()["errors"]] == [pointer]

    async def test_where_it_leads_can_not_change(self, client: httpx.AsyncClient) -> None:
        link = await make_link(client)
        for body in ({"target_url": "https://evil.example.com"}, {"name": None}):
            assert (await client.patch(f"/v1/links/{link['id']}", json=body)).status_code == 422

    async def test_a_repeat_makes_no_second_link(self, client: httpx.AsyncClient) -> None:
        first, second = [
            (await client.post("/v1/links", json=NEW, headers={"Idempotency-Key": "one"})).json()
            for _ in range(2)
        ]
        assert first == second
        assert len((await client.get("/v1/links")).json()["data"]) == 1

    async def test_qr_code_is_a_drawing(self, client: httpx.AsyncClient) -> None:
        link = await make_link(client)
        answer = await client.get(f"/v1/links/{link['id']}/qr.svg")
        assert answer.headers["content-type"] == "image/svg+xml"
        drawn = ElementTree.fromstring(answer.content)
        assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
        assert float(drawn.attrib["width"]) == float(drawn.attrib["height"]) > 200

    async def test_strangers_and_readers(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient, reviewer: httpx.AsyncClient
    ) -> None:
        link = await make_link(client)
        for path in (f"/v1/links/{link['id']}", f"/v1/links/{link['id']}/qr.svg"):
            assert (await stranger.get(path)).status_code == 404
        assert (await stranger.patch(f"/v1/links/{link['id']}", json={"name": "x"})).status_code == 404
        assert (await stranger.get("/v1/links")).json()["data"] == []
        assert (await reviewer.post("/v1/links", json=NEW)).status_code == 403


class TestFollowing:
    async def test_leads_to_the_target_with_the_click(
        self, client: httpx.AsyncClient, visitor: httpx.AsyncClient, db: Database
    ) -> None:
        link = await make_link(client, target_url="https://例子.com/茶 具?a=%20b#片段")
        answer = await follow(visitor, link, Referer="https://weibo.com/u/1?token=secret#x")
        landed = urlsplit(answer.headers["location"])
        assert (landed.scheme, landed.hostname) == ("https", "xn--fsqu00a.com")
        assert landed.query.startswith("a=%20b&dt_click=")
        assert landed.fragment == "%E7%89%87%E6%AE%B5"
        assert answer.headers["cache-control"] == "no-store"
        async with db.transaction() as tx:
            click = (await tx.scalars(select(Click))).one()
        assert dict(parse_qsl(landed.query))["dt_click"] == str(click.id)
        assert (str(click.link_id), click.bot, click.referrer) == (
            link["id"],
            False,
            "https://weibo.com/u/1",
        )

    async def test_people_and_machines_are_counted_apart(
        self, client: httpx.AsyncClient, visitor: httpx.AsyncClient
    ) -> None:
        link = await make_link(client)
        for _ in range(3):
            await follow(visitor, link)
        for agent in ("Mozilla/5.0 (compatible; Baiduspider/2.0)", "Twitterbot/1.0", "curl/8.5.0", ""):
            await follow(visitor, link, **{"User-Agent": agent})
        await follow(visitor, link, **{"Sec-Purpose": "prefetch;prerender"})
        head = await visitor.head(f"/l/{link['code']}")
        assert head.status_code == 302
        read = (await client.get(f"/v1/links/{link['id']}")).json()
        assert (read["clicks"], read["bot_clicks"]) == (3, 6)
        [listed] = (await client.get("/v1/links")).json()["data"]
        assert listed == read

    @pytest.mark.parametrize("code", ["nosuch", "%00", "a" * 65, "茶", "..%2F..%2Fetc", "'--"])
    async def test_an_unknown_code_is_a_404(self, visitor: httpx.AsyncClient, code: str) -> None:
        answer = await visitor.get(f"/l/{code}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_parameters_that_apps_append_change_nothing(
        self, client: httpx.AsyncClient, visitor: httpx.AsyncClient
    ) -> None:
        link = await make_link(client)
        shared = await visitor.get(f"/l/{link['code']}?from=timeline&to=https://evil.example.com&from=x")
        assert shared.headers["location"].startswith("https://shop.example.com/tea?from=weibo&dt_click=")

    async def test_counting_that_fails_breaks_no_link(
        self, client: httpx.AsyncClient, visitor: httpx.AsyncClient, db: Database
    ) -> None:
        link = await make_link(client)
        async with db.transaction() as tx:
            await tx.execute(text("ALTER TABLE clicks RENAME TO clicks_away"))
        answer = await follow(visitor, link)
        assert "dt_click=" in answer.headers["location"]

    @pytest.mark.long
    async def test_counting_that_hangs_breaks_no_link(
        self,
        client: httpx.AsyncClient,
        visitor: httpx.AsyncClient,
        db: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("services.api.links.redirect.COUNTING_TIMEOUT", 0.2)
        link = await make_link(client)
        async with db.transaction() as tx:
            await tx.execute(text("LOCK TABLE clicks IN ACCESS EXCLUSIVE MODE"))
            async with asyncio.timeout(5):
                await follow(visitor, link)

    async def test_click_ids_are_uuids_of_their_moment(
        self, client: httpx.AsyncClient, visitor: httpx.AsyncClient
    ) -> None:
        link = await make_link(client)
        location = (await follow(visitor, link)).headers["location"]
        assert UUID(dict(parse_qsl(urlsplit(location).query))["dt_click"]).version == 7
