"""Lateness, drain and CPU of the dispatcher, beside a raw HTTP client in the same run.

    python -m bench.dispatch [--bursts 1000 10000] [--rates 50 100 200] [--seconds 10] [--planned 1000000] [--out FILE]

Every publish is one POST to a local stub in a process of its own that answers after 50 ms; 100 may be in flight, over
500 channels. Lateness is the stub's: arrival minus due. `raw` is aiohttp by itself, `client` the httpx API over it that
adapters get. CPU is that of this process (`cpu_ms`) and of PostgreSQL (`db_cpu_ms`), for each delivery. `--planned`
adds that many rows which are not due. Prints JSON lines and a table.
"""

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import uvloop
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select, text

from bench.planned import make_due, plant
from bench.stub import stub
from drumtower import http, telemetry
from drumtower.connections import Connections
from drumtower.crypto import Box, new_key
from drumtower.db import migrate
from drumtower.db.engine import Database
from drumtower.db.models import Delivery
from drumtower.domain.capabilities import Capabilities, Label, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.text import Unit
from drumtower.embedded.servers import temporary_servers
from drumtower.platforms import (
    Adapter,
    CredentialField,
    Credentials,
    OAuth2,
    PlatformCalls,
    Published,
    PublishRequest,
    RemoteAccount,
)
from drumtower.platforms.registry import Registry
from drumtower.settings import Settings
from drumtower.storage import LocalStorage
from drumtower.ticks import Ticker
from services.scheduler.dispatch import Dispatcher
from services.scheduler.gate import Gate
from services.scheduler.outcomes import Outcomes
from services.scheduler.send import Sender
from tests.factories import Team, make_team

IN_FLIGHT = 100
Figures = dict[str, Any]


class BenchAdapter(Adapter):
    """One POST a publish, and nothing else: what is measured is the engine."""

    slug: ClassVar[str] = "bench"
    name: ClassVar[Label] = Label(zh_cn="测量", en="Bench")
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=(Kind.IMAGE_TEXT,), body=TextRule(maximum=1000, unit=Unit.CHARACTER)
    )
    auth = OAuth2(
        fields=(CredentialField(name="access_token", label=Label(zh_cn="令牌", en="Token")),),
        authorize_url="http://127.0.0.1/",
        token_url="http://127.0.0.1/",
    )
    default_base_url: ClassVar[str] = "http://127.0.0.1"

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        return RemoteAccount(id="bench", name="bench")

    async def publish(self, request: PublishRequest) -> Published:
        calls = PlatformCalls(http=self.http, base_url=self.base_url, read_error=lambda *_: None, rules={})
        post = {"text": request.message.text, "due": request.created_at.timestamp()}
        answer = await calls.call("POST", "/posts", once=True, json=post)
        return Published(external_id=f"{answer['id']}-{request.idempotency_key}")


async def drained(post: Callable[[], Awaitable[Any]], count: int) -> Figures:
    """Drain `count` posts by hand: what no engine can beat here."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one() -> None:
        async with gate:
            await post()

    cpu, began = _cpu(), time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return {"drain_s": time.perf_counter() - began, "cpu_ms": (_cpu() - cpu) * 1000 / count}


async def raw(url: str, count: int) -> Figures:
    """Drain with aiohttp by itself."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post() -> None:
            body = {"text": "秋茶", "due": time.time()}
            async with session.post(f"{url}/posts", json=body) as answer:
                await answer.json()

        await drained(post, IN_FLIGHT)  # connections are open, as an engine's are
        return await drained(post, count)


async def client(url: str, count: int) -> Figures:
    """Drain with the client that adapters get."""
    async with http.client(allow_private=True) as web:

        async def post() -> None:
            (await web.post(f"{url}/posts", json={"text": "秋茶", "due": time.time()})).json()

        await drained(post, IN_FLIGHT)
        return await drained(post, count)


