"""The four-point review: submitting, judging, and what follows."""

from datetime import datetime
from zoneinfo import ZoneInfo

from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.models import Post, Review
from drumtower.db.repositories.deliveries import derive_status_of
from drumtower.db.repositories.posts import PostRepository
from drumtower.db.repositories.reviews import ReviewRepository, judgement_of
from drumtower.db.repositories.series import wake
from drumtower.domain.content import from_json
from drumtower.domain.errors import Conflict, Invalid, Violation
from drumtower.domain.ids import next_id
from drumtower.domain.reviews import ReviewState, Verdict, approval_expires, latest, state
from drumtower.domain.text import is_blank
from drumtower.platforms.registry import Registry
from services.api import audit
from services.api.posts import approvals, assignments, four_eyes, preflight
from services.api.posts.reading import counting
from services.api.posts.review_schemas import ReviewCreate
from services.api.principals import Principal


async def submit(tx: Tx, principal: Principal, registry: Registry, post: Post, now: datetime) -> None:
    """Hand the locked post to its reviewers; raise Invalid with everything that would stop it anyway."""
    await _check_may_submit(tx, principal, post, now)
    content = from_json(post.content)
    channels = await preflight.channels_of(tx, principal, post)
    checks = await preflight.check(tx, principal, registry, content, channels, now, post.id)
    preflight.refuse_blocked(checks, content)
    _check_day(post, principal, now)
    post.review_state = ReviewState.IN_REVIEW.value
    await assignments.request(tx, principal, post, now)
    await _changed(tx, principal, post, now, "post.submitted")


async def _check_may_submit(tx: Tx, principal: Principal, post: Post, now: datetime) -> None:
    if post.is_template:
        raise Conflict(
            "post_is_template", "A template is never submitted. Duplicate it, and work on the copy."
        )
    match ReviewState(post.review_state):
        case ReviewState.IN_REVIEW:
            raise Conflict("already_in_review", "The post is in review already.")
        case ReviewState.APPROVED if not _has_ended(post, now):
            raise Conflict("already_approved", "This content is approved already.")
        case ReviewState.CHANGES_REQUESTED:
            verdicts = await _counting(tx, principal, post, now)
            if any(review.verdict == Verdict.FAIL.value for review in verdicts):
                raise Conflict(
                    "unchanged_since_review",
                    "A reviewer asked for changes and nothing has changed since. Edit the post, or ask the reviewer.",
                )
        case _:
            return


def _has_ended(post: Post, now: datetime) -> bool:
    return post.approval_expires_at is not None and post.approval_expires_at < now


def _check_day(post: Post, principal: Principal, now: datetime) -> None:
    """An approval ends with the planned day; one that has passed would end it before it began."""
    if approval_expires(post.due_on, ZoneInfo(principal.timezone), now) <= now:
        raise Invalid.at(
            "/due_on", "date_in_past", f"The planned day {post.due_on} has passed.", "Move due_on first."
        )


async def judge(tx: Tx, principal: Principal, post: Post, asked: ReviewCreate, now: datetime) -> None:
    """Add a reviewer's verdicts on the locked post; four passes approve it, one failure sends it back."""
    await four_eyes.check_reviewer(tx, principal, post)
    if post.review_state == ReviewState.DRAFT.value:
        raise Conflict("not_submitted", "The post is not submitted for review.")
    if asked.version != post.version:
        raise Conflict(
            "review_outdated", f"You judged version {asked.version}; the post is at version {post.version}."
        )
    _check_verdicts(asked)
    reviews = ReviewRepository(tx, principal.workspace_id)
    last = await reviews.last_id(post.id)
    for criterion, given in asked.criteria.given().items():
        last = next_id(last)
        reviews.add(
            Review(
                id=last,
                workspace_id=post.workspace_id,
                post_id=post.id,
                version=post.version,
                content_hash=post.content_hash,
                criterion=criterion.value,
                verdict=given.verdict.value,
                note=given.note,
                reviewer_id=principal.member_id,
                created_at=now,
            )
        )
    await tx.flush()
    await _conclude(tx, principal, post, now)


def _check_verdicts(asked: ReviewCreate) -> None:
    given = asked.criteria.given()
    violations = [
        Violation(
            pointer=f"/criteria/{criterion}/note",
            code="note_required",
            detail="A failure without a reason helps nobody.",
            hint="Say what must change.",
        )
        for criterion, one in given.items()
        if one.verdict is Verdict.FAIL and is_blank(one.note or "")
    ]
    if not given:
        detail = "There is no verdict here."
        hint = "Judge at least one of accuracy, compliance, readability and aesthetics."
        violations.append(Violation(pointer="/criteria", code="criteria_empty", detail=detail, hint=hint))
    if violations:
        raise Invalid.of(violations)


async def _counting(tx: Tx, principal: Principal, post: Post, now: datetime) -> list[Review]:
    verdicts = (await ReviewRepository(tx, principal.workspace_id).of([post.id]))[post.id]
    return counting(post, verdicts, now)


async def _conclude(tx: Tx, principal: Principal, post: Post, now: datetime) -> None:
    judgements = [judgement_of(review) for review in await _counting(tx, principal, post, now)]
    assigned = await assignments.note(tx, post, principal.member_id, judgements, now)
    verdict = state(judgements, post.content_hash, assigned)
    if verdict is ReviewState.APPROVED:
        _check_day(post, principal, now)
        await four_eyes.check_reviewers(tx, post, latest(judgements, post.content_hash).values())
        await approvals.begin(tx, principal, post, now)
        verb = "post.approved"
    elif verdict is ReviewState.CHANGES_REQUESTED:
        await _withdraw(tx, principal, post, now)
        verb = "post.changes_requested"
    else:
        post.review_state = verdict.value
        verb = "post.reviewed"
    standing = latest(judgements, post.content_hash)
    await _changed(
        tx, principal, post, now, verb, criteria={c.value: j.verdict.value for c, j in standing.items()}
    )


async def _withdraw(tx: Tx, principal: Principal, post: Post, now: datetime) -> None:
    """A reviewer found fault: what was approved before is no more, and what waits to leave is held.

    So too where the review began anew: what was due before its approval ended may still be on its way.
    """
    post.review_state = ReviewState.CHANGES_REQUESTED.value
    if post.approved_hash == post.content_hash:
        post.approved_hash = None
        rows = await PostRepository(tx, principal.workspace_id).hold_deliveries(post.id)
        detail = "A reviewer withdrew the approval."
        await approvals.hold_back(tx, rows, "not_approved", detail, "Have the post approved again.", now)
        await wake(tx, post.id)


async def _changed(
    tx: Tx, principal: Principal, post: Post, now: datetime, verb: str, **detail: object
) -> None:
    post.revision += 1
    post.updated_at = now
    await derive_status_of(tx, post)
    audit.record(tx, principal, verb, post.id, now, version=post.version, **detail)
    outbox.append(
        tx, workspace_id=post.workspace_id, name=verb, subject_id=post.id, now=now, version=post.version
    )
