"""What binds a delivery on its way: budgets, resets, breakers and places, from the claim to the platform and back."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text, update

from drumtower.adapters.weibo.adapter import WeiboAdapter
from drumtower.connections import Connections
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Delivery
from drumtower.db.repositories import breakers, budgets
from drumtower.domain import failures, retries
from drumtower.domain.budgets import Rate
from drumtower.domain.deliveries import Action, State
from drumtower.limits import Limits
from drumtower.platforms import PlatformError, Published, PublishRequest
from drumtower.platforms.registry import Registry
from drumtower.settings import Settings
from services.scheduler.candidates import pick
from services.scheduler.claim import claim_due
from services.scheduler.gate import Heard
from services.scheduler.reconcile import reconcile
from tests.factories import Team, make_channel
from tests.scheduler.scripted import OtherAdapter, ScriptedAdapter
from tests.scheduler.stage import Stage
from tests.scheduler.test_claim import candidate

SLOW_DOWN = {"path": "statuses/share", "status": 429, "body": "{}"}


def bound(stage: Stage, **settings: Any) -> Stage:
    """The stage with the documented limits in force."""
    changed = stage.settings.model_copy(update={"documented_limits": True, **settings})
    return replace(stage, settings=changed)


async def states(stage: Stage) -> Counter[str]:
    return Counter(row.state for row in await stage.deliveries())


async def turns(stage: Stage, count: int = 5) -> None:
    for _ in range(count):
        await stage.dispatch()


async def exhaust(stage: Stage) -> None:
    """Dispatch until nothing that is due is left."""
    async with asyncio.timeout(30):
        while any(
            row.state in ("planned", "retrying") and row.next_at and row.next_at <= datetime.now(UTC)
            for row in await stage.deliveries()
        ):
            await stage.dispatch()


class TestBudgets:
    @pytest.mark.long
    async def test_over_budget_waits_and_is_no_attempt_and_no_failure(self, weibo: Stage) -> None:
        stage = bound(weibo)
        for number in range(13):
            await stage.schedule(body=f"第{number}条")
        await exhaust(stage)
        assert await states(stage) == {State.PUBLISHED: 10, State.PLANNED: 3}
        assert len(await stage.remote_posts()) == 10
        waiting = sorted(
            (row for row in await stage.deliveries() if row.state == State.PLANNED),
            key=lambda row: row.due_at,
        )
        for row in waiting:
            assert (row.attempts, (row.error or {})["code"]) == (0, "budget_spent")
            assert row.not_before == row.next_at
        # Twenty an hour: three minutes apart, and in the order in which they were due.
        told = [row.next_at for row in waiting if row.next_at]
        assert told == sorted(told)
        assert all(at > datetime.now(UTC) + timedelta(minutes=1) for at in told)
        assert told[-1] - told[0] >= timedelta(minutes=6)

    @pytest.mark.long
    async def test_what_waited_goes_when_a_token_is_free(
        self, weibo: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        quick = Rate(count=240, per=timedelta(minutes=1), burst=2, source="tests")
        capabilities = replace(WeiboAdapter.capabilities, action_rates={Action.PUBLISH: quick})
        monkeypatch.setattr(WeiboAdapter, "capabilities", capabilities)
        stage = bound(weibo)
        for number in range(8):
            await stage.schedule(body=f"第{number}条")
        began = time.monotonic()
        await stage.work(seconds=20)
        assert await states(stage) == {State.PUBLISHED: 8}
        assert {row.attempts for row in await stage.deliveries()} == {1}
        assert all(row.error is None for row in await stage.deliveries())
        # Two at once, and six more a quarter of a second apart.
        assert time.monotonic() - began >= 6 * 0.25

    @pytest.mark.long
    async def test_another_channel_is_not_held_back(
        self, weibo: Stage, make_stage: Callable[[str], Awaitable[Stage]]
    ) -> None:
        stage, other = bound(weibo), bound(await make_stage("weibo"))
        for number in range(11):
            await stage.schedule(body=f"第{number}条")
        planned = await other.schedule(body="另一个账号")
        await exhaust(stage)
        assert (await other.delivery(planned)).state == State.PUBLISHED
        assert (await states(stage))[State.PLANNED] == 1


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first repeat within 0.4 s instead of 2."""
    monkeypatch.setattr(retries, "FIRST_DELAY", timedelta(seconds=0.4))


