"""A rendition from the wish to the message: asked for once, made once, and sent in its asset's place."""

import asyncio
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select, update

from drumtower.db.engine import Database
from drumtower.db.models import Asset, Rendition
from drumtower.domain.content import ChannelContent, Kind, Nature
from drumtower.media.studio import Studio
from drumtower.messages import message_of
from drumtower.platforms import registry
from drumtower.settings import Settings
from drumtower.storage import LocalStorage
from services.scheduler.renditions import make_renditions
from tests.api import pictures
from tests.api.test_assets import codes, upload

WEBP = pictures.encode(pictures.half_red(), "WEBP")


@pytest.mark.long
async def test_a_rendition_goes_out_in_its_assets_place(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    asset = (await upload(client, WEBP, alt_text="一杯茶")).json()
    address, storage = f"/v1/assets/{asset['id']}", LocalStorage(settings.storage_dir)
    asked = [await client.post(f"{address}/renditions", json={"platform": "weibo"}) for _ in range(2)]
    assert [one.status_code for one in asked] == [202, 202], asked[0].text
    assert asked[0].json() == asked[1].json()
    assert asked[0].json()["state"] == "pending"
    assert (await stranger.post(f"{address}/renditions", json={"platform": "weibo"})).status_code == 404
    await asyncio.gather(*(make_renditions(db, storage, Studio()) for _ in range(2)))
    (job,) = (await client.get(f"{address}/rendition-jobs")).json()["data"]
    assert (job["state"], job["target"]["content_type"], job["error"]) == ("made", "image/jpeg", None)
    content = await client.get(f"/v1/assets/{job['made_id']}/content")
    assert pictures.opened(content.content).format == "JPEG"
    assert [one["id"] for one in (await client.get("/v1/assets")).json()["data"]] == [asset["id"]]

    await client.patch(address, json={"alt_text": "两杯茶"})
    async with db.transaction() as tx:
        assets = (await tx.scalars(select(Asset))).all()
    original = next(one for one in assets if one.derived_from is None)
    adapters = registry.load().adapters
    sent = {
        name: message_of(adapters[name], _content(original), assets, storage).media[0]
        for name in ("weibo", "bluesky")
    }
    assert (sent["weibo"].content_type, sent["weibo"].alt_text) == ("image/jpeg", "两杯茶")
    assert await sent["weibo"].read() == content.content
    assert sent["bluesky"].asset_id == original.id, "it takes WebP"
    needless = await client.post(f"{address}/renditions", json={"platform": "bluesky"})
    assert codes(needless) == [("/platform", "rendition_not_needed")]
    unknown = await client.post(f"{address}/renditions", json={"platform": "x"})
    assert codes(unknown) == [("/platform", "unknown_platform")]


@pytest.mark.long
async def test_what_can_not_be_made_is_said_and_may_be_tried_again(
    client: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    asset = (await upload(client, WEBP)).json()
    address, storage = f"/v1/assets/{asset['id']}", LocalStorage(settings.storage_dir)
    await client.post(f"{address}/renditions", json={"platform": "weibo"})
    async with db.transaction() as tx:
        target = {"content_type": "image/jpeg", "maximum_bytes": 10, "maximum_pixels": None, "ratio": None}
        await tx.execute(update(Rendition).values(target=target))
    await make_renditions(db, storage, Studio())
    (job,) = (await client.get(f"{address}/rendition-jobs")).json()["data"]
    assert (job["state"], job["error"]["code"]) == ("failed", "rendition_impossible")
    again = await client.post(f"{address}/renditions", json={"platform": "weibo"})
    assert (again.json()["state"], again.json()["error"]) == ("pending", None)
    # Three processes died with it: it is not tried for ever.
    async with db.transaction() as tx:
        await tx.execute(update(Rendition).values(tries=3, next_at=func.now()))
    await make_renditions(db, storage, Studio())
    (job,) = (await client.get(f"{address}/rendition-jobs")).json()["data"]
    assert job["state"] == "failed"
    kept = [path for path in Path(settings.storage_dir).rglob("*") if path.is_file()]  # noqa: ASYNC240
    assert len(kept) == 1


def _content(asset: Asset) -> ChannelContent:
    return ChannelContent(
        title="",
        body="",
        kind=Kind.IMAGE_TEXT,
        nature=Nature.EDITORIAL,
        language="zh-CN",
        links=(),
        hashtags=(),
        asset_ids=(asset.id,),
        disclosures=(),
        options={},
    )
