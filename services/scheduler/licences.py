"""Tells ahead that the licence of an asset ends, and what is still to go out with it: 14 days and 1 day before, once each."""

from datetime import datetime, timedelta
from typing import Any

from drumtower.db.engine import Database, Tx
from drumtower.db.repositories.assets import waiting_with
from drumtower.domain.editorial_checks import LICENCE_AHEAD
from services.scheduler.ahead import BATCH, Due, Ending, take, tell
from services.scheduler.leases import clock

VERB = "asset.licence_ending"
ENDING = Ending(
    verb=VERB,
    told="licence_warnings",
    subject="asset_id",
    source="assets",
    moment="expires_at",
    # Of what has ended before anybody was told there is nothing to tell ahead.
    applies="source.derived_from IS NULL AND source.expires_at > CAST(:now AS timestamptz)",
    days=(LICENCE_AHEAD.days, 1),
)


async def warn_of_licences(db: Database) -> timedelta | None:
    """Tell what is due, with the deliveries that will be refused or need another file, and their posts' owners."""
    async with db.transaction() as tx:
        now = await clock(tx)
        due = await take(tx, ENDING, now)
        for one in due:
            tell(tx, ENDING, one, now, **await _concerned(tx, one, now))
    return timedelta() if len(due) == BATCH else None


async def _concerned(tx: Tx, due: Due, now: datetime) -> dict[str, Any]:
    rows = await waiting_with(tx, due.workspace_id, due.subject_id, now)
    return {
        "delivery_ids": [str(row.id) for row in rows],
        "owner_ids": sorted({str(row.owner_id) for row in rows}),
    }
