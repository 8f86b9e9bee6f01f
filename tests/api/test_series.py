"""Series over HTTP: what is taken, what is refused, and what a pause, an end and an edit take back."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.settings import Settings
from services.scheduler.series import plan_series
from tests.api.desk import PASSED, Json, answer, approve, edit, judge, problems, read, row, set_row, write
from tests.factories import Team, make_channel, make_team

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> UUID:
    return await make_channel(db, team, box)


@pytest.fixture
async def post(client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team) -> Json:
    return await approve(client, reviewer, await write(client, team))


def today(offset: int = 0) -> str:
    return (datetime.now(ZONE).date() + timedelta(days=offset)).isoformat()


def asked(post: Json, channel: UUID, **fields: Any) -> Json:
    made = {
        "name": "每日茶知识",
        "post_id": post["id"],
        "channel_ids": [str(channel)],
        "rule": {"every": "day"},
        "local": "09:30",
        "timezone": "Asia/Shanghai",
        "starts_on": today(1),
    }
    return made | fields


async def make(client: httpx.AsyncClient, post: Json, channel: UUID, **fields: Any) -> Json:
    return answer(await client.post("/v1/series", json=asked(post, channel, **fields)), 201)


async def days(client: httpx.AsyncClient, series: Json) -> list[Json]:
    """The planned days, the first first."""
    page = answer(await client.get(f"/v1/series/{series['id']}/occurrences", params={"limit": 200}))
    return sorted(page["data"], key=lambda one: str(one["day"]))


class TestMaking:
    @pytest.mark.long
    async def test_a_series_and_its_days(
        self, client: httpx.AsyncClient, db: Database, settings: Settings, post: Json, channel: UUID
    ) -> None:
        fields = {"times": 5, "min_gap": "PT30M", "publish_if_late_by": 7200}
        response = await client.post("/v1/series", json=asked(post, channel, **fields))
        made = answer(response, 201)
        assert (made["state"], made["times"], made["min_gap"], made["publish_if_late_by"]) == (
            "active", 5, 1800, 7200,
        )  # fmt: skip
        assert made["rule"] == {"every": "day", "interval": 1, "weekdays": [], "day": None}
        walls = [datetime.fromisoformat(at).astimezone(ZONE) for at in made["upcoming"]]
        assert [wall.date().isoformat() for wall in walls] == [today(n) for n in range(1, 6)]
        assert {wall.strftime("%H:%M") for wall in walls} == {"09:30"}
        assert answer(await client.get(response.headers["location"])) == made
        assert await days(client, made) == []

        await plan_series(db, settings)
        planned = await days(client, made)
        assert [one["due_at"] for one in planned] == made["upcoming"]
        [first] = planned[0]["deliveries"]
        assert (first["state"], first["channel_id"]) == ("planned", str(channel))
        copied = await read(client, {"id": planned[0]["post_id"]})
        assert (copied["status"], copied["review"]["state"]) == ("scheduled", "approved")
        assert {one["verdict"] for one in copied["review"]["criteria"].values()} == {"pass"}
        evidence = answer(await client.get(f"/v1/posts/{copied['id']}/evidence"))
        assert len(evidence["reviews"]) == 4
        assert (await read(client, post))["status"] == "approved", "the post itself is scheduled nowhere"
        listed = answer(await client.get("/v1/series", params={"state": "active", "post_id": post["id"]}))
        assert [one["id"] for one in listed["data"]] == [made["id"]]

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            ({"every": "week", "weekdays": ["tue", "fri"], "interval": 2}, 2),
            ({"every": "month", "day": 31}, 1),
            ({"every": "month", "day": 29, "interval": 12}, 1),
        ],
    )
    async def test_rules(
        self, client: httpx.AsyncClient, post: Json, channel: UUID, rule: Json, expected: int
    ) -> None:
        made = await make(client, post, channel, rule=rule)
        assert len(made["upcoming"]) >= expected
        shown = [datetime.fromisoformat(at).astimezone(ZONE).date() for at in made["upcoming"]]
        if rule.get("day") == 31:
            assert all((day + timedelta(days=1)).day == 1 for day in shown), "each month's last day"


class TestBadInput:
    @pytest.mark.long
    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"rule": {"every": "second"}}, {"/rule/every": "invalid_choice"}),
            ({"rule": {"every": "day", "interval": 0}}, {"/rule/interval": "out_of_range"}),
            ({"rule": {"every": "week", "interval": 53, "weekdays": ["mon"]}}, {"/rule/interval": "out_of_range"}),
            ({"rule": {"every": "week"}}, {"/rule/weekdays": "field_missing"}),
            ({"rule": {"every": "day", "weekdays": ["mon"], "day": 3}},
             {"/rule/weekdays": "rule_mismatch", "/rule/day": "rule_mismatch"}),
            ({"rule": {"every": "month"}}, {"/rule/day": "field_missing"}),
            ({"rule": {"every": "month", "day": 32}}, {"/rule/day": "out_of_range"}),
            ({"rule": {"every": "week", "weekdays": ["mon", "mon"]}}, {"/rule/weekdays": "duplicate_weekday"}),
            ({"local": "24:00"}, {"/local": "invalid_string"}),
            ({"local": "23:59:60"}, {"/local": "invalid_string"}),
            ({"timezone": "GMT+25"}, {"/timezone": "unknown_timezone"}),
            ({"timezone": "../etc"}, {"/timezone": "unknown_timezone"}),
            ({"timezone": ""}, {"/timezone": "unknown_timezone"}),
            ({"starts_on": "0001-01-01"}, {"/starts_on": "date_in_past"}),
            ({"starts_on": "9999-12-31"}, {"/starts_on": "date_too_far"}),
            ({"starts_on": "2027-02-29"}, {"/starts_on": "invalid_date"}),
            ({"starts_on": today(2), "ends_on": today(1)}, {"/ends_on": "from_after_to"}),
            ({"ends_on": today(9), "times": 3}, {"/times": "end_choice"}),
            ({"times": 0}, {"/times": "out_of_range"}),
            ({"times": 1_001}, {"/times": "out_of_range"}),
            ({"min_gap": 5}, {"/min_gap": "out_of_range"}),
            ({"min_gap": "a while"}, {"/min_gap": "invalid_duration"}),
            ({"rule": {"every": "week", "weekdays": ["mon"]}, "starts_on": "TUESDAY", "ends_on": "SUNDAY"},
             {"/rule": "no_occurrences"}),
            ({"post_id": str(uuid4()), "channel_ids": [str(uuid4())], "timezone": "Mars", "rule": {"every": "month"}},
             {"/post_id": "unknown_post", "/channel_ids/0": "unknown_channel", "/timezone": "unknown_timezone",
              "/rule/day": "field_missing"}),
        ],
    )  # fmt: skip
    async def test_refused(
        self, client: httpx.AsyncClient, post: Json, channel: UUID, fields: Json, expected: dict[str, str]
    ) -> None:
        tuesday = date.fromisoformat(today(1))
        tuesday += timedelta(days=(1 - tuesday.weekday()) % 7)
        named = {"TUESDAY": tuesday.isoformat(), "SUNDAY": (tuesday + timedelta(days=5)).isoformat()}
        fields = {
            key: named.get(value, value) if isinstance(value, str) else value for key, value in fields.items()
        }
        assert problems(await client.post("/v1/series", json=asked(post, channel, **fields))) == expected
        assert answer(await client.get("/v1/series"))["data"] == []

    @pytest.mark.long
    async def test_what_the_checks_would_refuse(
        self, client: httpx.AsyncClient, team: Team, db: Database, box: Box, channel: UUID
    ) -> None:
        away = await make_channel(db, team, box, status="disconnected")
        strange = await make_channel(db, await make_team(db), box)
        long = await write(client, team, body="茶" * 200)
        body = asked(long, channel) | {"channel_ids": [str(one) for one in (channel, away, strange, channel)]}
        found = problems(await client.post("/v1/series", json=body))
        assert found["/channel_ids/0"] == "body_too_long"
        assert found["/channel_ids/2"] == "unknown_channel"
        assert found["/channel_ids/3"] == "duplicate_channel"
        assert "/channel_ids/1" in found
        archived = await write(client, team)
        answer(await client.post(f"/v1/posts/{archived['id']}/archive"))
        refused = await client.post("/v1/series", json=asked(archived, channel))
        assert problems(refused) == {"/post_id": "post_archived"}

    @pytest.mark.long
    async def test_channels_of_others_in_an_edit(
        self, client: httpx.AsyncClient, db: Database, box: Box, post: Json, channel: UUID
    ) -> None:
        made = await make(client, post, channel)
        strange = await make_channel(db, await make_team(db), box)
        refused = await client.patch(f"/v1/series/{made['id']}", json={"channel_ids": [str(strange)]})
        assert problems(refused) == {"/channel_ids/0": "unknown_channel"}


class TestStopping:
    @pytest.mark.long
    async def test_pause_resume_end(
        self, client: httpx.AsyncClient, db: Database, settings: Settings, post: Json, channel: UUID
    ) -> None:
        made = await make(client, post, channel)
        address = f"/v1/series/{made['id']}"
        await plan_series(db, settings)
        before = await days(client, made)
        [left] = before[0]["deliveries"]
        await set_row(db, left["id"], state="published", external_id="1", next_at=None)
        assert answer(await client.post(f"{address}/resume"), 409)["code"] == "series_state"

        paused = answer(await client.post(f"{address}/pause"))
        assert (paused["state"], paused["upcoming"]) == ("paused", [])
        assert [one["day"] for one in await days(client, made)] == [before[0]["day"]]
        gone = before[1]["deliveries"][0]
        assert (await row(db, gone["id"])).state == "cancelled"
        assert (await read(client, {"id": before[1]["post_id"]}))["status"] == "archived"
        assert answer(await client.post(f"{address}/pause"), 409)["code"] == "series_state"
        await plan_series(db, settings)
        assert len(await days(client, made)) == 1

        answer(await client.post(f"{address}/resume"))
        await plan_series(db, settings)
        again = await days(client, made)
        assert [one["due_at"] for one in again] == [one["due_at"] for one in before]
        ended = answer(await client.post(f"{address}/end"))
        assert ended["state"] == "ended"
        assert len(await days(client, made)) == 1
        for act in ("pause", "resume", "end"):
            assert answer(await client.post(f"{address}/{act}"), 409)["code"] == "series_ended"
        assert answer(await client.patch(address, json={"name": "又"}), 409)["code"] == "series_ended"

    @pytest.mark.long
    async def test_a_pause_stops_the_rest_of_a_day_that_has_begun(
        self,
        client: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
        settings: Settings,
        post: Json,
        channel: UUID,
    ) -> None:
        other = await make_channel(db, team, box)
        made = await make(client, post, channel, channel_ids=[str(channel), str(other)])
        await plan_series(db, settings)
        first = (await days(client, made))[0]
        one, two = first["deliveries"]
        await set_row(db, one["id"], state="accepted")
        answer(await client.post(f"/v1/series/{made['id']}/pause"))
        [kept] = await days(client, made)
        assert {d["id"]: d["state"] for d in kept["deliveries"]} == {
            one["id"]: "accepted",
            two["id"]: "cancelled",
        }
        assert (await read(client, {"id": first["post_id"]}))["archived_at"] is None

    @pytest.mark.long
    async def test_an_edit_plans_anew(
        self, client: httpx.AsyncClient, db: Database, settings: Settings, post: Json, channel: UUID
    ) -> None:
        made = await make(client, post, channel)
        address = f"/v1/series/{made['id']}"
        await plan_series(db, settings)
        [left] = (await days(client, made))[0]["deliveries"]
        await set_row(db, left["id"], state="published", external_id="1", next_at=None)
        changed = answer(await client.patch(address, json={"local": "20:00", "times": 4, "min_gap": 60}))
        assert (changed["local"], changed["times"], changed["revision"]) == ("20:00", 4, 2)
        await plan_series(db, settings)
        after = await days(client, made)
        assert [one["day"] for one in after] == [today(n) for n in range(1, 5)]
        walls = [datetime.fromisoformat(one["due_at"]).astimezone(ZONE).strftime("%H:%M") for one in after]
        assert walls == ["09:30", "20:00", "20:00", "20:00"]
        only_name = answer(await client.patch(address, json={"name": "新名字"}))
        assert only_name["name"] == "新名字"
        assert await days(client, made) == after, "a name is no reason to plan anew"
        stale = await client.patch(address, json={"local": "08:00"}, headers={"If-Match": '"1"'})
        assert answer(stale, 412)["code"] == "edited_meanwhile"
        assert problems(await client.patch(address, json={"rule": None, "local": None})) == {
            "/rule": "null_not_allowed",
            "/local": "null_not_allowed",
        }
        endless = answer(await client.patch(address, json={"times": None, "ends_on": today(2)}))
        assert (endless["times"], endless["ends_on"]) == (None, today(2))


class TestItsPost:
    @pytest.mark.long
    async def test_an_edit_and_a_new_approval_reach_the_days_to_come(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        db: Database,
        settings: Settings,
        post: Json,
        channel: UUID,
    ) -> None:
        made = await make(client, post, channel, times=3)
        await plan_series(db, settings)
        answer(await edit(client, post, body="新的茶知识"))
        await plan_series(db, settings)
        held = await days(client, made)
        assert {one["deliveries"][0]["state"] for one in held} == {"held"}
        await approve(client, reviewer, post)
        await plan_series(db, settings)
        free = await days(client, made)
        assert {one["deliveries"][0]["state"] for one in free} == {"planned"}
        assert {(await row(db, one["deliveries"][0]["id"])).payload["body"] for one in free} == {"新的茶知识"}
        failed = PASSED | {"accuracy": {"verdict": "fail", "note": "错了"}}
        answer(await judge(reviewer, await read(client, post), failed), 201)
        await plan_series(db, settings)
        assert {one["deliveries"][0]["state"] for one in await days(client, made)} == {"held"}

    async def test_a_copy_may_be_approved_by_itself(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        settings: Settings,
        channel: UUID,
    ) -> None:
        made = await make(client, await write(client, team), channel, times=2)
        await plan_series(db, settings)
        first, second = await days(client, made)
        await approve(client, reviewer, await read(client, {"id": first["post_id"]}))
        await plan_series(db, settings)
        states = [one["deliveries"][0]["state"] for one in await days(client, made)]
        assert states == ["planned", "held"]
        assert (await days(client, made))[1]["post_id"] == second["post_id"]


async def test_upcoming_starts_now(client: httpx.AsyncClient, post: Json, channel: UUID) -> None:
    just_now = (datetime.now(ZONE) - timedelta(minutes=2)).strftime("%H:%M")
    made = await make(client, post, channel, starts_on=today(), local=just_now)
    assert all(datetime.fromisoformat(at) > datetime.now(UTC) for at in made["upcoming"])
