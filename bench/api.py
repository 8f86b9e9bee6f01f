"""Writing and scheduling posts over the API, beside the least that FastAPI and the ORM could do.

    python -m bench.api [--count 400] [--rounds 3]

All run in this process without a socket, 16 at once; the client's share is in every row alike. `bare` takes a model,
adds one row with the ORM and commits. Prints JSON lines: requests per second, and CPU of this process and PostgreSQL.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvloop
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.orm import Mapped

from bench import processes
from drumtower import telemetry
from drumtower.crypto import Box
from drumtower.db import migrate
from drumtower.db.engine import Database
from drumtower.db.types import Base, Id
from drumtower.embedded.servers import EmbeddedServers, temporary_servers
from services.api.main import create_app
from tests.api import desk
from tests.conftest import client_for, local_settings
from tests.factories import make_channel, make_team

AT_ONCE = 16
# A channel takes so many posts a day only.
CHANNELS = 40
Ask = Callable[[int], Awaitable[httpx.Response]]


class Note(Base):
    """What the bare app keeps."""

    __tablename__ = "bench_notes"

    id: Mapped[Id]
    title: Mapped[str]
    body: Mapped[str]


class Asked(BaseModel):
    """What the bare app takes."""

    title: str
    body: str


def bare(db: Database) -> FastAPI:
    """Make the app that does nothing but store."""
    app = FastAPI()

    @app.post("/notes", status_code=201)
    async def add(asked: Asked) -> Asked:
        async with db.transaction() as tx:
            tx.add(Note(**asked.model_dump()))
        return asked

    return app


async def measured(ask: Ask, count: int, server: int) -> dict[str, float]:
    """Ask so often; each must be answered with 201."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with gate:
            desk.answer(await ask(number), 201)

    began, cpu, db_cpu = time.perf_counter(), processes.own_cpu(), processes.family_cpu(server)
    await asyncio.gather(*(one(number) for number in range(count)))
    took = time.perf_counter() - began
    spent, db_spent = processes.own_cpu() - cpu, processes.family_cpu(server) - db_cpu
    return {"per_s": count / took, "cpu_ms": spent * 1000 / count, "db_cpu_ms": db_spent * 1000 / count}


@asynccontextmanager
async def clients(servers: EmbeddedServers) -> AsyncIterator[dict[str, Any]]:
    """Give the team, its channels, and clients of both apps."""
    settings = local_settings(servers.database_url, servers.redis_url, Path(tempfile.mkdtemp()))
    db = Database(servers.database_url, application="bench")
    async with db.transaction() as tx:
        backend = await tx.scalar(text("SELECT pg_backend_pid()"))
        await tx.execute(text("CREATE TABLE bench_notes (id uuid PRIMARY KEY, title text, body text)"))
    team = await make_team(db)
    box = Box(settings.secret_keys.get_secret_value())
    channels = [await make_channel(db, team, box) for _ in range(CHANNELS)]
    app = create_app(settings)
    async with (
        LifespanManager(app),
        client_for(app, team.owner_key) as owner,
        client_for(app, team.reviewer_key) as reviewer,
        client_for(bare(db), None) as plain,
    ):
        known = {"team": team, "channels": channels, "server": processes.parent(int(backend or 0))}
        yield known | {"owner": owner, "reviewer": reviewer, "plain": plain}
    await db.close()


def asks(at: dict[str, Any], posts: list[Any]) -> dict[str, Ask]:
    """Return what is measured; each of the approved `posts` is scheduled once."""
    note = {"title": "秋茶上新", "body": desk.BODY}
    return {
        "bare": lambda _: at["plain"].post("/notes", json=note),
        "write": lambda _: at["owner"].post("/v1/posts", json=desk.draft(at["team"])),
        "schedule": lambda number: desk.schedule(
            at["owner"], posts[number], [at["channels"][number % CHANNELS]]
        ),
    }


async def main(given: argparse.Namespace, servers: EmbeddedServers) -> None:
    """Measure all three in turns."""
    async with clients(servers) as at:
        for _ in range(given.rounds):
            written = [await desk.write(at["owner"], at["team"]) for _ in range(given.count)]
            posts = [await desk.approve(at["owner"], at["reviewer"], post) for post in written]
            for name, ask in asks(at, posts).items():
                figures = await measured(ask, given.count, at["server"])
                rounded = {key: round(value, 2) for key, value in figures.items()}
                load = round(processes.load(), 1)
                print(json.dumps({"bench": name, "count": given.count, **rounded, "load": load}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    telemetry.configure(service="bench")
    with temporary_servers() as running:
        migrate.upgrade(running.database_url)
        uvloop.run(main(parser.parse_args(), running))
