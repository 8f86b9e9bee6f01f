"""One database a worker, copied from the migrated template and swept after every test.

A copy costs a thousand files; sweeping rows costs a few milliseconds. A test that changed more than rows gets the next
one a fresh copy.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit, urlunsplit

import asyncpg

from drumtower.db import migrate
from drumtower.db.engine import Database
from drumtower.db.models import Workspace
from drumtower.db.partitions import ensure_partitions
from drumtower.domain.clock import SystemClock
from drumtower.domain.ids import new_id

_SWEEP = ";".join(f"DELETE FROM {table.name}" for table in reversed(Workspace.metadata.sorted_tables))  # noqa: S608
# Sessions that a test left behind would write into the next one.
_END_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_SCHEMA = """
WITH ours AS (SELECT oid, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace)
SELECT md5(string_agg(name, ',' ORDER BY name)) FROM (
    SELECT relname::text FROM ours
    UNION ALL SELECT relname || attname || atttypid FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0
    UNION ALL SELECT relname || conname FROM ours JOIN pg_constraint ON conrelid = ours.oid
    UNION ALL SELECT relname || tgname FROM ours JOIN pg_trigger ON tgrelid = ours.oid AND NOT tgisinternal
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
) AS things(name)
"""


@dataclass(frozen=True, slots=True)
class Servers:
    """A PostgreSQL and a Redis that belong to the tests alone."""

    database_url: str
    redis_url: str

    def database(self, name: str) -> str:
        """Return the address of another database on the same server."""
        parts = urlsplit(self.database_url)
        return urlunsplit(parts._replace(path=f"/{name}"))


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Open a bare connection, outside SQLAlchemy."""
    parts = urlsplit(url)
    connection = await asyncpg.connect(
        host=parts.hostname or parse_qs(parts.query).get("host", ["localhost"])[0],
        port=parts.port or 5432,
        user=parts.username,
        password=parts.password,
        database=parts.path[1:],
    )
    try:
        yield connection
    finally:
        await connection.close()


async def execute(url: str, statement: str) -> None:
    """Run one statement outside a transaction."""
    async with connect(url) as connection:
        await connection.execute(statement)


async def make_template(servers: Servers, name: str) -> str:
    """Make the migrated database that others are copied from, and return its name."""
    await execute(servers.database_url, f"DROP DATABASE IF EXISTS {name}")
    await execute(servers.database_url, f"CREATE DATABASE {name}")
    await asyncio.to_thread(migrate.upgrade, servers.database(name))
    db = Database(servers.database(name), application="tests")
    async with db.transaction() as tx:
        await ensure_partitions(tx, SystemClock().now())
    await db.close()
    return name


@dataclass(slots=True)
class Copies:
    """Lends a worker's tests a migrated, empty database, one test after the other."""

    servers: Servers
    template: str
    _clean: str | None = None
    _schema: str = ""

    async def take(self) -> str:
        """Return the name of a clean database that is nobody else's."""
        name, self._clean = self._clean, None
        return name or await self._copy()

    async def give_back(self, name: str) -> None:
        """Sweep the rows; drop the database where the test changed more than rows."""
        async with connect(self.servers.database(name)) as connection:
            await connection.execute(_END_OTHERS)
            if await connection.fetchval(_SCHEMA) == self._schema:
                await connection.execute(_SWEEP)
                self._clean = name
        if self._clean is None:
            await execute(self.servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")

    async def _copy(self) -> str:
        name = f"test_{new_id().hex}"
        # Copying files takes a tenth of the time of the default, which logs every page.
        await execute(
            self.servers.database_url,
            f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY FILE_COPY",
        )
        async with connect(self.servers.database(name)) as connection:
            self._schema = await connection.fetchval(_SCHEMA)
        return name
