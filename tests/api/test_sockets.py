"""Clients that never finish a request make place for those that do."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress

import httpx
import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from services.api import sockets

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"


async def _serve(scope: Scope, receive: Receive, send: Send) -> None:
    with suppress(ClientDisconnect):
        await Request(scope, receive).body()
        await PlainTextResponse("served")(scope, receive, send)


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server with room for three."""
    monkeypatch.setattr(sockets, "room", lambda: 3)
    config = uvicorn.Config(
        _serve,
        port=0,
        http=sockets.FrugalProtocol,
        log_config=None,
        lifespan="off",
        ws="none",
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


@pytest.mark.parametrize(
    "sent", [b"", HEAD[:20], HEAD + b"half"], ids=["nothing", "half a head", "half a body"]
)
async def test_the_longest_waiting_makes_place(port: int, sent: bytes) -> None:
    with ExitStack() as stack:
        crowd = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(3)]
        for one in crowd:
            one.sendall(sent)
            one.setblocking(False)
            await asyncio.sleep(0.02)
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{port}/")
        assert answer.text == "served"
        assert await _is_cut_off(crowd[0])
        assert not await _is_cut_off(crowd[2])


async def _is_cut_off(one: socket.socket) -> bool:
    try:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(one, 1), 0.2) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True
