"""Stages on the sandbox platforms."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from drumtower import http
from drumtower.connections import Connections
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.platforms import registry
from drumtower.sandbox.app import create_app
from drumtower.settings import Settings
from drumtower.testkit.serving import serve
from tests.factories import Team
from tests.scheduler.stage import Stage

MakeStage = Callable[[str], Awaitable[Stage]]


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
def make_stage(
    db: Database, connections: Connections, settings: Settings, team: Team, sandbox: str
) -> MakeStage:
    """Make a stage on the named platform, connected."""
    # Bursts that no platform would take are what most of these tests are about; test_budgets.py binds the limits.
    hasty = settings.model_copy(update={"reconcile_grace": timedelta(seconds=1), "documented_limits": False})

    async def make(platform: str) -> Stage:
        stage = Stage(
            db=db,
            connections=connections,
            settings=hasty,
            team=team,
            platform=platform,
            base_url=f"{sandbox}/{platform}",
        )
        await stage.connect()
        return stage

    return make


@pytest.fixture
async def weibo(make_stage: MakeStage) -> Stage:
    """Synchronous, found by look-up."""
    return await make_stage("weibo")


@pytest.fixture
async def bluesky(make_stage: MakeStage) -> Stage:
    """Synchronous, with a key of our choice."""
    return await make_stage("bluesky")


@pytest.fixture
async def kuaishou(make_stage: MakeStage) -> Stage:
    """Videos in fragments, then a review in the platform's own time."""
    return await make_stage("kuaishou")


@pytest.fixture
async def douyin(make_stage: MakeStage) -> Stage:
    """Videos in parts, then a review of which nobody is told."""
    return await make_stage("douyin")


@pytest.fixture
async def wechat(make_stage: MakeStage) -> Stage:
    """Draft first, then a publish that ends in the platform's own time."""
    return await make_stage("wechat")
