"""A platform in a few lines, in a process of its own: takes a post, notes how late it came, answers after 50 ms."""

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import uvloop

ANSWER_AFTER = 0.05


class _Stub(asyncio.Protocol):
    """Reads HTTP/1.1 with a content length; `GET /late` gives the lateness of every post since the last look, in ms."""

    late: ClassVar[list[float]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self.kept = b""

    def data_received(self, data: bytes) -> None:
        self.kept += data
        head, found, rest = self.kept.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if not found or len(rest) < length:
            return
        self.kept = rest[length:]
        if head.startswith(b"GET"):
            self.transport.write(_answer(json.dumps(self.late).encode()))
            self.late.clear()
            return
        due = json.loads(rest[:length])["due"]
        self.late.append((time.time() - due) * 1000)
        asyncio.get_running_loop().call_later(ANSWER_AFTER, self.transport.write, _ANSWER)


def _answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


_ANSWER = _answer(b'{"id": "1"}')


def _serve(port: Any) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Stub, "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


@contextmanager
def stub() -> Iterator[str]:
    """Serve the stub; give its address."""
    port: Any = multiprocessing.Queue()
    process = multiprocessing.Process(target=_serve, args=(port,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port.get()}"
    finally:
        process.kill()
