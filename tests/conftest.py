"""Fixtures: real servers once a worker, a migrated template, a database of its own for every test that asks."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from drumtower import telemetry
from drumtower.crypto import Box, new_key
from drumtower.db.engine import Database
from drumtower.embedded.servers import temporary_servers
from drumtower.settings import Settings
from services.api.main import create_app
from tests.databases import Copies, Servers, make_template
from tests.factories import Team, make_team

TEMPLATE = "drumtower_template"

# Without it structlog draws each traceback with its locals, in colour: half a second for every exception.
telemetry.configure(service="tests")


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Embedded servers; TEST_DATABASE_URL and TEST_REDIS_URL name others, whose databases are made and dropped."""
    database_url = os.environ.get("TEST_DATABASE_URL")  # noqa: TID251 - the tests have no settings yet
    redis_url = os.environ.get("TEST_REDIS_URL")  # noqa: TID251
    if database_url and redis_url:
        yield Servers(database_url, redis_url)
        return
    with temporary_servers() as embedded:
        yield Servers(embedded.database_url, embedded.redis_url)


@pytest.fixture(scope="session")
def template(servers: Servers, worker_id: str) -> str:
    """A migrated database that others are copied from."""
    return asyncio.run(make_template(servers, f"{TEMPLATE}_{worker_id}"))


@pytest.fixture(scope="session")
def copies(servers: Servers, template: str) -> Copies:
    return Copies(servers, template)


@pytest.fixture
async def database_url(servers: Servers, copies: Copies) -> AsyncIterator[str]:
    """A migrated, empty database."""
    name = await copies.take()
    yield servers.database(name)
    await copies.give_back(name)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, application="tests")
    yield database
    await database.close()


def local_settings(database_url: str, redis_url: str, storage_dir: Path) -> Settings:
    """Return settings of a local Drumtower that may talk to sandboxes."""
    values = {
        "environment": "local",
        "DRUMTOWER_DATABASE_URL": database_url,
        "DRUMTOWER_REDIS_URL": redis_url,
        "secret_keys": new_key(),
        "storage_dir": storage_dir,
        "allow_private_addresses": True,
        "requests_per_minute": 100_000,
    }
    return Settings.model_validate(values)


@pytest.fixture
def settings(database_url: str, servers: Servers, tmp_path: Path) -> Settings:
    return local_settings(database_url, servers.redis_url, tmp_path / "assets")


@pytest.fixture
def box(settings: Settings) -> Box:
    return Box(settings.secret_keys.get_secret_value())


@pytest.fixture
async def team(db: Database) -> Team:
    """A workspace with an owner, a reviewer and a brand."""
    return await make_team(db)


@pytest.fixture(scope="session")
def built(servers: Servers) -> FastAPI:
    """The API, whose routes are worked out once a worker: that takes longer than most tests."""
    return create_app(local_settings(servers.database_url, servers.redis_url, Path("unused")))


@pytest.fixture
async def app(built: FastAPI, settings: Settings) -> AsyncIterator[FastAPI]:
    """The API, started with this test's settings."""
    built.state.settings = settings
    async with LifespanManager(built):
        yield built


def client_for(app: FastAPI, key: str | None) -> httpx.AsyncClient:
    """A client with an API key (or none); server errors come back as answers, as they do over a socket."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://api.test",
        headers={"Authorization": f"Bearer {key}"} if key else {},
    )


@pytest.fixture
async def client(app: FastAPI, team: Team) -> AsyncIterator[httpx.AsyncClient]:
    """The owner."""
    async with client_for(app, team.owner_key) as made:
        yield made


@pytest.fixture
async def reviewer(app: FastAPI, team: Team) -> AsyncIterator[httpx.AsyncClient]:
    """A second member, who may review."""
    async with client_for(app, team.reviewer_key) as made:
        yield made


@pytest.fixture
async def stranger(app: FastAPI, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The owner of another workspace."""
    other = await make_team(db)
    async with client_for(app, other.owner_key) as made:
        yield made
