"""The doors of processes that serve nobody else, and what everybody learns when the publisher is gone (Q20)."""

import asyncio
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from typer.testing import CliRunner

from drumtower.cli import app
from drumtower.db.engine import Database, after_commit
from drumtower.db.heartbeats import Heartbeats
from drumtower.health.listener import listener
from drumtower.health.readiness import Own
from drumtower.jobs import Role
from drumtower.settings import Settings
from tests.api.desk import Json, answer
from tests.scheduler.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
MOST_SERIES = 2_000
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def free_address() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def probed(settings: Settings) -> Settings:
    return settings.model_copy(update={"probe_address": free_address()})


@asynccontextmanager
async def door(settings: Settings, db: Database, replica: str = "one") -> AsyncIterator[httpx.AsyncClient]:
    async with (
        listener(settings, db, Own(role=Role.SCHEDULER, replica=replica)),
        httpx.AsyncClient(base_url=f"http://{settings.probe_address}") as client,
    ):
        yield client


async def test_a_process_answers_for_itself_alone(probed: Settings, db: Database) -> None:
    await Heartbeats(db, role="scheduler", replica="one").beat("dispatch")
    async with door(probed, db, "another") as client:
        assert answer(await client.get("/health/live")) == {"status": "pass"}
        silent = answer(await client.get("/health/ready"), 503)
        assert silent["checks"]["scheduler"]["detail"] == "never seen"
    async with door(probed, db) as client:
        ready = answer(await client.get("/health/ready"))
        assert set(ready["checks"]) == {"database", "redis", "scheduler", "oldest_due_delivery"}
        assert ready["checks"]["scheduler"]["steps"]["dispatch"]["status"] == "pass"


async def test_a_database_that_is_away_is_told(probed: Settings) -> None:
    nowhere = Database("postgresql+asyncpg://app@127.0.0.1:9/none", application="tests")
    async with door(probed, nowhere) as client:
        ready = answer(await client.get("/health/ready"), 503)
        assert ready["checks"]["database"]["status"] == "fail"
        figures = (await client.get("/metrics")).text
    assert "database_up 0.0" in figures
    assert "oldest_due_age_seconds NaN" in figures
    await nowhere.close()


async def test_an_address_that_is_taken_stops_no_work(probed: Settings, db: Database) -> None:
    async with door(probed, db), listener(probed, db, Own(role=Role.METRICS, replica="two")):
        pass


async def test_no_address_no_door(settings: Settings, db: Database) -> None:
    async with listener(settings, db, Own(role=Role.METRICS, replica="one")):
        assert settings.probe_address is None


@pytest.mark.long
async def test_figures_are_few_true_and_name_nobody(weibo: Stage, probed: Settings, db: Database) -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    before = value("deliveries_total", state="published")
    seen = value("delivery_lateness_seconds_count", platform="weibo")
    await weibo.schedule()
    await weibo.schedule(timedelta(hours=-1), body="昨天那一条,晚了一个小时才发")
    await weibo.work()
    assert value("deliveries_total", state="published") == before + 2
    assert value("delivery_lateness_seconds_count", platform="weibo") == seen + 2
    hours = value("delivery_lateness_seconds_sum", platform="weibo")
    assert hours >= 3_600, "an hour late is an hour late"
    late = await weibo.schedule(timedelta(minutes=-2))
    await Heartbeats(db, role="scheduler", replica="one").beat("dispatch")
    async with door(probed, db) as client:
        told = (await client.get("/metrics")).text
        assert (
            answer(await client.get("/health/ready"), 503)["checks"]["oldest_due_delivery"]["status"]
            == "fail"
        )
    families = {family.name: family for family in text_string_to_metric_families(told)}
    [oldest] = families["oldest_due_age_seconds"].samples
    assert 119 < oldest.value < 180
    queues = {one.labels["queue"]: one.value for one in families["queue_age_seconds"].samples}
    assert queues["send"] == oldest.value
    assert {"confirm", "reconcile", "reap", "relay", "clean", "sample"} < set(queues)
    assert "heartbeat_age_seconds" in families
    samples = [sample for family in families.values() for sample in family.samples]
    assert len(samples) <= MOST_SERIES
    for sample in samples:
        assert not any(ID.search(label) for label in sample.labels.values()), sample
    assert str(late.id) not in told


