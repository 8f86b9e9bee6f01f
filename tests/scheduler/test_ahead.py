"""What is all but due is claimed ahead, judged for its instant, and leaves at it: never before."""

import time
from datetime import timedelta

import pytest

from drumtower.db.repositories.freezes import freezes_on
from drumtower.domain.deliveries import State
from services.scheduler.candidates import AHEAD
from services.scheduler.claim import Flight, claim_due
from services.scheduler.leases import clock
from tests.scheduler.stage import Stage
from tests.scheduler.test_freezes import freeze


async def claim(stage: Stage) -> list[Flight]:
    async with stage.db.transaction() as tx:
        made = await claim_due(
            tx, stage.connections, stage.gate, lease=timedelta(seconds=60), room=lambda _: 20
        )
    return list(made.flights)


async def claimed_ahead(stage: Stage) -> Flight:
    """Plan until a claim comes before its row is due; on a slow machine that takes more than one."""
    for number in range(50):
        await stage.schedule(AHEAD * 0.9, body=f"第{number}条")
        for flight in await claim(stage):
            if flight.claimed_at < flight.delivery.due_at:
                return flight
            dispatcher = stage.dispatcher()
            await dispatcher.sender.send(flight)
            await dispatcher.drain(timedelta(seconds=10))
    pytest.fail("nothing was claimed ahead")


async def test_what_was_claimed_ahead_leaves_at_its_instant(weibo: Stage) -> None:
    flight = await claimed_ahead(weibo)
    due = flight.delivery.due_at
    row = await weibo.delivery(flight.delivery)
    assert (row.state, row.sent_at) == (State.SENDING, due)
    await flight.until_due()
    async with weibo.db.transaction() as tx:
        assert await clock(tx) >= due
    assert flight.now() >= due
    began = time.monotonic()
    await flight.until_due()
    assert time.monotonic() - began < 1.0, "what is due waits for nothing"


@pytest.mark.long
async def test_what_is_due_later_is_left(weibo: Stage) -> None:
    await weibo.schedule(AHEAD * 50)
    assert await claim(weibo) == []


@pytest.mark.long
async def test_a_freeze_counts_that_holds_when_it_leaves(weibo: Stage) -> None:
    """Asked a moment ahead: one that begins before then stops it, one that is over by then does not."""
    hour = timedelta(hours=1)
    rows = [await weibo.schedule(hour * number, body=f"第{number}条") for number in (1, 3, 5)]
    async with weibo.db.transaction() as tx:
        now = await clock(tx)
    await freeze(weibo, starts_at=now + 2 * hour, ends_at=now + 4 * hour)
    async with weibo.db.transaction() as tx:
        stopped = await freezes_on(tx, rows, {row.id: row.due_at for row in rows})
        assert await freezes_on(tx, rows) == {}
    assert set(stopped) == {rows[1].id}
