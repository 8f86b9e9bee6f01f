"""Room for the next client, whoever holds connections open: a slow client can't shut others out."""

import asyncio
import resource

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# What else the process opens: the database's pool, Redis, calls to platforms, files, the loop's own.
RESERVED = 96
FEWEST = 32


def room() -> int:
    """Return how many clients may be connected at once, by this process's limit of open files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(FEWEST, soft - RESERVED)


class FrugalProtocol(HttpToolsProtocol):
    """Where all room is taken, whoever has kept us waiting longest for a whole request makes place for the next."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(transport)
        waiting: dict[FrugalProtocol, None] = vars(self.server_state).setdefault("waiting", {})
        waiting[self] = None  # a dict keeps the order of coming
        if len(self.connections) > room():
            slowest = next((one for one in waiting if one.is_waited_for), None)
            if slowest is not None:
                slowest.transport.abort()

    @property
    def is_waited_for(self) -> bool:
        """The client has not sent a whole request; or it sent none since the last answer."""
        return self.cycle is None or self.cycle.more_body or self.cycle.response_complete

    def connection_lost(self, exc: Exception | None) -> None:
        vars(self.server_state)["waiting"].pop(self, None)
        super().connection_lost(exc)
