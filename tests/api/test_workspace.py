"""The workspace's settings, and the four eyes that its policies ask for: no way round by PATCH, series or API key."""

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Channel
from drumtower.domain.permissions import Role
from tests.api.desk import Json, answer, draft, edit, judge, problems, read, soon, submit, write
from tests.conftest import client_for
from tests.factories import Team, make_channel, make_key, make_member

POINTS = ("accuracy", "compliance", "readability", "aesthetics")


async def decide(client: httpx.AsyncClient, **policies: object) -> Json:
    return answer(await client.patch("/v1/workspace", json={"policies": {"four_eyes": policies}}))


async def key_of(db: Database, team: Team, role: Role) -> str:
    async with db.transaction() as tx:
        return await make_key(tx, await make_member(tx, team.workspace_id, role))


class TestClosing:
    async def test_an_owner_who_names_it(
        self, client: httpx.AsyncClient, app: FastAPI, db: Database, team: Team, box: Box
    ) -> None:
        await make_channel(db, team, box)
        for name, code in (("Test", "name_differs"), ("", "name_differs")):
            assert problems(await client.delete("/v1/workspace", params={"name": name})) == {"?name": code}
        async with client_for(app, await key_of(db, team, Role.ADMIN)) as admin:
            refused = await admin.delete("/v1/workspace", params={"name": "Tests"})
        assert (refused.status_code, refused.json()["code"]) == (403, "owner_required")
        assert answer(await client.get("/v1/channels"))["data"][0]["status"] == "connected"
        assert (await client.delete("/v1/workspace", params={"name": "Tests"})).status_code == 204
        assert (await client.get("/v1/workspace")).status_code == 401
        async with db.transaction() as tx:
            [row] = (await tx.execute(select(Channel.status, Channel.token))).all()
        assert tuple(row) == ("disconnected", None)


class TestSettings:
    async def test_read_and_change(self, client: httpx.AsyncClient) -> None:
        read = await client.get("/v1/workspace")
        assert answer(read)["policies"]["four_eyes"] == {"min_reviewers": 1, "separate_publisher": False}
        body = {"name": "鼓楼", "timezone": "Asia/Tokyo", "policies": {"four_eyes": {"min_reviewers": 2}}}
        sent = {"If-Match": read.headers["etag"]}
        changed = answer(await client.patch("/v1/workspace", json=body, headers=sent))
        assert (changed["name"], changed["timezone"], changed["revision"]) == ("鼓楼", "Asia/Tokyo", 2)
        assert changed["policies"]["four_eyes"] == {"min_reviewers": 2, "separate_publisher": False}
        assert (await client.patch("/v1/workspace", json=body, headers=sent)).status_code == 412
        more = await decide(client, separate_publisher=True)
        assert more["policies"]["four_eyes"] == {"min_reviewers": 2, "separate_publisher": True}
        industry = answer(await client.patch("/v1/workspace", json={"policies": {"industry": "finance"}}))
        assert industry["policies"] == more["policies"] | {"industry": "finance"}

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({"timezone": "Mars/Base"}, {"/timezone": "unknown_timezone"}),
            (
                {"policies": {"four_eyes": {"min_reviewers": 5}}},
                {"/policies/four_eyes/min_reviewers": "out_of_range"},
            ),
            (
                {"policies": {"four_eyes": {"min_reviewers": 0}}},
                {"/policies/four_eyes/min_reviewers": "out_of_range"},
            ),
            ({"policies": {"anarchy": True}}, {"/policies/anarchy": "unknown_field"}),
            (
                {"name": None, "policies": None},
                {"/name": "null_not_allowed", "/policies": "null_not_allowed"},
            ),
        ],
    )
    async def test_what_is_wrong(self, client: httpx.AsyncClient, body: Json, wrong: dict[str, str]) -> None:
        assert problems(await client.patch("/v1/workspace", json=body)) == wrong


class TestReviewers:
    async def test_the_last_point_is_for_somebody_else(
        self, app: FastAPI, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, db: Database, team: Team
    ) -> None:
        await decide(client, min_reviewers=2)
        post = await write(client, team)
        await submit(client, post)
        refused = await judge(reviewer, post)
        assert (refused.status_code, refused.json()["code"]) == (409, "another_reviewer_needed")
        first = {point: {"verdict": "pass"} for point in POINTS[:3]}
        answer(await judge(reviewer, post, first), 201)
        assert (await judge(reviewer, post, {POINTS[3]: {"verdict": "pass"}})).status_code == 409
        async with client_for(app, await key_of(db, team, Role.REVIEWER)) as second:
            answer(await judge(second, post, {POINTS[3]: {"verdict": "pass"}}), 201)
        assert (await read(client, post))["review"]["state"] == "approved"


class TestPublishers:
    @pytest.fixture
    async def approved(self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team) -> Json:
        await decide(client, separate_publisher=True)
        post = await write(client, team)
        await submit(client, post)
        answer(await judge(reviewer, post), 201)
        return post

    async def test_the_author_does_not_schedule_by_any_door(
        self, client: httpx.AsyncClient, db: Database, box: Box, team: Team, approved: Json
    ) -> None:
        channel = str(await make_channel(db, team, box))
        refused = await client.post(
            f"/v1/posts/{approved['id']}/schedule", json={"channel_ids": [channel], "at": soon()}
        )
        assert (refused.status_code, refused.json()["code"]) == (403, "own_work")
        series = {
            "name": "每日",
            "post_id": approved["id"],
            "channel_ids": [channel],
            "rule": {"every": "day"},
            "local": "09:30",
            "timezone": "Asia/Shanghai",
            "starts_on": soon(48)[:10],
        }
        refused = await client.post("/v1/series", json=series)
        assert (refused.status_code, refused.json()["code"]) == (403, "own_work")

    @pytest.mark.long
    async def test_who_scheduled_does_not_rewrite(
        self, app: FastAPI, client: httpx.AsyncClient, db: Database, box: Box, team: Team, approved: Json
    ) -> None:
        channel = str(await make_channel(db, team, box))
        async with client_for(app, await key_of(db, team, Role.PLANNER)) as planner:
            planned = await planner.post(
                f"/v1/posts/{approved['id']}/schedule", json={"channel_ids": [channel], "at": soon()}
            )
            answer(planned, 201)
            refused = await edit(planner, approved, body="改掉")
            assert (refused.status_code, refused.json()["code"]) == (403, "own_schedule")
            answer(await edit(planner, approved, due_on=draft(team).get("due_on")))
        answer(await edit(client, approved, body="作者可以改"))
