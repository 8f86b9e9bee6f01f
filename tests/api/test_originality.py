"""Originality over HTTP: our posts and imported texts, passages as written, and what preflight says of them."""

import httpx
import pytest
from sqlalchemy import update

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Workspace
from tests.api.desk import Json, answer, edit, planned, problems, write
from tests.factories import Team, make_channel

TEXT = (
    "秋天的第一泡茶要慢一点。先把水烧开，放一分钟，再沿着杯壁倒下去，叶子会一片一片地醒过来，香气也跟着出来。"
)
COPY = "朋友们好！秋天的第一泡茶，要慢一点：先把水烧開，放一分钟，再沿着杯壁倒下去……叶子会一片一片地醒过来。"


async def compare(client: httpx.AsyncClient, **asked: object) -> Json:
    return answer(await client.post("/v1/originality/check", json=asked))


async def imported(client: httpx.AsyncClient, text: str = TEXT) -> Json:
    body = {"references": [{"title": "别家的秋茶", "text": text, "url": "https://example.com/1"}]}
    [row] = answer(await client.post("/v1/originality/references", json=body), 201)["data"]
    found: Json = row
    return found


async def test_a_reference_is_found_shown_and_forgotten(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    assert (await compare(client, text=COPY))["verdict"] == "original"
    reference = await imported(client)
    found = await compare(client, text=COPY)
    [match] = found["matches"]
    assert (found["verdict"], match["id"], match["kind"]) == ("alike", reference["id"], "reference")
    assert match["similarity"] == found["similarity"] > 0.6
    for passage in match["passages"]:
        assert COPY[passage["start"] : passage["end"]] == passage["text"]
    first = match["passages"][0]
    assert first["text"].startswith("秋天的第一泡茶，要慢")
    assert TEXT[first["source_start"] : first["source_end"]].startswith("秋天的第一泡茶要慢")
    assert (await compare(client, text=COPY, threshold=0.99))["verdict"] == "original"
    assert (await compare(stranger, text=COPY))["verdict"] == "original"
    assert (await client.delete(f"/v1/originality/references/{reference['id']}")).status_code == 204
    assert (await compare(client, text=COPY))["verdict"] == "original"
    assert answer(await client.get("/v1/originality/references"))["data"] == []


@pytest.mark.long
async def test_our_posts_are_compared_as_they_are_now(client: httpx.AsyncClient, team: Team) -> None:
    post = await write(client, team, title="", body=TEXT)
    assert [one["id"] for one in (await compare(client, text=COPY))["matches"]] == [post["id"]]
    assert (await compare(client, post_id=post["id"]))["matches"] == []
    answer(await edit(client, post, body="柿子红了，老人坐在门口剥豆子，狗在太阳底下睡觉。"))
    assert (await compare(client, text=COPY))["matches"] == []


@pytest.mark.long
async def test_preflight_warns_of_references_and_of_what_is_used_again(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    channel = await make_channel(db, team, box)
    await planned(client, reviewer, team, [channel])  # in an hour
    post = await write(client, team)

    async def codes() -> dict[str, str]:
        checked = answer(await client.post(f"/v1/posts/{post['id']}/preflight"))
        return {v["code"]: v["severity"] for v in checked["data"][0]["violations"]}

    assert await codes() == {"reused_too_soon": "warn"}
    await imported(client, text=f"{post['title']}\n{post['body']}")
    assert await codes() == {"reused_too_soon": "warn", "text_alike": "warn"}
    async with db.transaction() as tx:
        strict = {"originality": {"blocks": True, "cooldown_days": 0}}
        await tx.execute(update(Workspace).where(Workspace.id == team.workspace_id).values(policies=strict))
    assert await codes() == {"text_alike": "block"}
    assert problems(await client.post(f"/v1/posts/{post['id']}/submit")) == {"/body": "text_alike"}


async def test_variants_and_what_can_not_be_asked(
    client: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    channels = [str(await make_channel(db, team, box, platform)) for platform in ("weibo", "bluesky")]
    same = await write(client, team, variants=[{"channel_id": one} for one in channels])
    assert (await compare(client, post_id=same["id"]))["variant_diversity"] == 0
    for wrong in ({}, {"text": "x", "post_id": same["id"]}):
        assert problems(await client.post("/v1/originality/check", json=wrong)) == {"/text": "text_or_post"}
