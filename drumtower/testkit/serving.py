"""Serve an ASGI app over real HTTP in the running loop, so that a test sees what a socket really does.

`BreakableProtocol` works under a plain server too: `uvicorn.run(app, http=BreakableProtocol)`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from drumtower.sandbox.faults import ConnectionBroken


class State(ServerState):
    """What the connections of a server share; `closed` turns away those that were accepted just before."""

    closed = False


class BreakableProtocol(HttpToolsProtocol):
    """Drops the connection where the app raises ConnectionBroken: with no answer, or in mid-body."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.app = _Breakable(self.app, self)
        # Request lines carry access tokens; no log may hold them.
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if isinstance(self.server_state, State) and self.server_state.closed:
            transport.abort()

    def drop(self, *, flush: bool) -> None:
        """Close the connection; `flush` lets out what was written of the answer."""
        if flush:
            self.transport.close()
        else:
            self.transport.abort()


class _Breakable:
    """Wraps the app for one connection, because only the protocol holds the transport."""

    def __init__(self, app: Any, protocol: BreakableProtocol) -> None:
        self._app: ASGIApp = app
        self._protocol = protocol

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ConnectionBroken:
            self._protocol.drop(flush=started)
            # The server would send a 500 as long as it believes that somebody is there.
            while (await receive())["type"] != "http.disconnect":
                pass
        except asyncio.CancelledError:
            if not self._protocol.transport.is_closing():
                raise


@asynccontextmanager
async def serve(app: ASGIApp) -> AsyncIterator[str]:
    """Serve `app` on a free loopback port and give its base URL; on leaving, open connections are cut."""
    config = Config(app, log_config=None, lifespan="off", ws="none", proxy_headers=False)
    config.load()
    state = State()
    server = await asyncio.get_running_loop().create_server(
        lambda: BreakableProtocol(config, state, {}), "127.0.0.1", 0
    )
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await _cut(state)
        await server.wait_closed()


async def _cut(state: State) -> None:
    state.closed = True
    for connection in list(state.connections):
        connection.transport.abort()
    await asyncio.sleep(0)  # lets each protocol learn that its connection is gone
    for task in list(state.tasks):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
