"""Quotas are reserved with the plan, and a channel's health says what holds it back."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import func, select

from drumtower.adapters.weibo.adapter import WeiboAdapter
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Delivery
from drumtower.db.repositories import breakers, budgets
from drumtower.db.repositories.deliveries import plan
from drumtower.domain.breakers import Breaker
from drumtower.domain.deliveries import Action, State
from drumtower.domain.errors import Conflict
from drumtower.domain.quotas import Period, Quota
from drumtower.limits import Limits
from drumtower.platforms import registry
from services.api.deliveries.quotas import reserve
from tests.api.desk import Json, answer, approve, schedule, set_row, write
from tests.factories import Team, make_channel

SHANGHAI = ZoneInfo("Asia/Shanghai")
ADDRESS = "https://weibo.example"


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> UUID:
    return await make_channel(db, team, box, base_url=ADDRESS)


@pytest.fixture
def two_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weibo with a quota that is soon used up."""
    quota = Quota(count=2, period=Period.DAY, timezone="Asia/Shanghai", source="tests")
    monkeypatch.setattr(WeiboAdapter, "capabilities", replace(WeiboAdapter.capabilities, quotas=(quota,)))


def noon(days: int = 1) -> datetime:
    """Noon in Shanghai, so many days from now."""
    return (datetime.now(SHANGHAI) + timedelta(days=days)).replace(hour=12, minute=0, second=0, microsecond=0)


async def approved(client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team) -> Json:
    return await approve(client, reviewer, await write(client, team))


async def health(client: httpx.AsyncClient, channel: UUID) -> Json:
    return answer(await client.get(f"/v1/channels/{channel}/health"))


