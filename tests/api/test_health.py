"""Health means progress: each dependency and each service, named, with the age of its last good step."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from sqlalchemy import func, update

from drumtower.db.engine import Database
from drumtower.db.heartbeats import Heartbeats
from drumtower.db.models import Heartbeat
from drumtower.settings import Settings
from services.api.main import create_app
from tests.api.desk import Json, answer, planned, set_row
from tests.conftest import client_for
from tests.databases import Servers, execute
from tests.factories import Team, make_channel


@asynccontextmanager
async def started(
    settings: Settings, key: str | None = None, **changes: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """An API of its own, with other settings."""
    app = create_app(settings.model_copy(update=changes))
    async with LifespanManager(app), client_for(app, key) as client:
        yield client


async def beat(db: Database, role: str, replica: str = "one") -> None:
    await Heartbeats(db, role=role, replica=replica).beat("step")


async def ready(client: httpx.AsyncClient, status: int) -> Json:
    body = answer(await client.get("/health/ready"), status)
    # A name or a version of a server is nobody's business here.
    assert "postgres" not in str(body).lower()
    return {name: check["status"] for name, check in body["checks"].items()} | {"all": body["status"]}


@pytest.mark.long
async def test_ready_names_everything(
    app: FastAPI,
    db: Database,
    settings: Settings,
    team: Team,
    reviewer: httpx.AsyncClient,
    client: httpx.AsyncClient,
) -> None:
    async with client_for(app, None) as nobody:
        assert answer(await nobody.get("/health/live")) == {"status": "pass"}
        assert await ready(nobody, 503) == {
            "all": "fail",
            "database": "pass",
            "redis": "pass",
            "scheduler": "fail",
            "metrics": "warn",
            "oldest_due_delivery": "pass",
        }
        for role in ("scheduler", "metrics"):
            await beat(db, role, "one")
        assert set((await ready(nobody, 200)).values()) == {"pass"}

        async with db.transaction() as tx:
            old = func.now() - timedelta(minutes=1)
            await tx.execute(update(Heartbeat).where(Heartbeat.role == "metrics").values(beat_at=old))
        assert (await ready(nobody, 200))["metrics"] == "warn"
        async with db.transaction() as tx:
            await tx.execute(update(Heartbeat).values(beat_at=func.now() - timedelta(minutes=1)))
        stale = await ready(nobody, 503)
        assert (stale["all"], stale["scheduler"], stale["database"]) == ("fail", "fail", "pass")
        # One replica that lives is enough.
        await beat(db, "scheduler", "two")
        assert (await ready(nobody, 200))["scheduler"] == "pass"

        # The services beat, and yet nothing goes out.
        channel = await make_channel(db, team, app.state.services.box)
        _, [delivery] = await planned(client, reviewer, team, [channel])
        assert (await ready(nobody, 200))["oldest_due_delivery"] == "pass"
        await set_row(db, delivery["id"], next_at=datetime.now(UTC) - timedelta(minutes=1))
        assert (await ready(nobody, 503))["oldest_due_delivery"] == "fail"

        exposed = await nobody.get("/metrics")
        assert exposed.headers["content-type"].startswith("text/plain")
        assert str(team.workspace_id) not in exposed.text


async def test_redis_away_is_a_warning(settings: Settings, team: Team, db: Database) -> None:
    for role in ("scheduler", "metrics"):
        await beat(db, role, "one")
    async with started(settings, team.owner_key, redis_url="redis://127.0.0.1:9/0") as client:
        found = await ready(client, 200)
        assert (found["all"], found["redis"]) == ("warn", "warn")
        made = await client.post("/v1/brands", json={"name": "x"})
        assert made.status_code == 201
        assert int(made.headers["ratelimit-remaining"]) > 0


async def test_postgresql_away_is_a_failure_that_passes(
    app: FastAPI, client: httpx.AsyncClient, settings: Settings, servers: Servers, db: Database
) -> None:
    name = urlsplit(settings.database_url).path[1:]
    await beat(db, "scheduler", "one")
    answer(await client.get("/v1/me"))
    await execute(servers.database_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
    await execute(servers.database_url, cut)
    found = await ready(client, 503)
    assert (found["all"], found["database"], found["redis"]) == ("fail", "fail", "pass")
    assert "scheduler" not in found
    assert answer(await client.get("/health/live"))["status"] == "pass"
    for request in (client.get("/v1/me"), client.post("/v1/brands", json={"name": "x"})):
        away = await request
        assert (away.status_code, away.json()["code"]) == (503, "database_unavailable")
        assert away.headers["content-type"] == "application/problem+json"
        assert int(away.headers["retry-after"]) > 0

    await execute(servers.database_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    answer(await client.get("/v1/me"))
    # Cut again: connections that died in the pool are no client's business.
    await execute(servers.database_url, cut)
    answer(await client.get("/v1/me"))


async def test_a_database_that_was_never_there(settings: Settings, team: Team) -> None:
    nowhere = "postgresql+asyncpg://app@127.0.0.1:9/none"
    async with started(settings, team.owner_key, database_url=nowhere) as client:
        assert (await ready(client, 503))["database"] == "fail"
        assert answer(await client.get("/v1/me"), 503)["code"] == "database_unavailable"
