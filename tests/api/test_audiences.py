"""Who follows a channel: the newest day, a span of days, and platforms that tell nothing."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import select

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import AuditEvent
from drumtower.db.repositories.audiences import AudienceRepository
from drumtower.domain.audience_profiles import Audience, Dimension
from tests.api.desk import answer, problems
from tests.factories import Team, make_channel


async def test_the_newest_audience_and_those_of_a_span(
    client: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    channel = await make_channel(db, team, box, "douyin")
    path = f"/v1/channels/{channel}/audience"
    assert answer(await client.get(path))["state"] == "not_yet"
    async with db.transaction() as tx:
        for day, total in ((1, 100), (2, 200)):
            told = Audience(
                people={Dimension.GENDER: {"female": 60, "male": 30}},
                total=total,
            )
            at = datetime(2026, 11, day, 4, tzinfo=UTC)
            await AudienceRepository(tx, team.workspace_id).store(
                channel, told, at, ZoneInfo("Asia/Shanghai")
            )
    newest = answer(await client.get(path))
    assert (newest["state"], newest["source"], newest["error"]) == ("given", "douyin", None)
    (day,) = newest["data"]
    assert (day["day"], day["total"], day["dimensions"]["age"]) == ("2026-11-02", 200, None)
    assert day["dimensions"]["gender"] == {
        "values": [
            {"value": "female", "people": 60, "share": 0.3},
            {"value": "male", "people": 30, "share": 0.15},
        ],
        "unknown_share": 0.55,
    }
    before = answer(await client.get(path, params={"on": "2026-11-01"}))
    assert [one["day"] for one in before["data"]] == ["2026-11-01"]
    both = answer(await client.get(path, params={"from": "2026-11-01", "to": "2026-11-30"}))
    assert [one["day"] for one in both["data"]] == ["2026-11-02", "2026-11-01"]


async def test_a_platform_that_tells_nothing_says_so(
    client: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    told = answer(await client.get(f"/v1/channels/{await make_channel(db, team, box, 'bilibili')}/audience"))
    assert (told["state"], told["gives"], told["data"]) == ("not_given_by_platform", [], [])


async def test_a_platform_that_tells_it_elsewhere_says_where(
    client: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    told = answer(await client.get(f"/v1/channels/{await make_channel(db, team, box, 'weibo')}/audience"))
    assert (told["state"], told["gives"]) == ("not_open", [])
    assert "commercial contract" in told["reason"]["en"]


async def test_a_span_has_a_beginning_an_end_and_a_length(
    client: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    path = f"/v1/channels/{await make_channel(db, team, box, 'douyin')}/audience"
    for asked, code in [
        ({"from": "2026-11-02", "to": "2026-11-01"}, "from_after_to"),
        ({"from": "2025-11-01", "to": "2026-11-02"}, "span_too_long"),
        ({"from": "2020-01-01"}, "span_too_long"),
    ]:
        refused = await client.get(path, params=asked)
        assert (refused.status_code, list(problems(refused).values())) == (422, [code])
    answer(await client.get(path, params={"from": "2025-11-02", "to": "2026-11-02"}))


async def test_what_no_api_tells_is_imported(
    client: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    path = f"/v1/channels/{await make_channel(db, team, box, 'xiaohongshu')}/audience"
    table = '日期,维度,取值,人数\n2026-11-20,gender,女,600\n2026-11-20,gender,男,300\n2026-11-20,,,"1,000"\n'
    dry = answer(await client.post(f"{path}/imports", json={"csv": table, "dry_run": True}))
    assert (dry["created"], dry["refused"], answer(await client.get(path))["data"]) == (3, 0, [])
    assert answer(await client.post(f"{path}/imports", json={"csv": table})) == dry | {"dry_run": False}
    again = answer(await client.post(f"{path}/imports", json={"csv": table}))
    assert (again["created"], again["duplicate"]) == (0, 3)
    told = answer(await client.get(path))
    (day,) = told["data"]
    assert (told["state"], day["day"], day["source"], day["total"]) == ("given", "2026-11-20", "import", 1000)
    gender = day["dimensions"]["gender"]
    assert ([one["share"] for one in gender["values"]], gender["unknown_share"]) == ([0.6, 0.3], 0.1)
    more = [{"day": "2026-11-20", "dimension": "age", "value": "18-24", "people": 5}]
    answer(await client.post(f"{path}/imports", json={"rows": more}))
    (day,) = answer(await client.get(path))["data"]
    assert set(day["dimensions"]) == {"gender", "age"}, "what was not named stays"
    async with db.transaction() as tx:
        entries = await tx.scalars(
            select(AuditEvent.detail).where(AuditEvent.verb == "channel.audience_imported")
        )
        assert [entry["created"] for entry in entries] == [3, 1]


async def test_rows_of_an_audience_are_judged_one_by_one(
    client: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    channel = await make_channel(db, team, box, "douyin")
    pulled = Audience(people={Dimension.GENDER: {"female": 60}}, total=100)
    async with db.transaction() as tx:
        at = datetime(2026, 11, 1, 4, tzinfo=UTC)
        await AudienceRepository(tx, team.workspace_id).store(channel, pulled, at, ZoneInfo("Asia/Shanghai"))
    good = {"day": "2026-11-02", "dimension": "gender", "value": "女", "people": 60}
    rows = [
        good,
        good | {"people": 61},
        good | {"day": "2026-11-01"},
        good | {"day": "2099-01-01"},
        {"day": "2026-11-02", "dimension": "age", "people": 1},
        good | {"dimension": "height", "people": "1.2万"},
    ]
    done = answer(await client.post(f"/v1/channels/{channel}/audience/imports", json={"rows": rows}))
    assert [{e["pointer"]: e["code"] for e in row["errors"]} for row in done["data"]][:5] == [
        {},
        {"/rows/1/value": "row_repeated"},
        {"/rows/2/day": "audience_pulled"},
        {"/rows/3/day": "time_in_future"},
        {"/rows/4/value": "field_missing"},
    ]
    assert {e["pointer"] for e in done["data"][5]["errors"]} == {"/rows/5/dimension", "/rows/5/people"}
