"""Circuit breakers: a row while there is trouble, none otherwise. They bind across workspaces and replicas."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.engine import Tx
from drumtower.db.models import Breaker as Row
from drumtower.db.plain import fetch
from drumtower.domain.breakers import Breaker

_READ = "SELECT * FROM breakers WHERE key = ANY ($1::text[]) ORDER BY key"
_CLOSE = """
DELETE FROM breakers b USING unnest($1::text[], $2::timestamptz[]) AS t(key, started_at)
WHERE b.key = t.key AND (b.opened_at IS NULL OR b.opened_at <= t.started_at)
"""


async def read(tx: Tx, keys: Collection[str], *, lock: bool = False) -> dict[str, Breaker]:
    """Return the breakers in trouble among these; `lock` holds them, in the keys' order."""
    rows = await fetch(tx, f"{_READ} FOR UPDATE" if lock else _READ, list(keys))
    return {row["key"]: _breaker(row) for row in rows}


def _breaker(row: Mapping[str, Any]) -> Breaker:
    known = {field.name: row[field.name] for field in fields(Breaker)}
    return Breaker(**known | {"faults": tuple(row["faults"])})


async def make(tx: Tx, keys: Collection[str]) -> None:
    """Make what is missing among these breakers, so that it can be held."""
    blank = [{"key": key, "faults": [], "rests": 0, "firsts": 0, "retries": 0} for key in sorted(keys)]
    if blank:
        await tx.execute(insert(Row).values(blank).on_conflict_do_nothing())


async def write(tx: Tx, breakers: Mapping[str, Breaker]) -> None:
    """Write held breakers back."""
    if not breakers:
        return
    rows = [
        {"key": key, **asdict(breaker), "faults": list(breaker.faults)}
        for key, breaker in sorted(breakers.items())
    ]
    new = insert(Row).values(rows)
    changed = {name: new.excluded[name] for name in rows[0] if name != "key"}
    await tx.execute(new.on_conflict_do_update(index_elements=["key"], set_=changed))


async def close(tx: Tx, answered: Mapping[str, datetime]) -> None:
    """Close the breakers of places that answered a call, which started then; older news does not close an open one."""
    if answered:
        await fetch(tx, _CLOSE, list(answered), list(answered.values()))


_OPEN = text("""
SELECT 'app' AS scope, split_part(key, ':', 2) AS platform, count(*) AS open
FROM breakers WHERE opened_at IS NOT NULL AND key LIKE 'app:%' GROUP BY 2
UNION ALL
SELECT 'channel', c.platform, count(*)
FROM breakers b JOIN channels c ON b.key = 'channel:' || c.id
WHERE b.opened_at IS NOT NULL AND b.key LIKE 'channel:%' GROUP BY 2
""")


async def count_open(tx: Tx) -> dict[tuple[str, str], int]:
    """Count the breakers that are not closed, by scope and platform."""
    return {(row.scope, row.platform): row.open for row in await tx.execute(_OPEN)}
