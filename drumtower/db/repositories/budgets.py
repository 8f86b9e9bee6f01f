"""Rate budgets: read and advanced in sets, each set in one statement. They bind across workspaces."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.engine import Tx
from drumtower.db.models import RateBudget
from drumtower.db.plain import fetch, transposed
from drumtower.domain.budgets import Budget, Rate

_LOCK = """
SELECT key, tat, promised_until, closed_until FROM rate_budgets
WHERE key = ANY ($1::text[]) ORDER BY key FOR UPDATE
"""
_MAKE = "INSERT INTO rate_budgets (key) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"
_ADVANCE = """
UPDATE rate_budgets b SET tat = t.tat, promised_until = t.promised_until
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS t(key, tat, promised_until)
WHERE b.key = t.key
"""


async def hold(tx: Tx, rates: Mapping[str, Rate | None]) -> dict[str, Budget]:
    """Lock the budgets under these keys, in the keys' order, and return them.

    A budget that has a rate and was never drawn on is made; one that has none exists only while it is closed.
    """
    found = await _locked(tx, rates)
    unknown = [key for key, rate in rates.items() if rate is not None and key not in found]
    if unknown:
        await fetch(tx, _MAKE, sorted(unknown))
        found = await _locked(tx, rates)
    return {key: Budget(key=key, rate=rate, **found.get(key, {})) for key, rate in rates.items()}


async def _locked(tx: Tx, keys: Collection[str]) -> dict[str, dict[str, Any]]:
    rows = [dict(row) for row in await fetch(tx, _LOCK, list(keys))]
    return {row.pop("key"): row for row in rows}


async def advance(tx: Tx, budgets: Collection[Budget]) -> None:
    """Write back the held budgets that were drawn on."""
    drawn = [budget for budget in budgets if budget.rate is not None]
    if drawn:
        rows = [(budget.key, budget.tat, budget.promised_until) for budget in drawn]
        await fetch(tx, _ADVANCE, *transposed(rows))


async def close(tx: Tx, resets: Mapping[str, tuple[datetime, str]]) -> None:
    """Remember until when a platform closed budgets, and in which words; the later end of two counts."""
    if not resets:
        return
    rows = [
        {"key": key, "closed_until": until, "closed_by": said[:300]}
        for key, (until, said) in sorted(resets.items())
    ]
    new = insert(RateBudget).values(rows)
    later = func.greatest(RateBudget.closed_until, new.excluded.closed_until)
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=["key"], set_={"closed_until": later, "closed_by": new.excluded.closed_by}
        )
    )


async def read(tx: Tx, keys: Collection[str]) -> dict[str, RateBudget]:
    """Return the budgets under these keys, unlocked."""
    found = await tx.scalars(select(RateBudget).where(RateBudget.key.in_(keys)))
    return {row.key: row for row in found}


_CLOSED = text("""
SELECT c.id FROM rate_budgets b JOIN channels c ON b.key IN (
    'channel:' || c.id,
    'app:' || c.platform || ':' || rtrim(coalesce(c.base_url, CAST(:addresses AS jsonb) ->> c.platform, ''), '/')
)
WHERE b.closed_until > now()
""")


async def closed_channels(tx: Tx, addresses: Mapping[str, str]) -> set[UUID]:
    """Return the channels that a platform closed, or whose app it did; `addresses`: each platform's own."""
    closed = select(RateBudget.key).where(RateBudget.closed_until > func.now()).limit(1)
    if await tx.scalar(closed) is None:
        return set()
    return set(await tx.scalars(_CLOSED, {"addresses": json.dumps(dict(addresses))}))
