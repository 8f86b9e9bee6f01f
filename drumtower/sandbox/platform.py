"""What every sandbox platform shares: a store, faults, and a control plane."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from drumtower.sandbox.faults import Fault, Faults
from drumtower.sandbox.store import Store


class SandboxPlatform(ABC):
    """One platform's wire format over a Store.

    Control plane, common to all: `GET control/state` (all records), `GET control/log` (every change in order),
    `POST control/faults` (a list of Fault), `GET control/faults` (fired and waiting), `DELETE control/faults`,
    `POST control/clock {"days"|"seconds"}` (moves the platform's own clock ahead). `control_routes` adds what the
    public does on this platform: comment, like, message, follow, read.
    """

    slug: ClassVar[str]

    def __init__(self, log: Path | None = None) -> None:
        self.store = Store(log)
        routes = [*self.routes(), *self.control_routes(), *self._shared_routes()]
        self.faults = Faults(Starlette(routes=routes))

    @property
    def app(self) -> ASGIApp:
        return self.faults

    @abstractmethod
    def routes(self) -> list[BaseRoute]:
        """The documented endpoints, at the documented paths."""

    @abstractmethod
    def control_routes(self) -> list[BaseRoute]:
        """What the public and the platform's staff do, under /control/."""

    @abstractmethod
    def add_account(self, **account: Any) -> Mapping[str, Any]:
        """Open an account, and return the credentials a channel needs for it."""

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[None]:
        """Serve what is spoken beside HTTP (SMTP), on `port` (0: a free one); most platforms have nothing."""
        yield

    def now(self) -> datetime:
        """The platform's own clock."""
        ahead = (self.store.get("_clock", "ahead") or {"seconds": 0})["seconds"]
        return datetime.now(UTC) + timedelta(seconds=ahead)

    def _shared_routes(self) -> list[BaseRoute]:
        return [
            Route("/control/state", self._state),
            Route("/control/log", self._log),
            Route("/control/clock", self._clock, methods=["POST"]),
            Route("/control/faults", self._faults, methods=["GET", "POST", "DELETE"]),
            Route("/control/accounts", self._accounts, methods=["POST"]),
        ]

    async def _state(self, _: Request) -> JSONResponse:
        return JSONResponse(self.store.dump())

    async def _log(self, _: Request) -> JSONResponse:
        return JSONResponse(list(self.store.log()))

    async def _accounts(self, request: Request) -> JSONResponse:
        return JSONResponse(dict(self.add_account(**await request.json())))

    async def _clock(self, request: Request) -> JSONResponse:
        step = await request.json()
        ahead = (self.store.get("_clock", "ahead") or {"seconds": 0})["seconds"]
        seconds = ahead + step.get("days", 0) * 86400 + step.get("seconds", 0)
        self.store.put("_clock", "ahead", {"seconds": seconds})
        return JSONResponse({"now": self.now().isoformat()})

    async def _faults(self, request: Request) -> JSONResponse:
        if request.method == "POST":
            self.faults.waiting += [Fault.model_validate(fault) for fault in await request.json()]
        if request.method == "DELETE":
            self.faults.waiting.clear()
        waiting = [fault.model_dump(mode="json") for fault in self.faults.waiting]
        return JSONResponse({"fired": self.faults.fired, "waiting": waiting})
