"""Reviews: four points, a second person, the content that was read, and what an edit does to all that."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Member
from drumtower.domain.permissions import Role
from tests.api.desk import (
    PASSED,
    answer,
    approve,
    edit,
    judge,
    member,
    planned,
    problems,
    read,
    row,
    schedule,
    set_post,
    set_row,
    submit,
    write,
)
from tests.conftest import client_for
from tests.factories import Team, make_channel, make_key

SHANGHAI = ZoneInfo("Asia/Shanghai")


def today() -> datetime:
    return datetime.now(UTC).astimezone(SHANGHAI)


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> UUID:
    return await make_channel(db, team, box)


class TestVerdicts:
    async def test_four_passes_approve(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team
    ) -> None:
        post = await write(client, team)
        assert (await submit(client, post))["status"] == "in_review"
        first = {"accuracy": {"verdict": "pass", "note": "数据已核对"}, "compliance": {"verdict": "pass"}}
        half = answer(await judge(reviewer, post, first), 201)
        assert half["review"]["state"] == half["status"] == "in_review"
        point = half["review"]["criteria"]["accuracy"]
        assert (point["verdict"], point["note"]) == ("pass", "数据已核对")
        assert point["reviewer_id"] == str(team.reviewer_id)
        assert half["review"]["criteria"]["aesthetics"]["verdict"] is None
        rest = {"readability": {"verdict": "pass"}, "aesthetics": {"verdict": "pass"}}
        whole = answer(await judge(reviewer, post, rest), 201)
        assert whole["status"] == whole["review"]["state"] == "approved"
        assert whole["review"]["approved_hash"] == post["content_hash"]
        ends = datetime.fromisoformat(whole["review"]["expires_at"])
        assert timedelta(days=29) < ends - datetime.now(UTC) < timedelta(days=31)
        listed = answer(await client.get(f"/v1/posts/{post['id']}/reviews"))["data"]
        assert {one["criterion"] for one in listed} == set(PASSED)
        assert {one["version"] for one in listed} == {1}

    @pytest.mark.long
    async def test_an_approval_ends_with_the_planned_day(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team
    ) -> None:
        due_on = today().date() + timedelta(days=2)
        post = await approve(client, reviewer, await write(client, team, due_on=due_on.isoformat()))
        midnight = datetime.combine(due_on + timedelta(days=1), datetime.min.time(), SHANGHAI)
        assert datetime.fromisoformat(post["review"]["expires_at"]) == midnight
        later = due_on + timedelta(days=3)
        moved = answer(await edit(client, post, due_on=later.isoformat()))
        assert moved["review"]["state"] == "approved"
        assert datetime.fromisoformat(moved["review"]["expires_at"]) == midnight + timedelta(days=3)

    async def test_a_failure_sends_it_back(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team
    ) -> None:
        post = await write(client, team)
        await submit(client, post)
        silent = PASSED | {"compliance": {"verdict": "fail", "note": "\u200b"}}
        assert problems(await judge(reviewer, post, silent)) == {"/criteria/compliance/note": "note_required"}
        failed = PASSED | {"compliance": {"verdict": "fail", "note": "“最好”是绝对化用语"}}
        back = answer(await judge(reviewer, post, failed), 201)
        assert back["status"] == back["review"]["state"] == "changes_requested"
        again = await client.post(f"/v1/posts/{post['id']}/submit")
        assert answer(again, 409)["code"] == "unchanged_since_review"
        changed = answer(await edit(client, post, body="换一种说法"))
        assert changed["status"] == "draft"
        assert changed["review"]["criteria"]["accuracy"]["verdict"] is None
        assert (await approve(client, reviewer, changed))["version"] == 2

    async def test_a_reviewer_may_think_again(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team
    ) -> None:
        post = await write(client, team)
        await submit(client, post)
        answer(await judge(reviewer, post, {"accuracy": {"verdict": "fail", "note": "?"}}), 201)
        once = answer(await judge(reviewer, post, {"accuracy": {"verdict": "pass"}}), 201)
        assert once["status"] == "in_review"
        assert answer(await judge(reviewer, post), 201)["status"] == "approved"

    @pytest.mark.long
    @pytest.mark.parametrize(
        ("criteria", "pointer"),
        [
            ({}, "/criteria"),
            ({"beauty": {"verdict": "pass"}}, "/criteria/beauty"),
            ({"accuracy": {"verdict": "maybe"}}, "/criteria/accuracy/verdict"),
            ({"accuracy": "pass"}, "/criteria/accuracy"),
        ],
    )
    async def test_malformed_verdicts(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        criteria: Any,
        pointer: str,
    ) -> None:
        post = await write(client, team)
        await submit(client, post)
        body = {"criteria": criteria, "version": 1}
        refused = await reviewer.post(f"/v1/posts/{post['id']}/reviews", json=body)
        assert set(problems(refused)) == {pointer}

    async def test_states_and_versions_are_checked(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team
    ) -> None:
        post = await write(client, team)
        assert answer(await judge(reviewer, post), 409)["code"] == "not_submitted"
        await submit(client, post)
        twice = await client.post(f"/v1/posts/{post['id']}/submit")
        assert answer(twice, 409)["code"] == "already_in_review"
        assert answer(await judge(reviewer, post, version=2), 409)["code"] == "review_outdated"
        answer(await judge(reviewer, post), 201)
        thrice = await client.post(f"/v1/posts/{post['id']}/submit")
        assert answer(thrice, 409)["code"] == "already_approved"


class TestWhoMayJudge:
    async def test_the_author_may_not(self, client: httpx.AsyncClient, team: Team) -> None:
        post = await write(client, team)
        await submit(client, post)
        assert answer(await judge(client, post), 403)["code"] == "own_work"

    async def test_nor_the_author_of_this_version(
        self,
        app: FastAPI,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
    ) -> None:
        post = await write(client, team)
        async with member(app, db, team, Role.ADMIN) as admin:
            changed = answer(await edit(admin, post, body="我改的"))
            await submit(client, post)
            assert answer(await judge(admin, changed), 403)["code"] == "own_work"
            assert answer(await judge(client, changed), 403)["code"] == "own_work"
            assert answer(await judge(reviewer, changed), 201)["status"] == "approved"

    async def test_another_key_of_the_author_is_the_author(
        self, app: FastAPI, client: httpx.AsyncClient, team: Team, db: Database
    ) -> None:
        post = await write(client, team)
        await submit(client, post)
        async with db.transaction() as tx:
            owner = await tx.get_one(Member, team.owner_id)
            key = await make_key(tx, owner)
        async with client_for(app, key) as other:
            assert answer(await judge(other, post), 403)["code"] == "own_work"

    async def test_an_agency_may_not(
        self, app: FastAPI, client: httpx.AsyncClient, team: Team, db: Database
    ) -> None:
        post = await write(client, team)
        await submit(client, post)
        async with member(app, db, team, Role.REVIEWER, external=True) as agency:
            assert answer(await judge(agency, post), 403)["code"] == "permission_missing"


class TestSubmitting:
    async def test_what_would_be_refused_anyway_is_not_submitted(
        self,
        client: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
        channel: UUID,
    ) -> None:
        wechat = await make_channel(db, team, box, "wechat")
        variants = [
            {"channel_id": str(channel), "body": "长" * 141},
            {"channel_id": str(wechat), "title": ""},
        ]
        post = await write(client, team, variants=variants, links=[], kind="image_text")
        refused = await client.post(f"/v1/posts/{post['id']}/submit")
        assert problems(refused) == {
            "/variants/0/body": "body_too_long",
            "/links": "link_domain_required",
            "/variants/1/title": "title_required",
            "/asset_ids": "image_required",
        }
        assert (await read(client, post))["status"] == "draft"

    async def test_a_passed_day_is_moved_first(
        self, client: httpx.AsyncClient, team: Team, db: Database
    ) -> None:
        post = await write(client, team)
        await set_post(db, post, due_on=today().date() - timedelta(days=1))
        assert problems(await client.post(f"/v1/posts/{post['id']}/submit")) == {"/due_on": "date_in_past"}


class TestEditAfterApproval:
    @pytest.mark.long
    async def test_what_waits_is_held_and_goes_with_the_new_content(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        channel: UUID,
    ) -> None:
        post, [delivery] = await planned(client, reviewer, team, [channel])
        await set_row(db, delivery["id"], prepared=True, checkpoint={"media": "old"}, fence=3)
        changed = answer(await edit(client, post, body="新的正文"))
        assert changed["status"] == changed["review"]["state"] == "draft"
        [held] = changed["deliveries"]
        assert (held["state"], held["error"]["code"]) == ("held", "approval_outdated")
        assert (await row(db, delivery["id"])).fence == 4
        refused = await schedule(client, post, [channel])
        assert set(problems(refused).values()) == {"approval_outdated", "already_scheduled"}
        approved = await approve(client, reviewer, changed)
        [freed] = approved["deliveries"]
        assert (freed["state"], freed["error"], freed["due_at"]) == ("planned", None, delivery["due_at"])
        assert (freed["post_version"], freed["content_hash"]) == (2, approved["content_hash"])
        assert approved["status"] == "scheduled"
        kept = await row(db, delivery["id"])
        assert kept.payload["body"] == "新的正文"
        assert (kept.prepared, kept.checkpoint, kept.next_at) == (False, {}, kept.due_at)
        assert kept.fence == 5

    async def test_an_edit_back_needs_a_new_approval(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID
    ) -> None:
        post = await approve(client, reviewer, await write(client, team))
        await edit(client, post, body="别的")
        back = answer(await edit(client, post, body=post["body"]))
        assert (back["content_hash"], back["version"]) == (post["content_hash"], 3)
        assert back["review"]["state"] == "draft"
        assert problems(await schedule(client, post, [channel])) == {"/review": "not_approved"}

    @pytest.mark.long
    @pytest.mark.parametrize("state", ["claimed", "sending", "accepted", "unknown", "handoff"])
    async def test_what_is_beyond_reach_forbids_the_edit(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        channel: UUID,
        state: str,
    ) -> None:
        post, [delivery] = await planned(client, reviewer, team, [channel])
        await set_row(db, delivery["id"], state=state)
        refused = answer(await edit(client, post, body="太晚了"), 409)
        assert refused["code"] == "delivery_in_flight"
        assert state in refused["detail"]
        after = await read(client, post)
        assert (after["version"], after["review"]["state"]) == (1, "approved")
        # What is not content is not what leaves.
        assert answer(await edit(client, post, pillar="产品"))["pillar"] == "产品"

    @pytest.mark.long
    @pytest.mark.parametrize("state", ["failed", "missed", "cancelled", "published"])
    async def test_what_is_over_does_not_hinder(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        channel: UUID,
        state: str,
    ) -> None:
        post, [delivery] = await planned(client, reviewer, team, [channel])
        await set_row(db, delivery["id"], state=state, next_at=None, external_id="1")
        changed = answer(await edit(client, post, body="后来"))
        assert (changed["version"], changed["review"]["state"]) == (2, "draft")
        [same] = changed["deliveries"]
        assert (same["state"], same["post_version"]) == (state, 1)

    async def test_what_is_held_for_another_reason_stays_held_with_the_new_content(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        channel: UUID,
    ) -> None:
        post, [delivery] = await planned(client, reviewer, team, [channel])
        error = {"code": "channel_disconnected", "detail": "x", "hint": ""}
        await set_row(db, delivery["id"], state="held", next_at=None, error=error)
        await edit(client, post, body="新的正文")
        approved = await approve(client, reviewer, post)
        [held] = approved["deliveries"]
        assert (held["state"], held["error"]["code"]) == ("held", "channel_disconnected")
        assert held["content_hash"] == approved["content_hash"]

    @pytest.mark.long
    async def test_a_withdrawn_approval_holds_too(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        channel: UUID,
    ) -> None:
        post, _ = await planned(client, reviewer, team, [channel])
        failed = {"compliance": {"verdict": "fail", "note": "新规"}}
        withdrawn = answer(await judge(reviewer, post, failed), 201)
        assert withdrawn["status"] == "changes_requested"
        assert withdrawn["deliveries"][0]["error"]["code"] == "not_approved"
        restored = answer(await judge(reviewer, post, {"compliance": {"verdict": "pass"}}), 201)
        assert (restored["status"], restored["deliveries"][0]["state"]) == ("scheduled", "planned")


@pytest.mark.long
async def test_an_ended_approval_needs_all_four_points_again(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, db: Database, channel: UUID
) -> None:
    post = await approve(client, reviewer, await write(client, team))
    await set_post(db, post, approval_expires_at=datetime.now(UTC) - timedelta(milliseconds=1))
    assert problems(await schedule(client, post, [channel])) == {"/review": "approval_expired"}
    assert (await submit(client, post))["status"] == "in_review"
    one = answer(await judge(reviewer, post, {"accuracy": {"verdict": "pass"}}), 201)
    assert one["status"] == "in_review"
    assert answer(await judge(reviewer, post), 201)["status"] == "approved"
    answer(await schedule(client, post, [channel]), 201)
