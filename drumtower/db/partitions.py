"""Monthly partitions of the tables that only grow: made ahead, dropped whole."""

import re
from datetime import UTC, datetime

from sqlalchemy import text

from drumtower.db.engine import Tx

PARTITIONED = {"samples": "taken_at", "clicks": "clicked_at"}
MONTHS_AHEAD = 2
_NAME = re.compile(rf"^({'|'.join(PARTITIONED)})_(\d{{4}}_\d{{2}}|default)$")


def is_partition(table: str) -> bool:
    """Say whether a table is one of the partitions made here."""
    return _NAME.match(table) is not None


def month_after(moment: datetime, months: int) -> datetime:
    """Return the first instant (UTC) of the month that lies `months` ahead."""
    index = moment.year * 12 + moment.month - 1 + months
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)


async def ensure_partitions(tx: Tx, now: datetime) -> None:
    """Make this month's partitions and those of the next two; what exists stays. Safe to run at any time.

    Rows outside them go to the default partition rather than being refused, and move when their month is made.
    """
    await tx.execute(text("SELECT pg_advisory_xact_lock(hashtext('partitions'))"))
    for table in PARTITIONED:
        await tx.execute(text(f"CREATE TABLE IF NOT EXISTS {table}_default PARTITION OF {table} DEFAULT"))
        for ahead in range(MONTHS_AHEAD + 1):
            start, end = month_after(now, ahead), month_after(now, ahead + 1)
            name = f"{table}_{start:%Y_%m}"
            if await tx.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is None:
                await _make(tx, table, name, start, end)


async def _make(tx: Tx, table: str, name: str, start: datetime, end: datetime) -> None:
    """Make one partition; PostgreSQL refuses it while the default one holds rows of its range."""
    bounds = f"{PARTITIONED[table]} >= '{start.isoformat()}' AND {PARTITIONED[table]} < '{end.isoformat()}'"
    for statement in (
        f"LOCK TABLE {table}_default",
        f"CREATE TEMP TABLE early ON COMMIT DROP AS SELECT * FROM {table}_default WHERE {bounds}",  # noqa: S608 - names of ours
        f"DELETE FROM {table}_default WHERE {bounds}",  # noqa: S608 - names of ours
        f"CREATE TABLE {name} PARTITION OF {table} "
        f"FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')",
        f"INSERT INTO {table} SELECT * FROM early",  # noqa: S608 - names of ours
        "DROP TABLE early",
    ):
        await tx.execute(text(statement))
