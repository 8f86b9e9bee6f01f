"""Rows that measurement needs: channels, published posts, samples."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower.crypto import Box
from drumtower.db.engine import Database, Tx
from drumtower.db.models import Channel, Conversation, Delivery, Interaction
from drumtower.db.repositories.samples import NewSample, SampleRepository
from drumtower.domain.ids import new_id
from drumtower.domain.samples import Metric
from tests.factories import Team

SHANGHAI = ZoneInfo("Asia/Shanghai")


def local(text: str) -> datetime:
    """Return the instant of a wall-clock time in Shanghai, the test workspace's zone."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


async def make_channel(db: Database, team: Team, platform: str = "weibo", **columns: Any) -> UUID:
    """Add a connected channel."""
    box: Box | None = columns.pop("box", None)
    values = columns.pop("values", {})
    now = local("2026-01-01")
    channel = Channel(
        **{
            "id": new_id(),
            "workspace_id": team.workspace_id,
            "brand_id": team.brand_id,
            "platform": platform,
            "name": platform,
            "account_id": new_id().hex,
            "account_name": platform,
            "status": "connected",
            "credentials": box.seal(values) if box else b"",
            "created_at": now,
            "updated_at": now,
            **columns,
        }
    )
    async with db.transaction() as tx:
        tx.add(channel)
    return channel.id


async def make_published(
    db: Database, team: Team, channel_id: UUID, published_at: datetime, **columns: Any
) -> UUID:
    """Add a published post's delivery."""
    delivery = Delivery(
        **{
            "id": new_id(),
            "workspace_id": team.workspace_id,
            "channel_id": channel_id,
            "platform": "weibo",
            "action": "publish",
            "payload": {},
            "state": "published",
            "due_at": published_at,
            "attempts": 1,
            "fence": 1,
            "lookups": 0,
            "checkpoint": {},
            "prepared": False,
            "external_id": new_id().hex,
            "context": {},
            "published_at": published_at,
            "needs_check": False,
            "revision": 1,
            "created_by": team.owner_id,
            "created_at": published_at,
            "updated_at": published_at,
            **columns,
        }
    )
    async with db.transaction() as tx:
        tx.add(delivery)
    return delivery.id


async def sample(
    tx: Tx,
    team: Team,
    channel_id: UUID,
    delivery_id: UUID | None,
    taken_at: datetime,
    **values: int,
) -> None:
    """Store readings as the pull does: `likes=3, comments=1`."""
    samples = [
        NewSample(delivery_id=delivery_id, metric=Metric(name), value=value, taken_at=taken_at)
        for name, value in values.items()
    ]
    await SampleRepository(tx, team.workspace_id).add(channel_id, samples, SHANGHAI)


async def make_interaction(
    db: Database, team: Team, channel_id: UUID, occurred_at: datetime, answered_at: datetime | None
) -> UUID:
    """Add a comment, answered or not."""
    conversation = Conversation(
        id=new_id(),
        workspace_id=team.workspace_id,
        channel_id=channel_id,
        author_id=new_id().hex,
        author_name="小王",
        last_at=occurred_at,
        created_at=occurred_at,
    )
    interaction = Interaction(
        id=new_id(),
        workspace_id=team.workspace_id,
        channel_id=channel_id,
        conversation_id=conversation.id,
        platform="weibo",
        kind="comment",
        external_id=new_id().hex,
        author_id=conversation.author_id,
        author_name="小王",
        text="什么时候发货？",
        context={},
        language="zh-CN",
        sentiment="neutral",
        sentiment_score=0.0,
        sentiment_edited=False,
        reasons=[],
        status="open",
        tags=[],
        occurred_at=occurred_at,
        received_at=occurred_at,
        answered_at=answered_at,
        revision=1,
        updated_at=occurred_at,
    )
    async with db.transaction() as tx:
        tx.add(conversation)
        await tx.flush()  # the interaction refers to it
        tx.add(interaction)
    return interaction.id
