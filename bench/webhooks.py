"""Measures webhooks against the least an app could do (HMAC, one insert, commit), in turns, so that the machine cancels out.

Run from the repository root: `python -m bench.webhooks [--rate 200] [--seconds 15] [--rounds 2] [--out FILE]`. It starts a
PostgreSQL of its own that flushes every commit, one API process and one process of the bare app, pushes signed WeChat
messages at a fixed rate (latency counts from the planned instant), then as fast as 16 connections take them.
"""

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import asyncpg
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from drumtower.crypto import Box, new_key
from drumtower.db import migrate
from drumtower.db.engine import Database
from drumtower.db.models import InboundEvent, Interaction
from drumtower.embedded.servers import EmbeddedServers
from tests.factories import make_team
from tests.feedback.rows import count, make_channel, message_xml, push

CONNECTIONS = 16
AUTHORS = 500
TEXTS = (
    "茶叶收到了，很香，下次还来",
    "物流太慢了，三天还没到",
    "怎么买？有优惠吗",
    "在吗",
    "Great tea, thanks! 🍵",
)
BARE_SECRET = b"a shared secret"
BARE_TABLE = (
    "CREATE TABLE bare_events (id bigserial PRIMARY KEY, key text UNIQUE, body bytea, at timestamptz)"
)
BARE_INSERT = "INSERT INTO bare_events (key, body, at) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class Shot:
    """One request, signed ahead of time."""

    url: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one phase brought; latencies in milliseconds."""

    target: str
    phase: str
    answered: int
    refused: int
    per_second: float
    p50: float
    p99: float
    longest: float
    cpu: float  # milliseconds of the app's own process for each request, which other work on the machine blurs least


def bare() -> Starlette:
    """Make the bare app; its database's address comes from BARE_DATABASE_URL."""
    pools: list[asyncpg.Pool] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        url = os.environ["BARE_DATABASE_URL"]  # noqa: TID251 - it has no settings
        pools.append(await asyncpg.create_pool(url, min_size=10, max_size=20))
        yield
        await pools[0].close()

    async def receive(request: Request) -> PlainTextResponse:
        body = await request.body()
        expected = hmac.new(BARE_SECRET, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, request.headers["x-signature"]):
            return PlainTextResponse("", 401)
        await pools[0].execute(BARE_INSERT, request.headers["x-id"], body)
        return PlainTextResponse("success")

    return Starlette(routes=[Route("/bare", receive, methods=["POST"])], lifespan=lifespan)


def main() -> None:
    """Run every round and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rate", type=int, default=200)
    arguments.add_argument("--seconds", type=int, default=15)
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--out", type=Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as state, EmbeddedServers(Path(state)) as servers:
        migrate.upgrade(servers.database_url)
        found = asyncio.run(measure(servers, given.rate, given.seconds, given.rounds))
    show(found)
    if given.out:
        given.out.write_text("".join(json.dumps(asdict(one)) + "\n" for one in found))


async def measure(servers: EmbeddedServers, rate: int, seconds: int, rounds: int) -> list[Measured]:
    """Set up both apps, and measure them in turns."""
    db = Database(servers.database_url, application="bench")
    key = new_key()
    channel = await make_channel(db, await make_team(db), Box(key))
    await run_sql(servers.database_url, BARE_TABLE)
    ports = [free_port(), free_port()]
    environment = {
        "DRUMTOWER_DATABASE_URL": servers.database_url,
        "DRUMTOWER_REDIS_URL": servers.redis_url,
        "DRUMTOWER_SECRET_KEYS": key,
        "DRUMTOWER_ENVIRONMENT": "local",
        "BARE_DATABASE_URL": plain(servers.database_url),
    }
    makers: dict[str, Callable[[int], Shot]] = {
        "drumtower": lambda n: ours(f"http://127.0.0.1:{ports[0]}/v1/webhooks/wechat/{channel.id}", n),
        "bare": lambda n: theirs(f"http://127.0.0.1:{ports[1]}/bare", n),
    }
    found: list[Measured] = []
    numbers = iter(range(1, 10**9))
    with (
        served("services.api.main:create_app", ports[0], environment) as api,
        served("bench.webhooks:bare", ports[1], environment) as least,
    ):
        processes = {"drumtower": api, "bare": least}
        for port in ports:
            await reachable(port)
        for number in range(rounds + 1):
            for name, make in makers.items():
                shots = [make(next(numbers)) for _ in range(rate * (2 if number == 0 else seconds))]
                paced = await with_cpu(processes[name], at_rate(name, shots, rate))
                shots = [make(next(numbers)) for _ in range(100 if number == 0 else 4000)]
                flat_out = await with_cpu(processes[name], as_fast_as_possible(name, shots))
                found += [paced, flat_out] if number else []  # the first round warms up
    stored = (await count(db, InboundEvent), await count(db, Interaction))
    Console().print(f"events and interactions stored: {stored[0]}, {stored[1]}")
    await db.close()
    return found


async def with_cpu(process: int, phase: Awaitable[Measured]) -> Measured:
    """Add what the app's process spent."""
    before = cpu_seconds(process)
    measured = await phase
    spent = cpu_seconds(process) - before
    return replace(measured, cpu=round(spent * 1000 / (measured.answered + measured.refused), 2))


