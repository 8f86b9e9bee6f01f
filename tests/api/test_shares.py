"""Shares: one version of a post for somebody outside, who reads and comments, and sees nothing else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from drumtower.crypto import Box, token_hash
from drumtower.db.engine import Database
from drumtower.db.models import Member, OutboxEvent, PostShare
from tests.api import pictures
from tests.api.desk import BODY, Json, answer, edit, problems, soon, write
from tests.conftest import client_for
from tests.factories import Team, make_channel


async def shared(client: httpx.AsyncClient, post: Json, **asked: object) -> str:
    """Return the path of a new share."""
    made = answer(await client.post(f"/v1/posts/{post['id']}/shares", json={"name": "法务"} | asked), 201)
    return urlsplit(made["url"]).path


async def say(anybody: httpx.AsyncClient, path: str, text: str, name: str = "王律师") -> httpx.Response:
    return await anybody.post(f"{path}/comments", json={"name": name, "text": text})


@pytest.fixture
async def anybody(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(app, None) as made:
        yield made


async def test_a_share_shows_its_version_and_nothing_of_the_workspace(
    client: httpx.AsyncClient, anybody: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    picture = {"file": ("x.jpg", pictures.encode(pictures.half_red(), "JPEG"))}
    asset = answer(await client.post("/v1/assets", files=picture, data={"alt_text": "一杯茶"}), 201)
    channel = await make_channel(db, team, box)
    post = await write(
        client,
        team,
        asset_ids=[asset["id"]],
        variants=[{"channel_id": str(channel), "body": "微博版"}],
    )
    path = await shared(client, post)
    assert (await edit(client, post, body="内部的新想法，还不给外面看。")).status_code == 200
    answered = await anybody.get(path)
    seen = answer(answered)
    assert (seen["body"], seen["version"], seen["may_comment"]) == (BODY, 1, True)
    assert seen["variants"] == [{"platform": "weibo", "title": None, "body": "微博版"}]
    [media] = seen["media"]
    assert media["alt_text"] == "一杯茶"
    file = urlsplit(media.pop("url"))
    assert (await anybody.get(file.path)).status_code == 200
    inside = (
        post["id"],
        asset["id"],
        str(channel),
        *map(str, (team.workspace_id, team.owner_id, team.brand_id)),
    )
    assert not [one for one in inside if one in answered.text]
    assert answered.headers["cache-control"] == "no-store"
    later = await shared(client, post, version=2)
    assert answer(await anybody.get(later))["version"] == 2
    unknown = await client.post(f"/v1/posts/{post['id']}/shares", json={"name": "x", "version": 3})
    assert unknown.status_code == 404
    for wrong, code in ((soon(-1), "time_in_past"), (soon(24 * 91), "share_too_long")):
        asked = {"name": "x", "expires_at": wrong}
        refused = await client.post(f"/v1/posts/{post['id']}/shares", json=asked)
        assert problems(refused) == {"/expires_at": code}


async def test_comments_reach_the_team_and_its_evidence(
    client: httpx.AsyncClient, anybody: httpx.AsyncClient, db: Database, team: Team
) -> None:
    post = await write(client, team)
    path = await shared(client, post)
    other = await shared(client, post, comments=False)
    hostile = "<script>alert(1)</script>\x07\u2028=HYPERLINK('x')"
    for _ in range(2):  # the same words are the same comment
        answer(await say(anybody, path, hostile, "王\n律师"), 201)
    assert answer(await say(anybody, other, "x"), 403)["code"] == "comments_closed"
    assert problems(await say(anybody, path, "x" * 5_001)) == {"/text": "invalid_string"}
    assert problems(await say(anybody, path, "\u200b", "\u200b")) == {
        "/text": "blank_text",
        "/name": "blank_text",
    }
    [said] = answer(await client.get(f"/v1/posts/{post['id']}/comments"))["data"]
    assert (said["text"], said["name"]) == ("<script>alert(1)</script>\n=HYPERLINK('x')", "王 律师")
    assert answer(await anybody.get(path))["comments"][0]["text"] == said["text"]
    assert answer(await anybody.get(other))["comments"] == [], "each share has its own conversation"
    evidence = answer(await client.get(f"/v1/posts/{post['id']}/evidence"))
    assert evidence["comments"] == [said]
    assert [one["actor_id"] for one in evidence["audit"] if one["verb"] == "post.commented"] == [None]
    async with db.transaction() as tx:
        names = (await tx.scalars(select(OutboxEvent.name))).all()
    assert names.count("post.commented") == 1


@pytest.mark.parametrize("ending", ["revoked", "expired", "left", "archived"])
async def test_what_has_ended_never_was(
    client: httpx.AsyncClient, anybody: httpx.AsyncClient, db: Database, team: Team, ending: str
) -> None:
    post = await write(client, team)
    path = await shared(client, post)
    async with db.transaction() as tx:
        row = (await tx.scalars(select(PostShare))).one()
    assert row.token_hash == token_hash(path.rpartition("/")[2])
    assert (await anybody.get(path)).status_code == 200
    past = datetime.now(UTC) - timedelta(seconds=1)
    match ending:
        case "revoked":
            assert (await client.delete(f"/v1/posts/{post['id']}/shares/{row.id}")).status_code == 204
        case "archived":
            answer(await client.post(f"/v1/posts/{post['id']}/archive"))
        case _:
            async with db.transaction() as tx:
                shares = update(PostShare).values(expires_at=past)
                leaves = update(Member).where(Member.id == UUID(post["created_by"])).values(ends_at=past)
                await tx.execute(shares if ending == "expired" else leaves)
    for gone in (path, "/v1/public/shares/dts_never"):
        read, comment = await anybody.get(gone), await say(anybody, gone, "x")
        assert (read.status_code, comment.status_code) == (404, 404)
        assert (
            read.json()["detail"] == comment.json()["detail"] == "There is no such share in this workspace."
        )


async def test_nobody_floods_a_share(
    client: httpx.AsyncClient, anybody: httpx.AsyncClient, team: Team
) -> None:
    path = await shared(client, await write(client, team))
    codes = [(await say(anybody, path, str(n))).status_code for n in range(21)]
    assert codes == [201] * 20 + [429]
