"""Draft, then confirm: the slow part ahead of time, the outcome when the platform tells it."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from drumtower.db.models import Channel
from drumtower.domain.deliveries import State
from services.scheduler.confirm import confirm
from services.scheduler.prepare import prepare
from tests.factories import make_image
from tests.scheduler.stage import Stage


@pytest.mark.long
async def test_accepted_is_confirmed_by_asking(wechat: Stage) -> None:
    cover = await make_image(wechat.db, wechat.storage, wechat.team)
    planned = await wechat.schedule(asset_ids=(cover,))
    await wechat.dispatch()
    accepted = await wechat.delivery(planned)
    assert accepted.state == State.ACCEPTED, accepted.error
    assert accepted.external_id is None
    assert accepted.handle is not None

    await asyncio.sleep(1.2)  # the sandbox's own review
    await wechat.pass_time(3600)
    await confirm(wechat.db, wechat.connections)
    published = await wechat.delivery(planned)
    assert published.state == State.PUBLISHED, published.error
    assert [post["id"] for post in await wechat.remote_posts()] == [published.external_id]
    assert [attempt.step for attempt in await wechat.attempts(planned)] == ["send", "confirm"]


async def test_the_draft_is_made_ahead_and_used(wechat: Stage) -> None:
    cover = await make_image(wechat.db, wechat.storage, wechat.team)
    planned = await wechat.schedule(timedelta(minutes=5), asset_ids=(cover,))
    await prepare(wechat.db, wechat.connections, wechat.storage, wechat.settings)
    prepared = await wechat.delivery(planned)
    assert (prepared.state, prepared.prepared, prepared.lease_until) == (State.PLANNED, True, None)
    assert prepared.checkpoint
    assert await wechat.remote_posts() == []

    await wechat.fault(path="draft/add", status=500, times=9)  # a second draft would fail
    await wechat.pass_time(600)
    await wechat.dispatch()
    assert (await wechat.delivery(planned)).state == State.ACCEPTED
    assert await wechat.fired() == 0


async def test_a_failed_preparation_says_so_and_never_delays(wechat: Stage) -> None:
    cover = await make_image(wechat.db, wechat.storage, wechat.team)
    planned = await wechat.schedule(timedelta(seconds=20), asset_ids=(cover,))
    await wechat.fault(path="draft/add", body='{"errcode":-1,"errmsg":"system busy"}', status=200)
    await prepare(wechat.db, wechat.connections, wechat.storage, wechat.settings)
    waiting = await wechat.delivery(planned)
    assert await wechat.fired() == 1
    assert waiting.state == State.PLANNED
    assert waiting.error is not None
    assert waiting.lease_until is not None
    assert waiting.lease_until <= waiting.due_at


@pytest.mark.long
@pytest.mark.parametrize("acts", [True, False], ids=["acted", "did not act"])
async def test_a_lost_submit_is_settled_without_a_second_one(wechat: Stage, acts: bool) -> None:
    cover = await make_image(wechat.db, wechat.storage, wechat.team)
    planned = await wechat.schedule(asset_ids=(cover,))
    await wechat.fault(path="freepublish/submit", behaviour="reset", acts=acts)
    await wechat.dispatch()
    assert await wechat.fired() == 1
    assert (await wechat.delivery(planned)).state == State.UNKNOWN
    await asyncio.sleep(1.2)  # the sandbox's own review: time passes below for our rows only
    for _ in range(10):
        await asyncio.sleep(0.3)
        await wechat.pass_time(400)
        await wechat.turn()
    settled = await wechat.delivery(planned)
    assert settled.state == State.PUBLISHED, settled.error
    assert len(await wechat.remote_posts()) == 1


@pytest.mark.long
async def test_what_the_platform_withholds_is_failed_with_its_reason(wechat: Stage) -> None:
    cover = await make_image(wechat.db, wechat.storage, wechat.team)
    planned = await wechat.schedule(asset_ids=(cover,))
    await wechat.control("scenario", {"account": wechat.account["account"], "publish_status": 4})
    await wechat.dispatch()
    await asyncio.sleep(1.2)
    await wechat.pass_time(3600)
    await confirm(wechat.db, wechat.connections)
    failed = await wechat.delivery(planned)
    assert failed.error is not None
    assert (failed.state, failed.error["code"]) == (State.FAILED, "content_rejected")


async def test_an_account_without_the_right_is_handed_to_a_person(wechat: Stage) -> None:
    cover = await make_image(wechat.db, wechat.storage, wechat.team)
    planned = await wechat.schedule(asset_ids=(cover,))
    refused = '{"errcode":48001,"errmsg":"api unauthorized"}'
    await wechat.fault(path="freepublish/submit", status=200, body=refused)
    await wechat.dispatch()
    handed = await wechat.delivery(planned)
    assert (handed.state, handed.owner_id) == (State.HANDOFF, wechat.team.owner_id)


@pytest.mark.long
async def test_an_expired_token_is_renewed_once_and_the_post_goes_out(wechat: Stage) -> None:
    cover = await make_image(wechat.db, wechat.storage, wechat.team)
    planned = await wechat.schedule(asset_ids=(cover,))
    expired = '{"errcode":42001,"errmsg":"access_token expired"}'
    await wechat.fault(path="freepublish/submit", status=200, body=expired)
    await wechat.dispatch()
    waiting = await wechat.delivery(planned)
    assert waiting.error is not None
    assert (waiting.state, waiting.error["code"]) == (State.RETRYING, "auth_expired")
    await wechat.dispatch()
    assert (await wechat.delivery(planned)).state == State.ACCEPTED


@pytest.mark.long
async def test_fifty_at_once_buy_one_token(wechat: Stage) -> None:
    async with wechat.db.transaction() as tx:
        await tx.execute(update(Channel).values(token=None, token_expires_at=None))
    before = sum("token" in str(entry["collection"]) for entry in await wechat.control("log", method="GET"))
    opened = await asyncio.gather(*(wechat.connections.open(wechat.channel_id) for _ in range(50)))
    tokens = {connection.credentials.access for connection in opened}
    assert len(tokens) == 1
    after = sum("token" in str(entry["collection"]) for entry in await wechat.control("log", method="GET"))
    assert after - before <= 2
