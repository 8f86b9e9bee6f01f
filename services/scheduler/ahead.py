"""Tells ahead that something ends: so many days before, once each, however many schedulers run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text

from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.repositories import audit

log = structlog.get_logger(__name__)

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What ends, as data: rows of `source` at their `moment`, kept as told in `told`, by the column `subject`.

    All of it is ours, and becomes SQL; `applies` is a condition on rows of `source`.
    """

    verb: str
    told: str
    subject: str
    source: str
    moment: str
    applies: str
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A warning that is due, and taken."""

    subject_id: UUID
    workspace_id: UUID
    moment: datetime
    days: int


# The row of a warning is its proof: who writes it tells. A new end that is a day later at least starts anew; a
# platform that counts down names nearly the same end with every token.
_TAKE = """
INSERT INTO {told} AS told ({subject}, days, workspace_id, {moment}, told_at)
SELECT source.id, ahead.days, source.workspace_id, source.{moment}, CAST(:now AS timestamptz)
FROM {source} AS source
CROSS JOIN LATERAL (
    SELECT min(days) AS days FROM unnest(CAST(:ahead AS integer[])) AS days
    WHERE source.{moment} <= CAST(:now AS timestamptz) + make_interval(days => days)
) AS ahead
LEFT JOIN {told} AS before ON before.{subject} = source.id AND before.days = ahead.days
WHERE {applies} AND ahead.days IS NOT NULL
    AND source.{moment} <= CAST(:now AS timestamptz) + make_interval(days => CAST(:first AS integer))
    AND (before.{subject} IS NULL OR source.{moment} > before.{moment} + interval '1 day')
ORDER BY source.id
LIMIT :most
ON CONFLICT ({subject}, days) DO UPDATE SET {moment} = excluded.{moment}, told_at = excluded.told_at
    WHERE excluded.{moment} > told.{moment} + interval '1 day'
RETURNING {subject} AS subject_id, workspace_id, {moment} AS moment, days
"""


async def take(tx: Tx, ending: Ending, now: datetime) -> Sequence[Due]:
    """Return the warnings that are due, at most a batch; with the transaction they count as told."""
    statement = _TAKE.format(
        told=ending.told,
        subject=ending.subject,
        source=ending.source,
        moment=ending.moment,
        applies=ending.applies,
    )
    given = {"now": now, "ahead": list(ending.days), "first": max(ending.days), "most": BATCH}
    rows = await tx.execute(text(statement), given)
    return [Due(**row) for row in rows.mappings()]


def tell(tx: Tx, ending: Ending, due: Due, now: datetime, **more: Any) -> None:
    """Write the event and the entry in the audit log, in the transaction that says it was told."""
    about = {ending.moment: due.moment.isoformat(), "days": due.days, **more}
    ids = {"workspace_id": due.workspace_id, "subject_id": due.subject_id}
    outbox.append(tx, name=ending.verb, now=now, **ids, **about)
    audit.record(tx, actor_id=None, verb=ending.verb, now=now, **ids, **about)
    log.warning(ending.verb, subject_id=str(due.subject_id), **about)
