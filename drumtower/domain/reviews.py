"""The four-point review: all four must pass on the same content, by somebody who did not write it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower.domain.errors import Violation

# An approval without a planned day goes stale after this, if the workspace says nothing else; facts and laws move on.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Who is asked to judge which points of a post; `required`: nobody passes those points without them."""

    reviewer_id: UUID
    criteria: frozenset[Criterion]
    required: bool


def own(
    judgements: Iterable[Judgement], content_hash: str, assignment: Assignment
) -> dict[Criterion, Judgement]:
    """Return the assigned reviewer's own last verdict on each of their points that they have judged."""
    theirs = (j for j in judgements if j.reviewer_id == assignment.reviewer_id)
    return {c: j for c, j in latest(theirs, content_hash).items() if c in assignment.criteria}


def state(
    judgements: Sequence[Judgement], content_hash: str, assigned: Sequence[Assignment] = ()
) -> ReviewState:
    """Say where a submitted post stands; `judgements` come oldest first.

    On their points each required reviewer's own last verdict counts beside the last of all: another's pass neither
    stands in for it nor passes over their failure.
    """
    standing = latest(judgements, content_hash)
    required = [one for one in assigned if one.required]
    theirs = [own(judgements, content_hash, one) for one in required]
    if any(j.verdict is Verdict.FAIL for found in (standing, *theirs) for j in found.values()):
        return ReviewState.CHANGES_REQUESTED
    is_whole = all(len(found) == len(one.criteria) for one, found in zip(required, theirs, strict=True))
    return ReviewState.APPROVED if is_whole and len(standing) == len(Criterion) else ReviewState.IN_REVIEW


class AskedState(StrEnum):
    """Where a review that was asked for stands; `closed`: the post is no longer in review, and they said nothing."""

    OPEN = "open"
    JUDGED = "judged"
    CLOSED = "closed"


# When a reviewer is reminded ahead of the deadline, and how long after it whoever is responsible hears of it.
AHEAD = (timedelta(hours=4), timedelta(hours=1))
ESCALATED_AFTER = timedelta(days=1)


class Reminder(StrEnum):
    """What is told about a review that is asked for, in this order."""

    REMINDED = "review.reminded"
    LATE = "review.late"
    ESCALATED = "review.escalated"


def next_look(due_at: datetime, now: datetime) -> datetime | None:
    """Return when something is told next of a review that is still open; None once all is said."""
    looks = (*(due_at - ahead for ahead in AHEAD), due_at, due_at + ESCALATED_AFTER)
    return next((at for at in looks if at > now), None)


def reminder(due_at: datetime, now: datetime) -> Reminder:
    """Return what is to be told at `now`."""
    if now < due_at:
        return Reminder.REMINDED
    return Reminder.LATE if now < due_at + ESCALATED_AFTER else Reminder.ESCALATED


def lacks_eyes(judgements: Iterable[Judgement], least: int) -> bool:
    """Say whether fewer than `least` people have judged between them."""
    return len({j.reviewer_id for j in judgements}) < least


def approval_expires(
    due_on: date | None, zone: ZoneInfo, approved_at: datetime, valid: timedelta = VALID_WITHOUT_A_DAY
) -> datetime:
    """An approval ends with the planned day (in the workspace's zone), or is `valid` so long where none is planned."""
    if due_on is None:
        return approved_at + valid
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
