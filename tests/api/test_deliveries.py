"""Deliveries: read, cancelled, moved, settled by people, and never lied about."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from drumtower import http
from drumtower.connections import Connections
from drumtower.crypto import Box
from drumtower.db.engine import Database, Tx
from drumtower.db.models import Delivery, OutboxEvent
from drumtower.db.repositories.deliveries import move, published
from drumtower.domain.deliveries import Event, State
from drumtower.limits import Limits
from drumtower.platforms import registry
from services.scheduler.claim import Flight, claim_due
from services.scheduler.gate import Gate
from services.scheduler.leases import LeaseLost, hold
from tests.api.desk import (
    BODY,
    Json,
    answer,
    approve,
    edit,
    planned,
    problems,
    read,
    row,
    schedule,
    set_post,
    set_row,
    soon,
    write,
)
from tests.factories import Team, make_channel

URL = "https://weibo.com/1/abc"
HELD = {"code": "approval_outdated", "detail": "x", "hint": ""}


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> UUID:
    return await make_channel(db, team, box)


@pytest.fixture
async def connections(db: Database, box: Box) -> AsyncIterator[Connections]:
    async with http.client() as web:
        yield Connections(db=db, http=web, box=box, registry=registry.load())


async def claim_all(tx: Tx, connections: Connections) -> Sequence[Flight]:
    """Claim whatever is due, and start nothing."""
    gate = Gate(limits=Limits(registry=connections.registry), rest=timedelta())
    claim = await claim_due(tx, connections, gate, lease=timedelta(seconds=60), room=lambda _: 10, apart=True)
    return claim.flights


@pytest.fixture
async def delivery(client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID) -> Json:
    """A planned one."""
    _, [made] = await planned(client, reviewer, team, [channel])
    return made


async def act(client: httpx.AsyncClient, delivery: Json, verb: str, **body: Any) -> httpx.Response:
    return await client.post(f"/v1/deliveries/{delivery['id']}/{verb}", json=body)


async def look(client: httpx.AsyncClient, delivery: Json) -> Json:
    return answer(await client.get(f"/v1/deliveries/{delivery['id']}"))


async def bring(db: Database, delivery: Json, state: str, **columns: Any) -> None:
    """Bring it to a state as the engine would; what is not live has no next step."""
    if State(state) not in (
        State.PLANNED,
        State.RETRYING,
        State.CLAIMED,
        State.SENDING,
        State.ACCEPTED,
        State.UNKNOWN,
    ):
        columns.setdefault("next_at", None)
    if state == "published":
        columns.setdefault("external_id", "1")
    await set_row(db, delivery["id"], state=state, **columns)


class TestReading:
    @pytest.mark.long
    async def test_filters(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
        delivery: Json,
    ) -> None:
        other = await make_channel(db, team, box, "bluesky")
        post, [late] = await planned(client, reviewer, team, [other], at=soon(48))
        await bring(db, late, "failed")

        async def found(**asked: Any) -> list[str]:
            return [one["id"] for one in answer(await client.get("/v1/deliveries", params=asked))["data"]]

        assert await found() == [late["id"], delivery["id"]]
        assert await found(state="planned") == [delivery["id"]]
        assert await found(state=["planned", "failed"]) == [late["id"], delivery["id"]]
        assert await found(channel_id=str(other)) == [late["id"]]
        assert await found(post_id=post["id"]) == [late["id"]]
        assert await found(action="reply") == []
        assert await found(due_from=soon(24)) == [late["id"]]
        assert await found(due_to=soon(24), action="publish") == [delivery["id"]]
        for wrong in ({"state": "lost"}, {"due_from": "2026-12-01T09:30"}, {"sort": "due_at"}):
            assert (await client.get("/v1/deliveries", params=wrong)).status_code == 422

    async def test_an_etag_guards_every_act(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        address = f"/v1/deliveries/{delivery['id']}"
        assert (await client.get(address)).headers["etag"] == '"1"'
        stale = await client.post(f"{address}/cancel", headers={"If-Match": '"9"'})
        assert stale.status_code == 412
        done = await client.post(f"{address}/cancel", headers={"If-Match": '"1"', "Idempotency-Key": "x"})
        assert (done.json()["state"], done.headers["etag"]) == ("cancelled", '"2"')
        again = await client.post(f"{address}/cancel", headers={"If-Match": '"1"', "Idempotency-Key": "x"})
        assert again.json() == done.json()
        assert again.headers["idempotent-replayed"] == "true"

    async def test_strangers_and_the_unpermitted(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        stranger: httpx.AsyncClient,
        delivery: Json,
    ) -> None:
        bodies: dict[str, Json] = {
            "cancel": {},
            "reschedule": {"now": True},
            "retry": {},
            "reconcile": {},
            "proof": {"url": URL, "published_at": "2026-01-01T00:00:00Z"},
            "assign": {"deadline": soon()},
        }
        for verb, body in bodies.items():
            assert (await act(stranger, delivery, verb, **body)).status_code == 404, verb
            assert (await act(reviewer, delivery, verb, **body)).status_code == 403, verb
        for path in ("", "/attempts"):
            assert (await stranger.get(f"/v1/deliveries/{delivery['id']}{path}")).status_code == 404
        assert (await look(client, delivery))["state"] == "planned"

    async def test_a_hand_off_comes_with_all_that_a_person_needs(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        error = {"code": "handoff", "detail": "This account can't publish by API.", "hint": ""}
        await bring(db, delivery, "handoff", error=error)
        handoff = (await look(client, delivery))["handoff"]
        assert handoff["reason"] == error["detail"]
        pack = answer(await client.get(handoff["pack"]))
        assert pack["fields"][0]["text"] == f"{BODY}\nhttps://tea.example.com/autumn"


ALLOWED = {
    "planned": ["cancel", "reschedule"],
    "claimed": ["cancel"],
    "sending": [],
    "accepted": ["reconcile"],
    "published": [],
    "retrying": ["cancel", "reschedule"],
    "unknown": ["reconcile"],
    "handoff": ["cancel", "proof", "assign"],
    "held": ["cancel", "reschedule"],
    "missed": ["cancel", "reschedule"],
    "failed": ["cancel", "retry"],
    "cancelled": [],
}


class TestEveryState:
    @pytest.mark.long
    @pytest.mark.parametrize("state", list(State))
    async def test_what_is_allowed_works_and_nothing_else_does(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        channel: UUID,
        state: State,
    ) -> None:
        asked: dict[str, Json] = {
            "cancel": {},
            "reschedule": {"at": soon(2)},
            "retry": {},
            "reconcile": {},
            "proof": {"url": URL, "published_at": "2026-01-01T00:00:00Z"},
            "assign": {"deadline": soon()},
        }
        for verb, body in asked.items():
            _, [delivery] = await planned(client, reviewer, team, [channel])
            await bring(db, delivery, state.value)
            before = await look(client, delivery)
            assert before["allowed"] == ALLOWED[state.value]
            done = await act(client, delivery, verb, **body)
            if verb in ALLOWED[state.value]:
                assert done.status_code == 200, (verb, done.text)
            else:
                refused = answer(done, 409)
                assert refused["code"] == "delivery_state", verb
                assert refused["detail"]
                assert await look(client, delivery) == before


class TestCancel:
    @pytest.mark.long
    async def test_cancelling_frees_the_post(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        done = answer(await act(client, delivery, "cancel"))
        assert (done["state"], done["allowed"], done["revision"]) == ("cancelled", [], 2)
        assert (await read(client, {"id": delivery["post_id"]}))["status"] == "approved"
        kept = await row(db, delivery["id"])
        assert (kept.next_at, kept.fence) == (None, 1)
        assert answer(await act(client, delivery, "cancel"), 409)["code"] == "delivery_state"

    @pytest.mark.long
    async def test_the_outbox_hears_of_it(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        await act(client, delivery, "cancel")
        async with db.transaction() as tx:
            told = await tx.scalars(
                select(OutboxEvent.name)
                .where(OutboxEvent.subject_id == UUID(delivery["id"]))
                .order_by(OutboxEvent.id)
            )
            assert list(told) == ["delivery.planned", "delivery.cancelled"]

    @pytest.mark.long
    async def test_cancelling_and_claiming_at_once_never_lie(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        connections: Connections,
        channel: UUID,
    ) -> None:
        """Whoever hears "cancelled" is right: nothing leaves after it."""

        async def engine() -> bool:
            async with db.transaction() as tx:
                claimed = await claim_all(tx, connections)
            for one in claimed:
                await asyncio.sleep(0.01)
                try:
                    async with db.transaction() as tx:
                        held = await hold(tx, one.delivery.id, one.delivery.fence, State.CLAIMED)
                        await move(tx, held, Event.START, datetime.now(UTC))
                except LeaseLost:
                    return False
                return True
            return False

        for number in range(10):
            _, [delivery] = await planned(client, reviewer, team, [channel], now=True)
            if number % 2:
                done, started = await asyncio.gather(act(client, delivery, "cancel"), engine())
            else:
                started, done = await asyncio.gather(engine(), act(client, delivery, "cancel"))
            assert (done.status_code == 200) is not started, (number, done.text, started)
            state = (await look(client, delivery))["state"]
            assert state == ("sending" if started else "cancelled")
            await set_row(db, delivery["id"], state="cancelled", next_at=None)


class TestReschedule:
    @pytest.mark.long
    async def test_another_time(self, client: httpx.AsyncClient, db: Database, delivery: Json) -> None:
        await set_row(db, delivery["id"], not_before=datetime.now(UTC), lease_until=datetime.now(UTC))
        day = (datetime.now(UTC) + timedelta(days=3)).date()
        when = {"local": f"{day}T20:00", "timezone": "Asia/Shanghai"}
        moved = answer(await act(client, delivery, "reschedule", **when))
        assert (moved["due_at"], moved["local"]) == (f"{day}T12:00:00Z", when["local"])
        kept = await row(db, delivery["id"])
        assert (kept.next_at, kept.not_before, kept.lease_until) == (kept.due_at, None, None)
        moved = answer(await act(client, delivery, "reschedule", now=True))
        assert (moved["local"], moved["timezone"]) == (None, None)

    @pytest.mark.long
    async def test_bad_times_and_all_else_at_once(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        refused = await act(client, delivery, "reschedule", at="2020-01-01T00:00:00Z")
        assert problems(refused) == {"/at": "time_in_past"}
        await set_post(db, {"id": delivery["post_id"]}, approval_expires_at=datetime.now(UTC))
        refused = await act(client, delivery, "reschedule", at="2026-12-01T09:30", now=True)
        assert problems(refused) == {"/now": "time_choice", "/review": "approval_expired"}
        assert (await look(client, delivery))["revision"] == 1

    async def test_what_was_missed_gets_another_chance(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        await bring(db, delivery, "missed", error={"code": "missed", "detail": "x", "hint": ""})
        moved = answer(await act(client, delivery, "reschedule", at=soon()))
        assert (moved["state"], moved["error"]) == ("planned", None)
        assert (await read(client, {"id": delivery["post_id"]}))["status"] == "scheduled"

    async def test_what_is_held_stays_held(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        await bring(db, delivery, "held", error=HELD)
        at = soon(5)
        moved = answer(await act(client, delivery, "reschedule", at=at))
        assert (moved["state"], moved["error"]["code"]) == ("held", "approval_outdated")
        assert datetime.fromisoformat(moved["due_at"]) == datetime.fromisoformat(at)
        assert (await row(db, delivery["id"])).next_at is None


class TestRetry:
    @pytest.mark.long
    async def test_a_failed_one_goes_again_at_once(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        why: Json = {"pointer": "/body", "code": "banned_word", "detail": "x", "hint": ""}
        error = {"code": "preflight_failed", "detail": "x", "platform_code": "20019", "violations": [why]}
        later = datetime.now(UTC) + timedelta(hours=3)
        await bring(db, delivery, "failed", error=error, not_before=later, attempts=8)
        shown = (await look(client, delivery))["error"]
        assert shown == error | {
            "hint": "",
            "freeze_id": None,
            "violations": [why | {"severity": "block", "evidence": None, "fix": None}],
        }
        again = answer(await act(client, delivery, "retry"))
        assert (again["state"], again["error"], again["not_before"]) == ("retrying", None, None)
        kept = await row(db, delivery["id"])
        assert kept.next_at is not None
        assert kept.next_at <= datetime.now(UTC)

    @pytest.mark.long
    async def test_what_would_be_missed_at_once_is_not_promised(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        long_ago = datetime.now(UTC) - timedelta(hours=2)
        await bring(db, delivery, "failed", due_at=long_ago, late_by_seconds=3600)
        refused = answer(await client.post(f"/v1/deliveries/{delivery['id']}/retry"), 409)
        assert refused["code"] == "too_late"
        await bring(db, delivery, "unknown", due_at=long_ago, next_at=long_ago, late_by_seconds=3600)
        again = {"verdict": "send_again", "not_there": True}
        told = await client.post(f"/v1/deliveries/{delivery['id']}/reconcile", json=again)
        assert answer(told, 409)["code"] == "too_late"
        await bring(db, delivery, "failed", due_at=long_ago, late_by_seconds=3 * 3600)
        answer(await client.post(f"/v1/deliveries/{delivery['id']}/retry"))

    @pytest.mark.long
    async def test_it_goes_with_what_is_approved_now(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        post = {"id": delivery["post_id"]}
        await bring(db, delivery, "failed")
        answer(await edit(client, post, body="修好了"))
        assert problems(await act(client, delivery, "retry")) == {"/review": "approval_outdated"}
        approved = await approve(client, reviewer, post)
        again = answer(await act(client, delivery, "retry"))
        assert again["content_hash"] == approved["content_hash"]
        assert (await row(db, delivery["id"])).payload["body"] == "修好了"

    async def test_the_unknown_is_never_sent_again_blindly(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        await bring(db, delivery, "unknown")
        refused = answer(await act(client, delivery, "retry"), 409)
        assert "twice" in refused["detail"]


class TestReconcile:
    async def test_live(self, client: httpx.AsyncClient, db: Database, delivery: Json) -> None:
        sent = datetime.now(UTC) - timedelta(minutes=5)
        await bring(db, delivery, "unknown", needs_check=True, sent_at=sent, fence=7)
        assert (await look(client, delivery))["needs_check"] is True
        done = answer(await act(client, delivery, "reconcile", verdict="live", url=URL))
        assert (done["state"], done["external_url"], done["needs_check"]) == ("published", URL, False)
        assert datetime.fromisoformat(done["published_at"]) == sent
        assert done["lateness_ms"] == 0
        [tried] = answer(await client.get(f"/v1/deliveries/{delivery['id']}/attempts"))["data"]
        assert (tried["step"], tried["outcome"], tried["detail"]) == ("reconcile", "published", URL)
        assert (await row(db, delivery["id"])).fence == 8
        assert (await read(client, {"id": delivery["post_id"]}))["status"] == "published"

    @pytest.mark.long
    async def test_absent(self, client: httpx.AsyncClient, db: Database, delivery: Json) -> None:
        await bring(db, delivery, "unknown", needs_check=True)
        done = answer(await act(client, delivery, "reconcile", verdict="absent"))
        assert (done["state"], done["needs_check"]) == ("failed", False)

    async def test_looking_now(self, client: httpx.AsyncClient, db: Database, delivery: Json) -> None:
        far = datetime.now(UTC) + timedelta(hours=6)
        await bring(db, delivery, "unknown", next_at=far)
        assert answer(await act(client, delivery, "reconcile"))["state"] == "unknown"
        kept = await row(db, delivery["id"])
        assert kept.next_at is not None
        assert kept.next_at <= datetime.now(UTC)

    @pytest.mark.long
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"verdict": "live"}, {"/url": "proof_required"}),
            ({"verdict": "absent", "url": URL}, {"/url": "proof_unexpected"}),
            ({"external_id": "1"}, {"/external_id": "proof_unexpected"}),
            (
                {"verdict": "live", "published_at": "2099-01-01T00:00:00Z"},
                {"/published_at": "time_in_future", "/url": "proof_required"},
            ),
            ({"verdict": "live", "url": "javascript:alert(1)"}, {"/url": "invalid_string"}),
            ({"verdict": "perhaps"}, {"/verdict": "invalid_choice"}),
        ],
    )
    async def test_what_proves_nothing(
        self,
        client: httpx.AsyncClient,
        db: Database,
        delivery: Json,
        body: Json,
        expected: dict[str, str],
    ) -> None:
        await bring(db, delivery, "unknown")
        assert problems(await act(client, delivery, "reconcile", **body)) == expected
        assert (await look(client, delivery))["state"] == "unknown"

    @pytest.mark.long
    async def test_a_verdict_needs_a_doubt(
        self, client: httpx.AsyncClient, db: Database, delivery: Json
    ) -> None:
        for state in ("sending", "accepted", "handoff", "failed"):
            await bring(db, delivery, state, next_at=datetime.now(UTC))
            refused = await act(client, delivery, "reconcile", verdict="live", url=URL)
            assert answer(refused, 409)["code"] == "delivery_state"


@pytest.mark.long
async def test_a_proof_closes_a_hand_off(client: httpx.AsyncClient, db: Database, delivery: Json) -> None:
    await bring(db, delivery, "handoff", due_at=datetime.now(UTC) - timedelta(minutes=10))
    future = await act(client, delivery, "proof", url=URL, published_at="2099-01-01T00:00:00Z")
    assert problems(future) == {"/published_at": "time_in_future"}
    at = (datetime.now(UTC) - timedelta(minutes=9)).replace(microsecond=0)
    done = answer(await act(client, delivery, "proof", url=URL, published_at=at.isoformat()))
    assert (done["state"], done["external_url"], done["handoff"]) == ("published", URL, None)
    assert 50_000 < done["lateness_ms"] < 61_000
    assert (await read(client, {"id": delivery["post_id"]}))["status"] == "published"


class TestTogether:
    """Deliveries of one post end at once, while people act on it."""

    async def settle(self, db: Database, delivery_id: str) -> None:
        """Publish as the engine does: the delivery first, then what follows for its post."""
        now = datetime.now(UTC)
        async with db.transaction() as tx:
            held = await tx.get_one(Delivery, UUID(delivery_id), with_for_update=True)
            await asyncio.sleep(0.02)
            changes = published(held, external_id=uuid4().hex, url=None, at=now, context={})
            await move(tx, held, Event.PUBLISH, now, **changes)
            await asyncio.sleep(0.02)

    @pytest.mark.long
    async def test_the_last_one_to_end_sees_the_others(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
    ) -> None:
        channels = [await make_channel(db, team, box) for _ in range(3)]
        for _ in range(4):
            post, rows = await planned(client, reviewer, team, channels)
            for one in rows:
                await bring(db, one, "sending")
            await asyncio.gather(*(self.settle(db, one["id"]) for one in rows))
            assert (await read(client, post))["status"] == "published"

    async def test_editing_while_the_engine_settles_is_no_deadlock(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        channel: UUID,
    ) -> None:
        """The engine locks the delivery, then the post; an edit goes the other way, so it must not wait."""
        post, [one] = await planned(client, reviewer, team, [channel])
        await bring(db, one, "sending")
        now = datetime.now(UTC)
        async with db.transaction() as tx:
            held = await tx.get_one(Delivery, UUID(one["id"]), with_for_update=True)
            editing = asyncio.create_task(edit(client, post, body="同时修改"))
            await asyncio.wait({editing}, timeout=2)
            changes = published(held, external_id="1", url=None, at=now, context={})
            await move(tx, held, Event.PUBLISH, now, **changes)
        assert answer(await editing, 409)["code"] == "delivery_busy"
        after = await read(client, post)
        assert (after["status"], after["version"]) == ("published", 1)

    @pytest.mark.long
    async def test_an_edit_and_a_claim_at_once(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        connections: Connections,
        channel: UUID,
    ) -> None:
        """Either the edit reaches the delivery, or it is refused: the old words never leave after a 200."""

        async def claim() -> int:
            async with db.transaction() as tx:
                claimed = await claim_all(tx, connections)
                await asyncio.sleep(0.01)
            return len(claimed)

        for number in range(8):
            post, [one] = await planned(client, reviewer, team, [channel], now=True)
            revision = post["revision"]
            change = client.patch(
                f"/v1/posts/{post['id']}", json={"body": "赶在最后"}, headers={"If-Match": f'"{revision}"'}
            )
            if number % 2:
                edited, claimed = await asyncio.gather(change, claim())
            else:
                claimed, edited = await asyncio.gather(claim(), change)
            state = (await look(client, one))["state"]
            if edited.status_code == 200:
                assert (state, claimed) == ("held", 0)
            else:
                assert edited.status_code == 409, edited.text
                assert (state, claimed) == ("claimed", 1)
            await set_row(db, one["id"], state="cancelled", next_at=None)

    @pytest.mark.long
    async def test_a_retry_and_a_new_schedule_at_once_publish_once(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        channel: UUID,
    ) -> None:
        for _ in range(5):
            post = await approve(client, reviewer, await write(client, team))
            [one] = answer(await schedule(client, post, [channel]), 201)["data"]
            await bring(db, one, "failed")
            await asyncio.gather(act(client, one, "retry"), schedule(client, post, [channel]))
            states = [d["state"] for d in (await read(client, post))["deliveries"]]
            assert len([state for state in states if state in ("planned", "retrying")]) == 1
