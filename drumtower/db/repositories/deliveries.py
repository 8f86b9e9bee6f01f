"""Deliveries: the one function that changes a state, and the reads around it."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from drumtower.db import outbox
from drumtower.db.counts import count
from drumtower.db.engine import Tx
from drumtower.db.models import Attempt, Delivery, Post
from drumtower.db.plain import fetch, transposed
from drumtower.db.repositories import follow_ups, handoffs
from drumtower.db.repositories.leftovers import leave
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.content import ChannelContent
from drumtower.domain.deliveries import LEASED, LIVE, Action, Event, State, next_state
from drumtower.domain.handoffs import late_since
from drumtower.domain.ids import new_id
from drumtower.domain.posts import counts_as, status
from drumtower.domain.reviews import ReviewState

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


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

    async def proved_by(self, delivery: Delivery, *, url: str, external_id: str | None) -> UUID | None:
        """Return another of the channel's deliveries that is out under this link or id."""
        same = Delivery.external_url == url
        if external_id is not None:
            same = or_(same, Delivery.external_id == external_id)
        own = Delivery.channel_id == delivery.channel_id, Delivery.id != delivery.id
        statement = self.select(Delivery).with_only_columns(Delivery.id).where(*own, same).limit(1)
        return await self.tx.scalar(statement)

    async def published_as(self, channel_id: UUID, keys: Collection[str]) -> Sequence[Delivery]:
        """Return the channel's published posts with one of these ids (the platform's or ours) or links."""
        if not keys:
            return ()
        ids = [UUID(key) for key in keys if _UUID.fullmatch(key)]
        named = or_(Delivery.external_id.in_(keys), Delivery.external_url.in_(keys), Delivery.id.in_(ids))
        out = Delivery.channel_id == channel_id, Delivery.state == State.PUBLISHED.value
        posts = Delivery.action == Action.PUBLISH.value
        return (await self.tx.scalars(self.select(Delivery).where(*out, posts, named))).all()

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

    Sets `changes` with it, owes a clean-up of what was prepared for it in vain, drops `next_at` and the lease where
    the engine owes no next step, names who gets a handoff and until when, derives the post's status, and tells the outbox.
    """
    if next_state(State(delivery.state), event) is State.CANCELLED or changes.get("checkpoint") == {}:
        leave(tx, delivery, now)
    if event is Event.HAND_OFF:
        changes |= (await handoffs.terms(tx, [delivery], now)).get(delivery.id, {})
    done = _step(Move(delivery, event, now, changes))
    for name, value in done.values.items():
        setattr(delivery, name, value)
    count(tx, delivery.platform, done.target, done.values.get("lateness_ms"))
    if done.target is State.PUBLISHED:
        await tx.flush()
        await follow_ups.plan_next(tx, [delivery.id], now)
    if done.is_told:
        outbox.append(tx, now=now, event=event.value, **done.event)
    # Deriving locks the post: most moves can't change its status, and must not wait for it.
    if done.counts and delivery.post_id is not None:
        await derive_status(tx, delivery.post_id)
    return done.target


@dataclass(frozen=True, slots=True)
class Move:
    """One delivery's step, as `move` takes it."""

    delivery: Delivery
    event: Event
    now: datetime
    changes: dict[str, Any] = field(default_factory=dict)


async def move_all(tx: Tx, moves: Sequence[Move]) -> None:
    """Move many locked deliveries as `move` would each of them, in a handful of statements. It cancels none.

    The deliveries are no longer the session's (`tx.expunge_all`): nothing but these statements writes them.
    """
    if not moves:
        return
    handed = [one for one in moves if one.event is Event.HAND_OFF]
    terms = await handoffs.terms(tx, [one.delivery for one in handed], handed[0].now) if handed else {}
    done: list[_Step] = []
    written: dict[UUID, dict[str, Any]] = {}
    for one in moves:
        more = terms.get(one.delivery.id) if one.event is Event.HAND_OFF else None
        step = _step(replace(one, changes=one.changes | more) if more else one)
        if step.target is State.CANCELLED:
            raise ValueError("a cancelled delivery owes a clean-up: move it by itself")
        vars(one.delivery).update(step.values)  # no session is to notice
        # Several steps of one delivery are one change of its row.
        written.setdefault(one.delivery.id, {}).update(step.values)
        count(tx, one.delivery.platform, step.target, step.values.get("lateness_ms"))
        done.append(step)
    await _store(tx, written)
    events = [
        outbox.Event(payload={"event": step.move.event.value}, at=step.move.now, **step.event)
        for step in done
        if step.is_told
    ]
    await outbox.append_all(tx, events)
    out = [step.move.delivery.id for step in done if step.target is State.PUBLISHED]
    await follow_ups.plan_next(tx, out, moves[-1].now)
    counted = {step.move.delivery.post_id for step in done if step.counts}
    await derive_statuses(tx, [post_id for post_id in counted if post_id is not None])


