"""What endpoints are given. A request is one transaction, committed before the answer leaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from drumtower.connections import Connections
from drumtower.crypto import Box
from drumtower.db.engine import Database, Tx
from drumtower.domain.clock import Clock
from drumtower.domain.errors import Unavailable
from drumtower.domain.permissions import Permission
from drumtower.jobs import JobQueue, Role
from drumtower.limits import Limits
from drumtower.media.studio import Studio
from drumtower.platforms.registry import Registry
from drumtower.settings import Settings
from drumtower.storage import Storage
from drumtower.ticks import Ticker
from services.api.limits import RateLimiter
from services.api.principals import Principal, authenticate

# How long a request waits for a connection, a new one included; then it is told to come again.
CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the process holds; made once at its start."""

    settings: Settings
    db: Database
    box: Box
    clock: Clock
    queue: JobQueue
    storage: Storage
    registry: Registry
    connections: Connections
    limits: Limits
    limiter: RateLimiter
    studio: Studio
    importer: Ticker


def get_services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


ServicesDep = Annotated[Services, Depends(get_services)]


def get_clock(services: ServicesDep) -> Clock:
    return services.clock


ClockDep = Annotated[Clock, Depends(get_clock)]


class Bell:
    """Remembers which roles have work; they hear of it once the transaction has committed, and only then."""

    def __init__(self) -> None:
        self.roles: set[Role] = set()

    def ring(self, role: Role) -> None:
        """Ring after the commit."""
        self.roles.add(role)


async def get_bell(services: ServicesDep) -> AsyncIterator[Bell]:
    bell = Bell()
    yield bell
    for role in sorted(bell.roles):
        await services.queue.ring(role)


BellDep = Annotated[Bell, Depends(get_bell, scope="function")]


async def get_tx(services: ServicesDep, _: BellDep) -> AsyncIterator[Tx]:
    # The bell is asked for so that it ends after the transaction does.
    async with services.db.transaction() as tx:
        yield tx


# Function scope: the commit comes before the answer. FastAPI's default would commit after a 201 has left.
TxDep = Annotated[Tx, Depends(get_tx, scope="function")]

_bearer = HTTPBearer(auto_error=False, description="An access token (dta_…) or an API key (dt_…).")
BearerDep = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def _who(tx: Tx, bearer: HTTPAuthorizationCredentials | None, now: datetime) -> Principal:
    """Authenticate; the first query of nearly every request, so whoever gets no connection is sent away here."""
    if bearer is not None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await tx.connection()
        except TimeoutError as error:
            raise Unavailable(
                "database_unavailable", "The database is busy; nothing was changed.", retry_after=2
            ) from error
    return await authenticate(tx, bearer.credentials if bearer else None, now)


async def get_principal(tx: TxDep, clock: ClockDep, bearer: BearerDep) -> Principal:
    return await _who(tx, bearer, clock.now())


PrincipalDep = Annotated[Principal, Depends(get_principal)]


async def get_principal_briefly(services: ServicesDep, bearer: BearerDep) -> Principal:
    """Authenticate in a transaction of its own, for endpoints that talk to a platform before they write."""
    async with services.db.transaction() as tx:
        return await _who(tx, bearer, services.clock.now())


BriefPrincipalDep = Annotated[Principal, Depends(get_principal_briefly)]


def allow(permission: Permission) -> Callable[[Principal], Awaitable[Principal]]:
    """Make a dependency that gives the principal, or refuses it where it lacks `permission`."""

    async def allowed(principal: PrincipalDep) -> Principal:
        principal.require(permission)
        return principal

    allowed.__dict__["permission"] = permission
    return allowed


Reader = Annotated[Principal, Depends(allow(Permission.WORKSPACE_READ))]
