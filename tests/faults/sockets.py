"""Q13: few file descriptors, and many clients that never finish their request."""

import asyncio
import os
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.faults.checker import Verdict
from tests.faults.field import Field, Size
from tests.faults.report import Report
from tests.faults.world import World, environment

DESCRIPTORS = 256
SLOW = 500
PROBES = 50
ANSWERED_WITHIN = 0.2
STARTED_WITHIN = 60.0


_TLS = ssl.create_default_context()  # made once: reading certificates takes longer than a probe


async def descriptors(world: World, size: Size) -> Report:
    """Let 500 clients send a byte a second to a process that may open 256 files; others are served all the same."""
    del size
    async with world.field({}) as field, _limited(field) as port:
        crowd = [asyncio.create_task(_dawdle(port, number)) for number in range(SLOW)]
        await asyncio.sleep(5)
        asked = [await _ask(port, "/health/live") for _ in range(PROBES)]
        served = [await _ask(port, "/v1/brands", field.team.owner_key) for _ in range(PROBES)]
        dawdled = sum(not one.done() for one in crowd)
        for one in crowd:
            one.cancel()
        parted = sum(
            isinstance(end, ConnectionError) for end in await asyncio.gather(*crowd, return_exceptions=True)
        )
    slowest = max(seconds for _, seconds in asked)
    return Report(
        name="Q13 few descriptors and slow clients",
        posts=SLOW,
        fired={"slow clients": dawdled, "made place": parted},
        verdict=Verdict(states={}),
        drained_after=0.0,
        claims={
            "liveness answers soon": slowest <= ANSWERED_WITHIN,
            "every probe was answered": {code for code, _ in asked} == {httpx.codes.OK},
            "every client that asks is served": {code for code, _ in served} == {httpx.codes.OK},
        },
        numbers={
            "slowest_liveness_seconds": round(slowest, 3),
            "slowest_request_seconds": round(max(seconds for _, seconds in served), 3),
        },
    )


@asynccontextmanager
async def _limited(field: Field) -> AsyncIterator[int]:
    """Run the API as its own process with few descriptors; give its port."""
    port = _free_port()
    limited = (
        "prlimit",
        f"--nofile={DESCRIPTORS}",
        sys.executable,
        "-m",
        "services.api.main",
        "--port",
        str(port),
    )
    process = await asyncio.create_subprocess_exec(
        *limited,
        env={**os.environ, **environment(field.settings)},  # noqa: TID251 - a child's environment
    )
    try:
        async with asyncio.timeout(STARTED_WITHIN):
            while (await _ask(port, "/health/live"))[0] != httpx.codes.OK:  # noqa: ASYNC110 - another process starts
                await asyncio.sleep(0.2)
        yield port
    finally:
        process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _ask(port: int, path: str, key: str = "") -> tuple[int, float]:
    """Ask on a connection of its own, as a probe does; 0 where nobody answers."""
    began = time.monotonic()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with httpx.AsyncClient(timeout=10, verify=_TLS) as client:
            began = time.monotonic()
            answer = await client.get(f"http://127.0.0.1:{port}{path}", headers=headers)
        return answer.status_code, time.monotonic() - began
    except httpx.HTTPError:
        return 0, time.monotonic() - began


async def _dawdle(port: int, number: int) -> None:
    """Send a request a byte a second: half of them its head, half of them a body; come again when cut off."""
    whole = b"POST /v1/brands HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
    start = len(whole) if number % 2 else 10
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(whole[:start])
        for byte in whole[start:] + b" " * 600:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)
    finally:
        writer.transport.abort()
