"""Preview: the very words and files that each platform would get, counted its way."""

from typing import Any
from uuid import UUID

import httpx

from drumtower.crypto import Box
from drumtower.db.engine import Database
from tests.api.desk import LINK, Json, answer, problems, write
from tests.factories import Team, make_asset, make_channel


async def preview(client: httpx.AsyncClient, post: Json, *channels: UUID) -> list[Json]:
    asked: dict[str, Any] = {"channel_ids": [str(one) for one in channels]} if channels else {}
    found = answer(await client.post(f"/v1/posts/{post['id']}/preview", json=asked))
    assert found["version"] == 1
    rows: list[Json] = found["data"]
    return rows


async def test_each_channel_has_its_own_words_counted_its_own_way(
    client: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    weibo = await make_channel(
        db, team, box, credentials=box.seal({"security_domain": "tea.example.com", "rip": "1.2.3.4"})
    )
    mastodon = await make_channel(db, team, box, "mastodon")
    asset = await make_asset(db, team)
    post = await write(
        client,
        team,
        body="茶 🍵",
        hashtags=["秋茶"],
        asset_ids=[str(asset)],
        variants=[{"channel_id": str(mastodon), "body": "Tea 👨‍👩‍👧‍👦", "asset_ids": []}],
    )
    first, second = await preview(client, post, weibo, mastodon)
    shown = first["rendering"]
    assert shown["text"] == f"茶 🍵\n{LINK}?dt={'0' * 32} #秋茶#"
    assert shown["lengths"] == [{"value": 17, "maximum": 140, "unit": "weibo"}]
    assert (shown["title"], shown["html"]) == (None, None)
    (file,) = shown["media"]
    assert (file["asset_id"], file["content_type"], file["alt_text"]) == (str(asset), "image/png", "一杯茶")
    other = second["rendering"]
    assert other["text"] == f"Tea 👨‍👩‍👧‍👦\n{LINK} #秋茶"
    assert other["lengths"] == [{"value": 5 + 1 + 23 + 1 + 3, "maximum": 500, "unit": "mastodon"}]
    assert other["media"] == []


async def test_a_page_is_shown_as_the_site_gets_it(
    client: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    site = await make_channel(db, team, box, "wordpress")
    asset = await make_asset(db, team)
    body = "一 <b>\n\n二"
    post = await write(
        client, team, body=body, kind="article", links=[], asset_ids=[str(asset)], disclosures=["ad"]
    )
    (row,) = await preview(client, post, site)
    shown = row["rendering"]
    assert shown["title"] == "秋茶上新"
    assert shown["title_lengths"] == [{"value": 4, "maximum": 255, "unit": "character"}]
    assert shown["text"] == f"{body}\n广告"
    assert "<p>一 &lt;b&gt;</p>" in shown["html"]
    assert f'src="asset:{asset}" alt="一杯茶"' in shown["html"]
    assert shown["media"][0]["alt_text_lengths"] == [{"value": 3, "maximum": 300, "unit": "character"}]


async def test_what_takes_no_form_says_why(
    client: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    weibo = await make_channel(
        db, team, box, credentials=box.seal({"security_domain": "other.example", "rip": "1.2.3.4"})
    )
    lost = await make_channel(db, team, box, "myspace")
    post = await write(client, team)
    for row, code in zip(
        await preview(client, post, weibo, lost), ("link_domain_required", "platform_unknown"), strict=True
    ):
        assert row["rendering"] is None
        assert [one["code"] for one in row["violations"]] == [code]


async def test_without_names_it_shows_the_brands_channels(
    client: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    bluesky = await make_channel(db, team, box, "bluesky")
    post = await write(client, team)
    (row,) = await preview(client, post)
    assert row["channel_id"] == str(bluesky)
    stranger = "0199c5c0-0000-7000-8000-000000000001"
    asked = await client.post(f"/v1/posts/{post['id']}/preview", json={"channel_ids": [stranger]})
    assert problems(asked) == {"/channel_ids/0": "unknown_channel"}
