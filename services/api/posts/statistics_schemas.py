"""How reviewers judge, over HTTP."""

from uuid import UUID

from pydantic import Field

from drumtower.domain.reviews import Criterion
from services.api.schemas import Answer, Moment


class SpeedRead(Answer):
    """Of the reviews that were asked for: how many were judged, how fast, and how many in time.

    `with_deadline` counts those that were judged, and those whose deadline is past; `in_time_percent` is null for none.
    """

    judged: int
    median_seconds: float | None = Field(description="From being asked to the last of one's verdicts.")
    with_deadline: int
    in_time: int
    in_time_percent: float | None


class AgreementRead(Answer):
    """Pairs of one's own last verdict and another's on one point of the same content; null: under ten pairs.

    `kappa` is Cohen's: (observed - expected) / (1 - expected), 1 for always, 0 for what chance brings; null, too,
    where only one verdict was ever given, so that chance explains everything.
    """

    pairs: int
    percent: float | None
    kappa: float | None


class ReviewerStatistics(Answer):
    """One reviewer: how many verdicts, how fast, and how far they agree with the others on each point."""

    reviewer_id: UUID
    verdicts: int
    speed: SpeedRead
    agreement: dict[Criterion, AgreementRead]


class StatisticsRead(Answer):
    """Everybody who was asked or has judged from `since` on."""

    since: Moment
    until: Moment
    data: list[ReviewerStatistics]
