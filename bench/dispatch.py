"""Lateness, drain and CPU of the dispatcher, beside a raw HTTP client in the same run.

    python -m bench.dispatch [--bursts 1000 10000] [--rates 50 100 200] [--seconds 10] [--planned 1000000]
        [--processes 2] [--out FILE]

Every publish is one POST to a local stub in a process of its own that answers after 50 ms; 100 may be in flight, over
500 channels. Lateness is the stub's: arrival minus due. `raw` is aiohttp by itself, `client` the httpx API over it that
adapters get. CPU is that of the engines' processes (`cpu_ms`) and of PostgreSQL (`db_cpu_ms`), for each delivery;
`rss_mb` is the largest engine's. `--planned` adds that many rows which are not due. Prints JSON lines and a table.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table
from sqlalchemy import exists, func, select, text

from bench import clients, processes
from bench.engine import engines
from bench.planned import make_due, plant
from bench.stub import stub
from drumtower import telemetry
from drumtower.crypto import Box, new_key
from drumtower.db import migrate
from drumtower.db.engine import Database
from drumtower.db.models import Delivery
from drumtower.embedded.servers import EmbeddedServers, temporary_servers
from tests.factories import Team, make_team

Figures = dict[str, Any]
# Each engine works for a moment before it is measured: statements prepared, connections open.
WARM = 300


class Bench:
    """One database, and engines on it."""

    def __init__(self, servers: EmbeddedServers, url: str) -> None:
        self.db = Database(servers.database_url, application="bench-desk")
        self.url = url
        key = new_key()
        self.box = Box(key)
        self.settings = {
            "DRUMTOWER_DATABASE_URL": servers.database_url,
            "DRUMTOWER_REDIS_URL": servers.redis_url,
            "secret_keys": key,
            "storage_dir": tempfile.mkdtemp(),
            "platform_concurrency": clients.IN_FLIGHT,
        }

    async def run(
        self, count: int, apart: timedelta, at_once: int = 1, profile: Path | None = None
    ) -> Figures:
        """Publish `count` deliveries that come due `apart` after one another, with `at_once` engines."""
        with engines(at_once, self.settings, profile) as pids:
            await self._published(WARM, timedelta(), pids)
            return await self._published(count, apart, pids)

    async def _published(self, count: int, apart: timedelta, pids: Sequence[int]) -> Figures:
        team = await make_team(self.db)
        await plant(self.db, self.box, team, self.url, count)
        await clients.late(self.url)
        start = datetime.now(UTC) + timedelta(seconds=1 + count / 5000)
        await make_due(self.db, team, start, apart)
        await asyncio.sleep(max(0.0, (start - datetime.now(UTC)).total_seconds() - 0.3))
        server = await self._server()
        cpu, db_cpu = sum(map(processes.cpu, pids)), processes.family_cpu(server)
        while await self._is_any_left(team):  # noqa: ASYNC110 - rows tell, no event does
            await asyncio.sleep(0.25)
        spent, db_spent = sum(map(processes.cpu, pids)) - cpu, processes.family_cpu(server) - db_cpu
        return {
            **await self._figures(team, start),
            "cpu_ms": spent * 1000 / count,
            "db_cpu_ms": db_spent * 1000 / count,
            "rss_mb": max(map(processes.rss_mb, pids)),
        }

    async def plan(self, count: int) -> None:
        await plant(self.db, self.box, await make_team(self.db), self.url, count)

    async def _server(self) -> int:
        async with self.db.transaction() as tx:
            backend = await tx.scalar(text("SELECT pg_backend_pid()"))
        assert backend is not None
        return processes.parent(backend)

    async def _is_any_left(self, team: Team) -> bool:
        ours = Delivery.workspace_id == team.workspace_id, Delivery.state != "published"
        async with self.db.transaction() as tx:
            return bool(await tx.scalar(select(exists().where(*ours))))

    async def _figures(self, team: Team, start: datetime) -> Figures:
        ours = Delivery.workspace_id == team.workspace_id
        async with self.db.transaction() as tx:
            last = await tx.scalar(select(func.max(Delivery.published_at)).where(ours))
        late = await clients.late(self.url)
        assert last is not None
        return {
            "drain_s": (last - start).total_seconds(),
            "late_p50_ms": statistics.median(late),
            "late_p95_ms": late[int(len(late) * 0.95)],
            "late_p99_ms": late[int(len(late) * 0.99)],
            "earliest_ms": late[0],
        }


async def main(given: argparse.Namespace, bench: Bench) -> list[Figures]:
    """Run everything that was asked for."""
    found: list[Figures] = []

    def show(name: str, count: int, figures: Figures) -> None:
        rounded = {name: round(value, 3) for name, value in figures.items()}
        found.append({"bench": name, "count": count, **rounded, "load": round(processes.load(), 1)})
        print(json.dumps(found[-1]), flush=True)

    if given.planned:
        await bench.plan(given.planned)
    for count in given.bursts:
        base = await clients.raw(bench.url, count)
        show("raw", count, base)
        show("client", count, await clients.client(bench.url, count))
        for at_once in range(1, given.processes + 1):
            ours = await bench.run(count, timedelta(), at_once, given.profile)
            show(f"burst, {at_once}", count, {**ours, "ratio": ours["drain_s"] / base["drain_s"]})
    for rate in given.rates:
        ours = await bench.run(rate * given.seconds, timedelta(seconds=1 / rate), 1, given.profile)
        show(f"{rate}/s", rate * given.seconds, ours)
    await bench.db.close()
    return found


def table(found: Sequence[Figures]) -> Table:
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
    parser.add_argument("--processes", type=int, default=1, help="bursts with one engine, and up to so many")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--profile", type=Path, help="where the last run's profile goes")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse()
    telemetry.configure(service="bench")
    with stub() as address, temporary_servers() as running:
        migrate.upgrade(running.database_url)
        rows = uvloop.run(main(arguments, Bench(running, address)))
    Console(width=200).print(table(rows))
    if arguments.out:
        arguments.out.write_text("".join(json.dumps(row) + "\n" for row in rows))
