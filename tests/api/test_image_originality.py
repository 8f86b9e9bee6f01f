"""The same picture in another file: named by the check, and by preflight where another post shows it too soon."""

from uuid import UUID

import httpx
import pytest
from sqlalchemy import update

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Workspace
from tests.api.desk import Json, answer, planned, write
from tests.api.pictures import encode, scene
from tests.factories import Team, make_asset, make_channel


async def uploaded(client: httpx.AsyncClient, content: bytes, name: str = "茶.jpg") -> str:
    made = await client.post(
        "/v1/assets", files={"file": (name, content, "image/jpeg")}, data={"alt_text": "茶"}
    )
    found: str = answer(made, 201)["id"]
    return found


async def images(client: httpx.AsyncClient, post: Json) -> list[Json]:
    found: list[Json] = answer(await client.post("/v1/originality/check", json={"post_id": post["id"]}))[
        "images"
    ]
    return found


@pytest.mark.long
async def test_a_picture_that_was_shown_before_is_named(
    client: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    team: Team,
    db: Database,
    box: Box,
) -> None:
    first = await uploaded(client, encode(scene(1), "JPEG"), "秋茶.jpg")
    mine = await uploaded(client, encode(scene(1, 640, 427), "WEBP", quality=50))
    other = await uploaded(client, encode(scene(2), "JPEG"))
    await uploaded(stranger, encode(scene(1, 300, 200), "PNG"))
    channel = await make_channel(db, team, box)
    shown, _ = await planned(client, reviewer, team, [channel], asset_ids=[UUID(first)])  # in an hour
    post = await write(client, team, title="冬茶", body="炉上煮着老白茶。", asset_ids=[other, mine])

    [like] = await images(client, post)
    assert (like["of"], like["asset_id"], like["file_name"]) == (mine, first, "秋茶.jpg")
    assert like["distance"] <= 3
    [use] = like["uses"]
    assert (use["post_id"], use["title"]) == (shown["id"], shown["title"])
    assert use["used_at"] is not None

    async def advice() -> list[tuple[str, str]]:
        checked = answer(await client.post(f"/v1/posts/{post['id']}/preflight"))
        return [
            (v["pointer"], v["severity"])
            for v in checked["data"][0]["violations"]
            if v["code"] == "image_alike"
        ]

    assert await advice() == [("/asset_ids/1", "warn")]
    async with db.transaction() as tx:
        lax = {"originality": {"cooldown_days": 0}}
        await tx.execute(update(Workspace).where(Workspace.id == team.workspace_id).values(policies=lax))
    assert await advice() == []


async def test_the_policy_says_how_near_and_a_variants_picture_counts(
    client: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    """The database counts the bits as domain/pictures does, of negative numbers too."""
    mine = await make_asset(db, team, perceptual_hash=-(1 << 62))  # two bits: tells nothing
    assert await images(client, await write(client, team, asset_ids=[str(mine)])) == []
    telling = -0x0F0F0F0F0F0F0F0F
    mine = await make_asset(db, team, perceptual_hash=telling)
    near = {
        await make_asset(db, team, perceptual_hash=telling ^ bits): bits for bits in (-(1 << 63), 0b111111)
    }
    await make_asset(db, team, perceptual_hash=telling ^ 0b1111111)
    await make_asset(db, team, perceptual_hash=telling, derived_from=mine)
    channel = str(await make_channel(db, team, box))
    variant = {"channel_id": channel, "asset_ids": [str(one) for one in near]}
    showing = await write(client, team, variants=[variant])
    found = await images(client, await write(client, team, asset_ids=[str(mine)]))
    assert [(one["asset_id"], one["distance"]) for one in found] == [
        (str(asset_id), bits.bit_count()) for asset_id, bits in near.items()
    ]
    assert [one["uses"][0]["post_id"] for one in found] == [showing["id"]] * 2
