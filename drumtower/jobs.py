"""The bell: tells a role that there is something to do. Carries hints only; a lost one costs time, not truth."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol, cast

import structlog
from arq import ArqRedis, Worker, create_pool
from arq.connections import RedisSettings
from arq.typing import WorkerCoroutine
from arq.worker import func
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

RING_TIMEOUT = 1.0  # seconds a request may wait for the bell
JOB_TIMEOUT = 10
RESTART_AFTER = timedelta(seconds=1)


class Role(StrEnum):
    """Who listens; each has a queue of its own, so that slow work of one never starves another."""

    SCHEDULER = "scheduler"
    METRICS = "metrics"


class JobQueue(Protocol):
    """Rings a role's bell. Never raises: the listener's own clock finds the work anyway."""

    async def ring(self, role: Role) -> None: ...


class SilentQueue:
    """No bell at all: for tests, and to prove that nothing depends on it."""

    async def ring(self, role: Role) -> None:
        """Do nothing."""


def _pack(value: Any) -> bytes:
    return json.dumps(value, default=str).encode()


def _settings(redis_url: str) -> RedisSettings:
    settings = RedisSettings.from_dsn(redis_url)
    settings.conn_timeout = 1
    settings.conn_retries = 0
    return settings


class ArqQueue:
    """The bell over arq. JSON instead of arq's default pickle; results are not kept."""

    def __init__(self, redis_url: str) -> None:
        self._settings = _settings(redis_url)
        self._pool: ArqRedis | None = None

    async def ring(self, role: Role) -> None:
        try:
            async with asyncio.timeout(RING_TIMEOUT):
                if self._pool is None:
                    self._pool = await create_pool(
                        self._settings, job_serializer=_pack, job_deserializer=json.loads
                    )
                await self._pool.enqueue_job("wake", _queue_name=f"drumtower:{role}", _expires=30)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("bell.silent", role=role.value, error=type(error).__name__)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()


async def is_up(redis_url: str) -> bool:
    """Ask the bell for a sign of life."""
    try:
        async with Redis.from_url(
            redis_url, socket_timeout=RING_TIMEOUT, socket_connect_timeout=RING_TIMEOUT
        ) as redis:
            return bool(await redis.ping())
    except (RedisError, OSError):
        return False


async def listen(redis_url: str, role: Role, wake: Callable[[], None]) -> None:
    """Call `wake` whenever the bell rings, for ever. arq's worker exits when Redis goes away, so it is restarted."""

    async def on_wake(_: dict[Any, Any]) -> None:
        wake()

    while True:
        try:
            worker = Worker(
                functions=[
                    func(cast("WorkerCoroutine", on_wake), name="wake", keep_result=0, timeout=JOB_TIMEOUT)
                ],
                queue_name=f"drumtower:{role}",
                redis_settings=_settings(redis_url),
                job_serializer=_pack,
                job_deserializer=json.loads,
                handle_signals=False,
                poll_delay=0.05,
                keep_result=0,
            )
            await _run(worker)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("bell.lost", role=role.value, error=type(error).__name__)
        await asyncio.sleep(RESTART_AFTER.total_seconds())


async def _run(worker: Worker) -> None:
    run: Awaitable[None] = worker.async_run()
    try:
        await run
    finally:
        try:
            await worker.close()
        except (RedisError, OSError, AttributeError) as error:
            log.debug("bell.close", error=type(error).__name__)
