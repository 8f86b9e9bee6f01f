"""The gate against a real PostgreSQL: what replicas that race let through, and what they learn from each other."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from drumtower.db.engine import Database
from drumtower.db.repositories import breakers, budgets
from drumtower.domain import failures
from drumtower.domain.breakers import FAULTS
from drumtower.domain.budgets import Rate
from drumtower.domain.deliveries import Action
from drumtower.domain.ids import new_id
from drumtower.limits import Limits
from drumtower.platforms import Published
from drumtower.platforms.registry import Registry
from services.scheduler.gate import Call, Gate, Heard
from services.scheduler.leases import clock
from services.scheduler.waits import Wait
from tests.scheduler.scripted import ScriptedAdapter

MINUTE = timedelta(minutes=1)
REST = timedelta(seconds=30)
N3 = Rate(count=60, per=MINUTE, burst=10, source="N3")
DOWN = failures.OutcomeUnknown(detail="no answer: ReadTimeout")
PUBLISHED = Published(external_id="1")


def gate(rest: timedelta = REST, **limits: Any) -> Gate:
    """A gate before a platform with these limits."""
    capabilities = replace(ScriptedAdapter.capabilities, **limits)
    adapter = type("Limited", (ScriptedAdapter,), {"capabilities": capabilities})
    return Gate(limits=Limits(registry=Registry(adapters={"scripted": adapter}, refused={})), rest=rest)


@pytest.fixture
async def replicas(database_url: str) -> AsyncIterator[list[Database]]:
    """Four processes' connections to one database."""
    made = [Database(database_url, application="tests", pool=5, patience=60) for _ in range(4)]
    yield made
    for one in made:
        await one.close()


def call(
    at: Gate, channel: UUID, *, first: bool = True, action: Action = Action.PUBLISH, age: float = 0
) -> Call:
    return Call(
        delivery_id=new_id(),
        place=at.limits.place(channel, "scripted", None),
        action=action,
        first=first,
        began=datetime.now(UTC) - timedelta(seconds=age),
    )


async def ask(db: Database, at: Gate, *calls: Call, ahead: timedelta = timedelta()) -> list[Wait | None]:
    """Bring calls to the gate, `ahead` of the database's time."""
    async with db.transaction() as tx:
        waits = await at.waits(tx, calls, await clock(tx) + ahead)
    return [waits.get(one.delivery_id) for one in calls]


async def tell(db: Database, at: Gate, one: Call, result: Any, *, ahead: timedelta = timedelta()) -> None:
    async with db.transaction() as tx:
        await at.learn(tx, [Heard(call=one, result=result, at=await clock(tx) + ahead)])


