"""Q16: transactions take their place in the outbox early and commit late; none of what they said is passed by."""

import asyncio

from sqlalchemy import FromClause, func, select

from drumtower.db import outbox
from drumtower.db.models import OutboxEvent
from drumtower.domain.clock import SystemClock
from drumtower.domain.ids import new_id
from drumtower.jobs import Role
from services.scheduler.relay import relay
from tests.faults.checker import Verdict
from tests.faults.field import Field, Size
from tests.faults.report import Report
from tests.faults.world import World

AT_ONCE = 8
RELAYS = 2
LONGEST_WAIT = 0.05


class _Bell:
    """Counts what it is told."""

    rung = 0

    async def ring(self, role: Role) -> None:
        del role
        self.rung += 1


async def interleavings(world: World, size: Size) -> Report:
    """Write events in transactions that wait at random before they end, some of them undone, while relays run."""
    bell, gate = _Bell(), asyncio.Semaphore(AT_ONCE)
    async with world.field({}, seed=size.seed) as field:
        relays = [asyncio.create_task(_relay(field, bell)) for _ in range(RELAYS)]
        ends = await asyncio.gather(*(_write(field, gate) for _ in range(size.posts)))
        for _ in range(3):
            await relay(field.db, bell)
        for one in relays:
            one.cancel()
        async with field.db.transaction() as tx:
            kept = await tx.scalar(select(func.count()).select_from(OutboxEvent)) or 0
            waiting = OutboxEvent.relayed_at.is_(None)
            left = await tx.scalar(select(func.count()).select_from(OutboxEvent).where(waiting)) or 0
            overtaken = await tx.scalar(select(func.count()).select_from(_overtaken())) or 0
    return Report(
        name="Q16 late commits in the outbox",
        posts=size.posts,
        fired={"committed after a later one was relayed": overtaken, "undone": ends.count(False)},
        verdict=Verdict(states={}),
        drained_after=0.0,
        claims={
            "what was committed is there": kept == ends.count(True),
            "all of it was relayed": left == 0,
            "somebody was told": bell.rung > 0,
        },
    )


def _overtaken() -> FromClause:
    """Events whose successor by id was relayed first."""
    follower = func.lead(OutboxEvent.relayed_at).over(order_by=OutboxEvent.id).label("follower")
    pairs = select(OutboxEvent.relayed_at.label("own"), follower).subquery()
    return select(pairs).where(pairs.c.follower < pairs.c.own).subquery()


async def _relay(field: Field, bell: _Bell) -> None:
    while True:
        await relay(field.db, bell)


async def _write(field: Field, gate: asyncio.Semaphore) -> bool:
    """Say something, wait, and commit or not; True where it was committed."""
    async with gate:
        try:
            async with field.db.transaction() as tx:
                outbox.append(
                    tx,
                    workspace_id=field.team.workspace_id,
                    name="delivery.published",
                    subject_id=new_id(),
                    now=SystemClock().now(),
                )
                await tx.flush()
                await asyncio.sleep(field.draw.uniform(0, LONGEST_WAIT))
                if field.draw.random() < 0.05:
                    raise _Undone
        except _Undone:
            return False
    return True


class _Undone(Exception):
    """This transaction was meant to fail."""
