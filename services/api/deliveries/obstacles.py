"""What stands in the way of a delivery that has not gone out: one source a thing, asked in this order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from drumtower.db.engine import Tx
from drumtower.db.models import Channel, Delivery, Post
from drumtower.db.repositories.freezes import FreezeRepository, reach_of, subject_of
from drumtower.domain.deliveries import WAITING, Action, State
from drumtower.domain.explanations import Obstacle
from drumtower.domain.freezes import covers
from drumtower.domain.reviews import Approval, approval_violations


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A delivery with what belongs to it."""

    delivery: Delivery
    channel: Channel
    post: Post | None
    now: datetime


Source = Callable[[Tx, Case], Awaitable[list[Obstacle]]]


async def _freezes(tx: Tx, case: Case) -> list[Obstacle]:
    """The freezes that hold it now, or will when it is due."""
    campaign_id = case.post.campaign_id if case.post is not None else None
    subject = subject_of(case.delivery, case.channel.brand_id, campaign_id)
    when = max(case.now, case.delivery.next_at or case.now)
    found = await FreezeRepository(tx, case.delivery.workspace_id).at(when)
    return [
        Obstacle(code="frozen", detail=freeze.reason, until=freeze.ends_at)
        for freeze in found
        if covers(reach_of(freeze), subject)
    ]


async def _channel(_: Tx, case: Case) -> list[Obstacle]:
    if case.channel.status == "connected":
        return []
    return [Obstacle(code="channel_disconnected", detail=case.channel.status_detail or "")]


async def _approval(_: Tx, case: Case) -> list[Obstacle]:
    if case.post is None or case.delivery.action != Action.PUBLISH.value:
        return []
    approval = Approval(content_hash=case.post.approved_hash, expires_at=case.post.approval_expires_at)
    found = approval_violations(approval, case.delivery.content_hash or "", case.delivery.due_at)
    return [Obstacle(code=one.code, detail=one.detail) for one in found]


# Each code that a source gives has its row in drumtower/domain/reasons.py.
SOURCES: tuple[Source, ...] = (_freezes, _channel, _approval)

# In these, something outside the row may be what it waits for.
_STOPPABLE = WAITING | {State.HELD}


async def obstacles(tx: Tx, case: Case) -> tuple[Obstacle, ...]:
    """Ask every source."""
    if State(case.delivery.state) not in _STOPPABLE:
        return ()
    return tuple([one for source in SOURCES for one in await source(tx, case)])
