"""PostgreSQL and Valkey of a run's own, which it may stop and start as it likes."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

from drumtower.embedded.layout import layout_at
from drumtower.embedded.processes import ChildProcess
from drumtower.embedded.servers import EmbeddedServers
from tests.databases import Servers, make_template
from tests.faults.disk import disk_at
from tests.faults.field import Field
from tests.faults.weather import Weather
from tests.faults.world import World

TEMPLATE = "faults_template"


@asynccontextmanager
async def own_field(
    world: World,
    accounts: Mapping[str, int],
    *,
    weather: Weather | None = None,
    mebibytes: int | None = None,
    seed: int = 1,
) -> AsyncIterator[tuple[Field, EmbeddedServers]]:
    """Lay out a field on servers of its own: other runs must not feel what happens to them.

    `mebibytes`: they have a disk of their own, of that size.
    """
    state = Path(tempfile.mkdtemp(prefix="drumtower-faults-"))
    disk = disk_at(state, mebibytes) if mebibytes else nullcontext()
    # Durable: without synchronous commits a stop forgets intents that were committed, and posts appear twice.
    try:
        with disk, EmbeddedServers(state) as embedded:
            servers = Servers(embedded.database_url, embedded.redis_url)
            own = replace(world, servers=servers, template=await make_template(servers, TEMPLATE))
            async with own.field(accounts, weather=weather, seed=seed) as field:
                yield field, embedded
    finally:
        for path in {state, layout_at(state).servers, layout_at(state).run}:
            rmtree(path, ignore_errors=True)


async def stop(server: ChildProcess, number: signal.Signals) -> None:
    """Signal a server, and return when it is gone."""
    server.send(number)
    if not await asyncio.to_thread(server.wait_gone, 10.0):
        server.kill()


async def start(server: ChildProcess) -> None:
    """Start a server again, and return when it takes connections.

    Started in the main thread: the kernel ends a server with the thread that started it.
    """
    server.start()
    await asyncio.to_thread(server.wait_ready)
