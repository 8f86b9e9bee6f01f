"""Freezes of one workspace, and what the engine asks of all of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from drumtower.db.engine import Tx
from drumtower.db.models import Channel, Delivery, Freeze, Post
from drumtower.db.plain import columns, fetch, make
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.deliveries import WAITING, Action, State
from drumtower.domain.freezes import ANSWERS, FreezeState, Reach, Scope, Subject, covers

# What has left the planner's hands: a freeze comes too late for it.
UNSTOPPABLE = (State.SENDING, State.ACCEPTED, State.UNKNOWN)


class FreezeRepository(Scoped):
    """Reads freezes, and the deliveries within their reach."""

    def all(self) -> Select[Freeze]:
        return self.select(Freeze)

    async def get(self, freeze_id: UUID, *, lock: bool = False) -> Freeze:
        """Return the freeze; raise NotFound."""
        return await self.find(Freeze, freeze_id, "freeze", lock=lock)

    async def at(self, moment: datetime) -> Sequence[Freeze]:
        """Return the freezes that hold at `moment`, as things stand now."""
        standing = self.standing(moment, None).where(Freeze.starts_at <= moment)
        return (await self.tx.scalars(standing.order_by(Freeze.starts_at, Freeze.id))).all()

    def standing(self, start: datetime, end: datetime | None) -> Select[Freeze]:
        """Select the freezes that are not lifted and touch the span; `end` is exclusive, None without one."""
        touching = self.all().where(
            Freeze.lifted_at.is_(None), or_(Freeze.ends_at.is_(None), Freeze.ends_at > start)
        )
        return touching if end is None else touching.where(Freeze.starts_at < end)

    def within(self, reach: Reach) -> Select[Delivery]:
        """Select the deliveries that a freeze of this reach covers, in whatever state."""
        joined = self.select(Delivery).join(Channel, Channel.id == Delivery.channel_id)
        return joined.where(*_covered(reach))


def _covered(reach: Reach) -> list[ColumnElement[bool]]:
    """Say in SQL what domain/freezes.covers says; tests/db compare the two."""
    actions = {action.value for action in Action} - {Action.DELETE.value}
    if reach.allows_replies:
        actions -= {action.value for action in ANSWERS}
    conditions: list[ColumnElement[bool]] = [Delivery.action.in_(sorted(actions))]
    if reach.scope is Scope.BRAND:
        conditions.append(Channel.brand_id == reach.brand_id)
    if reach.scope is Scope.CHANNEL:
        conditions.append(Delivery.channel_id == reach.channel_id)
    if reach.scope is Scope.CAMPAIGN:
        conditions.append(_in_campaign_of(reach.campaign_id))
    if reach.scope is Scope.NATURE:
        conditions.append(Delivery.payload["nature"].astext == reach.nature)
    return conditions


def _in_campaign_of(campaign_id: Any) -> ColumnElement[bool]:
    return exists().where(Post.id == Delivery.post_id, Post.campaign_id == campaign_id)


def reach_of(freeze: Freeze) -> Reach:
    """Return what the freeze stops, as the rules know it."""
    return Reach(
        scope=Scope(freeze.scope),
        brand_id=freeze.brand_id,
        channel_id=freeze.channel_id,
        campaign_id=freeze.campaign_id,
        nature=freeze.nature,
        allows_replies=freeze.allows_replies,
    )


def subject_of(delivery: Delivery, brand_id: UUID, campaign_id: UUID | None) -> Subject:
    """Return the delivery as a freeze looks at it."""
    return Subject(
        action=delivery.purpose,
        brand_id=brand_id,
        channel_id=delivery.channel_id,
        campaign_id=campaign_id,
        nature=delivery.payload.get("nature"),
    )


def in_state(state: FreezeState, now: datetime) -> ColumnElement[bool]:
    """Say in SQL what domain/freezes.state says."""
    ended = and_(Freeze.ends_at.is_not(None), Freeze.ends_at <= now)
    standing = and_(Freeze.lifted_at.is_(None), or_(Freeze.ends_at.is_(None), Freeze.ends_at > now))
    return {
        FreezeState.LIFTED: Freeze.lifted_at.is_not(None),
        FreezeState.ENDED: and_(Freeze.lifted_at.is_(None), ended),
        FreezeState.ACTIVE: and_(standing, Freeze.starts_at <= now),
        FreezeState.UPCOMING: and_(standing, Freeze.starts_at > now),
    }[state]


# By the database's clock at this statement, not at the transaction's start: a freeze may have come since.
_STANDING = f"""
SELECT clock_timestamp() AS now, {columns(Freeze)} FROM freezes
WHERE workspace_id = ANY ($1::uuid[]) AND lifted_at IS NULL AND starts_at <= greatest(clock_timestamp(), $2)
    AND (ends_at IS NULL OR ends_at > clock_timestamp())
