"""A due delivery leaves once, and the truth about it is kept."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from drumtower.db.models import Channel, Delivery, Post
from drumtower.domain.content import Nature
from drumtower.domain.deliveries import State
from services.scheduler.claim import claim_due
from tests.scheduler.conftest import MakeStage
from tests.scheduler.stage import Stage


@pytest.mark.long
@pytest.mark.parametrize("platform", ["weibo", "bluesky"])
async def test_a_due_post_is_published(make_stage: MakeStage, platform: str) -> None:
    stage = await make_stage(platform)
    planned = await stage.schedule()
    await stage.dispatch()

    delivery = await stage.delivery(planned)
    assert delivery.state == State.PUBLISHED, delivery.error
    assert delivery.attempts == 1
    assert delivery.next_at is None
    assert delivery.lateness_ms is not None
    posts = await stage.remote_posts()
    assert [post["id"] for post in posts] == [delivery.external_id]
    attempt = (await stage.attempts(delivery))[0]
    assert (attempt.outcome, attempt.step) == ("published", "send")
    async with stage.db.transaction() as tx:
        assert delivery.post_id is not None
        assert (await tx.get_one(Post, delivery.post_id)).status == "published"


async def test_what_is_not_due_stays(weibo: Stage) -> None:
    planned = await weibo.schedule(timedelta(minutes=1))
    await weibo.dispatch()
    assert (await weibo.delivery(planned)).state == State.PLANNED
    assert await weibo.remote_posts() == []


@pytest.mark.long
async def test_two_dispatchers_send_once(weibo: Stage) -> None:
    for number in range(10):
        await weibo.schedule(body=f"第{number}条")
    dispatchers = weibo.dispatcher(), weibo.dispatcher()
    async with asyncio.timeout(30):
        while any(row.state != State.PUBLISHED for row in await weibo.deliveries()):
            await asyncio.gather(*(dispatcher.step() for dispatcher in dispatchers))
    for dispatcher in dispatchers:
        await dispatcher.drain(timedelta(seconds=30))
    assert len(await weibo.remote_posts()) == 10
    assert {row.state for row in await weibo.deliveries()} == {State.PUBLISHED}


async def test_an_edit_after_approval_holds_it(weibo: Stage) -> None:
    planned = await weibo.schedule()
    async with weibo.db.transaction() as tx:
        await tx.execute(update(Post).values(approved_hash="of something else"))
    await weibo.dispatch()
    held = await weibo.delivery(planned)
    assert held.state == State.HELD
    assert held.error is not None
    assert held.error["code"] == "approval_outdated"
    assert await weibo.remote_posts() == []


async def test_a_disconnected_channel_holds_it(weibo: Stage) -> None:
    planned = await weibo.schedule()
    async with weibo.db.transaction() as tx:
        await tx.execute(update(Channel).values(status="disconnected"))
    await weibo.dispatch()
    held = await weibo.delivery(planned)
    assert held.error is not None
    assert (held.state, held.error["code"]) == (State.HELD, "channel_disconnected")


async def test_an_expired_approval_holds_it(weibo: Stage) -> None:
    planned = await weibo.schedule()
    async with weibo.db.transaction() as tx:
        await tx.execute(update(Post).values(approval_expires_at=datetime.now(UTC) - timedelta(minutes=1)))
    await weibo.dispatch()
    held = await weibo.delivery(planned)
    assert held.error is not None
    assert (held.state, held.error["code"]) == (State.HELD, "approval_expired")


async def test_too_late_by_its_own_policy_is_missed(weibo: Stage) -> None:
    planned = await weibo.schedule(timedelta(hours=-2), late_by_seconds=3600)
    await weibo.dispatch()
    assert (await weibo.delivery(planned)).state == State.MISSED
    assert await weibo.remote_posts() == []


async def test_text_over_the_limit_is_refused_before_it_leaves(weibo: Stage) -> None:
    planned = await weibo.schedule(body="茶" * 200)
    await weibo.dispatch()
    failed = await weibo.delivery(planned)
    assert failed.state == State.FAILED
    assert failed.error is not None
    assert failed.error["code"] == "preflight_failed"
    assert failed.error["violations"][0]["code"] == "body_too_long"


async def test_the_platforms_refusal_is_final_and_explained(weibo: Stage) -> None:
    body = '{"request":"/2/statuses/share.json","error_code":20021,"error":"illegal content"}'
    await weibo.fault(path="statuses/share", status=400, body=body)
    planned = await weibo.schedule()
    await weibo.dispatch()
    failed = await weibo.delivery(planned)
    assert await weibo.fired() == 1
    assert failed.state == State.FAILED
    assert failed.error is not None
    assert (failed.error["code"], failed.error["platform_code"]) == ("content_rejected", "20021")


async def test_a_rate_limit_waits_and_costs_no_attempt(weibo: Stage) -> None:
    body = '{"request":"/2/statuses/share.json","error_code":10024,"error":"user for this API"}'
    await weibo.fault(path="statuses/share", status=403, body=body)
    planned = await weibo.schedule()
    await weibo.dispatch()
    waiting = await weibo.delivery(planned)
    assert (waiting.state, waiting.attempts) == (State.RETRYING, 0)
    assert waiting.not_before is not None
    assert waiting.not_before > datetime.now(UTC) + timedelta(minutes=1)


@pytest.mark.long
@pytest.mark.parametrize("platform", ["weibo", "bluesky"])
@pytest.mark.parametrize("acts", [True, False], ids=["acted", "did not act"])
@pytest.mark.parametrize(
    "fault",
    [
        {"behaviour": "reset"},
        {"behaviour": "status", "status": 502, "body": "<html>bad gateway</html>"},
        {"behaviour": "status", "status": 200, "body": ""},
        {"behaviour": "status", "status": 400, "body": "{}"},
        {"behaviour": "half"},
    ],
    ids=lambda fault: f"{fault['behaviour']} {fault.get('status', '')}",
)
async def test_an_answer_that_proves_nothing_is_looked_up(
    make_stage: MakeStage, platform: str, fault: dict[str, object], acts: bool
) -> None:
    stage = await make_stage(platform)
    path = {"weibo": "statuses/share", "bluesky": "putRecord"}[platform]
    await stage.fault(path=path, acts=acts, **fault)
    planned = await stage.schedule()
    await stage.dispatch()
    assert await stage.fired() == 1
    assert (await stage.delivery(planned)).state == State.UNKNOWN

    for _ in range(8):
        await stage.pass_time(200)
        await stage.turn()
    delivery = await stage.delivery(planned)
    assert delivery.state == State.PUBLISHED, delivery.error
    assert [post["id"] for post in await stage.remote_posts()] == [delivery.external_id]
    assert delivery.attempts == (1 if acts else 2)


async def test_absent_is_not_believed_too_early(weibo: Stage) -> None:
    await weibo.fault(path="statuses/share", behaviour="reset")
    planned = await weibo.schedule()
    await weibo.dispatch()
    async with weibo.db.transaction() as tx:
        await tx.execute(update(Delivery).values(next_at=datetime.now(UTC)))
    await weibo.turn()
    waiting = await weibo.delivery(planned)
    assert (waiting.state, waiting.lookups) == (State.UNKNOWN, 1)


@pytest.mark.long
async def test_a_dead_dispatcher_that_had_not_started_costs_nothing(weibo: Stage) -> None:
    planned = await weibo.schedule()
    async with weibo.db.transaction() as tx:
        await tx.execute(
            update(Delivery).values(
                state="claimed",
                fence=1,
                attempts=1,
                next_at=datetime.now(UTC) - timedelta(seconds=1),
                lease_until=datetime.now(UTC) - timedelta(seconds=1),
            )
        )
    await weibo.work()
    delivery = await weibo.delivery(planned)
    assert (delivery.state, delivery.attempts) == (State.PUBLISHED, 1)
    assert len(await weibo.remote_posts()) == 1


@pytest.mark.long
@pytest.mark.parametrize("apart", [False, True], ids=["intent committed", "only claimed"])
async def test_a_stale_holder_writes_nothing(weibo: Stage, apart: bool) -> None:
    """Whoever was overtaken before its call does not make it, or what it brings is not written over the other's."""
    planned = await weibo.schedule()
    dispatcher = weibo.dispatcher()
    async with weibo.db.transaction() as tx:
        claim = await claim_due(
            tx, weibo.connections, weibo.gate, lease=timedelta(seconds=60), room=lambda _: 1, apart=apart
        )
    [flight] = claim.flights
    state = (await weibo.delivery(planned)).state
    assert state == ("claimed" if apart else "sending")
    async with weibo.db.transaction() as tx:
        await tx.execute(update(Delivery).values(fence=Delivery.fence + 1))
    await dispatcher.sender.send(flight)
    await dispatcher.drain(timedelta(seconds=10))
    after = await weibo.delivery(planned)
    assert (after.state, after.external_id) == (state, None)
    assert len(await weibo.remote_posts()) == (0 if apart else 1)


@pytest.mark.long
async def test_a_rule_that_came_after_the_approval_stops_it(weibo: Stage) -> None:
    refused = await weibo.schedule(body="国 家 級品质")
    fine = await weibo.schedule(body="第二条")
    await weibo.dispatch()
    delivery = await weibo.delivery(refused)
    assert delivery.state == State.FAILED
    assert delivery.error is not None
    assert [one["code"] for one in delivery.error["violations"]] == ["rule_hit"]
    assert (await weibo.delivery(fine)).state == State.PUBLISHED
    assert len(await weibo.remote_posts()) == 1


async def test_the_advertisement_that_is_too_many_does_not_leave(weibo: Stage) -> None:
    first = await weibo.schedule(body="甲", nature=Nature.PROMOTIONAL)
    second = await weibo.schedule(timedelta(milliseconds=1), body="乙", nature=Nature.PROMOTIONAL)
    await asyncio.sleep(0.01)
    await weibo.work()
    assert (await weibo.delivery(first)).state == State.PUBLISHED
    refused = await weibo.delivery(second)
    assert refused.state == State.FAILED
    assert refused.error is not None
    assert {one["code"] for one in refused.error["violations"]} == {"ad_share_exceeded"}