def cpu_seconds(process: int) -> float:
    """Read a process's user and system time from /proc (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ours(url: str, number: int) -> Shot:
    """Seal a WeChat message from one of many followers."""
    now = datetime.now(UTC)
    xml = message_xml(number, TEXTS[number % len(TEXTS)], now, author=f"oUser{number % AUTHORS:024}")
    sealed = push(xml, now)
    return Shot(f"{url}?{urlencode(sealed.query)}", sealed.body, {"Content-Type": "text/xml"})


def theirs(url: str, number: int) -> Shot:
    """Sign the same message for the bare app."""
    body = message_xml(number, TEXTS[number % len(TEXTS)], datetime.now(UTC)).encode()
    signature = hmac.new(BARE_SECRET, body, hashlib.sha256).hexdigest()
    return Shot(url, body, {"X-Signature": signature, "X-Id": str(number)})


async def at_rate(target: str, shots: Sequence[Shot], rate: int) -> Measured:
    """Send on a fixed timetable, whatever the answers do."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        started = time.perf_counter() + 0.1

        async def one(number: int, shot: Shot) -> tuple[int, float]:
            planned = started + number / rate
            await asyncio.sleep(planned - time.perf_counter())
            status = await fire(session, shot)
            return status, time.perf_counter() - planned

        answers = await asyncio.gather(*(one(number, shot) for number, shot in enumerate(shots)))
        return summed_up(target, f"{rate}/s", answers, time.perf_counter() - started)


async def as_fast_as_possible(target: str, shots: Sequence[Shot]) -> Measured:
    """Keep a fixed number of connections busy."""
    waiting = iter(shots)
    answers: list[tuple[int, float]] = []

    async def worker(session: aiohttp.ClientSession) -> None:
        for shot in waiting:
            began = time.perf_counter()
            answers.append((await fire(session, shot), time.perf_counter() - began))

    async with aiohttp.ClientSession() as session:
        started = time.perf_counter()
        await asyncio.gather(*(worker(session) for _ in range(CONNECTIONS)))
        return summed_up(target, f"{CONNECTIONS} connections", answers, time.perf_counter() - started)


async def fire(session: aiohttp.ClientSession, shot: Shot) -> int:
    async with session.post(shot.url, data=shot.body, headers=shot.headers) as answer:
        await answer.read()
        return answer.status


def summed_up(target: str, phase: str, answers: Sequence[tuple[int, float]], seconds: float) -> Measured:
    times = sorted(latency * 1000 for _, latency in answers)
    good = sum(status == 200 for status, _ in answers)
    return Measured(
        target=target,
        phase=phase,
        answered=good,
        refused=len(answers) - good,
        per_second=round(good / seconds, 1),
        p50=round(times[len(times) // 2], 2),
        p99=round(times[int(len(times) * 0.99)], 2),
        longest=round(times[-1], 2),
        cpu=0.0,
    )


def show(found: Sequence[Measured]) -> None:
    table = Table(
        "app", "phase", "answered", "refused", "per second", "p50 ms", "p99 ms", "longest ms", "cpu ms"
    )
    for one in found:
        table.add_row(*(str(value) for value in asdict(one).values()))
    Console().print(table)


@contextlib.contextmanager
def served(factory: str, port: int, environment: dict[str, str]) -> Iterator[int]:
    """Run an app in a process of its own; give its id."""
    command = [sys.executable, "-m", "uvicorn", "--factory", factory, "--port", str(port)]
    quiet = ["--log-level", "error", "--no-access-log"]
    inherited = {"PATH": os.defpath}
    process = subprocess.Popen([*command, *quiet], env=inherited | environment)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


async def reachable(port: int) -> None:
    """Wait until somebody listens."""
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


async def run_sql(url: str, statement: str) -> None:
    connection = await asyncpg.connect(plain(url))
    await connection.execute(statement)
    await connection.close()


def plain(url: str) -> str:
    """Return the address as asyncpg itself reads it."""
    return url.replace("postgresql+asyncpg://", "postgresql://")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
