"""Gaps and clashes, read off what is planned."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx

from drumtower.crypto import Box
from drumtower.db.engine import Database
from tests.api.desk import answer, planned, set_row, write
from tests.factories import Team, make_channel

SHANGHAI = ZoneInfo("Asia/Shanghai")


async def test_silent_days_and_posts_too_close(
    client: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    team: Team,
    db: Database,
    box: Box,
) -> None:
    first = datetime.now(UTC).astimezone(SHANGHAI).date() + timedelta(days=5)
    days = [first + timedelta(days=n) for n in range(3)]
    channel = await make_channel(db, team, box, min_gap_seconds=3600)
    noon = datetime.combine(days[1], time(12), SHANGHAI)
    _, [one] = await planned(client, reviewer, team, [channel], at=noon.isoformat())
    _, [two] = await planned(client, reviewer, team, [channel], at=(noon + timedelta(hours=1)).isoformat())
    await write(client, team, due_on=days[2].isoformat())
    asked = {"from": days[0].isoformat(), "to": days[2].isoformat()}

    found = answer(await client.get("/v1/calendar/gaps", params=asked))
    assert [(gap["brand_id"], gap["days"]) for gap in found["gaps"]] == [
        (str(team.brand_id), [days[0].isoformat()])
    ]
    assert found["clashes"] == []  # an hour apart is far enough

    await set_row(db, two["id"], due_at=noon + timedelta(minutes=59))
    hot = {"kind": "hot", "title": "热点", "from": days[1].isoformat(), "to": days[2].isoformat()}
    expires = {"expires_at": (noon + timedelta(days=2)).isoformat(), "brand_id": str(team.brand_id)}
    event = answer(await client.post("/v1/calendar/events", json=hot | expires), 201)
    clashes = answer(await client.get("/v1/calendar/gaps", params=asked))["clashes"]
    assert [(clash["kind"], clash["event_id"]) for clash in clashes] == [
        ("channel_gap", None),
        ("hot_event", event["id"]),
    ]
    both = [one["id"], two["id"]]
    assert [[it["delivery_id"] for it in clash["planned"]] for clash in clashes] == [both, both]
    theirs = answer(await stranger.get("/v1/calendar/gaps", params=asked))
    assert theirs["clashes"] == []
    assert str(team.brand_id) not in [gap["brand_id"] for gap in theirs["gaps"]]

    await set_row(db, one["id"], state="failed", next_at=None)
    await set_row(db, two["id"], state="failed", next_at=None)
    found = answer(await client.get("/v1/calendar/gaps", params=asked))
    assert found["gaps"][0]["days"] == [day.isoformat() for day in days[:2]]
    assert found["clashes"] == []
