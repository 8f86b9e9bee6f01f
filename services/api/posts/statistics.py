"""Reviewer statistics: read from verdicts and from what was asked, worked out by the rules."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select

from drumtower.db.engine import Tx
from drumtower.db.models import Review, ReviewAssignment
from drumtower.db.repositories.reviews import AssignmentRepository, ReviewRepository, judgement_of
from drumtower.domain.agreement import Asked, agreement, pairs_of, speed
from drumtower.domain.errors import Invalid
from drumtower.domain.reviews import Judgement
from services.api.posts.statistics_schemas import (
    AgreementRead,
    ReviewerStatistics,
    SpeedRead,
    StatisticsRead,
)
from services.api.principals import Principal

Row = TypeVar("Row")

MOST = 20_000  # verdicts, or reviews asked for, in one answer


async def gather(tx: Tx, principal: Principal, since: datetime, now: datetime) -> StatisticsRead:
    """Return what is known of each reviewer from `since` to now."""
    verdicts = ReviewRepository(tx, principal.workspace_id).select(Review)
    said = await _rows(tx, verdicts.where(Review.created_at >= since).order_by(Review.id))
    asked = AssignmentRepository(tx, principal.workspace_id).all()
    rows = await _rows(tx, asked.where(ReviewAssignment.requested_at >= since))
    judgements = [judgement_of(review) for review in said]
    requests = [_asked(row) for row in rows]
    people = sorted({one.reviewer_id for one in judgements} | {one.reviewer_id for one in requests})
    data = [_of(reviewer_id, judgements, requests, now) for reviewer_id in people]
    return StatisticsRead(since=since, until=now, data=data)


async def _rows(tx: Tx, statement: Select[Row]) -> list[Row]:
    rows = list((await tx.scalars(statement.limit(MOST + 1))).all())
    if len(rows) > MOST:
        raise Invalid.at("?since", "span_too_full", f"More than {MOST} verdicts since then.", "Ask for less.")
    return rows


def _of(
    reviewer_id: UUID, judgements: list[Judgement], requests: list[Asked], now: datetime
) -> ReviewerStatistics:
    pairs = pairs_of(reviewer_id, judgements)
    mine = speed((one for one in requests if one.reviewer_id == reviewer_id), now)
    return ReviewerStatistics(
        reviewer_id=reviewer_id,
        verdicts=sum(one.reviewer_id == reviewer_id for one in judgements),
        speed=SpeedRead.model_validate(mine),
        agreement={point: AgreementRead.model_validate(agreement(found)) for point, found in pairs.items()},
    )


def _asked(row: ReviewAssignment) -> Asked:
    assert row.requested_at is not None  # the query asks for it
    return Asked(
        reviewer_id=row.reviewer_id,
        requested_at=row.requested_at,
        due_at=row.due_at,
        judged_at=row.judged_at,
    )
