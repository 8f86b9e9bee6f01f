"""Calendar feeds: what another calendar reads with a token, for as long as the member may read it here."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
import icalendar
import pytest
import vobject
from fastapi import FastAPI
from sqlalchemy import select, update

from drumtower.crypto import Box, token_hash
from drumtower.db.engine import Database
from drumtower.db.models import CalendarFeed, Member
from drumtower.domain.permissions import Role
from tests.api.desk import Json, answer, edit, member, planned, problems
from tests.conftest import client_for
from tests.factories import Team, make_channel

PATH = "/v1/calendar/feeds"
SHANGHAI = ZoneInfo("Asia/Shanghai")
HOSTILE = "茶, 节; \\n 🍵\r\nEND:VEVENT\rBEGIN:VALARM\u2028ATTACH:file:///etc/passwd " * 3
DAY = datetime.now(SHANGHAI).date() + timedelta(days=20)


async def make(client: httpx.AsyncClient, **asked: object) -> str:
    """Return the path of a new feed."""
    made = answer(await client.post(PATH, json={"name": "手机"} | asked), 201)
    address = urlsplit(made["url"])
    return f"{address.path}?{address.query}"


async def events(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """Return what the feed shows by UID, read by two parsers that must agree."""
    answered = await client.get(path)
    assert answered.status_code == 200, answered.text
    assert answered.headers["content-type"] == "text/calendar; charset=utf-8"
    assert all(len(line) <= 75 for line in answered.content.split(b"\r\n"))
    found = icalendar.Calendar.from_ical(answered.content).walk("VEVENT")
    second = vobject.readOne(answered.text)
    assert sorted(one.uid.value for one in second.contents.get("vevent", [])) == sorted(
        str(one["UID"]) for one in found
    )
    assert not [part for one in found for part in one.subcomponents], "a text has become a component"
    return {str(one["UID"]): one for one in found}


async def test_everything_planned_in_its_zone(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, app: FastAPI, db: Database, team: Team, box: Box
) -> None:
    channel = await make_channel(db, team, box, name="官方微博")
    at = {"local": f"{DAY.isoformat()}T09:30", "timezone": "America/New_York"}
    post, [delivery] = await planned(
        client, reviewer, team, [channel], local=at["local"], timezone=at["timezone"]
    )
    assert (await edit(client, post, due_on=DAY.isoformat())).status_code == 200
    own = {"kind": "own", "from": DAY.isoformat(), "to": (DAY + timedelta(days=1)).isoformat()}
    event = answer(
        await client.post(
            "/v1/calendar/events",
            json=own | {"title": "x" + HOSTILE[:150], "note": HOSTILE, "prepare_days": 7},
        ),
        201,
    )
    mark = await client.put(f"/v1/calendar/days/{DAY.isoformat()}/quiet_day", json={"name": "悼念日"})
    answer(mark)
    async with client_for(app, None) as anybody:
        found = await events(anybody, await make(client))
    due = found[f"post-{post['id']}@drumtower"]
    assert (due["DTSTART"].dt, due["DTEND"].dt) == (DAY, DAY + timedelta(days=1))
    leaves = found[f"delivery-{delivery['id']}@drumtower"]
    assert leaves["DTSTART"].dt == datetime.fromisoformat(delivery["due_at"])
    assert leaves["DTSTART"].params["TZID"] == "America/New_York"
    assert leaves["SUMMARY"] == f"官方微博: {post['title']}"
    assert int(leaves["SEQUENCE"]) == delivery["revision"]
    stands = found[f"event-{event['id']}@drumtower"]
    assert (stands["DTSTART"].dt, stands["DTEND"].dt) == (DAY, DAY + timedelta(days=2))
    assert stands["DESCRIPTION"].splitlines()[1] == "END:VEVENT", "a line of the text, no more"
    ready = found[f"prepare_by-{event['id']}@drumtower"]
    assert ready["DTSTART"].dt == DAY - timedelta(days=7)
    assert found[f"quiet_day-{DAY.isoformat()}@drumtower"]["SUMMARY"] == "悼念日"


async def test_filters_and_what_stays_and_what_changes(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    mine, other = [await make_channel(db, team, box) for _ in range(2)]
    post, _ = await planned(client, reviewer, team, [mine, other], at=f"{DAY.isoformat()}T01:00:00Z")
    path = await make(client, kinds=["delivery"], channel_id=str(mine))
    [uid] = await events(client, path)
    brand = answer(await client.post("/v1/brands", json={"name": "别的"}), 201)
    assert not await events(client, await make(client, kinds=["post", "delivery"], brand_id=brand["id"]))
    first = await client.get(path)
    known = {"If-None-Match": first.headers["etag"], "If-Modified-Since": first.headers["last-modified"]}
    for name, value in known.items():
        assert (await client.get(path, headers={name: value})).status_code == 304, name
    row = next(
        one
        for one in answer(await client.get(f"/v1/posts/{post['id']}"))["deliveries"]
        if one["channel_id"] == str(mine)
    )
    later = {"at": f"{DAY.isoformat()}T02:00:00Z"}
    answer(await client.post(f"/v1/deliveries/{row['id']}/reschedule", json=later))
    for name, value in known.items():
        assert (await client.get(path, headers={name: value})).status_code == 200, name
    [same] = await events(client, path)
    assert same == uid
    answer(await client.post(f"/v1/deliveries/{row['id']}/cancel"))
    assert not await events(client, path)
    both = {"name": "x", "brand_id": str(team.brand_id), "channel_id": str(mine)}
    assert problems(await client.post(PATH, json=both)) == {"/brand_id": "brand_and_channel"}


async def test_a_token_is_kept_as_a_hash_and_ends_at_once(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, stranger: httpx.AsyncClient, db: Database
) -> None:
    path = await make(client)
    token = path.partition("token=")[2]
    async with db.transaction() as tx:
        feed = (await tx.scalars(select(CalendarFeed))).one()
    assert feed.token_hash == token_hash(token)
    listed: list[Json] = answer(await client.get(PATH))["data"]
    assert [one["id"] for one in listed] == [str(feed.id)]
    assert token not in str(listed)
    for other in (reviewer, stranger):  # a member sees their own only
        assert answer(await other.get(PATH))["data"] == []
        assert (await other.delete(f"{PATH}/{feed.id}")).status_code == 404
    assert (await client.get(path)).status_code == 200
    assert (await client.delete(f"{PATH}/{feed.id}")).status_code == 204
    for gone in (path, path[:-1] + "-", "/v1/calendar.ics?token="):
        assert (await client.get(gone)).status_code == 404


@pytest.mark.parametrize("ends", ["member", "external"])
async def test_a_feed_ends_with_the_members_access(
    app: FastAPI, client: httpx.AsyncClient, db: Database, team: Team, ends: str
) -> None:
    async with member(app, db, team, Role.VIEWER, external=ends == "external") as agency:
        path = await make(agency)
    assert (await client.get(path)).status_code == 200
    async with db.transaction() as tx:
        leaves = update(Member).where(Member.role == Role.VIEWER.value)
        await tx.execute(leaves.values(ends_at=datetime.now(UTC)))
    assert (await client.get(path)).status_code == 404