async def _fail(db: Database, told: list[str]) -> None:
    async with db.transaction() as tx:
        after_commit(tx, lambda: told.append("never"))
        _ = 1 / 0


async def test_what_is_rolled_back_is_not_counted(db: Database) -> None:
    told: list[str] = []
    with pytest.raises(ZeroDivisionError):
        await _fail(db, told)
    async with db.transaction() as tx:
        after_commit(tx, lambda: told.append("once"))
    assert told == ["once"]


@pytest.mark.long
async def test_all_schedulers_killed_is_told_within_thirty_seconds(
    client: httpx.AsyncClient, probed: Settings, db: Database
) -> None:
    """Q20, with a real process: its own door goes with it, and the API's readiness fails.

    The half minute passes at once, in the rows; the fault run `silence` waits for it.
    """
    process = await _scheduler(probed)
    try:
        async with asyncio.timeout(40), httpx.AsyncClient() as plain:
            await _until(client, 200)
            own = await plain.get(f"http://{probed.probe_address}/health/ready")
            steps = answer(own)["checks"]["scheduler"]["steps"]
            assert {"dispatch", "prepare", "confirm", "reconcile", "reap", "clean", "relay"} <= set(steps)
            assert "heartbeat_age_seconds" in (await plain.get(f"http://{probed.probe_address}/metrics")).text
        process.send_signal(signal.SIGKILL)
        await process.wait()
        killed = time.monotonic()
        answer(await client.get("/health/ready"))  # as far as anybody can know by now
        async with db.transaction() as tx:
            await tx.execute(text("UPDATE heartbeats SET beat_at = beat_at - interval '29 seconds'"))
        ready = answer(await client.get("/health/ready"), 503)
        assert time.monotonic() - killed < 15, "too slow a machine to tell"
        assert ready["checks"]["scheduler"]["status"] == "fail"
        assert ready["checks"]["database"]["status"] == "pass"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_doctor_says_what_readiness_does(settings: Settings, db: Database) -> None:
    environment = {
        "DRUMTOWER_DATABASE_URL": settings.database_url,
        "DRUMTOWER_REDIS_URL": settings.redis_url,
        "DRUMTOWER_SECRET_KEYS": settings.secret_keys.get_secret_value(),
    }
    invoke = partial(CliRunner().invoke, app, ["doctor"], env=environment)
    sick = await asyncio.to_thread(invoke)
    assert sick.exit_code == 1
    assert re.search(r"scheduler +fail +never seen", sick.output)
    await Heartbeats(db, role="scheduler", replica="one").beat("dispatch")
    well = await asyncio.to_thread(invoke)
    assert well.exit_code == 0, well.output
    assert re.search(r"  dispatch +pass +\d", well.output)
    assert re.search(r"metrics +warn", well.output)


async def _scheduler(settings: Settings) -> asyncio.subprocess.Process:
    environment = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - a child's environment
        "DRUMTOWER_ENVIRONMENT": "local",
        "DRUMTOWER_DATABASE_URL": settings.database_url,
        "DRUMTOWER_REDIS_URL": settings.redis_url,
        "DRUMTOWER_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "DRUMTOWER_PROBE_ADDRESS": settings.probe_address or "",
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.scheduler.main",
        cwd=ROOT,
        env=environment,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _until(client: httpx.AsyncClient, status: int) -> Json:
    started = datetime.now(UTC)
    while True:
        got = await client.get("/health/ready")
        if got.status_code == status:
            body: Json = got.json()
            return body
        assert datetime.now(UTC) - started < timedelta(seconds=60), got.text
        await asyncio.sleep(0.2)
