"""The marks of days: what is shipped, what a workspace says instead, and what the checks make of quiet days."""

from datetime import UTC, datetime

import httpx
import pytest

from drumtower.crypto import Box
from drumtower.db.engine import Database
from tests.api.desk import Json, answer, problems, write
from tests.factories import Team, make_channel

MEMORIAL = f"{datetime.now(UTC).year + 1}-12-13"


async def marks(client: httpx.AsyncClient, day: str) -> list[Json]:
    [shown] = answer(await client.get("/v1/calendar", params={"from": day, "to": day}))["data"]
    found: list[Json] = shown["marks"]
    return found


async def test_the_calendar_tells_days(client: httpx.AsyncClient) -> None:
    span = {"from": "2025-12-31", "to": "2026-01-01"}
    shown = answer(await client.get("/v1/calendar", params=span))
    assert [day["lunar"] for day in shown["data"]] == ["冬月十二", "冬月十三"]
    assert [mark["name"] for mark in shown["data"][1]["marks"]] == ["元旦"]
    far = answer(await client.get("/v1/calendar", params={"from": "2099-10-01", "to": "2099-10-01"}))
    assert far["years"] == [{"year": 2099, "holidays": "not_yet_announced"}]
    assert far["data"][0]["marks"] == []


async def test_the_workspaces_word_goes_before_what_is_shipped(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    path = "/v1/calendar/days/2099-10-01/statutory_holiday"
    said = answer(await client.put(path, json={"name": "国庆节"}))
    again = answer(await client.put(path, json={"name": "国庆节", "note": "放七天"}))
    assert (again["id"], again["note"]) == (said["id"], "放七天")
    [mark] = await marks(client, "2099-10-01")
    assert (mark["kind"], mark["name"], mark["own"]) == ("statutory_holiday", "国庆节", True)
    assert await marks(stranger, "2099-10-01") == []
    assert answer(await stranger.get("/v1/calendar/days"))["data"] == []

    gone = "/v1/calendar/days/2099-11-11/shopping_festival"
    answer(await client.put(gone, json={"name": "双11", "observed": False}))
    assert await marks(client, "2099-11-11") == []
    listed = answer(await client.get("/v1/calendar/days"))["data"]
    assert [(one["day"], one["observed"]) for one in listed] == [("2099-11-11", False), ("2099-10-01", True)]
    answer(await client.delete(gone))
    assert [mark["name"] for mark in await marks(client, "2099-11-11")] == ["双11"]
    assert (await client.delete(gone)).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "pointer", "code"),
    [
        ("2099-10-01/workday", {"name": "x", "severity": "warn"}, "/severity", "severity_without_quiet_day"),
        ("9999-12-31/workday", {"name": "x"}, "path day", "span_too_far"),
    ],
)
async def test_refusals(client: httpx.AsyncClient, path: str, body: Json, pointer: str, code: str) -> None:
    refused = await client.put(f"/v1/calendar/days/{path}", json=body)
    assert problems(refused) == {pointer: code}


async def test_a_quiet_day_is_said_before_a_post_is_planned_for_it(
    client: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    channel = await make_channel(db, team, box)
    post = await write(client, team)

    async def said(at: str) -> list[str]:
        body = {"channel_ids": [str(channel)], "at": at}
        found = answer(await client.post(f"/v1/posts/{post['id']}/preflight", json=body))
        return [one["severity"] for one in found["data"][0]["violations"] if one["code"] == "quiet_day"]

    assert await said(f"{MEMORIAL}T00:00:00+08:00") == ["warn"]
    assert await said(f"{MEMORIAL}T23:59:59Z") == []  # the next day in Shanghai
    path = f"/v1/calendar/days/{MEMORIAL}/quiet_day"
    answer(await client.put(path, json={"name": "公祭", "severity": "block"}))
    assert await said(f"{MEMORIAL}T09:00:00+08:00") == ["block"]
    answer(await client.put(path, json={"name": "公祭", "observed": False}))
    assert await said(f"{MEMORIAL}T09:00:00+08:00") == []
