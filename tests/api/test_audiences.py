"""Who follows a channel: the newest day, a span of days, and platforms that tell nothing."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx

from drumtower.crypto import Box
from drumtower.db.engine import Database
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
