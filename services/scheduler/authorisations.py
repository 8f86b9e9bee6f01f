"""Tells ahead that a channel's authorisation runs out: 7 days and 1 day before, once each."""

from datetime import timedelta

from drumtower.db.engine import Database
from drumtower.domain.authorisations import AHEAD
from services.scheduler.ahead import BATCH, Ending, take, tell
from services.scheduler.leases import clock

VERB = "channel.authorisation_ending"
ENDING = Ending(
    verb=VERB,
    told="authorisation_warnings",
    subject="channel_id",
    source="channels",
    moment="authorise_by",
    applies="source.status = 'connected'",
    days=AHEAD,
)


async def warn(db: Database) -> timedelta | None:
    """Tell what is due."""
    async with db.transaction() as tx:
        now = await clock(tx)
        due = await take(tx, ENDING, now)
        for one in due:
            tell(tx, ENDING, one, now)
    return timedelta() if len(due) == BATCH else None
