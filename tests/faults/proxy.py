"""A small TCP proxy that hurts what goes through it, and says what it did."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
CHUNK = 64 * 1024
COMMIT = b"Q\x00\x00\x00\x0cCOMMIT;\x00"  # as asyncpg says it
CARRIED = 0.05  # seconds in which PostgreSQL has it
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class Harm(StrEnum):
    """What happens to bytes."""

    NONE = "none"
    BLACKHOLE = "blackhole"  # they are swallowed both ways, and connections stay open
    RESET = "reset"  # connections are reset as soon as they want to say something
    DROP_ANSWER = "drop answer"  # requests arrive; the connection is reset instead of the answer
    LOSE_COMMIT = "lose commit"  # counted only: see Proxy.lose_commits


@dataclass(slots=True, kw_only=True)
class Proxy:
    """Forwards connections; what it does to them may change at any moment. `latency`: seconds each way. `fired` counts."""

    dial: Dial
    harm: Harm = Harm.NONE
    latency: float = 0.0
    lose_commits: int = 0  # the answers of so many COMMITs are still to be lost
    fired: Counter[str] = field(default_factory=Counter)
    port: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _muted: set[asyncio.StreamWriter] = field(default_factory=set)  # clients that hear no answer any more

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        with suppress(OSError, asyncio.IncompleteReadError):
            far_reader, far_writer = await self.dial()
            self._writers |= {writer, far_writer}
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._carry(reader, far_writer, writer, answer=False))
                    group.create_task(self._carry(far_reader, writer, writer, answer=True))
            except* (OSError, _Broken):
                pass
            finally:
                self._muted.discard(writer)
                for one in (writer, far_writer):
                    one.close()
                    self._writers.discard(one)

    async def _carry(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        *,
        answer: bool,
    ) -> None:
        while data := await source.read(CHUNK):
            if self.latency:
                self.fired["latency"] += 1
                await asyncio.sleep(self.latency)
            if self.harm is Harm.BLACKHOLE:
                self.fired[self.harm] += 1
                continue
            if self.harm is Harm.RESET or (self.harm is Harm.DROP_ANSWER and answer):
                self.fired[self.harm] += 1
                _reset(client)
                raise _Broken
            if answer and client in self._muted:
                self.fired[Harm.LOSE_COMMIT] += 1
                continue
            lost = self.lose_commits > 0 and not answer and data.startswith(COMMIT)
            if lost:
                self.lose_commits -= 1
                self._muted.add(client)  # before it leaves: PostgreSQL answers within a millisecond
            target.write(data)
            await target.drain()
            if lost:
                await asyncio.sleep(CARRIED)
                _reset(client)
                raise _Broken
        if target.can_write_eof():
            with suppress(OSError):
                target.write_eof()

    def cut(self) -> None:
        """Reset every connection there is."""
        for writer in list(self._writers):
            self.fired["cut"] += 1
            _reset(writer)


class _Broken(Exception):
    """This connection was broken on purpose."""


def _reset(writer: asyncio.StreamWriter) -> None:
    taken = writer.get_extra_info("socket")
    if taken is not None and taken.family != socket.AF_UNIX:
        with suppress(OSError):
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


@asynccontextmanager
async def proxy_to(dial: Dial) -> AsyncIterator[Proxy]:
    """A proxy on a free loopback port."""
    proxy = Proxy(dial=dial)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        await server.wait_closed()
