"""Reminds reviewers ahead of their deadline, finds them late, and tells whoever is responsible for the post."""

from datetime import datetime, timedelta
from typing import Any

import structlog

from drumtower.db import outbox
from drumtower.db.engine import Database, Tx
from drumtower.db.models import Post, ReviewAssignment
from drumtower.db.repositories import audit
from drumtower.db.repositories.reviews import take_due
from drumtower.domain.reviews import Reminder, ReviewState, next_look, reminder
from services.scheduler.leases import clock

log = structlog.get_logger(__name__)

BATCH = 200


async def remind_reviewers(db: Database) -> timedelta | None:
    """Look at the reviews that are due for it: each thing is told once, in the transaction that notes it."""
    async with db.transaction() as tx:
        now = await clock(tx)
        found = await take_due(tx, now, BATCH)
        for row, post in found:
            _look(tx, row, post, now)
    return timedelta() if len(found) == BATCH else None


def _look(tx: Tx, row: ReviewAssignment, post: Post, now: datetime) -> None:
    row.next_at = None
    if row.due_at is None or row.judged_at is not None or post.review_state != ReviewState.IN_REVIEW.value:
        return  # nothing is asked of anybody any more
    told = reminder(row.due_at, now)
    row.next_at = next_look(row.due_at, now)
    if told is not Reminder.REMINDED and row.late_at is None:
        row.late_at = row.due_at
        log.warning(Reminder.LATE.value, post_id=str(post.id), reviewer_id=str(row.reviewer_id))
    about: dict[str, Any] = {
        "post_id": str(post.id),
        "reviewer_id": str(row.reviewer_id),
        "owner_id": str(post.owner_id),
        "due_at": row.due_at.isoformat(),
    }
    outbox.append(tx, workspace_id=row.workspace_id, name=told.value, subject_id=row.id, now=now, **about)
    audit.record(
        tx, workspace_id=row.workspace_id, actor_id=None, verb=told.value, subject_id=row.id, now=now, **about
    )
