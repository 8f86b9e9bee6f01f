"""Statements straight to the driver, inside a Tx: for paths where the ORM would do more work than the database.

Values are asyncpg's: `$1` in the text, lists for arrays; JSON goes in as text and comes out as Python values. Nothing here is an entity of the session,
but what the session has still to write is written first, as before a statement of its own.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import class_mapper

from drumtower.db.engine import Tx
from drumtower.db.types import Base

Made = TypeVar("Made", bound=Base)


async def fetch(tx: Tx, statement: str, *values: Any) -> Sequence[Any]:
    """Run one statement in the transaction; return its rows, which read as `row["name"]`. Errors are SQLAlchemy's, with the driver's in `orig`."""
    if _has_unwritten(tx):
        await tx.flush()
    driver: asyncpg.Connection | None = tx.info.get("driver")
    if driver is None:
        return await _first(tx, statement, values)
    try:
        rows: Sequence[Any] = await driver.fetch(statement, *values)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DBAPIError(statement, None, error) from error
    return rows


def _has_unwritten(tx: Tx) -> bool:
    """Say whether a flush has anything to do: a call of `tx.flush` costs a greenlet even where it has nothing."""
    return bool(tx.autoflush and (tx.identity_map.check_modified() or tx.new or tx.deleted))


async def _first(tx: Tx, statement: str, values: tuple[Any, ...]) -> Sequence[Any]:
    """Run it through SQLAlchemy, which begins its transaction with a statement of its own, and keep the driver."""
    connection = await tx.connection()
    result = await connection.exec_driver_sql(statement, values)
    tx.info["driver"] = (await connection.get_raw_connection()).driver_connection
    return result.mappings().all() if result.returns_rows else ()


def make(model: type[Made], row: Mapping[str, Any]) -> Made:
    """Make an instance of `model` that no session knows from what `columns(model)` read."""
    # Not `inspect`: where no ORM statement has run yet, the attributes could not be read.
    made = class_mapper(model).class_manager.new_instance()
    made.__dict__.update(row)
    return made


@cache
def columns(model: type[Base]) -> str:
    """Name the model's columns, so that those of a later version do no harm while both versions run."""
    return ", ".join(column.name for column in model.__table__.columns)


def transposed(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Turn rows into the columns that `unnest` takes; there is at least one row."""
    return [list(column) for column in zip(*rows, strict=True)]