def soon(seconds: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)


class TestResets:
    """N5."""

    @pytest.mark.long
    @pytest.mark.parametrize(
        ("header", "value", "least", "most"),
        [
            ("Retry-After", lambda: "120", 119, 125),
            ("Retry-After", lambda: format_datetime(soon(120), usegmt=True), 118, 125),
            ("X-RateLimit-Reset", lambda: str(int(soon(120).timestamp())), 118, 125),
            ("X-RateLimit-Reset", lambda: soon(120).isoformat(), 118, 125),
            ("RateLimit-Reset", lambda: str(int(soon(120).timestamp())), 118, 125),
            # Nonsense, and none: five minutes.
            ("Retry-After", lambda: "-5", 299, 305),
            ("Retry-After", lambda: "1e9", 299, 305),
            ("Retry-After", lambda: "Wed, 99 Foo", 299, 305),
            ("Retry-After", lambda: "", 299, 305),
            ("Retry-After", lambda: "0", 299, 305),
            # Absurd: a day.
            ("Retry-After", lambda: "1000000000", 86399, 86405),
            ("Retry-After", lambda: "Fri, 31 Dec 9999 23:59:59 GMT", 86399, 86405),
        ],
    )
    async def test_no_call_leaves_before_it(
        self, weibo: Stage, header: str, value: Callable[[], str], least: int, most: int
    ) -> None:
        first, second = await weibo.schedule(body="一"), await weibo.schedule(body="二")
        await weibo.fault(**SLOW_DOWN, headers={header: value()}, times=50)
        began = datetime.now(UTC)
        await turns(weibo)
        assert await weibo.fired() == 1
        limited, waiting = await weibo.delivery(first), await weibo.delivery(second)
        assert (limited.state, limited.attempts) == (State.RETRYING, 0)
        assert (waiting.state, waiting.attempts) == (State.PLANNED, 0)
        for row in (limited, waiting):
            assert (row.error or {})["code"] == "rate_limited"
            assert row.next_at is not None
            assert row.not_before == row.next_at
            assert timedelta(seconds=least) <= row.next_at - began <= timedelta(seconds=most + 10)

    @pytest.mark.long
    async def test_what_is_planned_later_waits_too_and_goes_when_it_is_over(
        self, weibo: Stage, quick_retries: None
    ) -> None:
        await weibo.schedule(body="一")
        await weibo.fault(**SLOW_DOWN, headers={"Retry-After": "1"})
        await weibo.dispatch()
        async with weibo.db.transaction() as tx:
            until = (await tx.execute(text("SELECT max(closed_until) FROM rate_budgets"))).scalar_one()
        await weibo.schedule(body="二")
        await weibo.work(seconds=20)
        tried = [one for row in await weibo.deliveries() for one in await weibo.attempts(row)]
        assert sorted(str(one.outcome) for one in tried) == ["published", "published", "rate_limited"]
        assert all(one.started_at > until for one in tried if one.outcome == "published")
        assert {row.attempts for row in await weibo.deliveries()} == {1}

    async def test_an_app_limit_binds_the_other_channels(
        self, weibo: Stage, make_stage: Callable[[str], Awaitable[Stage]]
    ) -> None:
        other = await make_stage("weibo")
        await weibo.schedule(body="一")
        body = '{"error": "IP requests out of rate limit!", "error_code": 10022, "request": "/2"}'
        await weibo.fault(path="statuses/share", status=403, body=body, times=50)
        await weibo.dispatch()
        planned = await other.schedule(body="二")
        await turns(other)
        assert await weibo.fired() == 1
        assert ((await other.delivery(planned)).error or {})["code"] == "rate_limited"

    async def test_a_reset_that_comes_between_claim_and_call_is_kept(self, weibo: Stage) -> None:
        planned = await weibo.schedule()
        dispatcher = weibo.dispatcher()
        async with weibo.db.transaction() as tx:
            claim = await claim_due(
                tx, weibo.connections, weibo.gate, lease=timedelta(seconds=60), room=lambda _: 1, apart=True
            )
        [flight] = claim.flights
        limited = failures.RateLimited(detail="429", until=soon(90))
        told = weibo.gate.call(flight.delivery, flight.facts.channel, first=True, began=flight.claimed_at)
        async with weibo.db.transaction() as tx:
            await weibo.gate.learn(tx, [Heard(told, limited, flight.now())])
        await dispatcher.sender.send(flight)
        row = await weibo.delivery(planned)
        assert (row.state, row.attempts, (row.error or {})["code"]) == (State.RETRYING, 0, "rate_limited")
        assert row.next_at == limited.until
        assert await weibo.remote_posts() == []

    @pytest.mark.long
    async def test_looks_wait_too(self, weibo: Stage) -> None:
        planned = await weibo.schedule()
        await weibo.fault(path="statuses/share", behaviour="reset", acts=True)
        await weibo.dispatch()
        assert (await weibo.delivery(planned)).state == State.UNKNOWN
        place = weibo.gate.limits.place(weibo.channel_id, "weibo", weibo.base_url)
        async with weibo.db.transaction() as tx:
            await budgets.close(tx, {place.channel: (soon(60), "told")})
        await weibo.pass_time(3600)
        await reconcile(weibo.db, weibo.connections, weibo.storage, weibo.settings)
        assert (await weibo.delivery(planned)).state == State.UNKNOWN
        assert [one.step for one in await weibo.attempts(planned)] == ["send"]
        async with weibo.db.transaction() as tx:
            await tx.execute(text("UPDATE rate_budgets SET closed_until = now()"))
        await weibo.work()
        assert (await weibo.delivery(planned)).state == State.PUBLISHED
        assert len(await weibo.remote_posts()) == 1


