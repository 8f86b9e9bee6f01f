"""Builds what an adapter is asked, from a delivery's row and what belongs to it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from drumtower.db.engine import Database, Tx
from drumtower.db.models import Asset, Brand, Channel, Delivery, Interaction, Post
from drumtower.domain.content import ChannelContent
from drumtower.domain.deliveries import Action
from drumtower.domain.interactions import InteractionKind
from drumtower.messages import content_of, message_of
from drumtower.platforms import Adapter, Checkpoint, Credentials, PublishRequest, ReplyRequest
from drumtower.storage import Storage
from services.scheduler.leases import LeaseLost


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A delivery with everything its step needs, read in one transaction."""

    delivery: Delivery
    channel: Channel
    brand: Brand
    post: Post | None
    assets: Sequence[Asset]
    interaction: Interaction | None

    @property
    def content(self) -> ChannelContent:
        return content_of(self.delivery.payload)


async def read_facts(tx: Tx, delivery: Delivery) -> Facts:
    """Read what belongs to the delivery."""
    channel = await tx.get_one(Channel, delivery.channel_id)
    ids = [UUID(asset_id) for asset_id in delivery.payload.get("asset_ids", [])]
    found = (await tx.scalars(select(Asset).where(Asset.id.in_(ids)))).all() if ids else []
    by_id = {asset.id: asset for asset in found}
    return Facts(
        delivery=delivery,
        channel=channel,
        brand=await tx.get_one(Brand, channel.brand_id),
        post=await tx.get_one(Post, delivery.post_id) if delivery.post_id else None,
        assets=[by_id[asset_id] for asset_id in ids if asset_id in by_id],
        interaction=await tx.get_one(Interaction, delivery.interaction_id)
        if delivery.interaction_id
        else None,
    )


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


def reply_request(facts: Facts, credentials: Credentials, db: Database) -> ReplyRequest:
    """Build an answer to the delivery's interaction."""
    delivery, interaction = facts.delivery, facts.interaction
    assert interaction is not None
    return ReplyRequest(
        credentials=credentials,
        text=delivery.payload["text"],
        kind=InteractionKind(interaction.kind),
        external_id=interaction.external_id,
        author_id=interaction.author_id,
        post_external_id=interaction.post_external_id,
        context=interaction.context,
        idempotency_key=delivery.id.hex,
        created_at=delivery.due_at,
        checkpoint=dict(delivery.checkpoint),
        save=saver(db, delivery),
    )


def saver(db: Database, delivery: Delivery) -> Callable[[Checkpoint], Awaitable[None]]:
    """Make the `save` of a request: commits progress while the lease holds, raises LeaseLost after it."""

    async def save(checkpoint: Checkpoint) -> None:
        async with db.transaction() as tx:
            kept = await tx.scalar(
                update(Delivery)
                .where(Delivery.id == delivery.id, Delivery.fence == delivery.fence)
                .values(checkpoint=checkpoint)
                .returning(Delivery.id)
            )
        if kept is None:
            raise LeaseLost(f"delivery {delivery.id} at fence {delivery.fence}")
        delivery.checkpoint = checkpoint

    return save


def is_publish(delivery: Delivery) -> bool:
    return delivery.action == Action.PUBLISH.value
