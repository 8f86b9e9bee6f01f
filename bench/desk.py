"""A running API with a team, in this process and without a socket, beside the bare app on the same database."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from asgi_lifespan import LifespanManager
from sqlalchemy import text

from bench import processes
from bench.bare import bare, prepare
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.embedded.servers import EmbeddedServers
from services.api.main import create_app, settle
from tests.conftest import client_for, local_settings
from tests.factories import Team, make_team


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What is measured; `server` is PostgreSQL's process."""

    db: Database
    box: Box
    team: Team
    server: int
    owner: httpx.AsyncClient
    reviewer: httpx.AsyncClient
    plain: httpx.AsyncClient


@asynccontextmanager
async def desk(servers: EmbeddedServers, notes: int = 0) -> AsyncIterator[Desk]:
    """Start both apps on servers that are migrated already; the bare one has so many notes."""
    settings = local_settings(servers.database_url, servers.redis_url, Path(tempfile.mkdtemp()))
    db = Database(servers.database_url, application="bench")
    await prepare(db, notes)
    async with db.transaction() as tx:
        backend = await tx.scalar(text("SELECT pg_backend_pid()"))
    team = await make_team(db)
    app = create_app(settings)
    async with (
        LifespanManager(app),
        client_for(app, team.owner_key) as owner,
        client_for(app, team.reviewer_key) as reviewer,
        client_for(bare(db), None) as plain,
    ):
        settle()
        yield Desk(
            db=db,
            box=Box(settings.secret_keys.get_secret_value()),
            team=team,
            server=processes.parent(int(backend or 0)),
            owner=owner,
            reviewer=reviewer,
            plain=plain,
        )
    await db.close()
