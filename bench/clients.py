"""The ceilings of the dispatch bench: the same posts, drained by hand."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from bench.processes import own_cpu
from drumtower import http

IN_FLIGHT = 100


async def raw(url: str, count: int) -> dict[str, float]:
    """Drain with aiohttp by itself."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post() -> None:
            body = {"text": "秋茶", "due": time.time()}
            async with session.post(f"{url}/posts", json=body) as answer:
                await answer.json()

        await _drained(post, IN_FLIGHT)  # connections are open, as an engine's are
        return await _drained(post, count)


async def client(url: str, count: int) -> dict[str, float]:
    """Drain with the client that adapters get."""
    async with http.client(allow_private=True) as web:

        async def post() -> None:
            (await web.post(f"{url}/posts", json={"text": "秋茶", "due": time.time()})).json()

        await _drained(post, IN_FLIGHT)
        return await _drained(post, count)


async def late(url: str) -> list[float]:
    """Take the lateness of every post since the last look, in milliseconds, from the stub."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/late") as answer:
        found: list[float] = await answer.json()
        return sorted(found)


async def _drained(post: Callable[[], Awaitable[Any]], count: int) -> dict[str, float]:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one() -> None:
        async with gate:
            await post()

    cpu, began = own_cpu(), time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return {"drain_s": time.perf_counter() - began, "cpu_ms": (own_cpu() - cpu) * 1000 / count}
