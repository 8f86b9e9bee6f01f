"""Scheduling: deliveries for every channel, or every reason against it and nothing at all."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import func, select

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Delivery, OutboxEvent
from drumtower.settings import Settings
from tests.api.desk import (
    BODY,
    PASSED,
    Json,
    answer,
    approve,
    edit,
    judge,
    planned,
    problems,
    read,
    row,
    schedule,
    set_post,
    set_row,
    soon,
    statements,
    stop,
    submit,
    write,
)
from tests.factories import Team, make_channel, make_team

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> UUID:
    return await make_channel(db, team, box)


@pytest.fixture
async def post(client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team) -> Json:
    return await approve(client, reviewer, await write(client, team))


async def nothing_planned(db: Database) -> bool:
    async with db.transaction() as tx:
        rows = await tx.scalar(select(func.count()).select_from(Delivery))
        told = await tx.scalar(
            select(func.count()).select_from(OutboxEvent).where(OutboxEvent.name == "delivery.planned")
        )
    return (rows, told) == (0, 0)


def clocks_change(back: bool) -> str:
    """The next local hour in Berlin that is skipped (or doubled)."""
    now = datetime.now(UTC)
    for hours in range(24 * 400):
        before, after = (
            (now + timedelta(hours=h)).replace(minute=30).astimezone(BERLIN) for h in (hours, hours + 1)
        )
        shift = (after.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
        if shift and (shift < timedelta()) is back:
            local = before.replace(tzinfo=None)
            return (local if back else local + timedelta(hours=1)).isoformat(timespec="minutes")
    raise AssertionError("the clocks of Berlin no longer change")


class TestCost:
    async def test_what_was_read_is_not_read_again(
        self, client: httpx.AsyncClient, app: FastAPI, post: Json, channel: UUID
    ) -> None:
        with statements(app) as seen:
            answer(await schedule(client, post, [channel]), 201)
        assert len(seen) <= 20, "\n".join(seen)


class TestPlanning:
    async def test_an_instant(self, client: httpx.AsyncClient, post: Json, channel: UUID) -> None:
        at = (datetime.now(UTC) + timedelta(hours=3)).replace(microsecond=0)
        shanghai = at.astimezone(ZoneInfo("Asia/Shanghai")).isoformat()
        [made] = answer(await schedule(client, post, [channel], at=shanghai), 201)["data"]
        assert datetime.fromisoformat(made["due_at"]) == at
        assert made["due_at"].endswith("Z")
        assert made["state"] == "planned"
        assert (made["action"], made["platform"]) == ("publish", "weibo")
        assert (made["attempts"], made["revision"], made["error"]) == (0, 1, None)
        assert made["allowed"] == ["cancel", "reschedule"]
        assert made["content_hash"] == post["content_hash"]
        assert (await read(client, post))["status"] == "scheduled"
        assert answer(await client.get(f"/v1/deliveries/{made['id']}")) == made

    async def test_in_a_millisecond_is_a_time_to_come_and_kept_to_the_millisecond(
        self, app: FastAPI, client: httpx.AsyncClient, post: Json, channel: UUID
    ) -> None:
        now = datetime.now(UTC).replace(microsecond=999_500)
        stop(app, now)
        at = now + timedelta(milliseconds=1)
        [made] = answer(await schedule(client, post, [channel], at=at.isoformat()), 201)["data"]
        assert (datetime.fromisoformat(made["due_at"]), made["state"]) == (at, "planned")

    async def test_a_wall_clock_time_is_kept_as_planned(
        self, client: httpx.AsyncClient, post: Json, channel: UUID
    ) -> None:
        day = (datetime.now(UTC) + timedelta(days=10)).date()
        when = {"local": f"{day}T09:30", "timezone": "Asia/Shanghai"}
        [made] = answer(await schedule(client, post, [channel], **when), 201)["data"]
        assert made["due_at"] == f"{day}T01:30:00Z"
        assert (made["local"], made["timezone"]) == (when["local"], when["timezone"])

    @pytest.mark.parametrize(("asked", "seconds"), [(90, 90), ("PT30M", 1800), ("P1D", 86400), (0, 0)])
    async def test_a_late_policy(
        self, client: httpx.AsyncClient, post: Json, channel: UUID, asked: Any, seconds: int
    ) -> None:
        when = {"at": soon(), "publish_if_late_by": asked}
        [made] = answer(await schedule(client, post, [channel], **when), 201)["data"]
        assert made["publish_if_late_by"] == seconds

    @pytest.mark.long
    @pytest.mark.parametrize("asked", [-1, "half an hour", True, "1800", "P2M", 10**9, 1.5])
    async def test_a_late_policy_that_is_none(
        self, client: httpx.AsyncClient, post: Json, channel: UUID, asked: Any
    ) -> None:
        when = {"at": soon(), "publish_if_late_by": asked}
        assert set(problems(await schedule(client, post, [channel], **when))) == {"/publish_if_late_by"}

    async def test_now_rings_the_scheduler(
        self, client: httpx.AsyncClient, post: Json, channel: UUID, settings: Settings
    ) -> None:
        redis = Redis.from_url(settings.redis_url)
        await redis.flushdb()
        [made] = answer(await schedule(client, post, [channel], now=True), 201)["data"]
        rung = await redis.zcard("drumtower:scheduler")
        await redis.aclose()
        assert rung == 1
        assert abs(datetime.fromisoformat(made["due_at"]) - datetime.now(UTC)) < timedelta(seconds=30)

    async def test_a_refusal_rings_nobody(
        self, client: httpx.AsyncClient, post: Json, settings: Settings
    ) -> None:
        redis = Redis.from_url(settings.redis_url)
        await redis.flushdb()
        assert (await schedule(client, post, [uuid4()], now=True)).status_code == 422
        rung = await redis.zcard("drumtower:scheduler")
        await redis.aclose()
        assert rung == 0

    async def test_each_channel_gets_its_own_words(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
        channel: UUID,
    ) -> None:
        other = await make_channel(db, team, box, "bluesky")
        variants = [{"channel_id": str(other), "body": "New tea 🍵"}]
        post = await approve(client, reviewer, await write(client, team, variants=variants))
        made = answer(await schedule(client, post, [other, channel]), 201)["data"]
        assert [one["platform"] for one in made] == ["bluesky", "weibo"]
        payloads = [(await row(db, one["id"])).payload["body"] for one in made]
        assert payloads == ["New tea 🍵", BODY]

    async def test_a_repeat_with_the_same_key_plans_once(
        self, client: httpx.AsyncClient, post: Json, channel: UUID
    ) -> None:
        asked = {"channel_ids": [str(channel)], "at": soon()}
        address, headers = f"/v1/posts/{post['id']}/schedule", {"Idempotency-Key": "once"}
        first, second = [await client.post(address, json=asked, headers=headers) for _ in range(2)]
        assert first.json() == second.json()
        assert len(answer(await client.get("/v1/deliveries"))["data"]) == 1

    @pytest.mark.long
    async def test_two_planners_at_once_plan_once(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID
    ) -> None:
        for _ in range(4):
            post = await approve(client, reviewer, await write(client, team))
            both = await asyncio.gather(*(schedule(client, post, [channel]) for _ in range(3)))
            assert sorted(one.status_code for one in both) == [201, 422, 422]
            assert len((await read(client, post))["deliveries"]) == 1


class TestBadInput:
    @pytest.mark.long
    @pytest.mark.parametrize(
        ("when", "expected"),
        [
            ({}, {"": "time_choice"}),
            ({"at": soon(), "now": True}, {"/now": "time_choice"}),
            ({"at": soon(), "local": "2026-12-01T09:30"}, {"/local": "time_choice"}),
            ({"at": "2026-12-01T09:30:00"}, {"/at": "naive_time"}),
            ({"at": "2020-01-01T00:00:00Z"}, {"/at": "time_in_past"}),
            ({"at": "2099-01-01T00:00:00Z"}, {"/at": "time_too_far"}),
            ({"at": "tomorrow"}, {"/at": "invalid_datetime"}),
            ({"at": "2026-02-30T00:00:00Z"}, {"/at": "invalid_datetime"}),
            ({"at": "2026-12-31T23:59:60Z"}, {"/at": "invalid_datetime"}),
            ({"at": "0001-01-01T00:00:00+14:00"}, {"/at": "invalid_datetime"}),
            ({"at": "２０２６-12-01T09:30:00Z"}, {"/at": "invalid_datetime"}),
            ({"local": "2026-12-01T09:30"}, {"/timezone": "field_missing"}),
            ({"at": soon(), "timezone": "Asia/Shanghai"}, {"/timezone": "timezone_without_local"}),
            (
                {"local": "09:30", "timezone": "China"},
                {"/local": "invalid_datetime", "/timezone": "unknown_timezone"},
            ),
            (
                {"local": "2026-12-01T09:30+08:00", "timezone": "Asia/Shanghai"},
                {"/local": "offset_not_wanted"},
            ),
            (
                {"local": "2027-01-01T07:59:60", "timezone": "Asia/Shanghai"},
                {"/local": "invalid_datetime"},
            ),
            ({"local": "2020-01-01T09:30", "timezone": "Asia/Shanghai"}, {"/local": "time_in_past"}),
            ({"local": "9999-12-31T23:59", "timezone": "America/New_York"}, {"/local": "invalid_datetime"}),
            ({"local": "SKIPPED", "timezone": "Europe/Berlin"}, {"/local": "time_skipped"}),
            ({"local": "DOUBLED", "timezone": "Europe/Berlin"}, {"/local": "time_doubled"}),
            ({"at": 1_900_000_000}, {"/at": "invalid_string"}),
            ({"now": "yes"}, {"/now": "invalid_choice"}),
            ({"now": False}, {"/now": "invalid_choice"}),
            ({"next_slot": True, "at": soon()}, {"/next_slot": "time_choice"}),
            ({"next_slot": True, "best_time": {"within_days": 3}}, {"/best_time": "time_choice"}),
            ({"next_slot": True, "timezone": "Asia/Shanghai"}, {"/timezone": "timezone_without_local"}),
            ({"next_slot": True}, {"/channel_ids/0": "no_slots"}),
        ],
    )
    async def test_times(
        self,
        client: httpx.AsyncClient,
        post: Json,
        channel: UUID,
        db: Database,
        when: Json,
        expected: dict[str, str],
    ) -> None:
        if when.get("local") in ("SKIPPED", "DOUBLED"):
            when = when | {"local": clocks_change(back=when["local"] == "DOUBLED")}
        asked = {"channel_ids": [str(channel)]} | when
        refused = await client.post(f"/v1/posts/{post['id']}/schedule", json=asked)
        assert problems(refused) == expected
        hints = [one["hint"] for one in refused.json()["errors"]]
        assert all(hints) or "invalid_choice" in expected.values() or "invalid_string" in expected.values()
        assert await nothing_planned(db)

    async def test_channels(
        self, client: httpx.AsyncClient, post: Json, team: Team, db: Database, box: Box, channel: UUID
    ) -> None:
        strange = await make_channel(db, await make_team(db), box)
        away = await make_channel(db, team, box, status="disconnected")
        asked = [strange, uuid4(), away, channel, channel]
        assert problems(await schedule(client, post, asked)) == {
            "/channel_ids/0": "unknown_channel",
            "/channel_ids/1": "unknown_channel",
            "/channel_ids/2": "channel_disconnected",
            "/channel_ids/4": "duplicate_channel",
        }
        assert await nothing_planned(db)

    async def test_types_and_unknown_fields(
        self, client: httpx.AsyncClient, post: Json, db: Database
    ) -> None:
        asked = {"channel_ids": "all", "at": soon(), "chanel": 1}
        refused = await client.post(f"/v1/posts/{post['id']}/schedule", json=asked)
        assert problems(refused) == {"/channel_ids": "invalid_list", "/chanel": "unknown_field"}
        empty = await client.post(f"/v1/posts/{post['id']}/schedule", json={"channel_ids": [], "at": soon()})
        assert set(problems(empty)) == {"/channel_ids"}
        assert await nothing_planned(db)

    async def test_a_text_over_the_platforms_limit(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
    ) -> None:
        # Approved before the channel existed, so that submitting could not notice.
        post = await approve(client, reviewer, await write(client, team, body="茶" * 140))
        weibo = await make_channel(db, team, box)
        bluesky = await make_channel(db, team, box, "bluesky")
        refused = await schedule(client, post, [bluesky, weibo])
        assert problems(refused) == {"/channel_ids/1/body": "body_too_long"}
        assert "151" in refused.json()["errors"][0]["detail"]
        assert await nothing_planned(db)

    async def test_unapproved(
        self, client: httpx.AsyncClient, team: Team, db: Database, channel: UUID
    ) -> None:
        post = await write(client, team)
        assert problems(await schedule(client, post, [channel])) == {"/review": "not_approved"}
        await submit(client, post)
        assert problems(await schedule(client, post, [channel])) == {"/review": "not_approved"}
        assert await nothing_planned(db)

    async def test_edited_after_approval(
        self, client: httpx.AsyncClient, post: Json, db: Database, channel: UUID
    ) -> None:
        answer(await edit(client, post, body="悄悄改了"))
        assert problems(await schedule(client, post, [channel])) == {"/review": "approval_outdated"}
        assert await nothing_planned(db)

    async def test_an_approval_that_will_have_ended_by_then(
        self, client: httpx.AsyncClient, post: Json, db: Database, channel: UUID
    ) -> None:
        refused = await schedule(client, post, [channel], at=soon(hours=24 * 31))
        assert problems(refused) == {"/review": "approval_expired"}
        await set_post(db, post, approval_expires_at=datetime.now(UTC) - timedelta(seconds=1))
        assert problems(await schedule(client, post, [channel])) == {"/review": "approval_expired"}
        assert await nothing_planned(db)

    async def test_everything_at_once(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box, channel: UUID
    ) -> None:
        away = await make_channel(db, team, box, status="disconnected")
        post = await write(client, team, body="茶" * 200)
        asked = [channel, away, uuid4()]
        found = problems(await schedule(client, post, asked, at="2026-12-01T09:30"))
        assert found == {
            "/at": "naive_time",
            "/review": "not_approved",
            "/channel_ids/0/body": "body_too_long",
            "/channel_ids/1": "channel_disconnected",
            "/channel_ids/1/body": "body_too_long",
            "/channel_ids/2": "unknown_channel",
        }
        assert await nothing_planned(db)


class TestTwice:
    @pytest.mark.long
    @pytest.mark.parametrize("state", ["planned", "retrying", "unknown", "handoff", "held", "published"])
    async def test_a_channel_gets_a_post_once(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        channel: UUID,
        state: str,
    ) -> None:
        post, [delivery] = await planned(client, reviewer, team, [channel])
        await set_row(db, delivery["id"], state=state, external_id="1")
        code = "already_published" if state == "published" else "already_scheduled"
        assert problems(await schedule(client, post, [channel])) == {"/channel_ids/0": code}

    @pytest.mark.long
    @pytest.mark.parametrize("state", ["cancelled", "failed", "missed"])
    async def test_what_is_over_stands_in_nobodys_way(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        channel: UUID,
        state: str,
    ) -> None:
        post, [delivery] = await planned(client, reviewer, team, [channel])
        await set_row(db, delivery["id"], state=state, next_at=None)
        answer(await schedule(client, post, [channel]), 201)
        if state == "failed":
            refused = await client.post(f"/v1/deliveries/{delivery['id']}/retry")
            assert answer(refused, 409)["code"] == "already_scheduled"


@pytest.mark.long
async def test_a_review_while_scheduling_is_one_or_the_other(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID
) -> None:
    """A withdrawn approval and a schedule at once: whatever is planned is held, or nothing is."""
    for _ in range(5):
        post = await approve(client, reviewer, await write(client, team))
        failed = PASSED | {"accuracy": {"verdict": "fail", "note": "错了"}}
        verdict, asked = await asyncio.gather(
            judge(reviewer, post, failed), schedule(client, post, [channel])
        )
        assert verdict.status_code == 201
        after = await read(client, post)
        assert after["status"] == "changes_requested"
        if asked.status_code == 201:
            assert [one["state"] for one in after["deliveries"]] == ["held"]
        else:
            assert problems(asked) == {"/review": "not_approved"}
            assert after["deliveries"] == []
