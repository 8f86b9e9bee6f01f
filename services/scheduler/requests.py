"""Builds what an adapter is asked, from a delivery's row and what belongs to it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, or_, select, update

from drumtower.db.engine import Database, Tx
from drumtower.db.models import Asset, Brand, Channel, Delivery, Interaction
from drumtower.db.plain import columns, fetch, make
from drumtower.db.repositories.leftovers import leave
from drumtower.domain.content import ChannelContent, Nature
from drumtower.domain.deliveries import Action, State
from drumtower.domain.facts import Standards
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.reviews import Approval
from drumtower.messages import content_of, message_of
from drumtower.platforms import Adapter, Checkpoint, Credentials, PublishRequest, ReplyRequest
from drumtower.standards import Publish, grounds, standards_of
from drumtower.storage import Storage
from services.scheduler.candidates import IS_DUE
from services.scheduler.leases import LeaseLost, clock

Read = TypeVar("Read", Asset, Interaction)
Made = TypeVar("Made", Brand, Channel)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A delivery with everything its step needs, read in one transaction. `approval` is its post's."""

    delivery: Delivery
    channel: Channel
    brand: Brand
    approval: Approval | None
    assets: Sequence[Asset]
    interaction: Interaction | None
    standards: Standards

    @cached_property
    def content(self) -> ChannelContent:
        return content_of(self.delivery.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Post:
    """What of a delivery's post is not in its payload."""

    approval: Approval
    campaign_id: UUID | None


async def read_facts(tx: Tx, delivery: Delivery) -> Facts:
    """Read what belongs to the delivery."""
    channel = await tx.get_one(Channel, delivery.channel_id)
    brand = await tx.get_one(Brand, channel.brand_id)
    return (await _gather(tx, [(delivery, channel, brand)]))[0]


async def lock_due(tx: Tx, ids: Sequence[UUID]) -> list[Facts]:
    """Lock waiting deliveries that are due, or all but, and their channels; skip what others hold. Read what belongs to them.

    What comes back is no longer the session's: set-based statements write it.
    """
    deliveries = [make(Delivery, row) for row in await fetch(tx, _LOCK_DUE, ids)]
    channels = await _rows(tx, Channel, _LOCK_CHANNELS, {one.channel_id for one in deliveries})
    brands = await _rows(tx, Brand, _BRANDS, {one.brand_id for one in channels.values()})
    locked = [(one, channels[one.channel_id]) for one in deliveries if one.channel_id in channels]
    batch = await _gather(tx, [(delivery, channel, brands[channel.brand_id]) for delivery, channel in locked])
    tx.expunge_all()
    return batch


_LOCK_DUE = f"""
SELECT {columns(Delivery)} FROM deliveries
WHERE id = ANY ($1::uuid[]) AND state IN ('planned', 'retrying') AND {IS_DUE}
    AND (lease_until IS NULL OR lease_until <= now())
ORDER BY next_at, due_at, id FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608 - our own columns
_LOCK_CHANNELS = f"""
SELECT {columns(Channel)} FROM channels WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608
_BRANDS = f"SELECT {columns(Brand)} FROM brands WHERE id = ANY ($1::uuid[])"  # noqa: S608
_POSTS = "SELECT id, approved_hash, approval_expires_at, campaign_id FROM posts WHERE id = ANY ($1::uuid[])"


async def _rows(tx: Tx, model: type[Made], statement: str, ids: Collection[UUID]) -> dict[UUID, Made]:
    return {row["id"]: make(model, row) for row in await fetch(tx, statement, list(ids))}


async def _gather(tx: Tx, rows: Sequence[tuple[Delivery, Channel, Brand]]) -> list[Facts]:
    """Read what belongs to deliveries, one statement for each kind of thing."""
    deliveries = [delivery for delivery, _, _ in rows]
    posts = await _posts(tx, {one.post_id for one in deliveries if one.post_id})
    interactions = await _by_id(
        tx, Interaction, {one.interaction_id for one in deliveries if one.interaction_id}
    )
    standards = await _standards(tx, deliveries, posts)
    assets = await _assets(tx, {asset_id for one in deliveries for asset_id in _asset_ids(one)})
    return [
        Facts(
            delivery=delivery,
            channel=channel,
            brand=brand,
            approval=posts[delivery.post_id].approval if delivery.post_id in posts else None,
            assets=[one for asset_id in _asset_ids(delivery) for one in assets.get(asset_id, ())],
            interaction=interactions.get(delivery.interaction_id),
            standards=standards.get(delivery.id, Standards()),
        )
        for delivery, channel, brand in rows
    ]


async def _standards(
    tx: Tx, deliveries: Sequence[Delivery], posts: Mapping[UUID | None, _Post]
) -> dict[UUID, Standards]:
    """Return what publishes are held to; a spoiled row fails by itself, where its content is read."""
    publishing = [one for one in deliveries if is_publish(one)]
    if not publishing:
        return {}
    now = await clock(tx)
    publishes = [publish for one in publishing if (publish := _publish(one, posts.get(one.post_id), now))]
    held = await grounds(tx, {one.workspace_id for one in publishes})
    found = await standards_of(tx, publishes, held)
    return {one.delivery_id: held for one, held in zip(publishes, found, strict=True) if one.delivery_id}


def _publish(delivery: Delivery, post: _Post | None, now: datetime) -> Publish | None:
    try:
        nature = Nature(delivery.payload["nature"])
    except (KeyError, TypeError, ValueError):
        return None
    return Publish(
        workspace_id=delivery.workspace_id,
        channel_id=delivery.channel_id,
        platform=delivery.platform,
        nature=nature,
        at=max(delivery.due_at, now),
        content_hash=delivery.content_hash or "",
        post_id=delivery.post_id,
        campaign_id=post.campaign_id if post else None,
        delivery_id=delivery.id,
        due_at=delivery.due_at,
    )


async def _posts(tx: Tx, post_ids: Collection[UUID]) -> dict[UUID | None, _Post]:
    if not post_ids:
        return {}
    return {
        row["id"]: _Post(
            approval=Approval(content_hash=row["approved_hash"], expires_at=row["approval_expires_at"]),
            campaign_id=row["campaign_id"],
        )
        for row in await fetch(tx, _POSTS, list(post_ids))
    }


async def _by_id(tx: Tx, model: type[Read], ids: Collection[UUID]) -> dict[UUID | None, Read]:
    keyed: Any = model
    found = (await tx.scalars(select(model).where(keyed.id.in_(ids)))).all() if ids else []
    return {row.id: row for row in found}


async def _assets(tx: Tx, ids: Collection[UUID]) -> dict[UUID, list[Asset]]:
    """Return the assets, each with its renditions."""
    found: dict[UUID, list[Asset]] = {}
    if ids:
        wanted = or_(Asset.id.in_(ids), Asset.derived_from.in_(ids))
        for one in await tx.scalars(select(Asset).where(wanted)):
            for original in {one.id, one.derived_from} & set(ids):
                found.setdefault(original, []).append(one)  # type: ignore[arg-type] # None is in no set of ids
    return found


def _asset_ids(delivery: Delivery) -> list[UUID]:
    try:
        return [UUID(asset_id) for asset_id in delivery.payload.get("asset_ids", [])]
    except (AttributeError, TypeError, ValueError):
        return []  # a spoiled row: it fails by itself, where its content is read


def publish_request(
    facts: Facts, adapter: Adapter, credentials: Credentials, db: Database, storage: Storage
) -> PublishRequest:
    """Build a publish; equal for every attempt at the same content."""
    delivery = facts.delivery
    return PublishRequest(
        credentials=credentials,
        message=message_of(adapter, facts.content, facts.assets, storage),
        options=adapter.options.model_validate(facts.content.options),
        idempotency_key=delivery.id.hex,
        created_at=delivery.due_at,
        checkpoint=dict(delivery.checkpoint),
        save=saver(db, delivery),
    )


_PLACE = ("external_id", "author_id", "post_external_id", "context")


def reply_request(facts: Facts, credentials: Credentials, db: Database) -> ReplyRequest:
    """Build an answer to the delivery's interaction, or to what of ours the delivery follows."""
    delivery, interaction = facts.delivery, facts.interaction
    if interaction is None:
        follows = delivery.payload["follows"]
        place = {
            "kind": InteractionKind.COMMENT,
            "external_id": follows["external_id"] or "",
            "author_id": credentials.account_id,
            "post_external_id": follows["post_external_id"],
            "context": follows["context"],
        }
    else:
        place = {name: getattr(interaction, name) for name in _PLACE}
        place["kind"] = InteractionKind(interaction.kind)
    return ReplyRequest(
        **place,
        credentials=credentials,
        text=delivery.payload["text"],
        idempotency_key=delivery.id.hex,
        created_at=delivery.due_at,
        checkpoint=dict(delivery.checkpoint),
        save=saver(db, delivery),
    )


def saver(db: Database, delivery: Delivery) -> Callable[[Checkpoint], Awaitable[None]]:
    """Make the `save` of a request: commits progress while the lease holds, raises LeaseLost after it.

    What was just put on the platform for a delivery that no longer wants it is owed a clean-up.
    """

    async def save(checkpoint: Checkpoint) -> None:
        # What is prepared is as old as its oldest part.
        since: Any = Delivery.prepared_at if delivery.checkpoint else func.now()
        async with db.transaction() as tx:
            kept = await tx.scalar(
                update(Delivery)
                .where(Delivery.id == delivery.id, Delivery.fence == delivery.fence)
                .values(checkpoint=checkpoint, prepared_at=since)
                .returning(Delivery.id)
            )
            if kept is None:
                await _owe(tx, delivery, checkpoint)
        if kept is None:
            raise LeaseLost(f"delivery {delivery.id} at fence {delivery.fence}")
        delivery.checkpoint = checkpoint

    return save


async def _owe(tx: Tx, delivery: Delivery, checkpoint: Checkpoint) -> None:
    now = await tx.get(Delivery, delivery.id, populate_existing=True, with_for_update=True)
    if now is not None and (now.state == State.CANCELLED.value or now.content_hash != delivery.content_hash):
        leave(tx, now, await clock(tx), checkpoint)


def is_publish(delivery: Delivery) -> bool:
    return delivery.action == Action.PUBLISH.value
