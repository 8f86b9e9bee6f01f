"""The calendar: posts by planned day, deliveries by the zone's day they are due."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.settings import Settings
from services.scheduler.series import plan_series
from tests.api.desk import Json, answer, approve, edit, planned, problems, set_row, write
from tests.factories import Team, make_channel

SHANGHAI = ZoneInfo("Asia/Shanghai")


async def days(client: httpx.AsyncClient, first: date, last: date, **more: str) -> list[Json]:
    span = {"from": first.isoformat(), "to": last.isoformat()}
    data: list[Json] = answer(await client.get("/v1/calendar", params=span | more))["data"]
    return data


@pytest.mark.long
async def test_each_thing_stands_on_its_day(
    client: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    team: Team,
    db: Database,
    box: Box,
) -> None:
    first = datetime.now(UTC).astimezone(SHANGHAI).date() + timedelta(days=5)
    post = await write(client, team, due_on=(first + timedelta(days=1)).isoformat())
    # Ten to midnight in Shanghai is afternoon in UTC; ten past is the next day there, and the same day here.
    late = datetime.combine(first, datetime.min.time(), SHANGHAI) + timedelta(hours=23, minutes=50)
    channels = [await make_channel(db, team, box) for _ in range(2)]
    _, [before] = await planned(client, reviewer, team, [channels[0]], at=late.isoformat())
    after_midnight = (late + timedelta(minutes=20)).isoformat()
    _, [after] = await planned(client, reviewer, team, [channels[1]], at=after_midnight)

    shown = await days(client, first, first + timedelta(days=2))
    assert [day["date"] for day in shown] == [(first + timedelta(days=n)).isoformat() for n in range(3)]
    assert [[one["id"] for one in day["deliveries"]] for day in shown] == [[before["id"]], [after["id"]], []]
    assert [[one["id"] for one in day["posts"]] for day in shown] == [[], [post["id"]], []]
    [planned_post] = shown[1]["posts"]
    assert (planned_post["status"], planned_post["owner_id"]) == ("draft", str(team.owner_id))
    assert shown[0]["deliveries"][0]["post_title"] == post["title"]

    elsewhere = await days(client, first, first, timezone="UTC")
    assert [one["id"] for one in elsewhere[0]["deliveries"]] == [before["id"], after["id"]]
    assert (await days(stranger, first, first))[0]["deliveries"] == []

    await set_row(db, before["id"], state="cancelled", next_at=None)
    answer(await client.post(f"/v1/posts/{post['id']}/archive"))
    shown = await days(client, first, first + timedelta(days=1))
    assert [len(day["deliveries"]) for day in shown] == [0, 1]
    assert [day["posts"] for day in shown] == [[], []]


async def test_a_day_of_twenty_five_hours(
    client: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    team: Team,
    db: Database,
    box: Box,
) -> None:
    """When the clocks go back in Berlin, both two o'clocks belong to that day."""
    _, [one] = await planned(client, reviewer, team, [await make_channel(db, team, box)])
    for hour, expected in (
        ("2027-10-30T21:59:59Z", 0),
        ("2027-10-30T22:00:00Z", 1),
        ("2027-10-31T22:59:59Z", 1),
    ):
        await set_row(db, one["id"], due_at=datetime.fromisoformat(hour))
        [day] = await days(client, date(2027, 10, 31), date(2027, 10, 31), timezone="Europe/Berlin")
        assert len(day["deliveries"]) == expected, hour


@pytest.mark.long
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"?from": "field_missing", "?to": "field_missing"}),
        ({"from": "2026-12-02", "to": "2026-12-01"}, {"?to": "span_backwards"}),
        ({"from": "2026-01-01", "to": "2026-04-03"}, {"?to": "span_too_long"}),
        ({"from": "0001-01-01", "to": "0001-01-01"}, {"?from": "span_too_far"}),
        ({"from": "9999-12-31", "to": "9999-12-31"}, {"?from": "span_too_far"}),
        ({"from": "2026-12-01", "to": "2026-12-01", "timezone": "CST+8"}, {"?timezone": "unknown_timezone"}),
        ({"from": "20261201", "to": "1"}, {"?from": "invalid_date", "?to": "invalid_date"}),
        ({"from": "2026-12-01", "to": "2026-12-01", "brand": "x"}, {"?brand": "unknown_parameter"}),
    ],
)
async def test_bad_spans(client: httpx.AsyncClient, asked: Json, expected: dict[str, str]) -> None:
    assert problems(await client.get("/v1/calendar", params=asked)) == expected


async def test_a_quarter_is_one_answer(client: httpx.AsyncClient, team: Team) -> None:
    post = await write(client, team)
    answer(await edit(client, post, due_on=datetime.now(UTC).astimezone(SHANGHAI).date().isoformat()))
    start = datetime.now(UTC).astimezone(SHANGHAI).date() - timedelta(days=45)
    shown = await days(client, start, start + timedelta(days=91))
    assert len(shown) == 92
    assert sum(len(day["posts"]) for day in shown) == 1


@pytest.mark.long
async def test_freezes_and_the_days_of_series(
    client: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    team: Team,
    db: Database,
    box: Box,
    settings: Settings,
) -> None:
    channel = await make_channel(db, team, box)
    post = await approve(client, reviewer, await write(client, team))
    first = datetime.now(UTC).astimezone(SHANGHAI).date() + timedelta(days=5)
    weekly = {
        "name": "每周",
        "post_id": post["id"],
        "channel_ids": [str(channel)],
        "rule": {"every": "day", "interval": 2},
        "local": "09:30",
        "timezone": "Asia/Shanghai",
        "starts_on": first.isoformat(),
    }
    series = answer(await client.post("/v1/series", json=weekly), 201)
    midnights = [datetime.combine(first + timedelta(days=n), datetime.min.time(), SHANGHAI) for n in (1, 3)]
    stop = {"scope": "all", "reason": "停", "from": midnights[0].isoformat(), "to": midnights[1].isoformat()}
    freeze = answer(await client.post("/v1/freezes", json=stop), 201)

    shown = await days(client, first, first + timedelta(days=4))
    assert [[one["series_id"] for one in day["occurrences"]] for day in shown] == [
        [series["id"]], [], [series["id"]], [], [series["id"]],
    ]  # fmt: skip
    assert shown[0]["occurrences"][0]["due_at"] == series["upcoming"][0]
    # It ends with the third day's last instant, and is no matter of the fourth.
    assert [[one["id"] for one in day["freezes"]] for day in shown] == [
        [],
        [freeze["id"]],
        [freeze["id"]],
        [],
        [],
    ]
    assert shown[1]["freezes"][0]["from"] == freeze["from"]
    assert (await days(stranger, first, first))[0]["occurrences"] == []
    assert (await days(stranger, first, first + timedelta(days=1)))[1]["freezes"] == []

    await plan_series(db, settings)
    planned_now = await days(client, first, first + timedelta(days=4))
    assert [len(day["occurrences"]) for day in planned_now] == [0] * 5
    assert [len(day["deliveries"]) for day in planned_now] == [1, 0, 1, 0, 1]
    far = first + timedelta(days=60)
    assert len((await days(client, far, far))[0]["occurrences"]) == 1
    answer(await client.post(f"/v1/freezes/{freeze['id']}/lift"))
    answer(await client.post(f"/v1/series/{series['id']}/end"))
    over = await days(client, first, first + timedelta(days=4))
    assert all(day["freezes"] == day["occurrences"] == day["deliveries"] == [] for day in over)
