"""The database, and the only place that commits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NewType

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

# A function that takes a Tx never commits; one that takes a Database may open transactions.
Tx = NewType("Tx", AsyncSession)

STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 5_000


class Database:
    """One engine per process. `async with db.transaction() as tx` commits at its end, and only there.

    `patience`: seconds to wait for a free connection; short where a client waits, long where only work does.
    """

    def __init__(self, url: str, *, application: str, pool: int = 10, patience: float = 5.0) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool,
            max_overflow=pool,
            pool_timeout=patience,
            pool_pre_ping=True,
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "application_name": application,
                    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                    "lock_timeout": str(LOCK_TIMEOUT_MS),
                    "timezone": "UTC",
                },
            },
        )
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

    async def close(self) -> None:
        await self.engine.dispose()
