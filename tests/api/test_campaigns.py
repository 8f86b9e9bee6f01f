"""Campaigns: what posts of a brand are for together, the calendar of one, and a stop of one."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.domain.campaigns import CampaignStatus, status
from tests.api.desk import Json, answer, edit, planned, problems, write
from tests.factories import Team, make_channel

PATH = "/v1/campaigns"
DAY = date(2026, 9, 20)
ONE = timedelta(days=1)


def day(offset: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=offset)).isoformat()


async def plan(client: httpx.AsyncClient, brand_id: object, **fields: object) -> Json:
    body = {"name": "秋茶上新", "brand_id": str(brand_id), "starts_on": day(-3)}
    return answer(await client.post(PATH, json=body | fields), 201)


async def brand(client: httpx.AsyncClient) -> str:
    made: str = answer(await client.post("/v1/brands", json={"name": "钟楼咖啡"}), 201)["id"]
    return made


def test_both_days_belong_to_it() -> None:
    stands = [status(DAY, DAY, at, archived=False) for at in (DAY - ONE, DAY, DAY + ONE)]
    assert stands == [CampaignStatus.UPCOMING, CampaignStatus.ACTIVE, CampaignStatus.ENDED]
    assert status(DAY, None, date.max, archived=False) is CampaignStatus.ACTIVE
    assert status(DAY, None, DAY, archived=True) is CampaignStatus.ARCHIVED


async def test_planned_changed_and_put_away(client: httpx.AsyncClient, team: Team) -> None:
    made = await plan(client, team.brand_id, objective="新客 2,000 人", hashtags=["秋茶"])
    path = f"{PATH}/{made['id']}"
    assert (made["status"], made["revision"], made["ends_on"]) == ("active", 1, None)
    changed = answer(await client.patch(path, json={"ends_on": day(-3)}, headers={"If-Match": '"1"'}))
    assert (changed["status"], changed["revision"]) == ("ended", 2)
    assert (await client.patch(path, json={"name": "x"}, headers={"If-Match": '"1"'})).status_code == 412
    coming = await plan(client, team.brand_id, starts_on=day(3))
    for state, expected in (("upcoming", [coming]), ("ended", [changed]), ("active", [])):
        found = answer(await client.get(PATH, params={"status": state, "brand_id": str(team.brand_id)}))
        assert [one["id"] for one in found["data"]] == [one["id"] for one in expected], state
    assert answer(await client.post(f"{path}/archive"))["status"] == "archived"
    assert (await client.patch(path, json={"name": "x"})).json()["code"] == "campaign_archived"
    archived = answer(await client.get(PATH, params={"status": "archived"}))["data"]
    assert [one["id"] for one in archived] == [made["id"]]


async def test_everything_wrong_is_said_at_once(client: httpx.AsyncClient, team: Team) -> None:
    wrong = {"name": "x", "brand_id": str(uuid4()), "starts_on": day(1), "ends_on": day(0)}
    expected = {"/brand_id": "unknown_brand", "/ends_on": "from_after_to"}
    assert problems(await client.post(PATH, json=wrong)) == expected
    made = await plan(client, team.brand_id)
    assert problems(await client.patch(f"{PATH}/{made['id']}", json={"ends_on": day(-4)})) == {
        "/ends_on": "from_after_to"
    }


async def test_a_posts_campaign_is_one_of_its_brand(client: httpx.AsyncClient, team: Team) -> None:
    other = await brand(client)
    ours, theirs = await plan(client, team.brand_id), await plan(client, other)
    post = await write(client, team, campaign_id=ours["id"])
    assert post["campaign_id"] == ours["id"]
    for wrong, code in (
        ({"campaign_id": str(uuid4())}, "unknown_campaign"),
        ({"campaign_id": theirs["id"]}, "campaign_of_other_brand"),
        ({"brand_id": other}, "campaign_of_other_brand"),
    ):
        assert problems(await edit(client, post, **wrong)) == {"/campaign_id": code}, wrong
    moved = answer(await edit(client, post, brand_id=other, campaign_id=theirs["id"]))
    back = answer(await edit(client, moved, brand_id=str(team.brand_id), campaign_id=None))
    assert back["campaign_id"] is None
    answer(await client.post(f"{PATH}/{ours['id']}/archive"))
    assert problems(await edit(client, back, campaign_id=ours["id"])) == {"/campaign_id": "campaign_archived"}


async def test_the_posts_and_the_calendar_of_one(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    made = await plan(client, team.brand_id)
    inside = await write(client, team, campaign_id=made["id"], due_on=day(2))
    post, [delivery] = await planned(client, reviewer, team, [await make_channel(db, team, box)])
    await write(client, team, due_on=day(2))
    found = answer(await client.get("/v1/posts", params={"campaign_id": made["id"]}))["data"]
    assert [one["id"] for one in found] == [inside["id"]]

    async def shown() -> list[list[str]]:
        span = {"from": day(-1), "to": day(3), "campaign_id": made["id"]}
        days = answer(await client.get("/v1/calendar", params=span))["data"]
        return [[one["id"] for cell in days for one in cell[name]] for name in ("posts", "deliveries")]

    assert await shown() == [[inside["id"]], []]
    answer(await edit(client, post, campaign_id=made["id"]))
    assert await shown() == [[inside["id"]], [delivery["id"]]]


@pytest.mark.long
async def test_a_stop_of_one_campaign(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    made = await plan(client, team.brand_id)
    channel = await make_channel(db, team, box)
    post, [delivery] = await planned(client, reviewer, team, [channel])
    _, [other] = await planned(client, reviewer, team, [channel])
    answer(await edit(client, post, campaign_id=made["id"]))
    stop = {"scope": "campaign", "campaign_id": made["id"], "reason": "代言人风波"}
    assert problems(await client.post("/v1/freezes", json=stop | {"campaign_id": None})) == {
        "/campaign_id": "field_missing"
    }
    frozen = answer(await client.post("/v1/freezes", json=stop), 201)
    listed = answer(await client.get("/v1/freezes", params={"campaign_id": made["id"]}))["data"]
    assert [one["id"] for one in listed] == [frozen["id"]]
    impact = answer(await client.get(f"/v1/freezes/{frozen['id']}/impact"))
    assert (impact["to_hold"], [one["id"] for one in impact["deliveries"]]) == (1, [delivery["id"]])
    told = answer(await client.get(f"/v1/deliveries/{delivery['id']}/explain"))
    assert [one["code"] for one in told["reasons"]] == ["frozen"]
    assert stop["reason"] in told["sentence"]
    free = answer(await client.get(f"/v1/deliveries/{other['id']}/explain"))
    assert "frozen" not in [one["code"] for one in free["reasons"]]
    [seen] = answer(await client.post(f"/v1/posts/{post['id']}/preflight"))["data"]
    assert "frozen" in [one["code"] for one in seen["violations"]]
