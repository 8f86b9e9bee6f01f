"""R21 and Q19: the release before the last migration works on while the schema moves, and beside the new one."""

import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from drumtower.db import migrate
from drumtower.domain.deliveries import State
from drumtower.domain.ids import new_id
from tests.faults.crew import ROOT, Crew, Nursery
from tests.faults.field import ACCOUNTS, Field, Size
from tests.faults.report import Report, slowest
from tests.faults.weather import Weather
from tests.faults.world import World

CLASSES = ("weibo", "wechat", "bluesky")
VERSIONS = "migrations/versions"
PER_SECOND = 20
# In which the old release starts; what comes due before is only late.
START_SECONDS = 20.0
AROUND_SECONDS = 1.0
USUAL_SECONDS = 10.0
LONGEST_P99 = 1.0
OLD, NEW = 2, 2


@dataclass(slots=True)
class Clients:
    """What clients of the old API met: when each asked, how long it took, and what it was answered."""

    address: str
    key: str
    asked: list[tuple[float, float, int]] = field(default_factory=list)

    async def ask(self) -> None:
        """Write and read until cancelled."""
        headers = {"Authorization": f"Bearer {self.key}"}
        async with httpx.AsyncClient(base_url=self.address, headers=headers, timeout=30) as client:
            while True:
                name = new_id().hex
                await self._note(
                    client.post("/v1/brands", json={"name": name}, headers={"Idempotency-Key": name})
                )
                await self._note(client.get("/v1/posts"))
                await asyncio.sleep(0.05)

    async def _note(self, asking: Awaitable[httpx.Response]) -> None:
        began = time.monotonic()
        answer = await asking
        self.asked.append((began, time.monotonic() - began, answer.status_code))

    def p99(self, began: float, ended: float) -> float:
        """Return the 99th percentile of what was asked around that time, in seconds."""
        took = sorted(
            took
            for at, took, _ in self.asked
            if began - AROUND_SECONDS <= at + took and at <= ended + AROUND_SECONDS
        )
        return took[int(len(took) * 0.99)] if took else float("inf")


async def upgrades(world: World, size: Size) -> Report:
    """Migrate under the load of the old release, let both releases send side by side, then end the old one."""
    tree = world.directory / "before"
    before = await asyncio.to_thread(_check_out, tree)
    weather = Weather(before=0.05, after=0.3)
    accounts = dict.fromkeys(CLASSES, ACCOUNTS)
    with Nursery(tree) as old_nursery:
        async with world.field(accounts, weather=weather, seed=size.seed) as field:
            over = size.posts / PER_SECOND
            await field.plant(size.posts, CLASSES, after=START_SECONDS, over=over)
            url = field.settings.database_url
            await asyncio.to_thread(migrate.downgrade, url, before)
            old = Crew(
                nursery=old_nursery, environment=field.crew.environment, logs=field.crew.logs / "before"
            )
            await old.start(OLD)
            async with _api(tree, field) as clients:
                await asyncio.sleep(max(USUAL_SECONDS, over / 4))
                began = time.monotonic()
                await asyncio.to_thread(migrate.upgrade, url)
                ended = time.monotonic()
                await asyncio.sleep(AROUND_SECONDS)
            hit = await field.platforms.until_busy(1)
            await field.crew.start(NEW)
            await asyncio.sleep(over / 4)
            side_by_side = await field.count(State.PUBLISHED)
            codes = await old.stop(signal.SIGTERM)
            drained = await field.drain(60 + 2 * over)
            left = await field.settle()
            verdict = await field.verdict()
            late = slowest(await field.rows(), await field.attempts())
    p99, usual = clients.p99(began, ended), clients.p99(began - USUAL_SECONDS, began - 2 * AROUND_SECONDS)
    answers = Counter(code for _, _, code in clients.asked)
    return Report(
        name="R21+Q19 an upgrade under load",
        posts=size.posts,
        fired={
            "migrated": int(ended > began),
            "requests meanwhile": len(clients.asked),
            "calls that platforms had then": hit,
            "sent before the old release ended": side_by_side,
        },
        verdict=verdict,
        drained_after=drained,
        claims={
            "no request failed": set(answers) <= {200, 201},
            "none waited": p99 < max(LONGEST_P99, 2 * usual),  # a machine may be too busy for it anyway
            "the old release ended in peace": set(codes) == {0},
            "what can be looked up is settled": not left,
        },
        numbers={
            "migration_seconds": round(ended - began, 2),
            "p99_seconds_meanwhile": round(p99, 3),
            "p99_seconds_before": round(usual, 3),
            "answers": {str(code): count for code, count in answers.items()},
        },
        told={"slowest": late},
    )


def _check_out(tree: Path) -> str:
    """Lay out the release before the last migration; return its schema's revision."""
    added = _git("log", "-1", "--format=%H", "--diff-filter=A", "--", VERSIONS).decode().strip()
    with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", f"{added}~1"))) as archive:
        archive.extractall(tree, filter="data")
    return max(path.name for path in (tree / VERSIONS).glob("[0-9]*.py")).partition("_")[0]


def _git(*words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True).stdout  # noqa: S607


@asynccontextmanager
async def _api(tree: Path, field: Field) -> AsyncIterator[Clients]:
    """The old release's API, with clients that ask it all the time."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    environment = {**os.environ, **field.crew.environment, "DRUMTOWER_REQUESTS_PER_MINUTE": "100000"}  # noqa: TID251
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "services.api.main:create_app", "--factory", "--port", str(port)),
        cwd=tree,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    clients = Clients(f"http://127.0.0.1:{port}", field.team.owner_key)
    try:
        await _until_up(clients.address)
        asking = [asyncio.create_task(clients.ask()) for _ in range(3)]
        yield clients
        for task in asking:
            task.cancel()
        for problem in await asyncio.gather(*asking, return_exceptions=True):
            if not isinstance(problem, asyncio.CancelledError):
                clients.asked.append((0.0, 0.0, 0))  # a connection that broke is a request that failed
    finally:
        process.terminate()
        await process.wait()


async def _until_up(address: str) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while True:
            with suppress(httpx.TransportError):
                if (await client.get(f"{address}/health/live")).is_success:
                    return
            await asyncio.sleep(0.1)
