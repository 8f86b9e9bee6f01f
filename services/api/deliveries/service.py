"""What people may do with a delivery.

Lock order, as everywhere outside services/api/posts: the delivery first, its post after it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import update

from drumtower.db.engine import Tx
from drumtower.db.models import Attempt, Delivery, Interaction, Post
from drumtower.db.repositories.deliveries import move, published
from drumtower.db.repositories.posts import PostRepository
from drumtower.domain.deliveries import LEASED, Action, Event, State, is_late, next_state
from drumtower.domain.errors import Conflict, Invalid, Violation
from drumtower.domain.reviews import Approval, ReviewState, approval_violations
from drumtower.domain.schedules import GRACE
from services.api import audit
from services.api.deliveries.renewal import renewal
from services.api.deliveries.schemas import (
    DeliveryReconcile,
    DeliveryReschedule,
    Verdict,
)
from services.api.deliveries.timing import read_due
from services.api.editing import Edit
from services.api.principals import Principal

_NOT_THERE = {
    "code": "absent",
    "detail": "A member looked: it is not there.",
    "hint": "Retry it where it is still worth publishing.",
}
# A delivery in one of these no longer stands in the way of another one for the same post and channel.
OVER = frozenset({State.CANCELLED, State.FAILED, State.MISSED})


async def cancel(edit: Edit, delivery: Delivery) -> None:
    """Cancel what has not left; whoever prepares it at this moment writes nothing more."""
    await move(edit.tx, delivery, Event.CANCEL, edit.now, fence=delivery.fence + 1)
    audit.record(edit.tx, edit.principal, "delivery.cancelled", delivery.id, edit.now)


async def reschedule(edit: Edit, delivery: Delivery, asked: DeliveryReschedule) -> None:
    """Give it another time; raise Invalid with all that forbids it."""
    state = State(delivery.state)
    next_state(state, Event.RESCHEDULE)
    due, violations = read_due(asked, edit.now)
    changes: dict[str, Any] = {}
    if _publishes_post(delivery) and state is not State.HELD:
        post = await _post_of(edit.tx, edit.principal, delivery)
        violations += post_violations(post, due.at if due else edit.now)
        changes = renewal(delivery, post)
        await _check_alone(edit.tx, edit.principal, delivery)
    if due is None or violations:
        raise Invalid.of(violations)
    changes |= {"due_at": due.at, "next_at": due.at, "local_time": due.local, "timezone": due.timezone}
    changes |= {"slot_at": None}  # it gives the slot back
    changes |= {"not_before": None, "lease_until": None, "fence": delivery.fence + 1}
    if state is not State.HELD:
        changes["error"] = None
    await move(edit.tx, delivery, Event.RESCHEDULE, edit.now, **changes)
    audit.record(
        edit.tx, edit.principal, "delivery.rescheduled", delivery.id, edit.now, due_at=due.at.isoformat()
    )


async def retry(edit: Edit, delivery: Delivery) -> None:
    """Let a failed delivery go again, with what the post says now; refused while its outcome is unknown."""
    if State(delivery.state) in LEASED:
        raise Conflict("delivery_state", "It is leaving at this moment. Wait for the outcome.")
    next_state(State(delivery.state), Event.RETRY)
    _check_in_time(delivery, edit.now)
    changes: dict[str, Any] = {}
    if _publishes_post(delivery):
        post = await _post_of(edit.tx, edit.principal, delivery)
        violations = post_violations(post, edit.now)
        if violations:
            raise Invalid.of(violations)
        changes = renewal(delivery, post)
        await _check_alone(edit.tx, edit.principal, delivery)
    changes |= {"next_at": edit.now, "not_before": None, "error": None, "slot_at": None}
    await move(edit.tx, delivery, Event.RETRY, edit.now, **changes)
    audit.record(edit.tx, edit.principal, "delivery.retried", delivery.id, edit.now)


async def reconcile(edit: Edit, delivery: Delivery, asked: DeliveryReconcile) -> None:
    """Settle an unknown outcome by what a person saw, or have it looked up now."""
    state = State(delivery.state)
    if state is not State.UNKNOWN and not (state is State.ACCEPTED and asked.verdict is None):
        raise Conflict("delivery_state", f"A delivery that is {state} has no unknown outcome to settle.")
    _check_verdict(asked, edit.now)
    if asked.verdict is None:
        delivery.next_at = edit.now
        delivery.updated_at = edit.now
        audit.record(edit.tx, edit.principal, "delivery.looked_up", delivery.id, edit.now)
        return
    audit.record(
        edit.tx, edit.principal, "delivery.reconciled", delivery.id, edit.now, verdict=asked.verdict.value
    )
    if asked.verdict is Verdict.LIVE:
        at = asked.published_at or delivery.sent_at or edit.now
        await record_published(
            edit.tx,
            delivery,
            url=asked.url,
            external_id=asked.external_id,
            at=at,
            now=edit.now,
            step="reconcile",
        )
        return
    edit.tx.add(_attempt(delivery, "reconcile", "absent", "A member looked: it is not there.", edit.now))
    if asked.verdict is Verdict.SEND_AGAIN:
        _check_in_time(delivery, edit.now)
        changes = {"next_at": edit.now, "not_before": None, "needs_check": False, "error": None, "lookups": 0}
        await move(edit.tx, delivery, Event.ABSENT, edit.now, **changes)
    else:
        await move(edit.tx, delivery, Event.REFUSE, edit.now, error=_NOT_THERE)


async def record_published(
    tx: Tx,
    delivery: Delivery,
    *,
    url: str | None,
    external_id: str | None,
    at: datetime,
    now: datetime,
    step: str,
) -> None:
    """Write what a person says is out: the attempt, the answered interaction, the delivery's state."""
    tx.add(_attempt(delivery, step, "published", external_id or url or "", now))
    if delivery.interaction_id is not None:
        await tx.execute(
            update(Interaction)
            .where(Interaction.id == delivery.interaction_id, Interaction.answered_at.is_(None))
            .values(answered_at=at, revision=Interaction.revision + 1, updated_at=now)
        )
    changes = published(delivery, external_id=external_id, url=url, at=at, context={})
    await move(tx, delivery, Event.PUBLISH, now, **changes)


