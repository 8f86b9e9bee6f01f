"""Fixtures: real servers once a worker, a migrated template, a database of its own for every test that asks."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from drumtower.crypto import Box, new_key
from drumtower.db import migrate
from drumtower.db.engine import Database
from drumtower.db.partitions import ensure_partitions
from drumtower.domain.clock import SystemClock
from drumtower.domain.ids import new_id
from drumtower.embedded.servers import temporary_servers
from drumtower.settings import Settings
from services.api.main import create_app
from tests.factories import Team, make_team

TEMPLATE = "drumtower_template"


@dataclass(frozen=True, slots=True)
class Servers:
    """A PostgreSQL and a Redis that belong to the tests alone."""

    database_url: str
    redis_url: str

    def database(self, name: str) -> str:
        """Return the address of another database on the same server."""
        parts = urlsplit(self.database_url)
        return urlunsplit(parts._replace(path=f"/{name}"))


async def execute(url: str, statement: str) -> None:
    """Run one statement outside a transaction."""
    parts = urlsplit(url)
    host = parts.hostname or parse_qs(parts.query).get("host", ["localhost"])[0]
    connection = await asyncpg.connect(
        host=host,
        port=parts.port or 5432,
        user=parts.username,
        password=parts.password,
        database=parts.path[1:],
    )
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


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


async def _partitions(url: str) -> None:
    db = Database(url, application="tests")
    async with db.transaction() as tx:
        await ensure_partitions(tx, SystemClock().now())
    await db.close()


@pytest.fixture(scope="session")
def template(servers: Servers, worker_id: str) -> str:
    """A migrated database that others are copied from."""
    name = f"{TEMPLATE}_{worker_id}"
    asyncio.run(execute(servers.database_url, f"DROP DATABASE IF EXISTS {name}"))
    asyncio.run(execute(servers.database_url, f"CREATE DATABASE {name}"))
    migrate.upgrade(servers.database(name))
    asyncio.run(_partitions(servers.database(name)))
    return name


@pytest.fixture
async def database_url(servers: Servers, template: str) -> AsyncIterator[str]:
    """A fresh, migrated, empty database."""
    name = f"test_{new_id().hex}"
    # Copying files takes a tenth of the time of the default, which logs every page; nothing here outlives a crash.
    await execute(servers.database_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield servers.database(name)
    await execute(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, application="tests")
    yield database
    await database.close()


@pytest.fixture
def settings(database_url: str, servers: Servers, tmp_path: Path) -> Settings:
    """Settings of a local Drumtower that may talk to sandboxes."""
    values = {
        "environment": "local",
        "DRUMTOWER_DATABASE_URL": database_url,
        "DRUMTOWER_REDIS_URL": servers.redis_url,
        "secret_keys": new_key(),
        "storage_dir": tmp_path / "assets",
        "allow_private_addresses": True,
        "requests_per_minute": 100_000,
    }
    return Settings.model_validate(values)


@pytest.fixture
def box(settings: Settings) -> Box:
    return Box(settings.secret_keys.get_secret_value())


@pytest.fixture
async def team(db: Database) -> Team:
    """A workspace with an owner, a reviewer and a brand."""
    return await make_team(db)


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The API, started."""
    api = create_app(settings)
    async with LifespanManager(api):
        yield api


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
