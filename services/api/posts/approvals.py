"""What an approval, and the end of one, does to the deliveries of the post."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery, Post
from drumtower.db.repositories.deliveries import derive_status_of, move
from drumtower.db.repositories.leftovers import leave
from drumtower.db.repositories.posts import PostRepository
from drumtower.db.repositories.reviews import ReviewRepository
from drumtower.db.repositories.series import wake
from drumtower.db.repositories.workspaces import policies_of
from drumtower.domain.deliveries import EDITABLE, WAITING, Event, State
from drumtower.domain.errors import Conflict, Violation
from drumtower.domain.reviews import ReviewState, approval_expires
from services.api.deliveries.renewal import renewal
from services.api.deliveries.service import post_violations
from services.api.posts import four_eyes
from services.api.posts.reading import counting
from services.api.principals import Principal

# The codes under which a delivery is held until its post is approved again.
REASONS = frozenset({"not_approved", "approval_outdated", "approval_expired"})

_TOO_LATE = {
    State.CLAIMED: "It is leaving at this moment: wait for the outcome, then edit.",
    State.SENDING: "It is leaving at this moment: wait for the outcome, then edit.",
    State.ACCEPTED: "The platform has already taken it: wait for the outcome, then edit.",
    State.UNKNOWN: "It may already be live: reconcile the delivery first.",
    State.HANDOFF: "Somebody is publishing it by hand: cancel the hand-off, or bring its proof.",
}


async def end(tx: Tx, principal: Principal, post: Post, now: datetime) -> None:
    """Hold what waits to leave, because the locked post is about to be edited.

    Raises Conflict where a delivery has gone too far for the edit to reach it.
    """
    rows = await PostRepository(tx, principal.workspace_id).hold_deliveries(post.id)
    await four_eyes.check_editor(tx, principal, post, rows)
    for row in rows:
        reason = _TOO_LATE.get(State(row.state))
        if reason is not None:
            raise Conflict(
                "delivery_in_flight", f"Delivery {row.id} to {row.platform} is {row.state}. {reason}"
            )
    detail = "The post was edited after its approval."
    await hold_back(tx, rows, "approval_outdated", detail, "Have the new version approved.", now)


async def hold_back(
    tx: Tx, rows: Sequence[Delivery], code: str, detail: str, hint: str, now: datetime
) -> None:
    """Hold those of the locked deliveries that wait to leave; what prepares them writes nothing more."""
    error = {"code": code, "detail": detail, "hint": hint}
    for row in rows:
        if State(row.state) in WAITING:
            await move(tx, row, Event.HOLD, now, error=error, fence=row.fence + 1)


async def begin(tx: Tx, principal: Principal, post: Post, now: datetime) -> None:
    """Record the approval of the locked post, and let go what was held for want of it, with the content approved."""
    zone = ZoneInfo(principal.timezone)
    post.review_state = ReviewState.APPROVED.value
    post.approved_hash = post.content_hash
    post.approval_expires_at = approval_expires(post.due_on, zone, now, await _valid(tx, post))
    await _release(tx, principal, post, now)


async def move_end(tx: Tx, principal: Principal, post: Post, now: datetime) -> None:
    """The planned day of the locked post has moved: an approval ends with it."""
    if post.approved_hash is None or post.approval_expires_at is None:
        return
    verdicts = (await ReviewRepository(tx, principal.workspace_id).of([post.id]))[post.id]
    last = max((review.created_at for review in counting(post, verdicts, now)), default=None)
    if post.review_state == ReviewState.APPROVED.value and last is not None:
        zone, valid = ZoneInfo(principal.timezone), await _valid(tx, post)
        post.approval_expires_at = approval_expires(post.due_on, zone, last, valid)
        await _release(tx, principal, post, now)


async def _valid(tx: Tx, post: Post) -> timedelta:
    return timedelta(days=(await policies_of(tx, post.workspace_id)).review.approval_days)


async def _release(tx: Tx, principal: Principal, post: Post, now: datetime) -> None:
    rows = await PostRepository(tx, principal.workspace_id).hold_deliveries(post.id)
    for row in rows:
        if State(row.state) not in EDITABLE:
            continue
        changes = renewal(row, post)
        lacking = post_violations(post, row.due_at)
        if changes and (lacking or not _waits_for_approval(row)):
            leave(tx, row, now)  # what was prepared was the old content's
        if not _waits_for_approval(row):
            _set(row, changes, now)
        elif lacking:
            _set(row, changes | {"error": _error(lacking[0])}, now)
        else:
            await move(tx, row, Event.RELEASE, now, next_at=row.due_at, error=None, **changes)
    await derive_status_of(tx, post)
    await wake(tx, post.id)


def _waits_for_approval(row: Delivery) -> bool:
    return State(row.state) is State.HELD and (row.error or {}).get("code") in REASONS


def _error(violation: Violation) -> dict[str, Any]:
    return {"code": violation.code, "detail": violation.detail, "hint": violation.hint}


def _set(row: Delivery, changes: dict[str, Any], now: datetime) -> None:
    if not changes:
        return
    for name, value in changes.items():
        setattr(row, name, value)
    row.revision += 1
    row.updated_at = now
