"""What was prepared in vain is taken away again, however often the platform or we break down on the way."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from drumtower.db.engine import Database
from drumtower.db.models import Channel, Delivery, Leftover
from drumtower.domain.deliveries import State
from drumtower.domain.preparations import MAX_TRIES, next_try
from services.scheduler.clean import clean
from services.scheduler.prepare import prepare
from tests.api.desk import answer, edit, soon
from tests.factories import make_image
from tests.scheduler.stage import Stage


async def prepared(stage: Stage) -> Delivery:
    """A delivery whose draft and cover lie on the platform."""
    cover = await make_image(stage.db, stage.storage, stage.team)
    planned = await stage.schedule(timedelta(minutes=5), asset_ids=(cover,))
    await prepare(stage.db, stage.connections, stage.storage, stage.settings)
    made = await stage.delivery(planned)
    assert made.prepared_at is not None
    return made


async def drafts(stage: Stage) -> list[Any]:
    state = await stage.control("state", method="GET")
    found: list[Any] = state.get("drafts", [])
    return found


async def leftovers(db: Database) -> list[Leftover]:
    async with db.transaction() as tx:
        return list((await tx.scalars(select(Leftover).order_by(Leftover.id))).all())


async def due_again(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute(
            update(Leftover).where(Leftover.next_at.is_not(None)).values(next_at=Leftover.created_at)
        )


@pytest.mark.long
async def test_a_cancelled_delivery_leaves_nothing(wechat: Stage, client: httpx.AsyncClient) -> None:
    made = await prepared(wechat)
    assert len(await drafts(wechat)) == 1
    answer(await client.post(f"/v1/deliveries/{made.id}/cancel"))
    [owed] = await leftovers(wechat.db)
    assert (owed.outcome, owed.checkpoint) == (None, made.checkpoint)
    await clean(wechat.db, wechat.connections)
    assert await drafts(wechat) == []
    [done] = await leftovers(wechat.db)
    assert (done.outcome, done.next_at) == ("discarded", None)
    told = answer(await client.get(f"/v1/deliveries/{made.id}/explain"))
    steps = {(one["step"], one["outcome"]) for one in told["timeline"]}
    assert {("cancelled", None), ("clean", "discarded")} <= steps


@pytest.mark.long
async def test_an_edit_leaves_the_old_draft_to_be_taken_away(
    wechat: Stage, client: httpx.AsyncClient
) -> None:
    made = await prepared(wechat)
    answer(await edit(client, {"id": str(made.post_id)}, body="改过的内容,还没有审核"))
    assert (await wechat.delivery(made)).state == State.HELD
    answer(await client.post(f"/v1/deliveries/{made.id}/cancel"))
    await clean(wechat.db, wechat.connections)
    assert await drafts(wechat) == []


async def test_another_time_keeps_the_draft(wechat: Stage, client: httpx.AsyncClient) -> None:
    made = await prepared(wechat)
    answer(await client.post(f"/v1/deliveries/{made.id}/reschedule", json={"at": soon(48)}))
    assert await leftovers(wechat.db) == []
    assert len(await drafts(wechat)) == 1


@pytest.mark.long
async def test_a_platform_that_is_down_is_asked_again_and_blocks_nobody(
    wechat: Stage, client: httpx.AsyncClient
) -> None:
    one, other = await prepared(wechat), await prepared(wechat)
    for made in (one, other):
        answer(await client.post(f"/v1/deliveries/{made.id}/cancel"))
    await wechat.fault(path="draft/delete", status=500)
    await clean(wechat.db, wechat.connections)
    assert await wechat.fired() == 1
    outcomes = [row.outcome for row in await leftovers(wechat.db)]
    assert sorted(map(str, outcomes)) == ["None", "discarded"]
    [waiting] = [row for row in await leftovers(wechat.db) if row.outcome is None]
    assert waiting.next_at is not None
    assert waiting.last_error is not None
    await due_again(wechat.db)
    await clean(wechat.db, wechat.connections)
    assert await drafts(wechat) == []


async def test_whoever_dies_on_the_way_owes_it_still(wechat: Stage, client: httpx.AsyncClient) -> None:
    made = await prepared(wechat)
    answer(await client.post(f"/v1/deliveries/{made.id}/cancel"))
    await wechat.fault(path="material/del_material", behaviour="reset")  # after the draft, before the cover
    await clean(wechat.db, wechat.connections)
    await due_again(wechat.db)
    await clean(wechat.db, wechat.connections)
    assert [row.outcome for row in await leftovers(wechat.db)] == ["discarded"]
    assert await drafts(wechat) == []


@pytest.mark.long
async def test_a_disconnected_channel_is_not_used(wechat: Stage, client: httpx.AsyncClient) -> None:
    made = await prepared(wechat)
    answer(await client.post(f"/v1/deliveries/{made.id}/cancel"))
    async with wechat.db.transaction() as tx:
        await tx.execute(update(Channel).values(status="disconnected"))
    await clean(wechat.db, wechat.connections)
    [owed] = await leftovers(wechat.db)
    assert owed.outcome is None
    assert owed.last_error is not None
    assert "disconnected" in owed.last_error
    assert len(await drafts(wechat)) == 1


@pytest.mark.long
async def test_what_no_call_takes_away_is_closed(bluesky: Stage, client: httpx.AsyncClient) -> None:
    picture = await make_image(bluesky.db, bluesky.storage, bluesky.team)
    planned = await bluesky.schedule(timedelta(minutes=5), asset_ids=(picture,))
    await prepare(bluesky.db, bluesky.connections, bluesky.storage, bluesky.settings)
    answer(await client.post(f"/v1/deliveries/{planned.id}/cancel"))
    await clean(bluesky.db, bluesky.connections)
    assert [row.outcome for row in await leftovers(bluesky.db)] == ["kept"]


def test_it_gives_up_after_days_not_minutes() -> None:
    now = start = datetime(2026, 12, 1, tzinfo=UTC)
    for tries in range(1, MAX_TRIES):
        later = next_try(tries, now)
        assert later is not None
        now = later
    assert timedelta(days=7) < now - start < timedelta(days=14)
    assert next_try(MAX_TRIES, now) is None


class TestStale:
    async def test_blobs_that_have_gone_are_uploaded_again(
        self, bluesky: Stage, client: httpx.AsyncClient
    ) -> None:
        """Prepared, moved to another day: by then the server has cleared the picture away."""
        picture = await make_image(bluesky.db, bluesky.storage, bluesky.team)
        planned = await bluesky.schedule(timedelta(minutes=5), asset_ids=(picture,))
        run = (bluesky.db, bluesky.connections, bluesky.storage, bluesky.settings)
        await prepare(*run)
        first = await bluesky.delivery(planned)
        assert first.prepared_at is not None
        async with bluesky.db.transaction() as tx:
            hours = timedelta(hours=2)
            await tx.execute(update(Delivery).values(prepared_at=func.now() - hours))
        await prepare(*run)
        again = await bluesky.delivery(planned)
        assert again.prepared
        assert again.prepared_at is not None
        assert again.prepared_at > first.prepared_at - timedelta(minutes=1)
        assert again.fence > first.fence, "whoever still prepared the old one writes nothing"
        assert len(await leftovers(bluesky.db)) == 1
        await bluesky.pass_time(600)
        await bluesky.dispatch()
        assert (await bluesky.delivery(planned)).state == State.PUBLISHED

    async def test_what_keeps_is_kept(self, wechat: Stage) -> None:
        made = await prepared(wechat)
        async with wechat.db.transaction() as tx:
            days = timedelta(days=30)
            await tx.execute(update(Delivery).values(prepared_at=func.now() - days))
        await prepare(wechat.db, wechat.connections, wechat.storage, wechat.settings)
        assert (await wechat.delivery(made)).checkpoint == made.checkpoint
        assert await leftovers(wechat.db) == []

    async def test_down_for_a_day_it_is_prepared_anew_at_the_due_second(self, bluesky: Stage) -> None:
        """Nobody prepares ahead of what is overdue: the claim itself sees that the blobs may have gone."""
        picture = await make_image(bluesky.db, bluesky.storage, bluesky.team)
        planned = await bluesky.schedule(timedelta(minutes=5), asset_ids=(picture,))
        await prepare(bluesky.db, bluesky.connections, bluesky.storage, bluesky.settings)
        async with bluesky.db.transaction() as tx:
            await tx.execute(update(Delivery).values(prepared_at=func.now() - timedelta(hours=26)))
        await bluesky.pass_time(600)
        before = (await bluesky.delivery(planned)).checkpoint
        await bluesky.dispatch()
        out = await bluesky.delivery(planned)
        assert (out.state, out.attempts) == (State.PUBLISHED, 1)
        assert out.prepared_at is not None
        assert datetime.now(UTC) - out.prepared_at < timedelta(minutes=5)
        assert out.checkpoint.keys() >= before.keys()


@pytest.mark.long
async def test_cancelled_while_it_is_prepared(wechat: Stage, client: httpx.AsyncClient) -> None:
    """The draft is made in the moment of the cancel: whoever made it can't save it, but owes it."""
    cover = await make_image(wechat.db, wechat.storage, wechat.team)
    planned = await wechat.schedule(timedelta(minutes=5), asset_ids=(cover,))
    await wechat.fault(path="draft/add", behaviour="delay", seconds=1.0)
    preparing = asyncio.create_task(prepare(wechat.db, wechat.connections, wechat.storage, wechat.settings))
    for _ in range(500):
        if await wechat.fired():
            break
        await asyncio.sleep(0.02)
    answer(await client.post(f"/v1/deliveries/{planned.id}/cancel"))
    await preparing
    assert len(await drafts(wechat)) == 1, "made after the cancel"
    await clean(wechat.db, wechat.connections)
    assert await drafts(wechat) == []
    assert {row.outcome for row in await leftovers(wechat.db)} == {"discarded"}
