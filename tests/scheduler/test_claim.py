"""Claims: fair over workspaces, in order on a channel, gaps kept, and no spoiled row in the others' way."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text, update

from drumtower.connections import Connections
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Channel, Delivery
from drumtower.domain.deliveries import State
from drumtower.domain.ids import new_id
from drumtower.limits import Limits
from drumtower.platforms import Published
from drumtower.platforms.registry import Registry
from services.scheduler import candidates
from services.scheduler.candidates import Candidate, pick
from services.scheduler.claim import Claim, claim_due
from services.scheduler.gate import Gate
from services.scheduler.outcomes import Report
from tests.factories import Team, make_channel, make_team
from tests.scheduler.stage import Stage

PAST = datetime.now(UTC) - timedelta(hours=1)


async def plant(db: Database, team: Team, channels: Sequence[UUID], count: int, **given: Any) -> None:
    """Add due replies or publishes without a post, in turns over the channels, a second apart."""
    rows = [
        {
            "id": new_id(),
            "workspace_id": team.workspace_id,
            "channel_id": channels[number % len(channels)],
            "platform": "weibo",
            "action": "publish",
            "payload": {},
            "state": "planned",
            "due_at": PAST + timedelta(seconds=number),
            "next_at": PAST + timedelta(seconds=number),
            "attempts": 0,
            "fence": 0,
            "lookups": 0,
            "checkpoint": {},
            "prepared": False,
            "context": {},
            "needs_check": False,
            "revision": 1,
            "created_by": team.owner_id,
            "created_at": PAST,
            "updated_at": PAST,
            **given,
        }
        for number in range(count)
    ]
    async with db.transaction() as tx:
        await tx.execute(insert(Delivery), rows)


UNLIMITED = Gate(limits=Limits(registry=Registry(adapters={}, refused={})), rest=timedelta())


async def claim(db: Database, connections: Connections, room: int = 20) -> Claim:
    """Claim, and start nothing."""
    async with db.transaction() as tx:
        return await claim_due(
            tx, connections, UNLIMITED, lease=timedelta(seconds=60), room=lambda _: room, apart=True
        )


def candidate(workspace: UUID, channel: UUID, action: str = "publish", **given: Any) -> Candidate:
    return Candidate(new_id(), workspace, channel, "weibo", action, given.get("at_work", False))


class TestTheChoice:
    def test_workspaces_take_turns(self) -> None:
        big, small = new_id(), new_id()
        found = [candidate(big, new_id()) for _ in range(50)] + [candidate(small, new_id()) for _ in range(2)]
        chosen = pick(found, lambda _: 4)
        assert [one.workspace_id for one in chosen] == [big, small, big, small]

    def test_spare_room_is_used(self) -> None:
        big, small = new_id(), new_id()
        found = [candidate(big, new_id()) for _ in range(50)] + [candidate(small, new_id())]
        assert sum(one.workspace_id == big for one in pick(found, lambda _: 20)) == 19

    def test_of_a_channels_publishes_the_first_one_only(self) -> None:
        workspace, channel = new_id(), new_id()
        found = [candidate(workspace, channel) for _ in range(3)]
        assert pick(found, lambda _: 20) == found[:1]

    def test_a_channel_at_work_publishes_nothing_more_and_still_answers(self) -> None:
        workspace, channel = new_id(), new_id()
        found = [
            candidate(workspace, channel, at_work=True),
            candidate(workspace, channel, "reply", at_work=True),
            candidate(workspace, channel, "reply", at_work=True),
        ]
        assert pick(found, lambda _: 20) == found[1:]

    def test_no_more_than_a_platform_has_room_for(self) -> None:
        found = [candidate(new_id(), new_id()) for _ in range(5)]
        assert pick(found, lambda _: 0) == []


class TestFairness:
    async def test_a_long_queue_delays_no_other_workspace(
        self, db: Database, team: Team, box: Box, connections: Connections
    ) -> None:
        """The other workspace's rows are the youngest by far, and go with the next claim all the same."""
        assert candidates.WINDOW < 400
        crowded = [await make_channel(db, team, box) for _ in range(30)]
        await plant(db, team, crowded, 600)
        other = await make_team(db)
        quiet = [await make_channel(db, other, box) for _ in range(5)]
        await plant(db, other, quiet, 5, next_at=datetime.now(UTC) - timedelta(seconds=1))
        claimed = await claim(db, connections, room=12)
        teams = [flight.delivery.workspace_id for flight in claimed.flights]
        assert (teams.count(other.workspace_id), teams.count(team.workspace_id)) == (5, 7)
        assert claimed.has_more

    async def test_a_backlog_is_taken_oldest_first(
        self, db: Database, team: Team, box: Box, connections: Connections
    ) -> None:
        channels = [await make_channel(db, team, box) for _ in range(30)]
        await plant(db, team, channels, 600)
        claimed = await claim(db, connections, room=10)
        dues = [flight.delivery.due_at for flight in claimed.flights]
        assert dues == [PAST + timedelta(seconds=number) for number in range(10)]


