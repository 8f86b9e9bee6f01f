"""The four-point review: all four must pass on the same content, by somebody who did not write it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower.domain.errors import Violation

# An approval without a planned day goes stale after this; facts and laws move on.
VALID_WITHOUT_A_DAY = timedelta(days=30)


class Criterion(StrEnum):
    """What is judged."""

    ACCURACY = "accuracy"
    COMPLIANCE = "compliance"
    READABILITY = "readability"
    AESTHETICS = "aesthetics"


class Verdict(StrEnum):
    """A reviewer's judgement on one criterion."""

    PASS = "pass"
    FAIL = "fail"


class ReviewState(StrEnum):
    """Where a post stands with its reviewers."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One verdict on one criterion of one content."""

    criterion: Criterion
    verdict: Verdict
    content_hash: str
    reviewer_id: UUID
    note: str | None = None


def latest(judgements: Iterable[Judgement], content_hash: str) -> dict[Criterion, Judgement]:
    """Return the last verdict per criterion on exactly this content; verdicts on older content are void."""
    return {j.criterion: j for j in judgements if j.content_hash == content_hash}


def state(judgements: Iterable[Judgement], content_hash: str) -> ReviewState:
    """Say where a submitted post stands; `judgements` come oldest first."""
    standing = latest(judgements, content_hash)
    if any(j.verdict is Verdict.FAIL for j in standing.values()):
        return ReviewState.CHANGES_REQUESTED
    if len(standing) == len(Criterion):
        return ReviewState.APPROVED
    return ReviewState.IN_REVIEW


def lacks_eyes(judgements: Iterable[Judgement], least: int) -> bool:
    """Say whether fewer than `least` people have judged between them."""
    return len({j.reviewer_id for j in judgements}) < least


def approval_expires(due_on: date | None, zone: ZoneInfo, approved_at: datetime) -> datetime:
    """An approval ends with the planned day (in the workspace's zone), or 30 days on where none is planned."""
    if due_on is None:
        return approved_at + VALID_WITHOUT_A_DAY
    return datetime.combine(due_on + timedelta(days=1), time(), zone).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What is approved and until when; the content is what counts, not the post."""

    content_hash: str | None
    expires_at: datetime | None


def approval_violations(approval: Approval, content_hash: str, at: datetime) -> list[Violation]:
    """Say why content with this hash may not go out at `at`; empty where it may."""
    if approval.content_hash is None:
        return [
            _lacking(
                "not_approved", "The post is not approved.", "Submit it and have all four points passed."
            )
        ]
    if approval.content_hash != content_hash:
        return [
            _lacking(
                "approval_outdated",
                "The post was edited after its approval.",
                "Submit this version for review.",
            )
        ]
    if approval.expires_at is not None and at > approval.expires_at:
        return [
            _lacking(
                "approval_expired",
                f"The approval ended at {approval.expires_at.isoformat()}, before the planned time.",
                "Have the post reviewed again, or move its planned day (due_on).",
            )
        ]
    return []


def _lacking(code: str, detail: str, hint: str) -> Violation:
    return Violation(pointer="/review", code=code, detail=detail, hint=hint)