class TestBudgets:
    @pytest.mark.long
    async def test_replicas_that_race_never_take_more_than_there_is(self, replicas: list[Database]) -> None:
        """N3: a hundred callers over four replicas at one channel of 60 a minute, burst 10."""
        at, channel = gate(channel_rate=N3), new_id()
        began = datetime.now(UTC)
        asked = [ask(replicas[n % 4], at, call(at, channel)) for n in range(100)]
        let_through = sum(waits == [None] for waits in await asyncio.gather(*asked))
        made_meanwhile = (datetime.now(UTC) - began) / N3.interval
        assert N3.burst <= let_through <= N3.burst + made_meanwhile + 1

    @pytest.mark.long
    async def test_batches_that_race_on_many_channels_do_not_deadlock(self, replicas: list[Database]) -> None:
        at = gate(app_rate=replace(N3, count=6000, burst=25), channel_rate=N3)
        channels = [new_id() for _ in range(6)]
        batches = [[call(at, channels[(n + k) % 6]) for k in range(6)] for n in range(40)]
        asked = [ask(replicas[n % 4], at, *batch) for n, batch in enumerate(batches)]
        async with asyncio.timeout(30):
            waits = [wait for batch in await asyncio.gather(*asked) for wait in batch]
        assert 25 <= waits.count(None) <= 60
        assert {wait.code for wait in waits if wait} == {"budget_spent"}

    async def test_what_is_over_comes_one_interval_apart_also_over_batches(self, db: Database) -> None:
        at, channel = gate(channel_rate=N3), new_id()
        first = await ask(db, at, *[call(at, channel) for _ in range(14)])
        second = await ask(db, at, *[call(at, channel) for _ in range(4)])
        told = [wait.until for wait in first + second if wait]
        assert len(told) == 8
        assert told == sorted(told)
        gaps = [later - sooner for sooner, later in pairwise(told)]
        assert all(gap >= N3.interval for gap in gaps)

    async def test_answers_draw_on_the_budgets_too(self, db: Database) -> None:
        at, channel = gate(action_rates={Action.REPLY: replace(N3, burst=1)}), new_id()
        replies = await ask(db, at, *[call(at, channel, action=Action.REPLY) for _ in range(2)])
        assert [wait.code if wait else None for wait in replies] == [None, "budget_spent"]
        assert await ask(db, at, call(at, channel)) == [None], "a reply's budget held a publish back"
        shared, other = gate(app_rate=replace(N3, burst=2)), new_id()
        mixed = [call(shared, channel), call(shared, other, action=Action.MESSAGE), call(shared, channel)]
        assert [bool(wait) for wait in await ask(db, shared, *mixed)] == [False, False, True]

    async def test_a_platform_without_rates_keeps_no_rows(self, db: Database) -> None:
        at, channel = gate(), new_id()
        one = call(at, channel)
        assert await ask(db, at, *[call(at, channel) for _ in range(50)]) == [None] * 50
        async with db.transaction() as tx:
            assert await budgets.read(tx, [one.place.app, one.place.channel]) == {}

    async def test_undocumented_limits_do_not_bind(self, db: Database) -> None:
        documented = gate(channel_rate=replace(N3, burst=1))
        off = replace(documented, limits=replace(documented.limits, documented=False))
        assert await ask(db, off, *[call(off, new_id()) for _ in range(5)]) == [None] * 5


class TestResets:
    async def test_a_channels_reset_binds_the_channel_alone(self, db: Database) -> None:
        at, channel = gate(), new_id()
        until = datetime.now(UTC) + timedelta(minutes=3)
        limited = failures.RateLimited(detail="20016: too often", until=until)
        await tell(db, at, call(at, channel), limited)
        [wait], [other] = await ask(db, at, call(at, channel)), await ask(db, at, call(at, new_id()))
        assert other is None
        assert wait is not None
        assert wait.code == "rate_limited"
        assert until <= wait.until <= until + timedelta(seconds=2)
        assert await ask(db, at, call(at, channel), ahead=timedelta(minutes=3)) == [None]

    async def test_an_apps_reset_binds_every_channel(self, db: Database) -> None:
        at = gate()
        until = datetime.now(UTC) + timedelta(minutes=3)
        limited = failures.RateLimited(detail="10022", until=until, scope=failures.Scope.APP)
        await tell(db, at, call(at, new_id()), limited)
        assert [bool(wait) for wait in await ask(db, at, *[call(at, new_id()) for _ in range(3)])] == [
            True
        ] * 3

    async def test_no_reset_named_means_a_while(self, db: Database) -> None:
        at, channel = gate(), new_id()
        await tell(db, at, call(at, channel), failures.RateLimited(detail="429"))
        [wait] = await ask(db, at, call(at, channel))
        assert wait is not None
        assert timedelta(minutes=4) < wait.until - datetime.now(UTC) < timedelta(minutes=6)

    async def test_an_absurd_reset_is_cut_and_says_so(self, db: Database) -> None:
        at, channel = gate(), new_id()
        one = call(at, channel)
        year_9999 = datetime(9999, 1, 1, tzinfo=UTC)
        await tell(db, at, one, failures.RateLimited(detail="429", until=year_9999))
        async with db.transaction() as tx:
            row = (await budgets.read(tx, [one.place.channel]))[one.place.channel]
        assert row.closed_until is not None
        assert row.closed_until <= datetime.now(UTC) + timedelta(days=1)
        assert "9999" in (row.closed_by or "")

    async def test_what_closed_after_the_claim_is_seen_before_the_call(self, db: Database) -> None:
        at, channel = gate(), new_id()
        [wait] = await ask(db, at, claimed := call(at, channel))
        assert wait is None
        until = datetime.now(UTC) + timedelta(minutes=3)
        await tell(db, at, call(at, channel), failures.RateLimited(detail="429", until=until))
        async with db.transaction() as tx:
            closed = await at.closed(tx, claimed, await clock(tx))
        assert closed is not None
        assert closed.until == until