class TestAChannelsOrder:
    async def test_the_next_publish_waits_for_the_one_before(
        self, db: Database, team: Team, box: Box, connections: Connections
    ) -> None:
        channel = await make_channel(db, team, box)
        await plant(db, team, [channel], 3)
        first = await claim(db, connections)
        assert [flight.delivery.due_at for flight in first.flights] == [PAST]
        again = await claim(db, connections)
        assert (list(again.flights), again.has_more) == ([], True)
        async with db.transaction() as tx:
            await tx.execute(
                update(Delivery)
                .where(Delivery.state == "claimed")
                .values(state="published", external_id="1", next_at=None)
            )
        second = await claim(db, connections)
        assert [flight.delivery.due_at for flight in second.flights] == [PAST + timedelta(seconds=1)]

    async def test_replicas_that_claim_at_once_put_one_publish_of_a_channel_on_its_way(
        self, db: Database, team: Team, box: Box, connections: Connections
    ) -> None:
        channels = [await make_channel(db, team, box) for _ in range(4)]
        await plant(db, team, channels, 40)
        for _ in range(5):
            claims = await asyncio.gather(*(claim(db, connections) for _ in range(4)))
            claimed = [flight.delivery.channel_id for one in claims for flight in one.flights]
            assert sorted(claimed) == sorted(channels)
            async with db.transaction() as tx:
                await tx.execute(
                    update(Delivery)
                    .where(Delivery.state == "claimed")
                    .values(state="published", external_id="1", next_at=None)
                )

    async def test_a_replica_that_comes_second_takes_what_is_next(
        self, db: Database, team: Team, box: Box, connections: Connections
    ) -> None:
        """The other one holds the first channels' heads: of these channels nothing, of the next ones the first."""
        channels = [await make_channel(db, team, box) for _ in range(4)]
        await plant(db, team, channels, 8)
        async with db.transaction() as tx:
            await tx.execute(text("SELECT id FROM deliveries ORDER BY due_at LIMIT 2 FOR UPDATE"))
            claimed = await claim(db, connections, room=2)
        assert [flight.delivery.channel_id for flight in claimed.flights] == channels[2:]
        assert claimed.flights[0].delivery.due_at == PAST + timedelta(seconds=2)

    async def test_a_locked_row_is_not_overtaken(
        self, db: Database, team: Team, box: Box, connections: Connections
    ) -> None:
        """Somebody is changing the first one at this moment: the second one waits to see where it goes."""
        channel = await make_channel(db, team, box)
        await plant(db, team, [channel], 2)
        async with db.transaction() as tx:
            await tx.execute(text("SELECT id FROM deliveries ORDER BY due_at LIMIT 1 FOR UPDATE"))
            assert list((await claim(db, connections)).flights) == []


class TestTheGap:
    async def test_publishes_leave_as_far_apart_as_the_channel_wants(self, weibo: Stage) -> None:
        async with weibo.db.transaction() as tx:
            await tx.execute(update(Channel).values(min_gap_seconds=30))
        one = await weibo.schedule(timedelta(seconds=-2), body="第一条")
        two = await weibo.schedule(timedelta(seconds=-1), body="第二条")
        await weibo.dispatch()
        await weibo.dispatch()
        first, second = await weibo.delivery(one), await weibo.delivery(two)
        assert (first.state, second.state, second.attempts) == (State.PUBLISHED, State.PLANNED, 0)
        assert first.sent_at is not None
        assert second.not_before == second.next_at == first.sent_at + timedelta(seconds=30)
        assert second.error is not None
        assert second.error["code"] == "channel_gap"

        async with weibo.db.transaction() as tx:
            await tx.execute(text("UPDATE channels SET publish_after = now() - interval '1 second'"))
        await weibo.pass_time(31)
        await weibo.dispatch()
        second = await weibo.delivery(two)
        assert (second.state, second.error) == (State.PUBLISHED, None)

    async def test_answers_are_not_held_by_it(
        self, db: Database, team: Team, box: Box, connections: Connections
    ) -> None:
        channel = await make_channel(db, team, box)
        async with db.transaction() as tx:
            gap = {"min_gap_seconds": 60, "publish_after": datetime.now(UTC) + timedelta(minutes=1)}
            await tx.execute(update(Channel).values(**gap))
        await plant(db, team, [channel], 2, action="reply", payload={"text": "谢谢"})
        assert len((await claim(db, connections)).flights) == 2


class TestSpoiledRows:
    async def test_a_spoiled_row_delays_none_of_its_batch(self, weibo: Stage) -> None:
        bad = await weibo.schedule(timedelta(seconds=-2))
        async with weibo.db.transaction() as tx:
            await tx.execute(update(Delivery).values(payload={"asset_ids": "nonsense"}))
        good = await weibo.schedule(timedelta(seconds=-1), body="好的一条")
        for _ in range(3):
            await weibo.dispatch()
        assert (await weibo.delivery(good)).state == State.PUBLISHED
        spoiled = await weibo.delivery(bad)
        assert spoiled.state == State.RETRYING
        assert spoiled.error is not None
        assert "internal error" in spoiled.error["detail"]

    async def test_an_answer_that_cannot_be_stored_spoils_no_other(self, weibo: Stage) -> None:
        """Text columns take no NUL: the batch of results fails, and each is written by itself."""
        planned = [await weibo.schedule(body=f"第{number}条") for number in range(2)]
        async with weibo.db.transaction() as tx:
            await tx.execute(update(Delivery).values(state="sending", fence=1, attempts=1))
        dispatcher = weibo.dispatcher()
        outcomes = dispatcher.sender.outcomes
        for delivery, external_id in zip(planned, ("a\0b", "good"), strict=True):
            outcomes.take(
                Report(
                    delivery_id=delivery.id,
                    fence=1,
                    result=Published(external_id=external_id),
                    at=datetime.now(UTC),
                    started=True,
                )
            )
        await outcomes.written()
        bad, good = [await weibo.delivery(delivery) for delivery in planned]
        assert (bad.state, good.state) == (State.UNKNOWN, State.PUBLISHED)


@pytest.mark.long
def test_the_first_rows_of_a_process_can_be_read() -> None:
    """SQLAlchemy makes a model's attributes work with its first ORM statement; a claim may come before any."""
    script = "from drumtower.db.models import Delivery; from drumtower.db.plain import make; make(Delivery, {'id': 1}).id"
    subprocess.run([sys.executable, "-c", script], check=True)
