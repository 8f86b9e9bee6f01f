"""Who is asked to review a post: named ahead or while it is in review, with a deadline from its submission on."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower import almanac
from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.models import Post, ReviewAssignment
from drumtower.db.repositories.calendar import CalendarRepository
from drumtower.db.repositories.members import MemberRepository
from drumtower.db.repositories.reviews import AssignmentRepository, assignment_of
from drumtower.db.repositories.workspaces import policies_of
from drumtower.domain.business_hours import LONGEST_BREAK, after, is_workday
from drumtower.domain.calendar import marks
from drumtower.domain.errors import Invalid, Violation
from drumtower.domain.ids import new_id
from drumtower.domain.permissions import Permission, Role, granted
from drumtower.domain.reviews import AskedState, Assignment, Criterion, Judgement, ReviewState, next_look, own
from services.api import audit
from services.api.posts import four_eyes
from services.api.posts.assignment_schemas import AskedRead, AssignmentBody, AssignmentRead, AssignmentsWrite
from services.api.principals import Principal


async def assign(
    tx: Tx, principal: Principal, post: Post, asked: AssignmentsWrite, now: datetime
) -> Sequence[ReviewAssignment]:
    """Make these the locked post's reviewers; who stays keeps their deadline. Raise Invalid with all that is wrong."""
    await _check(tx, principal, post, asked.reviewers, now)
    assignments = AssignmentRepository(tx, principal.workspace_id)
    before = {row.reviewer_id: row for row in await assignments.of(post.id)}
    wanted = {one.reviewer_id: one for one in asked.reviewers}
    if _is_running(post) and _loosens(before, wanted):
        await four_eyes.check_reviewer(tx, principal, post)
    for gone in before.keys() - wanted.keys():
        await tx.delete(before[gone])
    due_at = await deadline(tx, principal, now) if _is_running(post) else None
    for one in asked.reviewers:
        row = before.get(one.reviewer_id) or _new(tx, principal, post, one, now)
        row.criteria, row.required = _points(one), one.required
        if _is_running(post) and row.requested_at is None:
            _request(tx, post, row, due_at, now)
    reviewers = [str(reviewer_id) for reviewer_id in wanted]
    audit.record(tx, principal, "post.reviewers_assigned", post.id, now, reviewers=reviewers)
    await tx.flush()
    return await assignments.of(post.id)


def _is_running(post: Post) -> bool:
    return post.review_state == ReviewState.IN_REVIEW.value


def _points(asked: AssignmentBody) -> list[str]:
    return [criterion.value for criterion in Criterion if criterion in (asked.criteria or Criterion)]


def _loosens(before: dict[UUID, ReviewAssignment], wanted: dict[UUID, AssignmentBody]) -> bool:
    """Say whether somebody who must review needs to no longer, or less: an author does not choose that meanwhile."""
    for reviewer_id, row in before.items():
        one = wanted.get(reviewer_id)
        if row.required and (one is None or not one.required or not set(row.criteria) <= set(_points(one))):
            return True
    return False


def _new(tx: Tx, principal: Principal, post: Post, asked: AssignmentBody, now: datetime) -> ReviewAssignment:
    row = ReviewAssignment(
        id=new_id(),
        workspace_id=post.workspace_id,
        post_id=post.id,
        reviewer_id=asked.reviewer_id,
        assigned_by=principal.member_id,
        assigned_at=now,
    )
    tx.add(row)
    return row


async def _check(
    tx: Tx, principal: Principal, post: Post, asked: Sequence[AssignmentBody], now: datetime
) -> None:
    members, authors = MemberRepository(tx, principal.workspace_id), await four_eyes.authors(tx, post)
    violations = []
    for index, one in enumerate(asked):
        pointer = f"/reviewers/{index}/reviewer_id"
        member = await members.here(one.reviewer_id, now)
        if member is None:
            violations.append(Violation.unknown("reviewer", pointer))
        elif Permission.POSTS_REVIEW not in granted(Role(member.role), external=member.external):
            detail = f"{member.name} may not review."
            violations.append(
                _wrong(pointer, "may_not_review", detail, "Name somebody who has posts.review.")
            )
        elif one.reviewer_id in authors:
            detail = "Whoever wrote a post can't review it."
            violations.append(_wrong(pointer, "own_work", detail, "Name another member."))
        elif one.reviewer_id in [other.reviewer_id for other in asked[:index]]:
            detail = "This reviewer is named twice."
            violations.append(
                _wrong(pointer, "duplicate_reviewer", detail, "Name each once, with all points.")
            )
    if violations:
        raise Invalid.of(violations)