def _attempt(delivery: Delivery, step: str, outcome: str, detail: str, now: datetime) -> Attempt:
    """Record what a person found out; the fence grows, so that a look-up under way writes nothing."""
    delivery.fence += 1
    return Attempt(
        workspace_id=delivery.workspace_id,
        delivery_id=delivery.id,
        number=delivery.attempts,
        fence=delivery.fence,
        step=step,
        outcome=outcome,
        detail=detail,
        started_at=now,
        ended_at=now,
    )


def _check_verdict(asked: DeliveryReconcile, now: datetime) -> None:
    violations = in_future(asked.published_at, now)
    given = [name for name in ("url", "external_id", "published_at") if getattr(asked, name) is not None]
    if asked.verdict is Verdict.LIVE and asked.url is None and asked.external_id is None:
        hint = "Send the post's url, or its external_id on the platform."
        violations.append(violation("/url", "proof_required", "What is live can be shown.", hint))
    if asked.verdict is Verdict.SEND_AGAIN and asked.not_there is None:
        detail = "It could appear twice: say that you have looked, and that it is not there."
        violations.append(violation("/not_there", "absence_unconfirmed", detail, 'Send "not_there": true.'))
    if asked.verdict is Verdict.LIVE and asked.not_there is not None:
        violations.append(violation("/not_there", "proof_unexpected", "It can't be live and not there."))
    if asked.verdict is not Verdict.LIVE:
        violations += [
            violation(f"/{name}", "proof_unexpected", f"{name} goes with the verdict live only.")
            for name in given
        ]
    if violations:
        raise Invalid.of(violations)


def in_future(published_at: datetime | None, now: datetime) -> list[Violation]:
    """Say where nothing can have been published yet."""
    if published_at is None or published_at <= now + GRACE:
        return []
    detail = "It can't have been published later than now."
    return [violation("/published_at", "time_in_future", detail, "Check the date and the offset.")]


def violation(pointer: str, code: str, detail: str, hint: str = "") -> Violation:
    """Make a violation."""
    return Violation(pointer=pointer, code=code, detail=detail, hint=hint)


def _check_in_time(delivery: Delivery, now: datetime) -> None:
    """Raise Conflict where its own late policy would make it missed the moment it is due again: no promise of that."""
    if is_late(delivery.due_at, delivery.late_by_seconds, now):
        raise Conflict(
            "too_late",
            f"It was to go out within {delivery.late_by_seconds} s of {delivery.due_at.isoformat()}."
            " Schedule it again, for a time of its own.",
        )


def _publishes_post(delivery: Delivery) -> bool:
    return delivery.action == Action.PUBLISH.value and delivery.post_id is not None


async def _post_of(tx: Tx, principal: Principal, delivery: Delivery) -> Post:
    assert delivery.post_id is not None
    return await PostRepository(tx, principal.workspace_id).get(delivery.post_id, lock=True)


def post_violations(post: Post, at: datetime) -> list[Violation]:
    """Say why the post, as it stands, may not go out at `at`."""
    approval = Approval(content_hash=post.approved_hash, expires_at=post.approval_expires_at)
    violations = approval_violations(approval, post.content_hash, at)
    if not violations and post.review_state != ReviewState.APPROVED.value:
        # Edited, and edited back: the content is the approved one, but the review began anew.
        violations = approval_violations(Approval(content_hash=None, expires_at=None), post.content_hash, at)
    if post.archived_at is not None:
        detail = "The post is archived."
        violations.append(violation("", "post_archived", detail, "Duplicate it, and schedule the copy."))
    return violations


async def _check_alone(tx: Tx, principal: Principal, delivery: Delivery) -> None:
    """Raise Conflict where another delivery brings, or has brought, the same post to the same channel."""
    for other in await PostRepository(tx, principal.workspace_id).siblings(delivery):
        if State(other.state) not in OVER:
            raise Conflict(
                "already_scheduled",
                f"Delivery {other.id} of the same post to this channel is {other.state}: it would appear twice.",
            )
