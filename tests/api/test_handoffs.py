"""Handoffs over HTTP: the pack, whose it is, until when, and the proof that closes it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.domain.permissions import Role
from tests.api.desk import BODY, answer, approve, problems, row, schedule, set_row, soon, write
from tests.conftest import client_for
from tests.factories import Team, make_asset, make_channel, make_key, make_member, make_team

NOTE = "https://weibo.com/1/abc"
ERROR = {"code": "not_permitted", "detail": "personal account", "hint": ""}


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> UUID:
    return await make_channel(db, team, box)


async def hand_off(
    client: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    db: Database,
    team: Team,
    channel: UUID,
    **fields: Any,
) -> str:
    """Bring a post to where its delivery waits for a person, an hour before the deadline."""
    post = await approve(client, reviewer, await write(client, team, **fields))
    [made] = answer(await schedule(client, post, [channel]), 201)["data"]
    until = datetime.now(UTC) + timedelta(hours=1)
    columns = {"error": ERROR, "owner_id": team.owner_id, "deadline": until, "next_at": until}
    await set_row(db, made["id"], state="handoff", **columns)
    return str(made["id"])


@pytest.fixture
async def handed(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, db: Database, team: Team, channel: UUID
) -> str:
    return await hand_off(client, reviewer, db, team, channel)


async def act(client: httpx.AsyncClient, delivery: str, verb: str, **body: object) -> httpx.Response:
    return await client.post(f"/v1/deliveries/{delivery}/{verb}", json=body)


async def prove(client: httpx.AsyncClient, delivery: str, url: str = NOTE, ago: float = 1) -> httpx.Response:
    at = datetime.now(UTC) - timedelta(minutes=ago)
    return await act(client, delivery, "proof", url=url, published_at=at.isoformat())


class TestPack:
    async def test_all_that_a_person_needs(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        db: Database,
        team: Team,
        box: Box,
    ) -> None:
        channel = await make_channel(db, team, box, "bluesky")
        pictures = [await make_asset(db, team, alt_text=name) for name in ("一", "二")]
        given = {"asset_ids": [str(one) for one in pictures], "disclosures": ["ad"], "hashtags": ["秋茶"]}
        delivery = await hand_off(client, reviewer, db, team, channel, **given)
        address = f"/v1/deliveries/{delivery}/pack"
        pack = answer(await client.get(address, headers={"Accept-Language": "zh-CN"}))
        [body] = pack["fields"]  # Bluesky has no title
        assert body["text"] == f"{BODY}\nhttps://tea.example.com/autumn #秋茶\n广告"
        assert [(one["unit"], one["maximum"]) for one in body["counts"]] == [
            ("grapheme", 300),
            ("byte", 3000),
        ]
        assert body["counts"][0]["length"] == len(body["text"])
        assert body["fits"]
        assert [(one["position"], one["alt_text"]) for one in pack["media"]] == [(1, "一"), (2, "二")]
        assert "/v1/downloads/" in pack["media"][0]["download_url"]
        assert (pack["owner_id"], pack["reason"]) == (str(team.owner_id), "personal account")
        assert any("广告" in step for step in pack["checklist"])
        assert pack["proof"] == {
            "path": f"/v1/deliveries/{delivery}/proof",
            "hosts": ["bsky.app"],
        }
        english = answer(await client.get(address, headers={"Accept-Language": "en"}))
        assert len(english["checklist"]) == len(pack["checklist"])
        assert all(step.isascii() for step in english["checklist"])

    @pytest.mark.long
    async def test_nobody_publishes_by_hand_what_the_engine_does(
        self, client: httpx.AsyncClient, db: Database, handed: str
    ) -> None:
        await set_row(db, handed, state="failed", next_at=None)
        assert answer(await client.get(f"/v1/deliveries/{handed}/pack"), 409)["code"] == "delivery_state"


class TestAssign:
    async def test_another_owner_and_deadline(
        self, client: httpx.AsyncClient, db: Database, team: Team, handed: str
    ) -> None:
        async with db.transaction() as tx:
            member = await make_member(tx, team.workspace_id, Role.PUBLISHER)
            owner = str(member.id)
        done = answer(await act(client, handed, "assign", owner_id=owner, deadline=soon(3)))
        assert (done["handoff"]["owner_id"], done["handoff"]["late"]) == (owner, False)
        kept = await row(db, handed)
        assert kept.deadline is not None
        assert kept.next_at == kept.deadline - timedelta(hours=1)
        found = answer(await client.get("/v1/deliveries", params={"owner_id": owner}))["data"]
        assert [one["id"] for one in found] == [handed]

    async def test_everything_wrong_at_once(
        self, client: httpx.AsyncClient, db: Database, team: Team, handed: str
    ) -> None:
        other_team = await make_team(db)
        past = {"owner_id": str(other_team.owner_id), "deadline": "2026-01-01T00:00:00Z"}
        refused = problems(await act(client, handed, "assign", **past))
        assert refused == {"/owner_id": "owner_unknown", "/deadline": "time_in_past"}
        assert problems(await act(client, handed, "assign")) == {"": "nothing_to_change"}
        reviewer = str(team.reviewer_id)
        refused = problems(await act(client, handed, "assign", owner_id=reviewer))
        assert refused == {"/owner_id": "owner_not_permitted"}
        async with db.transaction() as tx:
            agency = str((await make_member(tx, team.workspace_id, Role.PUBLISHER, external=True)).id)
        refused = problems(await act(client, handed, "assign", owner_id=agency))
        assert refused == {"/owner_id": "owner_not_permitted"}

    async def test_the_channel_names_whose_its_handoffs_are(
        self, client: httpx.AsyncClient, team: Team, channel: UUID
    ) -> None:
        address = f"/v1/channels/{channel}"
        asked = {"handoff_owner_id": str(team.owner_id), "handoff_within_seconds": 3600}
        assert asked.items() <= answer(await client.patch(address, json=asked)).items()
        kept = answer(await client.patch(address, json={"handoff_owner_id": None}))
        assert (kept["handoff_owner_id"], kept["handoff_within_seconds"]) == (None, 3600)
        refused = await client.patch(address, json={"handoff_owner_id": str(team.reviewer_id)})
        assert problems(refused) == {"/handoff_owner_id": "owner_not_permitted"}


class TestProof:
    async def test_a_link_that_leads_elsewhere_proves_nothing(
        self, client: httpx.AsyncClient, handed: str
    ) -> None:
        future = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        elsewhere = "https://weibo.com.example.org/1/abc"
        refused = problems(await act(client, handed, "proof", url=elsewhere, published_at=future))
        assert refused == {"/url": "proof_elsewhere", "/published_at": "time_in_future"}

    @pytest.mark.long
    async def test_one_post_proves_one_delivery(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        db: Database,
        team: Team,
        channel: UUID,
        handed: str,
    ) -> None:
        other = await hand_off(client, reviewer, db, team, channel)
        done = await asyncio.gather(prove(client, handed), prove(client, other))
        assert sorted(one.status_code for one in done) == [200, 409]
        refused = next(one for one in done if one.status_code == 409)
        assert answer(refused, 409)["code"] == "proof_taken"

    @pytest.mark.long
    @pytest.mark.parametrize(("published", "late"), [(5, True), (15, False)])
    async def test_late_is_when_it_was_out_late(
        self, client: httpx.AsyncClient, db: Database, handed: str, published: float, late: bool
    ) -> None:
        """The proof comes after the deadline, ten minutes ago; what it says decides."""
        missed = datetime.now(UTC) - timedelta(minutes=10)
        await set_row(db, handed, deadline=missed, late_at=missed, next_at=None)

        async def listed(**asked: bool) -> list[str]:
            return [one["id"] for one in answer(await client.get("/v1/deliveries", params=asked))["data"]]

        assert (await listed(late=True), await listed(late=False)) == ([handed], [])
        done = answer(await prove(client, handed, ago=published))
        assert (done["state"], done["handoff"]["late"]) == ("published", late)
        assert (await listed(late=True), await listed(late=False)) == (
            ([handed], []) if late else ([], [handed])
        )


@pytest.mark.long
async def test_the_explanation_names_the_owner_the_deadline_and_that_it_is_late(
    client: httpx.AsyncClient, db: Database, handed: str
) -> None:
    address = f"/v1/deliveries/{handed}/explain"
    told = answer(await client.get(address, headers={"Accept-Language": "zh-CN"}))
    assert told["sentence"].startswith("等待owner人工发布,截止 ")
    assert (told["who"], told["next"]["step"]) == ("person", "remind")
    await set_row(db, handed, deadline=datetime.now(UTC) - timedelta(minutes=1), next_at=None)
    told = answer(await client.get(address, headers={"Accept-Language": "en"}))
    assert told["sentence"].startswith("It is late: owner was to publish it by hand by ")
    assert told["next"] is None


async def test_who_answers_people_sees_the_answer_through_and_publishes_nothing(
    app: FastAPI, client: httpx.AsyncClient, db: Database, team: Team, box: Box, handed: str
) -> None:
    async with db.transaction() as tx:
        member = await make_member(tx, team.workspace_id, Role.AGENT)
        key = await make_key(tx, member)
    channel = await make_channel(db, team, box, "xiaohongshu")
    said = {"author_name": "王", "text": "几点开门?", "occurred_at": "2026-11-20T10:00:00+08:00"}
    await client.post("/v1/interactions/import", json={"channel_id": str(channel), "rows": [said]})
    async with client_for(app, key) as agent:
        for verb, body in (
            ("proof", {"url": NOTE, "published_at": "2026-11-20T00:00:00Z"}),
            ("cancel", None),
        ):
            refused = await agent.post(f"/v1/deliveries/{handed}/{verb}", json=body)
            assert (refused.status_code, refused.json()["code"]) == (403, "permission_missing")
        [heard] = answer(await agent.get("/v1/interactions"))["data"]
        made = answer(await agent.post(f"/v1/interactions/{heard['id']}/replies", json={"text": "九点"}), 201)
        await set_row(db, made["id"], state="handoff", error=ERROR, owner_id=team.owner_id)
        path = f"/v1/deliveries/{made['id']}"
        mine = answer(await agent.post(f"{path}/assign", json={"owner_id": str(member.id)}))
        assert mine["handoff"]["owner_id"] == str(member.id)
        at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
        proof = {"url": "https://www.xiaohongshu.com/explore/65a1b2c3d4e5f60718293a4b", "published_at": at}
        headers = {"Idempotency-Key": "proof-1", "If-Match": f'"{mine["revision"]}"'}
        closed = await agent.post(f"{path}/proof", json=proof, headers=headers)
        assert (closed.status_code, closed.json()["state"]) == (200, "published"), closed.text
        again = await agent.post(f"{path}/proof", json=proof, headers=headers)
    assert (again.status_code, again.json()) == (200, closed.json()), "a repeat carries the revision it saw"
    assert again.headers["etag"] == closed.headers["etag"]
