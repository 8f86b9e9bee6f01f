"""Runs migrations under an advisory lock, with short lock waits, so that a deploy never queues behind itself."""

import asyncio
from typing import Literal

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import SchemaItem

from drumtower.db.models import Base
from drumtower.db.partitions import is_partition
from drumtower.db.types import Instant

LOCK = 0x44525557  # "DRUW"


def include(
    item: SchemaItem, name: str | None, kind: str, _reflected: bool, _other: SchemaItem | None
) -> bool:
    """Leave out the monthly partitions: they are made at run time and have no model of their own."""
    table = name if kind == "table" else getattr(getattr(item, "table", None), "name", None)
    return table is None or not is_partition(table)


def render(kind: str, item: object, _: object) -> str | Literal[False]:
    """Write our own column type as what it is in the database, so that a migration needs no product code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Instant) else False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=Base.metadata, include_object=include, render_item=render
    )
    with context.begin_transaction():
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        context.run_migrations()


async def main(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(main(context.config.attributes["database_url"]))