class Bench:
    """One database, and the engine on it."""

    def __init__(self, db: Database, settings: Settings, url: str) -> None:
        self.db = db
        self.settings = settings
        self.url = url
        self.box = Box(settings.secret_keys.get_secret_value())

    async def run(self, count: int, apart: timedelta, profile: Path | None = None) -> Figures:
        """Publish `count` deliveries that come due `apart` after one another."""
        team = await make_team(self.db)
        await plant(self.db, self.box, team, self.url, count)
        async with http.client(allow_private=True) as web:
            registry = Registry(adapters={"bench": BenchAdapter}, refused={})
            connections = Connections(db=self.db, http=web, box=self.box, registry=registry)
            sender = Sender(
                db=self.db,
                connections=connections,
                storage=LocalStorage(self.settings.storage_dir),
                settings=self.settings,
                outcomes=Outcomes(self.db, Gate.of(registry, self.settings)),
            )
            dispatcher = Dispatcher(db=self.db, sender=sender, settings=self.settings)
            await _late(self.url)
            start = datetime.now(UTC) + timedelta(seconds=1 + count / 5000)
            await make_due(self.db, team, start, apart)
            ticker = Ticker("dispatch", dispatcher.step, self.settings.dispatch_every)
            await asyncio.sleep(max(0.0, (start - datetime.now(UTC)).total_seconds() - 0.3))
            with cProfile.Profile(time.process_time) if profile else _Nothing() as profiler:
                cpu, db_cpu = _cpu(), await self._db_cpu()
                running = asyncio.create_task(ticker.run())
                while await self._left(team):  # noqa: ASYNC110 - rows tell, no event does
                    await asyncio.sleep(0.25)
                running.cancel()
                spent, db_spent = _cpu() - cpu, await self._db_cpu() - db_cpu
                await dispatcher.drain(timedelta(seconds=60))
            if profile:
                pstats.Stats(profiler).dump_stats(profile)
        return {
            **await self._figures(team, start),
            "cpu_ms": spent * 1000 / count,
            "db_cpu_ms": db_spent * 1000 / count,
        }

    async def _left(self, team: Team) -> int:
        ours = Delivery.workspace_id == team.workspace_id, Delivery.state != "published"
        async with self.db.transaction() as tx:
            return await tx.scalar(select(func.count()).select_from(Delivery).where(*ours)) or 0

    async def _figures(self, team: Team, start: datetime) -> Figures:
        async with self.db.transaction() as tx:
            last = await tx.scalar(
                select(func.max(Delivery.published_at)).where(Delivery.workspace_id == team.workspace_id)
            )
        late = sorted(await _late(self.url))
        assert last is not None
        return {
            "drain_s": (last - start).total_seconds(),
            "late_p50_ms": statistics.median(late),
            "late_p95_ms": late[int(len(late) * 0.95)],
            "late_p99_ms": late[int(len(late) * 0.99)],
            "earliest_ms": late[0],
        }

    async def _db_cpu(self) -> float:
        """Sum what this database's processes have spent, the ended ones included (Linux)."""
        async with self.db.transaction() as tx:
            backend = await tx.scalar(text("SELECT pg_backend_pid()"))
        server = int(_stat(backend)[1])
        living = sum(sum(map(int, _stat(pid)[11:13])) for pid in _children(server))
        return (living + sum(map(int, _stat(server)[11:15]))) / os.sysconf("SC_CLK_TCK")


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _stat(pid: int | None) -> list[str]:
    """Return the fields of /proc/pid/stat from the state on: parent is 1, own times 11 and 12, the children's after."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _children(server: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if int(_stat(int(path.name))[1]) == server:
                found.append(int(path.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


async def _late(url: str) -> list[float]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/late") as answer:
        late: list[float] = await answer.json()
        return late


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _rss() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def main(given: argparse.Namespace, database_url: str, redis_url: str, url: str) -> list[Figures]:
    """Run everything that was asked for."""
    db = Database(database_url, application="bench", pool=20, patience=30, plan_once=True)
    settings = Settings.model_validate(
        {
            "DRUMTOWER_DATABASE_URL": database_url,
            "DRUMTOWER_REDIS_URL": redis_url,
            "secret_keys": SecretStr(new_key()),
            "storage_dir": Path(tempfile.mkdtemp()),
            "platform_concurrency": IN_FLIGHT,
        }
    )
    bench = Bench(db, settings, url)
    found: list[Figures] = []

    def show(name: str, count: int, figures: Figures) -> None:
        rounded = {name: round(value, 3) for name, value in figures.items()}
        found.append({"bench": name, "count": count, **rounded, "rss_mb": round(_rss(), 1)})
        print(json.dumps(found[-1]), flush=True)

    if given.planned:
        await plant(db, bench.box, await make_team(db), url, given.planned)
    await bench.run(200, timedelta())  # warm
    for count in given.bursts:
        base = await raw(url, count)
        show("raw", count, base)
        show("client", count, await client(url, count))
        ours = await bench.run(count, timedelta(), given.profile)
        show("burst", count, {**ours, "ratio": ours["drain_s"] / base["drain_s"]})
    for rate in given.rates:
        ours = await bench.run(rate * given.seconds, timedelta(seconds=1 / rate), given.profile)
        show(f"{rate}/s", rate * given.seconds, ours)
    await db.close()
    return found


def table(found: list[Figures]) -> Table:
    names = list(dict.fromkeys(name for row in found for name in row))
    drawn = Table(*names)
    for row in found:
        drawn.add_row(*(str(row.get(name, "")) for name in names))
    return drawn


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bursts", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--rates", type=int, nargs="*", default=[50, 100, 200])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--planned", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--profile", type=Path, help="where the last run's profile goes")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse()
    telemetry.configure(service="bench")
    with stub() as address, temporary_servers() as servers:
        migrate.upgrade(servers.database_url)
        rows = uvloop.run(main(arguments, servers.database_url, servers.redis_url, address))
    Console(width=200).print(table(rows))
    if arguments.out:
        arguments.out.write_text("".join(json.dumps(row) + "\n" for row in rows))