class Stubborn(ScriptedAdapter):
    """Publishes as `script` says: an error to raise, an event to wait for, or nothing to say against it."""

    calls: ClassVar[list[tuple[str, str]]] = []
    script: ClassVar[Any] = None
    flying: ClassVar[Counter[str]] = Counter()
    most: ClassVar[Counter[str]] = Counter()

    async def publish(self, request: PublishRequest) -> Published:
        account = request.credentials.account_id
        self.calls.append((account, request.idempotency_key))
        for name in (self.slug, account):
            self.flying[name] += 1
            self.most[name] = max(self.most[name], self.flying[name])
        try:
            said = type(self).script
            if isinstance(said, Exception):
                raise said
            await (said.wait() if said else asyncio.sleep(0.05))
        finally:
            for name in (self.slug, account):
                self.flying[name] -= 1
        return Published(external_id=request.idempotency_key)


class Well(Stubborn, OtherAdapter):
    """A second platform, that works."""

    slug = "other"
    script = None


MakeCrowd = Callable[..., Awaitable[Stage]]


@pytest.fixture
def crowd(
    db: Database, connections: Connections, settings: Settings, team: Team, box: Box
) -> Iterator[MakeCrowd]:
    """Many channels on a platform that does as it is told, each with posts that are due."""
    for each in (Stubborn, Well):
        each.script = None
    for kept in (Stubborn.calls, Stubborn.flying, Stubborn.most):
        kept.clear()
    registry = Registry(adapters={"scripted": Stubborn, "other": Well}, refused={})
    ours = replace(connections, registry=registry)

    async def make(platform: str, channels: int, posts: int = 1, **changed: Any) -> Stage:
        quick = settings.model_copy(update={"documented_limits": False, **changed})
        stage = Stage(
            db=db,
            connections=ours,
            settings=quick,
            team=team,
            platform=platform,
            base_url="http://127.0.0.1:9",
        )
        sealed = box.seal({"secret": "x"})
        token = box.seal({"access": "t", "expires_at": None, "refresh": None})
        for _ in range(channels):
            channel: UUID = await make_channel(
                db, team, box, platform=platform, base_url=stage.base_url, credentials=sealed, token=token
            )
            one = replace(stage, channel_id=channel)
            for number in range(posts):
                await one.schedule(body=f"第{number}条")
        return stage

    yield make
    Stubborn.script = None


