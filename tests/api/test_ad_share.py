"""The ad share over HTTP: counted from what is out and planned, imagined, enforced, and let pass by a second person."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Workspace
from tests.api.desk import Json, answer, approve, problems, schedule, set_row, soon, write
from tests.factories import Team, make_channel


async def set_policy(db: Database, team: Team, **policy: Any) -> None:
    async with db.transaction() as tx:
        changed = update(Workspace).where(Workspace.id == team.workspace_id)
        await tx.execute(changed.values(policies={"ad_share": policy}))


async def sell(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID, **fields: Any
) -> tuple[Json, httpx.Response]:
    """Write, approve and schedule a post that sells."""
    given: Json = {"nature": "promotional", "disclosures": ["ad"]} | fields
    post = await approve(client, reviewer, await write(client, team, **given))
    return post, await schedule(client, post, [channel])


async def windows(client: httpx.AsyncClient, channel: UUID, **asked: str) -> list[Json]:
    params = {"channel_id": str(channel), "at": soon(2)} | asked
    [row] = answer(await client.get("/v1/ad-share", params=params))["data"]
    found: list[Json] = row["windows"]
    return found


async def test_what_is_planned_and_out_counts_and_what_is_off_does_not(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    channel = await make_channel(db, team, box)
    assert [w["verdict"] for w in await windows(client, channel)] == ["empty", "empty"]
    assert (await windows(client, channel))[0]["share"] is None
    _, planned = await sell(client, reviewer, team, channel)
    [delivery] = answer(planned, 201)["data"]
    rolling = (await windows(client, channel))[0]
    assert (rolling["promotional"], rolling["total"], rolling["verdict"]) == (1, 1, "small_sample")
    await set_row(db, delivery["id"], state="cancelled", next_at=None)
    assert (await windows(client, channel))[0]["total"] == 0


@pytest.mark.long
async def test_the_second_of_two_waits_for_a_second_person(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    channel = await make_channel(db, team, box)
    answer((await sell(client, reviewer, team, channel))[1], 201)
    # Submitting says it already; so it is allowed before, for exactly this content.
    given: Json = {"nature": "promotional", "disclosures": ["ad"], "variants": [{"channel_id": str(channel)}]}
    post = await write(client, team, **given)
    refused = await client.post(f"/v1/posts/{post['id']}/submit")
    assert problems(refused) == {"/nature": "ad_share_exceeded"}
    asked = {"post_id": post["id"], "channel_id": str(channel), "reason": "双十一主推"}
    own = await client.post("/v1/ad-share/overrides", json=asked)
    assert answer(own, 403)["code"] == "own_work"
    granted = answer(await reviewer.post("/v1/ad-share/overrides", json=asked), 201)
    assert answer(await reviewer.post("/v1/ad-share/overrides", json=asked), 409)["code"] == "override_exists"
    assert answer(await client.get("/v1/ad-share/overrides", params={"post_id": post["id"]}))["data"] == [
        granted
    ]
    approved = await approve(client, reviewer, post)
    answer(await schedule(client, approved, [channel]), 201)
    # A strict policy knows no override.
    await set_policy(db, team, on_breach="block")
    checked = answer(await client.post(f"/v1/posts/{post['id']}/preflight"))
    [found] = [v for v in checked["data"][0]["violations"] if v["code"] == "ad_share_exceeded"][:1]
    assert (found["severity"], found["criterion"]) == ("block", "compliance")
    await set_policy(db, team, on_breach="warn")
    assert answer(await client.post(f"/v1/posts/{post['id']}/preflight"))["ok"] is True


async def test_simulate_plans_nothing_and_says_it_in_words(
    client: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    channel = await make_channel(db, team, box)
    posts = [
        {"nature": "promotional", "at": soon(3), "count": 2},
        {"nature": "editorial", "at": soon(2), "count": 3},
    ]
    asked = {"channel_ids": [str(channel)], "posts": posts}
    chinese = {"Accept-Language": "zh-CN"}
    simulated = answer(await client.post("/v1/ad-share/simulate", json=asked, headers=chinese))
    [row] = simulated["data"]
    assert row["ok"] is False
    assert row["explanation"].startswith("会超出广告占比。")
    assert "共5条，其中推广2条，占40%" in row["explanation"]
    assert [w["total"] for w in row["moments"][-1]["before"]] == [0, 0]
    posts[1]["count"] = 8
    fine = answer(await client.post("/v1/ad-share/simulate", json=asked))["data"][0]
    assert fine["ok"] is True
    assert fine["explanation"].startswith("It stays within the ad share.")
    assert (await windows(client, channel))[0]["total"] == 0
    await set_policy(db, team, limit_percent=50)
    posts[1]["count"] = 2
    assert answer(await client.post("/v1/ad-share/simulate", json=asked))["data"][0]["ok"] is True


async def test_what_sells_and_does_not_say_so_is_asked_about(
    client: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    await make_channel(db, team, box)
    post = await write(client, team, body="到手价¥99，领优惠券下单")
    checked = answer(await client.post(f"/v1/posts/{post['id']}/preflight"))
    [found] = [v for v in checked["data"][0]["violations"] if v["code"] == "nature_doubtful"]
    assert (found["severity"], found["fix"], found["pointer"]) == ("warn", "promotional", "/nature")