@pytest.mark.usefixtures("two_a_day")
class TestQuotas:
    @pytest.fixture
    async def posts(self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team) -> list[Json]:
        return [await approved(client, reviewer, team) for _ in range(3)]

    async def fill(self, client: httpx.AsyncClient, posts: list[Json], channel: UUID) -> list[Json]:
        made: list[Json] = []
        for post in posts[:2]:
            made += answer(await schedule(client, post, [channel], at=noon().isoformat()), 201)["data"]
        return made

    @pytest.mark.long
    async def test_over_it_is_a_conflict_that_names_the_next_free_day(
        self, client: httpx.AsyncClient, posts: list[Json], channel: UUID, db: Database
    ) -> None:
        await self.fill(client, posts, channel)
        refused = answer(await schedule(client, posts[2], [channel], at=noon().isoformat()), 409)
        assert refused["code"] == "quota_used_up"
        [violation] = refused["errors"]
        assert violation["pointer"] == "/channel_ids/0"
        assert f"{noon().date()} (Asia/Shanghai) is full" in violation["detail"]
        assert f"{noon(2).date()} (Asia/Shanghai)" in violation["hint"]
        async with db.transaction() as tx:
            assert await tx.scalar(select(func.count()).select_from(Delivery)) == 2
        answer(await schedule(client, posts[2], [channel], at=noon(2).isoformat()), 201)

    @pytest.mark.long
    async def test_the_day_is_the_platforms(
        self, client: httpx.AsyncClient, posts: list[Json], channel: UUID
    ) -> None:
        await self.fill(client, posts, channel)
        midnight = noon().replace(hour=0) + timedelta(days=1)
        late = await schedule(client, posts[2], [channel], at=(midnight - timedelta(minutes=1)).isoformat())
        assert answer(late, 409)["code"] == "quota_used_up"
        answer(await schedule(client, posts[2], [channel], at=midnight.isoformat()), 201)

    @pytest.mark.long
    async def test_cancelling_gives_it_back(
        self, client: httpx.AsyncClient, posts: list[Json], channel: UUID
    ) -> None:
        first, _ = await self.fill(client, posts, channel)
        answer(await client.post(f"/v1/deliveries/{first['id']}/cancel"))
        answer(await schedule(client, posts[2], [channel], at=noon().isoformat()), 201)

    @pytest.mark.long
    async def test_rescheduling_gives_it_back_and_takes_another(
        self, client: httpx.AsyncClient, posts: list[Json], channel: UUID
    ) -> None:
        first, _ = await self.fill(client, posts, channel)
        path = f"/v1/deliveries/{first['id']}/reschedule"
        answer(await client.post(path, json={"at": noon(2).isoformat()}))
        answer(await schedule(client, posts[2], [channel], at=noon().isoformat()), 201)
        back = answer(await client.post(path, json={"at": noon().isoformat()}), 409)
        assert back["code"] == "quota_used_up"
        still = answer(await client.get(f"/v1/deliveries/{first['id']}"))
        assert datetime.fromisoformat(still["due_at"]) == noon(2)

    @pytest.mark.long
    async def test_retrying_takes_a_place_of_today(
        self, client: httpx.AsyncClient, posts: list[Json], channel: UUID, db: Database
    ) -> None:
        first, second = await self.fill(client, posts, channel)
        answer(await schedule(client, posts[2], [channel], now=True), 201)
        now = datetime.now(UTC)
        await set_row(db, second["id"], state="published", published_at=now, external_id="1", next_at=None)
        await set_row(db, first["id"], state="failed", next_at=None, due_at=now)
        refused = answer(await client.post(f"/v1/deliveries/{first['id']}/retry"), 409)
        assert refused["code"] == "quota_used_up"
        assert answer(await client.get(f"/v1/deliveries/{first['id']}"))["state"] == "failed"

    @pytest.mark.long
    async def test_what_is_overdue_takes_a_place_of_today(
        self, client: httpx.AsyncClient, posts: list[Json], channel: UUID, db: Database
    ) -> None:
        for planned in await self.fill(client, posts, channel):
            await set_row(db, planned["id"], due_at=datetime.now(UTC) - timedelta(days=2))
        assert answer(await schedule(client, posts[2], [channel], now=True), 409)["code"] == "quota_used_up"

    @pytest.mark.long
    async def test_what_is_left_is_shown(
        self, client: httpx.AsyncClient, posts: list[Json], channel: UUID, db: Database
    ) -> None:
        answer(await schedule(client, posts[0], [channel], now=True), 201)
        for shown in (
            await health(client, channel),
            answer(await client.get(f"/v1/channels/{channel}/capabilities")),
        ):
            [quota] = shown["quotas"]
            assert (quota["count"], quota["used"], quota["left"]) == (2, 1, 1)
            starts = datetime.fromisoformat(quota["starts_at"]).astimezone(SHANGHAI)
            assert (starts.hour, starts.date()) == (0, datetime.now(SHANGHAI).date())

    @pytest.mark.long
    async def test_two_hundred_who_plan_at_once_get_two_places(
        self, db: Database, database_url: str, team: Team, channel: UUID
    ) -> None:
        limits = Limits(registry=registry.load())
        crowd = Database(database_url, application="tests", pool=20, patience=60)

        async def try_it() -> bool:
            now = datetime.now(UTC)
            delivery = plan(
                workspace_id=team.workspace_id,
                channel_id=channel,
                platform="weibo",
                action=Action.PUBLISH,
                payload={},
                due_at=noon().astimezone(UTC),
                created_by=team.owner_id,
                now=now,
            )
            try:
                async with crowd.transaction() as tx:
                    tx.add(delivery)
                    await reserve(tx, limits, [delivery], now)
            except Conflict:
                return False
            return True

        won = await asyncio.gather(*(try_it() for _ in range(200)))
        await crowd.close()
        assert won.count(True) == 2
        async with db.transaction() as tx:
            assert await tx.scalar(select(func.count()).select_from(Delivery)) == 2

    @pytest.mark.long
    async def test_twenty_requests_at_once_get_two_places(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID
    ) -> None:
        posts = [await approved(client, reviewer, team) for _ in range(20)]
        asked = await asyncio.gather(
            *(schedule(client, post, [channel], at=noon().isoformat()) for post in posts)
        )
        assert sorted(one.status_code for one in asked) == [201] * 2 + [409] * 18


