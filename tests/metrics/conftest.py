"""Sandbox platforms over HTTP, and a puller whose clock the test sets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from drumtower import http
from drumtower.connections import Connections
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Delivery, Sample, SamplePlan
from drumtower.platforms import registry
from drumtower.sandbox.app import create_app
from drumtower.settings import Settings
from drumtower.testkit.serving import serve
from services.metrics import plan
from services.metrics.pull import Puller
from services.scheduler.confirm import confirm
from tests.factories import Team, make_image
from tests.scheduler.stage import BODY, Stage

Connect = Callable[..., Awaitable[Stage]]


@dataclass(slots=True)
class SetClock:
    """Tells the time it was set to."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def move(self, ahead: timedelta) -> None:
        self.moment += ahead


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime.now(UTC))


@pytest.fixture
async def sandbox() -> AsyncIterator[str]:
    """All sandbox platforms, at one address."""
    async with serve(create_app()) as base_url:
        yield base_url


@pytest.fixture
async def connections(db: Database, box: Box) -> AsyncIterator[Connections]:
    async with http.client(allow_private=True) as client:
        yield Connections(db=db, http=client, box=box, registry=registry.load())


@pytest.fixture
def connect(db: Database, connections: Connections, settings: Settings, team: Team, sandbox: str) -> Connect:
    """Open an account on the named sandbox platform, and connect it."""

    async def make(platform: str, **options: Any) -> Stage:
        stage = Stage(
            db=db,
            connections=connections,
            settings=settings,
            team=team,
            platform=platform,
            base_url=f"{sandbox}/{platform}",
        )
        await stage.connect(**options)
        return stage

    return make


@pytest.fixture
async def puller(db: Database, connections: Connections, clock: SetClock) -> AsyncIterator[Puller]:
    made = Puller(db=db, connections=connections, clock=clock, platforms=plan.sources(connections.registry))
    yield made
    await made.settle(0)


async def publish(stage: Stage, body: str = BODY) -> Delivery:
    """Publish a post through the scheduler's own steps."""
    scheduled = await stage.schedule(body=body)
    await stage.work()
    delivery = await stage.delivery(scheduled)
    assert delivery.state == "published", delivery.error
    return delivery


async def publish_article(stage: Stage) -> Delivery:
    """Publish on WeChat, which wants a cover and answers later."""
    cover = await make_image(stage.db, stage.storage, stage.team)
    scheduled = await stage.schedule(asset_ids=(cover,))
    await stage.dispatch()
    async with asyncio.timeout(20):
        while (delivery := await stage.delivery(scheduled)).state == "accepted":
            await asyncio.sleep(0.2)  # the sandbox's own review
            await stage.pass_time(3600)
            await confirm(stage.db, stage.connections)
    assert delivery.state == "published", delivery.error
    return delivery


async def pull(puller: Puller) -> None:
    """Plan what is new, pull what is due, and wait for it."""
    await plan.step(puller.db, puller.platforms, puller.clock.now(), plan.SWEEP)
    await puller.step()
    await puller.settle()


async def plans(db: Database, channel_id: UUID) -> dict[UUID | None, SamplePlan]:
    """Return a channel's plans by delivery; the channel's own under None."""
    async with db.transaction() as tx:
        found = await tx.scalars(select(SamplePlan).where(SamplePlan.channel_id == channel_id))
        return {one.delivery_id: one for one in found}


async def readings(db: Database, channel_id: UUID, delivery_id: UUID | None) -> list[dict[str, int]]:
    """Return what was sampled, one dictionary a moment, oldest first."""
    async with db.transaction() as tx:
        found: Sequence[Sample] = (
            await tx.scalars(
                select(Sample)
                .where(Sample.channel_id == channel_id, Sample.delivery_id == delivery_id)
                .order_by(Sample.taken_at, Sample.id)
            )
        ).all()
    moments: dict[datetime, dict[str, int]] = {}
    for sample in found:
        moments.setdefault(sample.taken_at, {})[sample.metric] = sample.value
    return list(moments.values())
