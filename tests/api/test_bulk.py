"""Bulk: one verb on many posts, by the rules of the single call, and only on as many as were seen."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from drumtower.crypto import Box
from drumtower.db.engine import Database
from tests.api.desk import Json, answer, approve, planned, problems, read, submit, write
from tests.factories import Team, make_channel

TAGGED: Json = {"tag": ["双十一"]}
TOMORROW = (datetime.now(UTC).date() + timedelta(days=2)).isoformat()


async def bulk(
    client: httpx.AsyncClient, verb: str, count: int, filter_: Json | None = None, **arguments: Any
) -> httpx.Response:
    body = {
        "filter": filter_ or TAGGED,
        "verb": verb,
        "arguments": arguments,
        "expected_count": count,
    }
    return await client.post("/v1/posts/bulk", json=body)


async def entries(client: httpx.AsyncClient, post: Json) -> list[str]:
    pack = answer(await client.get(f"/v1/posts/{post['id']}/evidence"))
    return [entry["verb"] for entry in pack["audit"]]


@pytest.mark.long
async def test_every_verb(client: httpx.AsyncClient, team: Team) -> None:
    posts = [await write(client, team, tags=["双十一"], body=f"第{n}杯茶") for n in range(2)]
    await write(client, team)
    campaign = {"name": "双十一", "brand_id": str(team.brand_id), "starts_on": TOMORROW}
    made = answer(await client.post("/v1/campaigns", json=campaign), 201)
    for verb, arguments in (
        ("tag", {"tags": ["热"]}),
        ("untag", {"tags": ["热", "冷"]}),
        ("set_campaign", {"campaign_id": made["id"]}),
        ("set_pillar", {"pillar": "产品"}),
        ("set_due", {"due_on": TOMORROW}),
        ("assign", {"owner_id": str(team.reviewer_id)}),
        ("submit", {}),
        ("duplicate", {}),
    ):
        done = answer(await bulk(client, verb, 2, {"ids": [post["id"] for post in posts]}, **arguments))
        assert (done["done"], done["refused"]) == (2, 0), (verb, done)
        assert [row["post_id"] for row in done["data"]] == [post["id"] for post in posts]
    now = await read(client, posts[0])
    assert (now["tags"], now["campaign_id"], now["pillar"]) == (["双十一"], made["id"], "产品")
    assert (now["due_on"], now["owner_id"], now["status"]) == (TOMORROW, str(team.reviewer_id), "in_review")
    assert (await entries(client, posts[1])).count("post.updated") == 6
    gone = answer(await bulk(client, "archive", 4))
    assert gone["done"] == 4  # the copies carry the tag
    assert (await bulk(client, "archive", 4)).status_code == 409


async def test_as_many_as_were_seen(client: httpx.AsyncClient, team: Team) -> None:
    post = await write(client, team, tags=["双十一"])
    refused = await bulk(client, "archive", 2)
    assert (refused.status_code, refused.json()["code"]) == (409, "bulk_count_differs")
    assert (await read(client, post))["status"] == "draft"
    key, body = {"Idempotency-Key": "once"}, {"filter": TAGGED, "verb": "duplicate", "expected_count": 1}
    first = await client.post("/v1/posts/bulk", json=body, headers=key)
    again = await client.post("/v1/posts/bulk", json=body, headers=key)
    assert answer(again) == answer(first)
    assert len(answer(await client.get("/v1/posts", params={"tag": "双十一"}))["data"]) == 2


@pytest.mark.long
async def test_a_refusal_stops_no_other_and_leaves_nothing(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    """What a single call may not do, a bulk may not: states, four eyes, references."""
    going, _ = await planned(client, reviewer, team, [await make_channel(db, team, box)])
    free, waiting = await write(client, team, body="一"), await write(client, team, body="二")
    await submit(client, waiting)
    ids = {"ids": [going["id"], free["id"], waiting["id"]]}
    done = answer(await bulk(client, "submit", 3, ids))
    told = {row["post_id"]: [error["code"] for error in row["errors"]] for row in done["data"]}
    assert told == {going["id"]: ["already_approved"], free["id"]: [], waiting["id"]: ["already_in_review"]}
    assert (await read(client, free))["status"] == "in_review"
    archived = answer(await bulk(client, "archive", 3, ids))
    assert [row["verdict"] for row in archived["data"]] == ["refused", "done", "done"]
    assert archived["data"][0]["errors"][0]["code"] == "deliveries_going"
    other = await write(client, team, body="三")
    strange = answer(await bulk(client, "assign", 1, {"ids": [other["id"]]}, owner_id=str(uuid4())))
    assert strange["data"][0]["errors"][0] | {"hint": ""} == {
        "pointer": "/owner_id", "code": "unknown_owner", "hint": "", "severity": "block", "evidence": None,
        "fix": None, "detail": strange["data"][0]["errors"][0]["detail"],
    }  # fmt: skip
    assert (await read(client, other))["revision"] == 1
    assert await entries(client, other) == ["post.created"]


async def test_an_approval_outlives_what_is_no_content_and_nothing_else(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team
) -> None:
    post = await approve(client, reviewer, await write(client, team, tags=["双十一"]))
    answer(await bulk(client, "tag", 1, tags=["热"]))
    kept = await read(client, post)
    assert (kept["review"]["state"], kept["version"], kept["tags"]) == ("approved", 1, ["双十一", "热"])
    many = answer(await bulk(client, "tag", 1, tags=[f"标签{n}" for n in range(30)]))
    assert many["data"][0]["errors"][0]["code"] == "invalid_length"


@pytest.mark.parametrize(
    ("verb", "arguments", "expected"),
    [
        ("tag", {}, {"/arguments/tags": "field_missing"}),
        ("archive", {"owner_id": None}, {"/arguments/owner_id": "bulk_argument"}),
        ("publish", {}, {"/verb": "invalid_choice"}),
    ],
)
async def test_arguments(client: httpx.AsyncClient, verb: str, arguments: Json, expected: Json) -> None:
    assert problems(await bulk(client, verb, 1, **arguments)) == expected


async def test_strangers_posts_are_not_found(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, team: Team
) -> None:
    post = await write(client, team, tags=["双十一"])
    for asked in (TAGGED, {"ids": [post["id"]]}, {"brand_id": str(team.brand_id)}):
        assert (await bulk(stranger, "archive", 1, asked)).status_code == 409
    assert (await read(client, post))["status"] == "draft"