ORDER BY starts_at, id
"""  # noqa: S608 - our own columns


async def freezes_on(
    tx: Tx, deliveries: Collection[Delivery], leaves: Mapping[UUID, datetime] | None = None
) -> dict[UUID, Freeze]:
    """Return, by delivery id, the freeze that stops each of these; what is free is absent.

    Asked for now, or for when each `leaves` where that is later. Three statements whatever their number, and one while nothing is frozen.
    """
    workspaces = {delivery.workspace_id for delivery in deliveries}
    leaves = leaves or {}
    rows = await fetch(tx, _STANDING, list(workspaces), max(leaves.values(), default=None))
    if not rows:
        return {}
    now = max(row["now"] for row in rows)
    standing = [make(Freeze, row) for row in rows]
    brands = await _brands(tx, {delivery.channel_id for delivery in deliveries})
    campaigns = await _campaigns(tx, {one.post_id for one in deliveries if one.post_id})
    stopped = (
        (
            one.id,
            _stopping(
                [freeze for freeze in standing if freeze.workspace_id == one.workspace_id],
                subject_of(one, brands[one.channel_id], campaigns.get(one.post_id)),
                max(now, leaves.get(one.id, now)),
            ),
        )
        for one in deliveries
    )
    return {delivery_id: freeze for delivery_id, freeze in stopped if freeze is not None}


async def _brands(tx: Tx, channel_ids: Collection[UUID]) -> dict[UUID, UUID]:
    rows = await tx.execute(select(Channel.id, Channel.brand_id).where(Channel.id.in_(channel_ids)))
    return {row.id: row.brand_id for row in rows}


async def _campaigns(tx: Tx, post_ids: Collection[UUID]) -> dict[UUID | None, UUID | None]:
    """A post may join a campaign, or leave it, after its deliveries are planned: its own row says where it belongs."""
    rows = await tx.execute(select(Post.id, Post.campaign_id).where(Post.id.in_(post_ids)))
    return {row.id: row.campaign_id for row in rows}


def _stopping(standing: Sequence[Freeze], subject: Subject, at: datetime) -> Freeze | None:
    return next(
        (
            freeze
            for freeze in standing
            if freeze.starts_at <= at
            and (freeze.ends_at is None or freeze.ends_at > at)
            and covers(reach_of(freeze), subject)
        ),
        None,
    )


async def thawed(tx: Tx, limit: int) -> Sequence[Delivery]:
    """Return deliveries whose freeze no longer stops them, in the order in which they were due, locked."""
    answers = [action.value for action in ANSWERS]
    over = or_(
        Freeze.lifted_at.is_not(None),
        Freeze.ends_at <= func.now(),
        and_(Freeze.allows_replies, Delivery.action.in_(answers)),
        and_(Freeze.scope == Scope.CAMPAIGN.value, ~_in_campaign_of(Freeze.campaign_id)),
    )
    rows = await tx.scalars(
        select(Delivery)
        .join(Freeze, Freeze.id == Delivery.freeze_id)
        .where(Delivery.state == State.HELD.value, over)
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    return rows.all()


async def taken_on(tx: Tx, channel_id: UUID, actions: Collection[Action], since: datetime) -> list[datetime]:
    """Return when the channel's deliveries of these actions left since `since`, or are going to leave."""
    own = (Delivery.channel_id == channel_id, Delivery.action.in_([action.value for action in actions]))
    coming = select(Delivery.next_at).where(
        *own, Delivery.state.in_([state.value for state in WAITING]), Delivery.next_at > since
    )
    gone = select(Delivery.sent_at).where(*own, Delivery.sent_at > since)
    return [at for statement in (coming, gone) for at in await tx.scalars(statement) if at is not None]
