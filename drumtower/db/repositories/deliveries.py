"""Deliveries: the one function that changes a state, and the reads around it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.models import Attempt, Delivery, Post
from drumtower.db.repositories.leftovers import leave
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.content import ChannelContent
from drumtower.domain.deliveries import LEASED, LIVE, Action, Event, State, next_state
from drumtower.domain.ids import new_id
from drumtower.domain.posts import counts_as, status
from drumtower.domain.reviews import ReviewState


class DeliveryRepository(Scoped):
    """Deliveries of one workspace."""

    def all(self) -> Select[Delivery]:
        return self.select(Delivery)

    async def get(self, delivery_id: UUID, *, lock: bool = False) -> Delivery:
        """Return the delivery; raise NotFound. `lock` holds it: take it before any `move`."""
        return await self.find(Delivery, delivery_id, "delivery", lock=lock)

    async def of_post(self, post_id: UUID, *, lock: bool = False) -> list[Delivery]:
        """Return a post's deliveries, oldest first; locked in id order, so that two lockers never cross."""
        statement = self.select(Delivery).where(Delivery.post_id == post_id).order_by(Delivery.id)
        if lock:
            statement = statement.with_for_update()
        return list((await self.tx.scalars(statement)).all())

    async def attempts(self, delivery_id: UUID) -> list[Attempt]:
        """Return what has been tried, oldest first."""
        statement = self.select(Attempt).where(Attempt.delivery_id == delivery_id)
        return list((await self.tx.scalars(statement.order_by(Attempt.id))).all())


def payload_of(content: ChannelContent) -> dict[str, Any]:
    """Return the channel's content as a delivery keeps it: what was approved is what leaves."""
    return {
        "title": content.title,
        "body": content.body,
        "kind": content.kind.value,
        "nature": content.nature.value,
        "language": content.language,
        "links": list(content.links),
        "hashtags": list(content.hashtags),
        "asset_ids": [str(asset_id) for asset_id in content.asset_ids],
        "disclosures": [disclosure.value for disclosure in content.disclosures],
        "options": content.options,
    }


def plan(
    *,
    workspace_id: UUID,
    channel_id: UUID,
    platform: str,
    action: Action,
    payload: dict[str, Any],
    due_at: datetime,
    created_by: UUID,
    now: datetime,
    **given: Any,
) -> Delivery:
    """Make a planned delivery; `given` adds what applies (post_id, interaction_id, local_time, timezone, …)."""
    fresh = {
        "state": State.PLANNED.value,
        "next_at": due_at,
        "attempts": 0,
        "fence": 0,
        "lookups": 0,
        "checkpoint": {},
        "prepared": False,
        "context": {},
        "needs_check": False,
        "revision": 1,
        "created_at": now,
        "updated_at": now,
    }
    return Delivery(
        id=new_id(),
        workspace_id=workspace_id,
        channel_id=channel_id,
        platform=platform,
        action=action.value,
        payload=payload,
        due_at=due_at,
        created_by=created_by,
        **(fresh | given),
    )


async def move(tx: Tx, delivery: Delivery, event: Event, now: datetime, **changes: Any) -> State:
    """Move a locked delivery by `event`; raise Conflict where the machine has no such step.

    Sets `changes` with it, owes a clean-up of what was prepared for it in vain, drops `next_at` and the lease where the engine owes no next step, derives the post's
    status, and tells the outbox.
    """
    source = State(delivery.state)
    target = next_state(source, event)
    if target is State.CANCELLED or changes.get("checkpoint") == {}:
        leave(tx, delivery, now)
    delivery.state = target.value
    delivery.revision += 1
    delivery.updated_at = now
    for name, value in changes.items():
        setattr(delivery, name, value)
    if target not in LIVE:
        delivery.next_at = None
        delivery.lease_until = None
        delivery.needs_check = False
    if target in LEASED:
        return target  # nobody outside the engine can act on these; they last for moments
    outbox.append(
        tx,
        workspace_id=delivery.workspace_id,
        name=f"delivery.{target.value}",
        subject_id=delivery.id,
        now=now,
        event=event.value,
    )
    # Deriving locks the post: most moves can't change its status, and must not wait for it.
    if delivery.post_id is not None and counts_as(source) is not counts_as(target):
        await derive_status(tx, delivery.post_id)
    return target


async def derive_status(tx: Tx, post_id: UUID) -> None:
    """Store the status that follows from the post's review and its publish deliveries.

    Locks the post, so that two deliveries that end at once see each other. Whoever holds the post already may not
    wait for a delivery's lock (see PostRepository.hold_deliveries).
    """
    await tx.flush()  # the query below must see the states just set
    post = await tx.get_one(Post, post_id, populate_existing=True, with_for_update=True)
    states = await tx.scalars(
        select(Delivery.state).where(Delivery.post_id == post_id, Delivery.action == Action.PUBLISH.value)
    )
    derived = status(
        ReviewState(post.review_state), [State(s) for s in states], archived=post.archived_at is not None
    )
    if post.status != derived.value:
        post.status = derived.value


def published(
    delivery: Delivery, *, external_id: str | None, url: str | None, at: datetime, context: dict[str, Any]
) -> dict[str, Any]:
    """Return the changes that go with Event.PUBLISH; lateness is measured against the planned instant."""
    late = max(timedelta(), at - delivery.due_at)
    return {
        "external_id": external_id,
        "external_url": url,
        "published_at": at,
        "lateness_ms": round(late.total_seconds() * 1000),
        "context": delivery.context | context,
        "error": None,
    }
