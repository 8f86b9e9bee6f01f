"""The database, the only place that commits, and how a write outlasts the database's absence."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NewType, TypeVar

import structlog
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

log = structlog.get_logger(__name__)

Kept = TypeVar("Kept")

# A function that takes a Tx never commits; one that takes a Database may open transactions.
Tx = NewType("Tx", AsyncSession)

STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 5_000

# A round trip before each transaction would be a good part of a short one.
FRESH_SECONDS = 1.0
KEEP_TRYING_SECONDS = 600.0
RETRY_EVERY_SECONDS = 0.5
# Classes of SQLSTATE that no waiting cures: bad data, a broken constraint (our own, committed before the connection
# went, too), a statement that can't be, a limit of the server's.
HOPELESS = ("22", "23", "42", "54")


class Database:
    """One engine per process. `async with db.transaction() as tx` commits at its end, and only there.

    `patience`: seconds to wait for a free connection; short where a client waits, long where only work does.
    `plan_once`: keep the first plan of each statement, whatever its values. Where the same few statements run a
    hundred times a second, planning costs as much as running them; no condition of a partial index may be a value then.
    """

    def __init__(
        self, url: str, *, application: str, pool: int = 10, patience: float = 5.0, plan_once: bool = False
    ) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool,
            max_overflow=pool,
            pool_timeout=patience,
            pool_use_lifo=True,  # the connection used last has the statements prepared and planned
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "application_name": application,
                    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                    "lock_timeout": str(LOCK_TIMEOUT_MS),
                    "timezone": "UTC",
                    "jit": "off",  # compiling takes longer than any statement here should run
                    "plan_cache_mode": "force_generic_plan" if plan_once else "auto",
                },
            },
        )
        _ping_idle(self.engine)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Open a transaction; commit when the block ends, roll back when it raises. No network inside."""
        async with self._sessions() as session:
            try:
                yield Tx(session)
            except BaseException:
                await session.rollback()
                raise
            await session.commit()
            for act in session.info.pop(_AFTER, ()):
                act()

    async def close(self) -> None:
        await self.engine.dispose()


_AFTER = "after_commit"


def after_commit(tx: Tx, act: Callable[[], None]) -> None:
    """Have `act` called once the transaction has committed, and never where it does not."""
    tx.info.setdefault(_AFTER, []).append(act)


def _ping_idle(engine: AsyncEngine) -> None:
    """Ask a connection whether it still stands, as `pool_pre_ping` does, but only where it has rested for a while.

    One that the server has closed in the meantime knows it without being asked.
    """
    dialect = engine.sync_engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def _note(_: Any, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def _ping(connection: DBAPIConnection, record: ConnectionPoolEntry, _: Any) -> None:
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        rested = time.monotonic() - record.info.get("used_at", time.monotonic())
        if rested < FRESH_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except Exception as error:
            raise InvalidatePoolError from error


async def persistently(write: Callable[[], Awaitable[Kept]], seconds: float = KEEP_TRYING_SECONDS) -> Kept:
    """Run `write` until the database takes it: what a platform answered must not be lost to a restart."""
    until = time.monotonic() + seconds
    while True:
        try:
            return await write()
        except (DBAPIError, PoolTimeout, OSError) as error:
            if is_hopeless(error) or time.monotonic() > until:
                raise
            log.warning("write.waits", error=type(error).__name__)
            await asyncio.sleep(RETRY_EVERY_SECONDS)


def is_hopeless(error: BaseException) -> bool:
    """Say whether the database refused the statement itself: it would do so for ever."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return state.startswith(HOPELESS)