async def run(stage: Stage, seconds: float, *, until: Callable[[list[Delivery]], bool] | None = None) -> None:
    """Run one dispatcher, as the scheduler does, for so long or `until` the deliveries say so."""
    dispatcher = stage.dispatcher()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        rest = await dispatcher.step()
        if until is not None and until(await stage.deliveries()):
            break
        await asyncio.sleep(min(0.05, rest.total_seconds()) if rest is not None else 0.05)
    await dispatcher.drain(timedelta(seconds=60))


def all_published(rows: list[Delivery]) -> bool:
    return all(row.state == State.PUBLISHED for row in rows)


class TestBreakers:
    """N6 and N7."""

    @pytest.mark.long
    async def test_a_platform_that_fails_is_left_alone_and_asked_by_one(
        self, crowd: MakeCrowd, db: Database
    ) -> None:
        stage = await crowd("scripted", 12, platform_concurrency=6)
        Stubborn.script = PlatformError(failures.Transient(detail="HTTP 503"))
        await run(stage, 1.0)
        assert 5 <= len(Stubborn.calls) <= 6 + 5
        assert {(row.error or {})["code"] for row in await stage.deliveries()} <= {
            "breaker_open",
            "platform_unavailable",
        }
        asked = len(Stubborn.calls)
        async with db.transaction() as tx:
            assert await breakers.count_open(tx) == {("app", "scripted"): 1}
            await tx.execute(text("UPDATE breakers SET next_at = now()"))
            await tx.execute(update(Delivery).values(next_at=datetime.now(UTC)))
        await run(stage, 0.3)
        assert len(Stubborn.calls) == asked + 1, "one probe"

        Stubborn.script = None
        async with db.transaction() as tx:
            await tx.execute(text("UPDATE breakers SET next_at = now()"))
            await tx.execute(update(Delivery).values(next_at=datetime.now(UTC)))
        async with asyncio.timeout(30):
            while not all_published(await stage.deliveries()):
                await run(stage, 0.2, until=all_published)
                async with db.transaction() as tx:  # who waited for the breaker need not wait in a test
                    waiting = Delivery.state.in_(["planned", "retrying"])
                    await tx.execute(update(Delivery).where(waiting).values(next_at=datetime.now(UTC)))
        async with db.transaction() as tx:
            assert await breakers.count_open(tx) == {}

    async def test_refused_content_never_opens_it(self, crowd: MakeCrowd, db: Database) -> None:
        stage = await crowd("scripted", 20)
        Stubborn.script = PlatformError(failures.ContentRejected(detail="20018"))
        await run(stage, 20, until=lambda rows: all(row.state == State.FAILED for row in rows))
        assert len(Stubborn.calls) == 20
        async with db.transaction() as tx:
            assert await breakers.count_open(tx) == {}

    async def test_our_own_bugs_never_open_it(self, crowd: MakeCrowd, db: Database) -> None:
        stage = await crowd("scripted", 7)
        Stubborn.script = KeyError("a bug of the adapter's")
        await run(stage, 20, until=lambda rows: all(row.state == State.UNKNOWN for row in rows))
        assert len(Stubborn.calls) == 7
        async with db.transaction() as tx:
            assert await breakers.count_open(tx) == {}

    @pytest.mark.long
    async def test_repeats_stay_within_a_tenth_of_the_first_attempts(
        self, crowd: MakeCrowd, quick_retries: None
    ) -> None:
        """N7: everything fails; the rest is cut from 30 s to 0.15, so that this is five minutes in a second and a half."""
        stage = await crowd("scripted", 60, platform_concurrency=20, breaker_rest=timedelta(seconds=0.15))
        Stubborn.script = PlatformError(failures.Transient(detail="HTTP 503"))
        await run(stage, 1.5)
        firsts = len({key for _, key in Stubborn.calls})
        assert firsts >= 20
        assert len(Stubborn.calls) <= 1.1 * firsts

    @pytest.mark.long
    async def test_without_breakers_repeats_are_many(self, crowd: MakeCrowd, quick_retries: None) -> None:
        """The proof that the test above can fail."""
        stage = await crowd("scripted", 20, breaker_rest=timedelta())
        Stubborn.script = PlatformError(failures.Transient(detail="HTTP 503"))

        def many(_: list[Delivery]) -> bool:
            return len(Stubborn.calls) > 1.5 * len({key for _, key in Stubborn.calls})

        await run(stage, 10, until=many)
        assert many([])


