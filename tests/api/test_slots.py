"""Slots, the next free one, and best times, over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Rollup
from drumtower.domain.ids import new_id
from drumtower.domain.slots import Weekday
from tests.api.desk import Json, answer, approve, planned, problems, row, schedule, set_row, soon, write
from tests.factories import Team, make_channel

SHANGHAI = "Asia/Shanghai"


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> UUID:
    return await make_channel(db, team, box)


def weekly(weekday: str = "mon", local: str = "09:30", timezone: str = SHANGHAI) -> Json:
    return {"weekday": weekday, "local": local, "timezone": timezone}


async def add(client: httpx.AsyncClient, channel: UUID, **fields: Any) -> httpx.Response:
    return await client.post(f"/v1/channels/{channel}/slots", json=weekly(**fields))


async def every_day(client: httpx.AsyncClient, channel: UUID, local: str = "09:30") -> None:
    slots = [weekly(day.value, local) for day in Weekday]
    answer(await client.put(f"/v1/channels/{channel}/slots", json={"slots": slots}))


def at(delivery: Json) -> datetime:
    return datetime.fromisoformat(delivery["due_at"])


class TestSlots:
    async def test_add_list_replace_remove(self, client: httpx.AsyncClient, channel: UUID) -> None:
        first = answer(await add(client, channel), 201)
        second = answer(await add(client, channel, weekday="fri", local="20:00"), 201)
        assert {name: first[name] for name in weekly()} == weekly()
        address = f"/v1/channels/{channel}/slots"
        assert [one["id"] for one in answer(await client.get(address))["data"]] == [second["id"], first["id"]]
        wanted = {"slots": [weekly(), weekly("sun", "23:59", "America/New_York")]}
        kept = answer(await client.put(address, json=wanted))["data"]
        assert kept[0]["id"] == first["id"], "what stays keeps its id"
        assert {one["id"] for one in answer(await client.get(address))["data"]} == {one["id"] for one in kept}
        answer(await client.delete(f"{address}/{first['id']}"))
        assert [one["weekday"] for one in answer(await client.get(address))["data"]] == ["sun"]
        assert (await client.delete(f"{address}/{first['id']}")).status_code == 404

    async def test_the_same_one_twice(self, client: httpx.AsyncClient, channel: UUID) -> None:
        both = await asyncio.gather(*(add(client, channel) for _ in range(3)))
        assert sorted(one.status_code for one in both) == [201, 409, 409]
        assert {one.json().get("code") for one in both} == {None, "slot_exists"}

    async def test_at_most_a_hundred(self, client: httpx.AsyncClient, channel: UUID) -> None:
        slots = [weekly("mon", f"{n // 60:02}:{n % 60:02}") for n in range(101)]
        address = f"/v1/channels/{channel}/slots"
        assert set(problems(await client.put(address, json={"slots": slots}))) == {"/slots"}
        answer(await client.put(address, json={"slots": slots[:100]}))
        assert answer(await add(client, channel, weekday="tue"), 409)["code"] == "too_many_slots"

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"timezone": "GMT+25"}, {"/timezone": "unknown_timezone"}),
            ({"timezone": "../etc"}, {"/timezone": "unknown_timezone"}),
            ({"timezone": ""}, {"/timezone": "unknown_timezone"}),
            ({"local": "24:00"}, {"/local": "invalid_string"}),
            ({"local": "9:30"}, {"/local": "invalid_string"}),
            ({"local": "０９:30"}, {"/local": "invalid_string"}),
            ({"local": "09:30:60"}, {"/local": "invalid_string"}),
            ({"weekday": "monday", "local": "9"}, {"/weekday": "invalid_choice", "/local": "invalid_string"}),
        ],
    )
    async def test_refused(
        self, client: httpx.AsyncClient, channel: UUID, fields: Json, expected: dict[str, str]
    ) -> None:
        assert problems(await add(client, channel, **fields)) == expected

    async def test_a_set_with_everything_wrong(self, client: httpx.AsyncClient, channel: UUID) -> None:
        slots = [weekly(), weekly(), weekly(timezone="Mars/Base")]
        refused = await client.put(f"/v1/channels/{channel}/slots", json={"slots": slots})
        expected = {"/slots/1": "duplicate_slot", "/slots/2/timezone": "unknown_timezone"}
        assert problems(refused) == expected
        assert (await client.put(f"/v1/channels/{uuid4()}/slots", json={"slots": []})).status_code == 404


class TestNextSlot:
    @pytest.mark.long
    async def test_each_channel_takes_its_own_next(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
        channel: UUID,
    ) -> None:
        other = await make_channel(db, team, box, "bluesky")
        await every_day(client, channel)
        await every_day(client, other, "21:15")
        _, [one, two] = await planned(client, reviewer, team, [channel, other], next_slot=True)
        walls = [at(d).astimezone(ZoneInfo(SHANGHAI)).strftime("%H:%M") for d in (one, two)]
        assert walls == ["09:30", "21:15"]
        assert all(timedelta() < at(d) - datetime.now(UTC) <= timedelta(days=1) for d in (one, two))
        assert (one["local"][-5:], one["timezone"]) == ("09:30", SHANGHAI)
        _, [after] = await planned(client, reviewer, team, [channel], next_slot=True)
        assert at(after) - at(one) == timedelta(days=1)

    @pytest.mark.long
    async def test_what_is_planned_by_hand_takes_a_slot_too(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID
    ) -> None:
        await every_day(client, channel)
        _, [one] = await planned(client, reviewer, team, [channel], next_slot=True)
        second = (at(one) + timedelta(days=1)).isoformat()
        await planned(client, reviewer, team, [channel], at=second)
        _, [third] = await planned(client, reviewer, team, [channel], next_slot=True)
        assert at(third) - at(one) == timedelta(days=2)

    @pytest.mark.long
    @pytest.mark.parametrize("how", ["cancel", "reschedule", "failed", "missed"])
    async def test_a_slot_that_is_given_back_is_free(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        channel: UUID,
        how: str,
    ) -> None:
        await every_day(client, channel)
        _, [one] = await planned(client, reviewer, team, [channel], next_slot=True)
        address = f"/v1/deliveries/{one['id']}"
        if how == "cancel":
            answer(await client.post(f"{address}/cancel"))
        elif how == "reschedule":
            answer(await client.post(f"{address}/reschedule", json={"at": soon(200)}))
        else:
            await set_row(db, one["id"], state=how, next_at=None)
        _, [two] = await planned(client, reviewer, team, [channel], next_slot=True)
        assert at(two) == at(one)
        if how == "failed":  # it goes again, and stands in nobody's way
            answer(await client.post(f"{address}/retry"))
            assert (await row(db, one["id"])).slot_at is None

    @pytest.mark.long
    async def test_planners_at_once_book_different_slots(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID
    ) -> None:
        await every_day(client, channel)
        posts = [await approve(client, reviewer, await write(client, team)) for _ in range(8)]
        made = await asyncio.gather(*(schedule(client, post, [channel], next_slot=True) for post in posts))
        times = [at(answer(one, 201)["data"][0]) for one in made]
        assert len(set(times)) == 8
        assert max(times) - min(times) == timedelta(days=7)

    async def test_full_and_none(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
        channel: UUID,
    ) -> None:
        bare = await make_channel(db, team, box)
        answer(await add(client, channel), 201)
        post = await approve(client, reviewer, await write(client, team))
        refused = await schedule(client, post, [channel, bare], next_slot=True)
        found = problems(refused)
        assert found["/channel_ids/1"] == "no_slots"
        assert answer(await client.get("/v1/deliveries"))["data"] == []

    @pytest.mark.long
    async def test_an_approval_that_ends_before_the_slot(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID
    ) -> None:
        await every_day(client, channel)
        today = datetime.now(ZoneInfo(SHANGHAI)).date().isoformat()
        for _ in range(2):
            post = await approve(client, reviewer, await write(client, team, due_on=today))
            last = await schedule(client, post, [channel], next_slot=True)
        assert problems(last) == {"/review": "approval_expired"}


class TestBestTimes:
    async def test_without_results_it_is_the_prior(self, client: httpx.AsyncClient, channel: UUID) -> None:
        seen = answer(await client.get(f"/v1/channels/{channel}/best-times"))
        assert (seen["basis"], seen["posts"], seen["timezone"]) == ("prior", 0, SHANGHAI)
        assert len(seen["data"]) == 10
        assert all("rule of thumb" in one["reason"] for one in seen["data"])
        params = {"limit": "168", "timezone": "Europe/Berlin"}
        zh = {"Accept-Language": "zh-CN"}
        every = answer(await client.get(f"/v1/channels/{channel}/best-times", params=params, headers=zh))
        assert len(every["data"]) == 168
        assert "并非实测" in every["data"][0]["reason"]

    @pytest.mark.long
    async def test_own_results_lead(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
        channel: UUID,
    ) -> None:
        zone = ZoneInfo(SHANGHAI)
        monday = datetime.now(zone).replace(hour=5, minute=10) - timedelta(
            days=datetime.now(zone).weekday() + 7
        )
        other = await make_channel(db, team, box)
        for week in range(12):
            good = monday - timedelta(weeks=week)
            await published(db, client, reviewer, team, channel, good, likes=300)
            await published(db, client, reviewer, team, channel, good + timedelta(hours=15), likes=20)
        await published(db, client, reviewer, team, channel, monday, likes=None)  # unknown is not 0
        await published(db, client, reviewer, team, channel, datetime.now(zone), likes=1)  # too young
        await published(db, client, reviewer, team, other, monday, likes=9)
        seen = answer(await client.get(f"/v1/channels/{channel}/best-times"))
        assert (seen["basis"], seen["posts"]) == ("own", 24)
        best = seen["data"][0]
        assert (best["weekday"], best["hour"], best["posts"]) == ("mon", 5, 12)
        assert best["low"] < best["lift"] < best["high"]

    @pytest.mark.long
    async def test_scheduling_books_the_best_free_hour(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID
    ) -> None:
        posts = [await approve(client, reviewer, await write(client, team)) for _ in range(4)]
        asked = {"best_time": {"within_days": 2}}
        made = await asyncio.gather(*(schedule(client, post, [channel], **asked) for post in posts))
        rows = [answer(one, 201)["data"][0] for one in made]
        hours = {at(one).astimezone(ZoneInfo(SHANGHAI)).replace(minute=0) for one in rows}
        assert len(hours) == 4
        assert all(timedelta() < at(one) - datetime.now(UTC) <= timedelta(days=2) for one in rows)
        seen = answer(await client.get(f"/v1/channels/{channel}/best-times", params={"limit": 168}))["data"]
        lifts = {(one["weekday"], one["hour"]): one["lift"] for one in seen}
        taken = [lifts[Weekday.of(hour).value, hour.hour] for hour in hours]
        assert min(taken) > 0.2, "the evening's hours, which are the best of a platform for leisure"

    @pytest.mark.parametrize("days", [0, 31])
    async def test_only_so_far_ahead(
        self, client: httpx.AsyncClient, team: Team, channel: UUID, days: int
    ) -> None:
        post = await write(client, team)
        refused = await schedule(client, post, [channel], best_time={"within_days": days})
        assert problems(refused) == {"/best_time/within_days": "out_of_range"}

    @pytest.mark.parametrize(
        ("params", "expected"),
        [
            ({"timezone": "GMT+25"}, {"?timezone": "unknown_timezone"}),
            ({"limit": "0"}, {"?limit": "out_of_range"}),
            ({"limit": "169"}, {"?limit": "out_of_range"}),
        ],
    )
    async def test_refused(
        self, client: httpx.AsyncClient, channel: UUID, params: Json, expected: dict[str, str]
    ) -> None:
        refused = await client.get(f"/v1/channels/{channel}/best-times", params=params)
        assert problems(refused) == expected


async def published(
    db: Database,
    client: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    team: Team,
    channel: UUID,
    when: datetime,
    *,
    likes: int | None,
) -> None:
    """A post that left at `when`, and what its first days brought."""
    _, [made] = await planned(client, reviewer, team, [channel])
    fields = {"state": "published", "external_id": "1", "next_at": None, "published_at": when.astimezone(UTC)}
    await set_row(db, made["id"], **fields)
    gains = [] if likes is None else [("likes", 0, likes), ("exposure", 0, 10**6), ("likes", 9, 10**6)]
    async with db.transaction() as tx:
        for metric, days, gain in gains:
            rollup = Rollup(
                id=new_id(),
                workspace_id=team.workspace_id,
                channel_id=channel,
                delivery_id=UUID(made["id"]),
                metric=metric,
                day=when.date() + timedelta(days=days),
                total=gain,
                gain=gain,
                exposed=True,
                sampled_at=datetime.now(UTC),
            )
            tx.add(rollup)
