"""Tells ahead that a channel's authorisation runs out: 7 days and 1 day before, once each."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import text

from drumtower.db import outbox
from drumtower.db.engine import Database
from drumtower.db.repositories import audit
from drumtower.domain.authorisations import AHEAD
from services.scheduler.leases import clock

log = structlog.get_logger(__name__)

BATCH = 200
VERB = "channel.authorisation_ending"
# The row of a warning is its proof: who writes it tells. A new end that is a day later at least starts anew; a
# platform that counts down names nearly the same end with every token.
_TAKE = text("""
INSERT INTO authorisation_warnings AS told (channel_id, days, workspace_id, authorise_by, told_at)
SELECT channels.id, ahead.days, channels.workspace_id, channels.authorise_by, CAST(:now AS timestamptz)
FROM channels
CROSS JOIN LATERAL (
    SELECT min(days) AS days FROM unnest(CAST(:ahead AS integer[])) AS days
    WHERE channels.authorise_by <= CAST(:now AS timestamptz) + make_interval(days => days)
) AS ahead
LEFT JOIN authorisation_warnings AS before ON before.channel_id = channels.id AND before.days = ahead.days
WHERE channels.status = 'connected' AND ahead.days IS NOT NULL
    AND (before.channel_id IS NULL OR channels.authorise_by > before.authorise_by + interval '1 day')
ORDER BY channels.id
LIMIT :most
ON CONFLICT (channel_id, days) DO UPDATE SET authorise_by = excluded.authorise_by, told_at = excluded.told_at
    WHERE excluded.authorise_by > told.authorise_by + interval '1 day'
RETURNING channel_id, workspace_id, authorise_by, days
""")


async def warn(db: Database) -> timedelta | None:
    """Tell what is due: an event and an entry in the audit log, in the transaction that says it was told."""
    async with db.transaction() as tx:
        now = await clock(tx)
        rows = (await tx.execute(_TAKE, {"now": now, "ahead": list(AHEAD), "most": BATCH})).all()
        for channel_id, workspace_id, authorise_by, days in rows:
            about = {"authorise_by": _iso(authorise_by), "days": days}
            outbox.append(tx, workspace_id=workspace_id, name=VERB, subject_id=channel_id, now=now, **about)
            audit.record(
                tx,
                workspace_id=workspace_id,
                actor_id=None,
                verb=VERB,
                subject_id=channel_id,
                now=now,
                **about,
            )
            log.warning(VERB, channel_id=str(channel_id), **about)
    return timedelta() if len(rows) == BATCH else None


def _iso(moment: datetime) -> str:
    return moment.isoformat()
