"""Reviews under way at once, and within one moment: what may leave is what enough people have passed, to the letter."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import AuditEvent, Delivery, Post, PostVersion, Review
from drumtower.db.repositories.deliveries import payload_of
from drumtower.db.repositories.reviews import judgement_of
from drumtower.domain.content import digest, for_channel, from_json
from drumtower.domain.deliveries import WAITING
from drumtower.domain.permissions import Role
from drumtower.domain.reviews import Criterion, ReviewState, Verdict, latest
from tests.api.desk import (
    PASSED,
    Json,
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
    stop,
    submit,
    write,
)
from tests.factories import Team, make_channel

pytestmark = pytest.mark.long

HALVES = [
    {"accuracy": {"verdict": "pass"}, "compliance": {"verdict": "pass"}},
    {"readability": {"verdict": "pass"}, "aesthetics": {"verdict": "pass"}},
]
FAILED = {"compliance": {"verdict": "fail", "note": "新规"}}


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> UUID:
    return await make_channel(db, team, box)


@pytest.fixture
async def second(app: FastAPI, db: Database, team: Team) -> AsyncIterator[httpx.AsyncClient]:
    """Another reviewer."""
    async with member(app, db, team, Role.REVIEWER) as made:
        yield made


async def leaving(db: Database, post: Json, least: int = 1) -> list[Delivery]:
    """Return what waits to leave, having checked that `least` others than its author passed exactly that content."""
    post_id = UUID(post["id"])
    async with db.transaction() as tx:
        now = await tx.get_one(Post, post_id)
        rows = list(await tx.scalars(select(Delivery).where(Delivery.post_id == post_id)))
        said = await tx.scalars(select(Review).where(Review.post_id == post_id).order_by(Review.id))
        judgements = [judgement_of(one) for one in said]
        versions = list(await tx.scalars(select(PostVersion).where(PostVersion.post_id == post_id)))
    waiting = [one for one in rows if one.state in WAITING]
    for one in waiting:
        [version] = [version for version in versions if version.version == one.post_version]
        content = from_json(version.content)
        assert one.content_hash == now.approved_hash == now.content_hash == digest(content)
        assert one.payload == payload_of(for_channel(content, one.channel_id))
        assert now.review_state == ReviewState.APPROVED
        standing = latest(judgements, one.content_hash)
        assert set(standing) == set(Criterion)
        assert {judged.verdict for judged in standing.values()} == {Verdict.PASS}
        judges = {judged.reviewer_id for judged in standing.values()}
        assert len(judges) >= least
        assert version.created_by not in judges
    return waiting


Ask = Coroutine[None, None, httpx.Response]


async def at_once(number: int, one: Ask, other: Ask) -> tuple[int, int]:
    """Ask both at once, every other round in the other order; return how each was answered."""
    if number % 2:
        late, early = await asyncio.gather(other, one)
        return early.status_code, late.status_code
    early, late = await asyncio.gather(one, other)
    return early.status_code, late.status_code


def change(client: httpx.AsyncClient, post: Json, body: str) -> Ask:
    """Edit the post as it was read, whatever has become of it since."""
    asked = {"If-Match": f'"{post["revision"]}"'}
    return client.patch(f"/v1/posts/{post['id']}", json={"body": body}, headers=asked)


class TestAtOnce:
    async def test_two_reviewers(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        second: httpx.AsyncClient,
        team: Team,
    ) -> None:
        for _ in range(5):
            post = await write(client, team)
            await submit(client, post)
            both = await asyncio.gather(judge(reviewer, post, HALVES[0]), judge(second, post, HALVES[1]))
            assert [one.status_code for one in both] == [201, 201]
            after = await read(client, post)
            assert after["status"] == "approved"
            assert after["review"]["approved_hash"] == after["content_hash"]

    async def test_approving_and_editing(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        channel: UUID,
        db: Database,
    ) -> None:
        seen = set()
        for number in range(8):
            post = await write(client, team)
            submitted = await submit(client, post)
            codes = await at_once(number, judge(reviewer, post), change(client, submitted, f"第{number}版"))
            after = await read(client, post)
            seen.add(after["review"]["state"])
            refused = await schedule(client, post, [channel])
            if after["version"] == 1:
                assert (codes, after["review"]["state"]) == ((201, 412), "approved")
                answer(refused, 201)
            else:
                assert (codes, after["review"]["state"]) == ((409, 200), "draft")
                assert problems(refused) == {"/review": "not_approved"}
            assert len(await leaving(db, post)) == (after["version"] == 1)
        assert seen <= {"approved", "draft"}

    @pytest.mark.parametrize("by", ["edit", "withdrawal"])
    async def test_scheduling_while_the_approval_goes(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        second: httpx.AsyncClient,
        team: Team,
        channel: UUID,
        db: Database,
        by: str,
    ) -> None:
        four_eyes = {"policies": {"four_eyes": {"min_reviewers": 2}}}
        answer(await client.patch("/v1/workspace", json=four_eyes))
        for number in range(6):
            post = await write(client, team)
            await submit(client, post)
            answer(await judge(reviewer, post, HALVES[0]), 201)
            approved = answer(await judge(second, post, HALVES[1]), 201)
            assert approved["status"] == "approved"
            ends = change(client, approved, "新的") if by == "edit" else judge(reviewer, post, FAILED)
            planned_as, ended_as = await at_once(number, schedule(client, post, [channel]), ends)
            after = await read(client, post)
            states = [one["state"] for one in after["deliveries"]]
            assert await leaving(db, post, least=2) == [] or ended_as in (409, 412)
            if ended_as < 300:
                assert (planned_as, states) in [(201, ["held"]), (422, [])]
                assert after["review"]["state"] != "approved"
            else:
                assert (by, planned_as, ended_as, states) == ("edit", 201, 412, ["planned"])

    async def test_two_edits_and_an_approval_of_what_was_before(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        channel: UUID,
        db: Database,
    ) -> None:
        for number in range(6):
            post, _ = await planned(client, reviewer, team, [channel])
            edits = change(client, post, "甲"), change(client, post, "乙")
            *saved, passed = [
                one.status_code for one in await asyncio.gather(*edits, judge(reviewer, post, HALVES[0]))
            ]
            assert sorted(saved) in ([200, 412], [412, 412])
            after = await read(client, post)
            assert (after["version"], after["review"]["state"]) in [(1, "approved"), (2, "draft")]
            assert (passed, after["version"]) in [(201, 1), (409, 2)]
            assert len(await leaving(db, post)) == (after["version"] == 1), number
            if after["version"] == 2:
                await submit(client, post)
                assert answer(await judge(reviewer, post, version=1), 409)["code"] == "review_outdated"
                assert await leaving(db, post) == []
                answer(await judge(reviewer, after), 201)
                [one] = await leaving(db, post)
                assert (one.post_version, one.content_hash) == (2, after["content_hash"])

    async def test_submitting_twice(self, client: httpx.AsyncClient, team: Team, db: Database) -> None:
        for _ in range(5):
            post = await write(client, team)
            path = f"/v1/posts/{post['id']}/submit"
            both = await asyncio.gather(client.post(path), client.post(path))
            assert sorted(one.status_code for one in both) == [200, 409]
            assert {one.json().get("code") for one in both} == {None, "already_in_review"}
            async with db.transaction() as tx:
                told = select(AuditEvent.verb).where(AuditEvent.subject_id == UUID(post["id"]))
                assert sorted(await tx.scalars(told)) == ["post.created", "post.submitted"]


class TestWithinOneMoment:
    """The clock stands still: no time stamp says what came first."""

    async def test_an_edit_after_an_approval(
        self,
        app: FastAPI,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        channel: UUID,
        db: Database,
    ) -> None:
        stop(app, datetime.now(UTC))
        post, [delivery] = await planned(client, reviewer, team, [channel])
        changed = answer(await edit(client, post, body="别的"))
        assert changed["review"]["state"] == "draft"
        assert set(problems(await schedule(client, post, [channel])).values()) == {
            "approval_outdated",
            "already_scheduled",
        }
        back = answer(await edit(client, post, body=post["body"]))
        assert back["content_hash"] == post["content_hash"]
        assert (await row(db, delivery["id"])).state == "held"
        assert await leaving(db, post) == []
        await approve(client, reviewer, answer(await edit(client, post, body="又是别的")))
        [one] = await leaving(db, post)
        assert one.post_version == 4

    async def test_an_approval_after_an_edit(
        self,
        app: FastAPI,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        channel: UUID,
        db: Database,
    ) -> None:
        stop(app, datetime.now(UTC))
        post = await write(client, team)
        await submit(client, post)
        changed = answer(await edit(client, post, body="别的"))
        assert answer(await judge(reviewer, post), 409)["code"] == "not_submitted"
        await submit(client, post)
        assert answer(await judge(reviewer, post), 409)["code"] == "review_outdated"
        assert problems(await schedule(client, post, [channel])) == {"/review": "not_approved"}
        answer(await judge(reviewer, changed), 201)
        answer(await schedule(client, post, [channel]), 201)
        assert [one.post_version for one in await leaving(db, post)] == [2]

    @pytest.mark.parametrize("step", [0, -3_600])
    async def test_the_last_word_counts_though_the_clock_stands_or_goes_back(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        channel: UUID,
        db: Database,
        monkeypatch: pytest.MonkeyPatch,
        step: int,
    ) -> None:
        """As with two hosts of the API whose clocks differ: the ids of verdicts are made from them."""
        moment = time.time_ns()
        for _ in range(3):
            post = await approve(client, reviewer, await write(client, team))
            for number, verdict in enumerate((FAILED, PASSED, FAILED, PASSED, FAILED)):
                at = moment + step * number * 1_000_000_000
                monkeypatch.setattr("drumtower.domain.ids.time.time_ns", lambda at=at: at)
                said = answer(await judge(reviewer, post, verdict), 201)
                expected = "approved" if verdict is PASSED else "changes_requested"
                assert said["review"]["state"] == expected
            assert problems(await schedule(client, post, [channel])) == {"/review": "not_approved"}
            monkeypatch.undo()


class TestTheInstantOfItsEnd:
    async def test_it_holds_at_that_instant_and_not_after_it(
        self,
        app: FastAPI,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        channel: UUID,
        db: Database,
    ) -> None:
        ends = datetime.now(UTC)
        for number in range(4):
            clock = stop(app, ends - timedelta(days=1))
            post = await approve(client, reviewer, await write(client, team))
            await set_post(db, post, approval_expires_at=ends)
            clock.moment = ends + timedelta(microseconds=number // 2)
            again = client.post(f"/v1/posts/{post['id']}/submit")
            codes = await at_once(number, schedule(client, post, [channel], now=True), again)
            assert codes == ((201, 409) if number < 2 else (422, 200))
            assert len(await leaving(db, post)) == (number < 2)

    async def test_a_fault_found_after_it_holds_what_still_waits(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        channel: UUID,
        db: Database,
    ) -> None:
        """A delivery that is tried again was due before the approval ended, so it may leave until somebody objects."""
        post, [delivery] = await planned(client, reviewer, team, [channel])
        ended = datetime.now(UTC) - timedelta(seconds=1)
        due = {"due_at": ended - timedelta(minutes=1), "state": "retrying"}
        await set_row(db, delivery["id"], **due)
        await set_post(db, post, approval_expires_at=ended)
        await submit(client, post)
        failed = answer(await judge(reviewer, post, FAILED), 201)
        [held] = failed["deliveries"]
        assert (failed["review"]["approved_hash"], held["state"]) == (None, "held")
        assert held["error"]["code"] == "not_approved"
