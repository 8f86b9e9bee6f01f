"""Events: what there is to post about, until when, who sees to it, and when its posts have to be ready."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from drumtower.db.engine import Database
from drumtower.db.models import AuditEvent
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


class TestImport:
    async def test_the_same_table_again_changes_nothing(
        self, client: httpx.AsyncClient, team: Team, db: Database
    ) -> None:
        """A day at which it is worth nothing more is over at its end, in the workspace's zone."""
        table = (
            "活动名称,开始日期,to,类型,截止时间,准备天数,谁\n"
            f"'=秋茶节,{FIRST},{FIRST},,,14,小王\n"
            f"初雪,{FIRST},{FIRST},hot,{FIRST},,\n"
            f"初雪,{FIRST},{FIRST},hot,{FIRST},,\n"
        )
        asked = {"csv": table}
        dry = answer(await client.post(f"{PATH}/import", json=asked | {"dry_run": True}))
        assert (dry["created"], dry["duplicate"], dry["refused"]) == (2, 1, 0)
        assert dry["ignored_columns"] == ["谁"]
        assert answer(await client.get(PATH))["data"] == []
        assert answer(await client.post(f"{PATH}/import", json=asked)) == dry | {"dry_run": False}
        stored = answer(await client.get(PATH))["data"]
        own, hot = sorted(stored, key=lambda one: str(one["kind"]), reverse=True)
        assert (own["title"], own["prepare_days"], own["expires_at"]) == ("=秋茶节", 14, None)
        assert (own["owner_id"], own["revision"]) == (str(team.owner_id), 1)
        assert (hot["title"], hot["expires_at"]) == ("初雪", f"{FIRST}T16:00:00Z")
        again = answer(await client.post(f"{PATH}/import", json=asked))
        assert (again["created"], again["duplicate"]) == (0, 3)
        changed = answer(await client.post(f"{PATH}/import", json={"rows": [OWN | {"title": "初雪"}]}))
        assert changed["created"] == 1, "of another kind it is another event"
        async with db.transaction() as tx:
            told = select(AuditEvent.detail).where(AuditEvent.verb == "calendar_event.imported")
            assert [one["created"] for one in await tx.scalars(told.order_by(AuditEvent.id))] == [2, 1]

    @pytest.mark.long
    async def test_two_at_once_add_each_event_once(self, client: httpx.AsyncClient) -> None:
        rows = {"rows": [OWN | {"title": f"第{number}场"} for number in range(20)]}
        both = await asyncio.gather(*(client.post(f"{PATH}/import", json=rows) for _ in range(2)))
        assert sorted(answer(one)["created"] for one in both) == [0, 20]
        assert len(answer(await client.get(PATH, params={"limit": 200}))["data"]) == 20

    async def test_a_row_that_is_refused_says_all_that_is_wrong_and_stops_no_other(
        self, client: httpx.AsyncClient, db: Database
    ) -> None:
        other = await make_team(db)
        rows: list[Json] = [
            OWN,
            {"kind": "hot", "title": "雪", "from": FIRST.isoformat(), "to": "2026-01-01"},
            OWN | {"brand_id": str(other.brand_id), "owner_id": str(other.owner_id)},
            OWN | {"expires_at": "2026-12-31T23:59:60Z", "prepare_days": -1},
            {"title": " ", "from": "2027-02-29", "starts_on": "2027-02-28"},
        ]
        done = answer(await client.post(f"{PATH}/import", json={"rows": rows}))
        assert (done["created"], done["refused"]) == (1, 4)
        assert [{e["pointer"]: e["code"] for e in row["errors"]} for row in done["data"]] == [
            {},
            {"/rows/1/to": "from_after_to", "/rows/1/expires_at": "field_missing"},
            {"/rows/2/brand_id": "unknown_brand", "/rows/2/owner_id": "unknown_owner"},
            {"/rows/3/expires_at": "invalid_datetime", "/rows/3/prepare_days": "out_of_range"},
            {
                "/rows/4/title": "invalid_string",
                "/rows/4/from": "invalid_date",
                "/rows/4/to": "field_missing",
                "/rows/4/starts_on": "unknown_field",
            },
        ]
        assert len(answer(await client.get(PATH))["data"]) == 1

    async def test_columns_are_named_as_the_rows_fields_are(self, client: httpx.AsyncClient) -> None:
        asked = {"csv": f"什么,哪天,到\n秋茶节,{FIRST},{FIRST}\n"}
        named = {"什么": "title", "哪天": "from", "到": "to"}
        refused = await client.post(f"{PATH}/import", json=asked | {"columns": named | {"到": "ends_on"}})
        assert problems(refused) == {"/columns": "csv_columns"}
        assert answer(await client.post(f"{PATH}/import", json=asked | {"columns": named}))["created"] == 1
