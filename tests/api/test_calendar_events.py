"""Events: what there is to post about, until when, who sees to it, and when its posts have to be ready."""

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from drumtower.db.engine import Database
from tests.api.desk import Json, answer, problems, soon
from tests.factories import Team, make_team

FIRST = datetime.now(UTC).date() + timedelta(days=40)
OWN = {"kind": "own", "title": "秋茶节", "from": FIRST.isoformat(), "to": FIRST.isoformat()}
PATH = "/v1/calendar/events"


async def shown(client: httpx.AsyncClient, first: date, last: date) -> list[list[str]]:
    span = {"from": first.isoformat(), "to": last.isoformat()}
    days = answer(await client.get("/v1/calendar", params=span))["data"]
    return [[event["id"] for event in day["events"]] for day in days]


async def test_an_event_stands_on_each_of_its_days(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, team: Team
) -> None:
    asked = OWN | {"to": (FIRST + timedelta(days=1)).isoformat(), "prepare_days": 14}
    made = answer(await client.post(PATH, json=asked | {"brand_id": str(team.brand_id)}), 201)
    assert made["prepare_by"] == (FIRST - timedelta(days=14)).isoformat()
    assert made["owner_id"] == str(team.owner_id)
    around = (FIRST - timedelta(days=1), FIRST + timedelta(days=2))
    assert await shown(client, *around) == [[], [made["id"]], [made["id"]], []]
    assert await shown(stranger, *around) == [[]] * 4
    of_brand = answer(await client.get(PATH, params={"brand_id": str(team.brand_id), "kind": "own"}))
    assert [one["id"] for one in of_brand["data"]] == [made["id"]]
    assert answer(await client.get(PATH, params={"kind": "hot"}))["data"] == []

    path = f"{PATH}/{made['id']}"
    changed = answer(
        await client.patch(
            path, json={"to": FIRST.isoformat(), "brand_id": None}, headers={"If-Match": '"1"'}
        )
    )
    assert (changed["revision"], changed["brand_id"]) == (2, None)
    stale = await client.patch(path, json={"title": "x"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert await shown(client, FIRST, FIRST + timedelta(days=1)) == [[made["id"]], []]
    answer(await client.delete(path))
    assert (await client.get(path)).status_code == 404


async def test_a_hot_event_goes_cold(client: httpx.AsyncClient) -> None:
    hot = OWN | {"kind": "hot"}
    still = answer(await client.post(PATH, json=hot | {"expires_at": soon(1)}), 201)
    cold = answer(await client.post(PATH, json=hot | {"expires_at": soon(-1)}), 201)
    assert await shown(client, FIRST, FIRST) == [[still["id"]]]
    assert {one["id"] for one in answer(await client.get(PATH))["data"]} == {still["id"], cold["id"]}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (
            {"kind": "hot", "to": (FIRST - timedelta(days=1)).isoformat()},
            {"/to": "from_after_to", "/expires_at": "field_missing"},
        ),
        ({"from": "0001-01-01", "prepare_days": 365}, {"/from": "span_too_far"}),
    ],
)
async def test_everything_wrong_is_said_at_once(
    client: httpx.AsyncClient, wrong: Json, expected: dict[str, str]
) -> None:
    assert problems(await client.post(PATH, json=OWN | wrong)) == expected
    made = answer(await client.post(PATH, json=OWN), 201)
    assert problems(await client.patch(f"{PATH}/{made['id']}", json=wrong)) == expected


async def test_brand_and_owner_are_ours(client: httpx.AsyncClient, db: Database) -> None:
    other = await make_team(db)
    made = answer(await client.post(PATH, json=OWN), 201)
    theirs = {"brand_id": str(other.brand_id), "owner_id": str(other.owner_id)}
    expected = {"/brand_id": "unknown_brand", "/owner_id": "unknown_owner"}
    assert problems(await client.patch(f"{PATH}/{made['id']}", json=theirs)) == expected
    assert answer(await client.get(f"{PATH}/{made['id']}"))["owner_id"] == made["owner_id"]
