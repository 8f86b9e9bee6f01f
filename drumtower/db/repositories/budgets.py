"""Rate budgets: read and advanced in sets, each set in one statement. They bind across workspaces."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.engine import Tx
from drumtower.db.models import RateBudget
from drumtower.domain.budgets import Budget, Rate

_ADVANCE = text("""
UPDATE rate_budgets b SET tat = t.tat, promised_until = t.promised_until
FROM unnest(CAST(:keys AS text[]), CAST(:tats AS timestamptz[]), CAST(:promises AS timestamptz[]))
    AS t(key, tat, promised_until)
WHERE b.key = t.key
""")


async def hold(tx: Tx, rates: Mapping[str, Rate | None]) -> dict[str, Budget]:
    """Lock the budgets under these keys, in the keys' order, and return them.

    A budget that has a rate and was never drawn on is made; one that has none exists only while it is closed.
    """
    found = {row.key: row for row in await _locked(tx, rates)}
    unknown = [key for key, rate in rates.items() if rate is not None and key not in found]
    if unknown:
        rows = [{"key": key} for key in sorted(unknown)]
        await tx.execute(insert(RateBudget).values(rows).on_conflict_do_nothing())
        found = {row.key: row for row in await _locked(tx, rates)}
    return {
        key: Budget(
            key=key,
            rate=rate,
            tat=found[key].tat if key in found else None,
            promised_until=found[key].promised_until if key in found else None,
            closed_until=found[key].closed_until if key in found else None,
        )
        for key, rate in rates.items()
    }


async def _locked(tx: Tx, keys: Collection[str]) -> Sequence[RateBudget]:
    statement = select(RateBudget).where(RateBudget.key.in_(keys)).order_by(RateBudget.key).with_for_update()
    return (await tx.scalars(statement.execution_options(populate_existing=True))).all()


async def advance(tx: Tx, budgets: Collection[Budget]) -> None:
    """Write back the held budgets that were drawn on."""
    drawn = [budget for budget in budgets if budget.rate is not None]
    if drawn:
        given = {
            "keys": [budget.key for budget in drawn],
            "tats": [budget.tat for budget in drawn],
            "promises": [budget.promised_until for budget in drawn],
        }
        await tx.execute(_ADVANCE, given)


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