class TestBreakers:
    async def down(self, dbs: list[Database], at: Gate, channels: list[UUID]) -> None:
        """Let five calls meet a platform that does not answer, at different replicas, all at once."""
        calls = [call(at, channels[n % len(channels)]) for n in range(FAULTS)]
        await asyncio.gather(*(tell(dbs[n % len(dbs)], at, one, DOWN) for n, one in enumerate(calls)))

    async def test_faults_at_any_replica_open_it_for_all(self, replicas: list[Database]) -> None:
        at, channels = gate(), [new_id() for _ in range(FAULTS)]
        await self.down(replicas, at, channels)
        for db in replicas:
            [wait] = await ask(db, at, call(at, new_id()))
            assert wait is not None
            assert wait.code == "breaker_open"
        async with replicas[0].transaction() as tx:
            assert await breakers.count_open(tx) == {("app", "scripted"): 1}

    async def test_one_channels_faults_open_that_channels_while_others_answer(self, db: Database) -> None:
        at, sick, well = gate(), new_id(), new_id()
        for _ in range(FAULTS):
            await tell(db, at, call(at, sick), DOWN)
            await tell(db, at, call(at, well), PUBLISHED)
        assert [bool(wait) for wait in await ask(db, at, call(at, sick), call(at, well))] == [True, False]

    @pytest.mark.long
    async def test_replicas_that_race_send_one_probe(self, replicas: list[Database]) -> None:
        at, channel = gate(), new_id()
        await self.down(replicas, at, [channel])
        asked = [ask(replicas[n % 4], at, call(at, channel), ahead=REST) for n in range(40)]
        assert (await asyncio.gather(*asked)).count([None]) == 1

    async def test_the_probe_is_one_that_was_never_tried(self, db: Database) -> None:
        at, channel = gate(), new_id()
        await self.down([db], at, [channel])
        repeats = [call(at, channel, first=False) for _ in range(3)]
        waits = await ask(db, at, *repeats, call(at, channel), ahead=REST)
        assert [bool(wait) for wait in waits] == [True, True, True, False]

    @pytest.mark.parametrize(
        "result",
        [
            PUBLISHED,
            failures.ContentRejected(detail="20018"),
            failures.RateLimited(detail="429", until=datetime(2020, 1, 1, tzinfo=UTC)),
        ],
        ids=["published", "refused", "limited"],
    )
    async def test_any_answer_to_the_probe_closes_it(self, db: Database, result: Any) -> None:
        at, channel = gate(), new_id()
        await self.down([db], at, [channel])
        probe = replace(call(at, channel), began=datetime.now(UTC) + REST)
        assert await ask(db, at, probe, ahead=REST) == [None]
        await tell(db, at, probe, result, ahead=REST)
        assert await ask(db, at, *[call(at, channel) for _ in range(10)], ahead=REST) == [None] * 10

    async def test_an_answer_from_before_it_opened_does_not_close_it(self, db: Database) -> None:
        at, channel = gate(), new_id()
        await self.down([db], at, [channel])
        await tell(db, at, call(at, channel, age=10), PUBLISHED)
        [wait] = await ask(db, at, call(at, channel))
        assert wait is not None

    async def test_refusals_of_content_never_open_it(self, db: Database) -> None:
        at, channel = gate(), new_id()
        for _ in range(10 * FAULTS):
            await tell(db, at, call(at, channel), failures.ContentRejected(detail="20018: illegal"))
        assert await ask(db, at, call(at, channel)) == [None]

    @pytest.mark.long
    async def test_a_platform_that_fails_now_and_then_is_not_left_alone(self, db: Database) -> None:
        at, channel = gate(), new_id()
        for n in range(10 * FAULTS):
            await tell(db, at, call(at, channel), DOWN if n % 2 else PUBLISHED)
        assert await ask(db, at, call(at, channel)) == [None]

    async def test_without_a_rest_there_are_no_breakers(self, db: Database) -> None:
        at, channel = gate(rest=timedelta()), new_id()
        await self.down([db], at, [channel])
        assert await ask(db, at, call(at, channel)) == [None]