class TestPlaces:
    """N2."""

    @pytest.mark.long
    async def test_a_platform_that_hangs_holds_its_places_and_delays_no_other(self, crowd: MakeCrowd) -> None:
        calm = await crowd("other", 15, platform_concurrency=8)
        await run(calm, 20, until=all_published)
        baseline = max(row.lateness_ms or 0 for row in await calm.deliveries() if row.platform == "other")

        await crowd("scripted", 30, platform_concurrency=8)
        stage = await crowd("other", 15, platform_concurrency=8)
        Stubborn.script = answered = asyncio.Event()
        asyncio.get_running_loop().call_later(8.0, answered.set)

        def other_is_out(rows: list[Delivery]) -> bool:
            if all_published([row for row in rows if row.platform == "other"]):
                answered.set()
            return answered.is_set()

        await run(stage, 10, until=other_is_out)
        rows = [row for row in await stage.deliveries() if row.platform == "other"]
        assert Stubborn.most["scripted"] == 8, "the hung platform's calls"
        assert all_published(rows)
        late = max(row.lateness_ms or 0 for row in rows)
        assert late <= baseline * 1.1 + 1000, "the well platform waited for the hung one"

    def test_a_channel_fills_no_platform(self) -> None:
        workspace, busy, other = UUID(int=1), UUID(int=2), UUID(int=3)
        found = [candidate(workspace, busy, "reply") for _ in range(20)]
        found += [candidate(workspace, other, "reply") for _ in range(2)]
        chosen = pick(found, lambda _: 20, lambda channel: 3 if channel == busy else 5)
        assert [one.channel_id for one in chosen] == [busy] * 3 + [other] * 2
        assert pick(found, lambda _: 20, lambda channel: 0 if channel == busy else 5) == found[20:]


async def test_health_shows_what_the_engine_learned(weibo: Stage, client: httpx.AsyncClient) -> None:
    """From the platform's answer, through the engine, to the API."""
    await weibo.schedule(body="一")
    await weibo.fault(**SLOW_DOWN, headers={"Retry-After": "600"})
    await weibo.dispatch()
    shown = (await client.get(f"/v1/channels/{weibo.channel_id}/health")).json()
    assert shown["health"] == "limited"
    [reset] = shown["resets"]
    assert reset["scope"] == "channel"
    assert "429" in reset["detail"]
    place = Limits(registry=weibo.connections.registry).place(weibo.channel_id, "weibo", weibo.base_url)
    async with weibo.db.transaction() as tx:
        assert set(await budgets.read(tx, [place.channel, place.app])) == {place.channel}