@dataclass(frozen=True, slots=True)
class _Step:
    move: Move
    source: State
    target: State
    values: dict[str, Any]

    @property
    def is_told(self) -> bool:
        """Nobody outside the engine can act on a lease; it lasts for moments."""
        return self.target not in LEASED

    @property
    def counts(self) -> bool:
        """Say whether the post's status may follow."""
        return counts_as(self.source) is not counts_as(self.target)

    @property
    def event(self) -> dict[str, Any]:
        delivery = self.move.delivery
        return {
            "workspace_id": delivery.workspace_id,
            "name": f"delivery.{self.target.value}",
            "subject_id": delivery.id,
        }


def _step(one: Move) -> _Step:
    """Say what the step writes: the one place where a delivery's next state is decided."""
    delivery = one.delivery
    source = State(delivery.state)
    target = next_state(source, one.event)
    fresh = {"state": target.value, "revision": delivery.revision + 1, "updated_at": one.now}
    values = fresh | one.changes
    if target not in LIVE:
        # A handoff is looked at too: its owner is reminded.
        look = values.get("next_at") if one.event is Event.HAND_OFF else None
        values |= {"next_at": look, "lease_until": None, "needs_check": False}
    if source is State.HANDOFF and target is State.PUBLISHED:
        values["late_at"] = late_since(delivery.deadline, delivery.late_at, values["published_at"])
    return _Step(one, source, target, values)


async def _store(tx: Tx, written: Mapping[UUID, dict[str, Any]]) -> None:
    """Write what changed; rows that change the same columns share a statement."""
    alike: dict[tuple[str, ...], list[list[Any]]] = {}
    for delivery_id, changes in written.items():
        names = tuple(sorted(changes))
        values = [_value(name, changes[name]) for name in names]
        alike.setdefault(names, []).append([delivery_id, *values])
    for names, rows in alike.items():
        await fetch(tx, _update(names), *transposed(rows))


_JSON = {column.name for column in Delivery.__table__.columns if isinstance(column.type, JSONB)}


def _value(name: str, value: Any) -> Any:
    """Return a column's value as the driver takes it."""
    return json.dumps(value, default=str) if name in _JSON and value is not None else value


@cache
def _update(names: tuple[str, ...]) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it so
    types = [Delivery.__table__.columns[name].type.compile(dialect) for name in ("id", *names)]
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, start=1))
    return f"""
    UPDATE deliveries AS d SET {", ".join(f"{name} = m.{name}" for name in names)}
    FROM unnest({arrays}) AS m (id, {", ".join(names)}) WHERE d.id = m.id
    """  # noqa: S608 - our own columns


async def derive_status(tx: Tx, post_id: UUID) -> None:
    """Store the status that follows from the post's review and its publish deliveries.

    Locks the post, so that two deliveries that end at once see each other. Whoever holds the post already may not
    wait for a delivery's lock (see PostRepository.hold_deliveries).
    """
    await tx.flush()  # what was set would be read over
    await derive_status_of(tx, await tx.get_one(Post, post_id, populate_existing=True, with_for_update=True))


async def derive_status_of(tx: Tx, post: Post) -> None:
    """Store what follows, as `derive_status` does, of a post that this transaction has locked or added."""
    states = await tx.scalars(
        select(Delivery.state).where(Delivery.post_id == post.id, Delivery.action == Action.PUBLISH.value)
    )
    derived = _derived(post.review_state, [State(s) for s in states], post.archived_at)
    if post.status != derived:
        post.status = derived


async def derive_statuses(tx: Tx, post_ids: Sequence[UUID]) -> None:
    """Store the statuses of many posts; locks them in id order, so that two that do so never cross."""
    if not post_ids:
        return
    posts = await fetch(tx, _LOCK_POSTS, list(post_ids))
    found = await fetch(tx, _STATES, list(post_ids))
    states: dict[UUID, list[State]] = {}
    for row in found:
        states.setdefault(row["post_id"], []).append(State(row["state"]))
    derived = [
        (post["id"], _derived(post["review_state"], states.get(post["id"], []), post["archived_at"]))
        for post in posts
    ]
    changed = [one for one, post in zip(derived, posts, strict=True) if one[1] != post["status"]]
    if changed:
        await fetch(tx, _STORE_STATUSES, *transposed(changed))


_LOCK_POSTS = """
SELECT id, review_state, archived_at, status FROM posts WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
"""
_STATES = "SELECT post_id, state FROM deliveries WHERE post_id = ANY ($1::uuid[]) AND action = 'publish'"
_STORE_STATUSES = """
UPDATE posts AS p SET status = s.status FROM unnest($1::uuid[], $2::text[]) AS s (id, status) WHERE p.id = s.id
"""


def _derived(review_state: str, states: Sequence[State], archived_at: datetime | None) -> str:
    return status(ReviewState(review_state), states, archived=archived_at is not None).value


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