async def test_an_hourly_quota_names_the_next_hour(
    client: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    team: Team,
    channel: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quota = Quota(count=1, period=Period.HOUR, timezone="Asia/Shanghai", source="tests")
    monkeypatch.setattr(WeiboAdapter, "capabilities", replace(WeiboAdapter.capabilities, quotas=(quota,)))
    at = noon().replace(minute=40)
    one, other = [await approved(client, reviewer, team) for _ in range(2)]
    answer(await schedule(client, one, [channel], at=at.isoformat()), 201)
    [violation] = answer(await schedule(client, other, [channel], at=at.isoformat()), 409)["errors"]
    assert f"{at.date()}T13:00+08:00 to 14:00" in violation["hint"]


class TestHealth:
    async def test_a_channel_that_works(self, client: httpx.AsyncClient, channel: UUID) -> None:
        shown = await health(client, channel)
        assert (shown["health"], shown["status"], shown["resets"]) == ("ok", "connected", [])
        assert {one["scope"]: one["state"] for one in shown["breakers"]} == {
            "app": "closed",
            "channel": "closed",
        }
        shares = next(one for one in shown["budgets"] if one["action"] == "publish")
        assert (shares["count"], shares["burst"], shares["left"], shares["per_seconds"]) == (20, 10, 10, 3600)
        assert (shown["last_success_at"], shown["last_error"], shown["needs_check"]) == (None, None, 0)

    async def test_a_reset_is_shown_until_it_is_over(
        self, client: httpx.AsyncClient, channel: UUID, db: Database
    ) -> None:
        now = datetime.now(UTC)
        place = Limits(registry=registry.load()).place(channel, "weibo", ADDRESS)
        async with db.transaction() as tx:
            await budgets.close(
                tx, {place.app: (now + timedelta(minutes=5), "10022: IP requests out of limit")}
            )
            await budgets.close(tx, {place.channel: (now - timedelta(minutes=5), "an old one")})
        shown = await health(client, channel)
        assert shown["health"] == "limited"
        [reset] = shown["resets"]
        assert (reset["scope"], reset["detail"]) == ("app", "10022: IP requests out of limit")
        assert datetime.fromisoformat(reset["until"]) == now + timedelta(minutes=5)

    async def test_an_earlier_reset_does_not_shorten_a_later_one(self, channel: UUID, db: Database) -> None:
        now = datetime.now(UTC)
        for minutes in (5, 1):
            async with db.transaction() as tx:
                await budgets.close(tx, {"k": (now + timedelta(minutes=minutes), "told")})
        async with db.transaction() as tx:
            assert (await budgets.read(tx, ["k"]))["k"].closed_until == now + timedelta(minutes=5)

    async def test_an_open_breaker_is_shown(
        self, client: httpx.AsyncClient, channel: UUID, db: Database
    ) -> None:
        now = datetime.now(UTC)
        place = Limits(registry=registry.load()).place(channel, "weibo", ADDRESS)
        opened = Breaker(faults=(now,) * 5, opened_at=now, next_at=now + timedelta(seconds=30), rests=1)
        async with db.transaction() as tx:
            await breakers.write(tx, {place.app: opened})
        shown = await health(client, channel)
        assert shown["health"] == "failing"
        app = next(one for one in shown["breakers"] if one["scope"] == "app")
        assert (app["state"], app["faults"]) == ("open", 5)
        assert datetime.fromisoformat(app["next_at"]) == now + timedelta(seconds=30)

    async def test_open_breakers_are_counted_for_prometheus(
        self, client: httpx.AsyncClient, channel: UUID, db: Database
    ) -> None:
        now = datetime.now(UTC)
        place = Limits(registry=registry.load()).place(channel, "weibo", ADDRESS)
        opened = Breaker(faults=(now,) * 5, opened_at=now, next_at=now + timedelta(seconds=30), rests=1)
        async with db.transaction() as tx:
            await breakers.write(tx, {place.app: opened, place.channel: opened, "app:bluesky:x": Breaker()})
        shown = (await client.get("/metrics")).text
        assert 'breakers_open{platform="weibo",scope="app"} 1.0' in shown
        assert 'breakers_open{platform="weibo",scope="channel"} 1.0' in shown
        assert 'breakers_open{platform="bluesky"' not in shown
        async with db.transaction() as tx:
            await breakers.close(tx, {place.app: now, place.channel: now})
        assert "breakers_open{" not in (await client.get("/metrics")).text

    async def test_a_disconnected_channel(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box
    ) -> None:
        gone = await make_channel(db, team, box, status="disconnected", status_detail="the token was revoked")
        shown = await health(client, gone)
        assert (shown["health"], shown["status_detail"]) == ("disconnected", "the token was revoked")

    async def test_the_last_success_error_and_open_questions(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID, db: Database
    ) -> None:
        rows: list[Json] = []
        for _ in range(3):
            post = await approved(client, reviewer, team)
            rows += answer(await schedule(client, post, [channel], now=True), 201)["data"]
        at = datetime.now(UTC)
        error: dict[str, Any] = {"code": "content_rejected", "detail": "20018: no"}
        await set_row(
            db, rows[0]["id"], state=State.PUBLISHED, external_id="1", published_at=at, next_at=None
        )
        await set_row(db, rows[1]["id"], state=State.UNKNOWN, needs_check=True)
        await set_row(db, rows[2]["id"], state=State.FAILED, error=error, next_at=None)
        shown = await health(client, channel)
        assert (shown["needs_check"], shown["waiting"]) == (1, 0)
        assert datetime.fromisoformat(shown["last_success_at"]) == at
        assert shown["last_error"]["code"] == "content_rejected"
        assert shown["last_error"]["delivery_id"] == rows[2]["id"]


async def test_a_platforms_rates_and_quotas_are_told_with_their_source(client: httpx.AsyncClient) -> None:
    shown = answer(await client.get("/v1/platforms/weibo"))["capabilities"]
    assert shown["action_rates"]["publish"]["per_seconds"] == 3600
    assert {(quota["count"], quota["period"]) for quota in shown["quotas"]} == {(30, "hour"), (100, "day")}
    assert all(quota["source"] for quota in shown["quotas"])
    assert answer(await client.get("/v1/platforms/wechat"))["capabilities"]["app_rate"] is None