def _wrong(pointer: str, code: str, detail: str, hint: str) -> Violation:
    return Violation(pointer=pointer, code=code, detail=detail, hint=hint)


async def request(tx: Tx, principal: Principal, post: Post, now: datetime) -> None:
    """The locked post was submitted: everybody assigned is asked, from now on."""
    rows = await AssignmentRepository(tx, principal.workspace_id).of(post.id)
    due_at = await deadline(tx, principal, now) if rows else None
    for row in rows:
        _request(tx, post, row, due_at, now)


def _request(tx: Tx, post: Post, row: ReviewAssignment, due_at: datetime | None, now: datetime) -> None:
    row.requested_at, row.due_at = now, due_at
    row.late_at = row.judged_at = None
    row.next_at = next_look(due_at, now) if due_at else None
    about = {
        "post_id": str(post.id),
        "reviewer_id": str(row.reviewer_id),
        "due_at": due_at.isoformat() if due_at else None,
    }
    outbox.append(
        tx, workspace_id=post.workspace_id, name="review.requested", subject_id=row.id, now=now, **about
    )


async def deadline(tx: Tx, principal: Principal, now: datetime) -> datetime | None:
    """Return until when somebody who is asked now answers; None where the workspace names no time."""
    policy = (await policies_of(tx, principal.workspace_id)).review
    if policy.within_hours is None:
        return None
    zone = ZoneInfo(principal.timezone)
    today = now.astimezone(zone).date()
    said = await CalendarRepository(tx, principal.workspace_id).between(today, today + 2 * LONGEST_BREAK)

    def works(day: date) -> bool:
        own_marks = [mark for mark in said if mark.day == day]
        return is_workday(day, {mark.kind for mark in marks(almanac.shipped(day, day), own_marks)})

    return after(now, timedelta(hours=policy.within_hours), policy.working_day, zone, works)


async def note(
    tx: Tx, post: Post, reviewer_id: UUID, judgements: Sequence[Judgement], now: datetime
) -> list[Assignment]:
    """Note that a reviewer has judged all that they were asked for; return everybody's assignments."""
    rows = await AssignmentRepository(tx, post.workspace_id).of(post.id)
    for row in rows:
        assignment = assignment_of(row)
        judged = own(judgements, post.content_hash, assignment)
        if row.reviewer_id == reviewer_id and row.judged_at is None and len(judged) == len(row.criteria):
            row.judged_at, row.next_at = now, None
    return [assignment_of(row) for row in rows]


def read(row: ReviewAssignment, post: Post, now: datetime) -> AssignmentRead:
    """Return the assignment as clients see it."""
    return AssignmentRead(**_fields(row, post, now))


def read_asked(row: ReviewAssignment, post: Post, now: datetime) -> AskedRead:
    """Return it as a reviewer's list of work has it."""
    return AskedRead(
        **_fields(row, post, now), post_title=post.title, version=post.version, owner_id=post.owner_id
    )


def _fields(row: ReviewAssignment, post: Post, now: datetime) -> dict[str, object]:
    state = _state(row, post)
    kept = {
        name: getattr(row, name) for name in AssignmentRead.model_fields if name not in ("state", "overdue")
    }
    overdue = state is AskedState.OPEN and row.due_at is not None and row.due_at <= now
    return kept | {"state": state, "overdue": overdue}


def _state(row: ReviewAssignment, post: Post) -> AskedState | None:
    if row.requested_at is None:
        return None
    if row.judged_at is not None:
        return AskedState.JUDGED
    return AskedState.OPEN if _is_running(post) else AskedState.CLOSED
