"""The process itself: it measures by its own clock and by the bell, survives what is away, and ends when told."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from drumtower.db.engine import Database
from drumtower.db.models import Heartbeat, Rollup, Sample
from drumtower.jobs import ArqQueue, Role
from drumtower.sandbox.faults import Behaviour
from drumtower.settings import Settings
from tests.databases import Servers
from tests.metrics.conftest import Connect, publish

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def metrics(settings: Settings, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the service as an operator does; it is killed if the test leaves it running."""
    environment = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - a child's environment
        "DRUMTOWER_ENVIRONMENT": "local",
        "DRUMTOWER_DATABASE_URL": settings.database_url,
        "DRUMTOWER_REDIS_URL": settings.redis_url,
        "DRUMTOWER_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "DRUMTOWER_ALLOW_PRIVATE_ADDRESSES": "true",
        "DRUMTOWER_SAMPLING_REHEARSAL": "PT1S",
        **variables,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.metrics.main",
        cwd=ROOT,
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def stop(process: asyncio.subprocess.Process, within: float) -> int:
    process.send_signal(signal.SIGTERM)
    _, complaints = await asyncio.wait_for(process.communicate(), within)
    assert process.returncode is not None
    assert b"Traceback" not in complaints, complaints.decode()
    return process.returncode


async def until(found: Callable[[], Awaitable[Any]], within: float = 40) -> None:
    deadline = time.monotonic() + within
    while not await found():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.1)


def count(db: Database, model: type[Sample] | type[Rollup]) -> Callable[[], Awaitable[int]]:
    async def counted() -> int:
        async with db.transaction() as tx:
            return await tx.scalar(select(func.count()).select_from(model)) or 0

    return counted


async def beats(db: Database) -> Sequence[str]:
    async with db.transaction() as tx:
        return (await tx.scalars(select(Heartbeat.step).where(Heartbeat.role == "metrics"))).all()


async def test_measures_and_ends_when_told_though_a_call_hangs(
    db: Database, settings: Settings, connect: Connect
) -> None:
    stage = await connect("weibo")
    await publish(stage)
    async with metrics(settings) as process:
        await until(count(db, Rollup))
        assert set(await beats(db)) >= {"plan", "plan.sweep", "pull", "rollup", "retention"}
        await stage.fault(path="users/show", behaviour=Behaviour.HANG, seconds=60, times=50)

        async def asked() -> bool:
            return await stage.fired() > 0

        await until(asked)
        began = time.monotonic()
        assert await stop(process, 14) == 0
        assert time.monotonic() - began < 13


async def test_the_bell_makes_a_new_post_measured_at_once(
    db: Database, settings: Settings, connect: Connect
) -> None:
    stage = await connect("weibo")
    queue = ArqQueue(settings.redis_url)

    async def measured_before_the_clock_would(body: str) -> bool:
        """Planning looks again by itself five seconds after its last beat; what is sampled before was rung for."""
        beat = await last_beat(db, "plan")
        post = await publish(stage, body=body)
        await queue.ring(Role.METRICS)

        async def sampled() -> bool:
            async with db.transaction() as tx:
                return bool(await tx.scalar(select(Sample.id).where(Sample.delivery_id == post.id).limit(1)))

        await until(sampled)
        async with db.transaction() as tx:
            now = (await tx.execute(select(func.now()))).scalar_one()
        return now - beat < timedelta(seconds=4.5)

    async with metrics(settings, DRUMTOWER_SAMPLING_REHEARSAL="PT1H") as process:
        await until(count(db, Sample))
        # A machine under load may publish too slowly for one round to prove anything.
        for number in range(3):
            rung = await measured_before_the_clock_would(f"第{number}条，关于秋茶")
            if rung:
                break
        assert rung
        assert await stop(process, 10) == 0
    await queue.close()


async def last_beat(db: Database, step: str) -> datetime:
    async with db.transaction() as tx:
        return (await tx.execute(select(Heartbeat.beat_at).where(Heartbeat.step == step))).scalar_one()


async def test_goes_on_without_redis_and_after_the_database_was_away(
    db: Database, settings: Settings, servers: Servers, connect: Connect
) -> None:
    stage = await connect("weibo")
    await publish(stage)
    async with metrics(settings, DRUMTOWER_REDIS_URL="redis://127.0.0.1:1/0") as process:
        await until(count(db, Sample))
        async with db.transaction() as tx:
            await tx.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND application_name = 'drumtower-metrics'"
                )
            )
        before = await count(db, Sample)()

        async def more() -> bool:
            return await count(db, Sample)() > before

        await until(more)
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 10)
        assert process.returncode == 0
