"""Rows and events that feedback needs: a WeChat channel with the worked keys, deliveries, signed pushes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import func, select

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Channel, Delivery, InboundEvent, Interaction, Post
from drumtower.db.repositories.deliveries import plan
from drumtower.domain.deliveries import Action
from drumtower.domain.ids import new_id
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import InteractionEvent
from drumtower.sandbox.sealed import cdata, element
from drumtower.sandbox.wechat.callbacks import envelope
from tests.factories import Team

# The worked example of shared facts: developers.weixin.qq.com, message encryption.
AT = datetime.fromtimestamp(1767225600, UTC)
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
FAN = "oUser00000000000000000000001"


def secrets_of(account: str) -> dict[str, str]:
    """Return what the owner of the account typed in."""
    return {
        "app_id": "wx0123456789abcdef",
        "app_secret": "s" * 32,
        "token": "opsWxToken2026",
        "encoding_aes_key": KEY,
        "account": account,
    }


async def make_channel(
    db: Database, team: Team, box: Box, account: str = "gh_0a1b2c3d4e5f", **columns: Any
) -> Channel:
    """Connect a WeChat account without asking anybody."""
    now = datetime.now(UTC)
    fields = {
        "id": new_id(),
        "workspace_id": team.workspace_id,
        "brand_id": team.brand_id,
        "platform": "wechat",
        "name": "公众号",
        "account_id": account,
        "account_name": account,
        "status": "connected",
        "credentials": box.seal(secrets_of(account)),
        "created_at": now,
        "updated_at": now,
    }
    channel = Channel(**fields | columns)
    async with db.transaction() as tx:
        tx.add(channel)
    return channel


async def make_delivery(db: Database, team: Team, channel: Channel, **columns: Any) -> Delivery:
    """Add a delivery in any state; `accepted`, sent a minute ago, where nothing else is said."""
    now = datetime.now(UTC)
    fields = {
        "state": "accepted",
        "attempts": 1,
        "fence": 1,
        "sent_at": now - timedelta(minutes=1),
        "next_at": now + timedelta(minutes=1),
    }
    delivery = plan(
        workspace_id=team.workspace_id,
        channel_id=channel.id,
        platform=channel.platform,
        action=columns.pop("action", Action.PUBLISH),
        payload={},
        due_at=now - timedelta(minutes=1),
        created_by=team.owner_id,
        now=now,
        **fields | columns,
    )
    async with db.transaction() as tx:
        tx.add(delivery)
    return delivery


async def make_post(db: Database, team: Team) -> UUID:
    """Add an approved post."""
    now = datetime.now(UTC)
    post = Post(
        id=new_id(),
        workspace_id=team.workspace_id,
        brand_id=team.brand_id,
        title="秋茶",
        kind="article",
        nature="editorial",
        owner_id=team.owner_id,
        status="published",
        content={},
        content_hash="",
        version=1,
        revision=1,
        review_state="approved",
        created_by=team.owner_id,
        created_at=now,
        updated_at=now,
    )
    async with db.transaction() as tx:
        tx.add(post)
    return post.id


def said(external_id: str, text: str = "茶叶收到了，很香", **given: Any) -> InteractionEvent:
    """A comment as an adapter hands it over."""
    fields: dict[str, Any] = {
        "kind": InteractionKind.COMMENT,
        "author_id": "fan-1",
        "author_name": "小鱼",
        "occurred_at": datetime.now(UTC) - timedelta(minutes=5),
    }
    return InteractionEvent(external_id=external_id, text=text, **fields | given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A signed callback, ready to send."""

    query: dict[str, str]
    body: bytes

    async def to(self, client: httpx.AsyncClient, channel: Channel, **given: Any) -> httpx.Response:
        query = given.pop("query", self.query)
        body = given.pop("content", self.body)
        return await client.post(f"/v1/webhooks/wechat/{channel.id}", params=query, content=body, **given)


def push(xml: str, at: datetime, account: str = "gh_0a1b2c3d4e5f", mode: str = "safe") -> Push:
    """Sign and seal as WeChat does."""
    query, body = envelope(xml, secrets_of(account), mode, at, FAN)
    return Push(query=query, body=body)


def message_xml(
    number: int, text: str, at: datetime, *, author: str = FAN, account: str = "gh_0a1b2c3d4e5f"
) -> str:
    """A follower's text message."""
    head = f"{cdata('ToUserName', account)}{cdata('FromUserName', author)}"
    when = element("CreateTime", int(at.timestamp()))
    return (
        f"<xml>{head}{when}{cdata('MsgType', 'text')}{cdata('Content', text)}{element('MsgId', number)}</xml>"
    )


def finished_xml(publish_id: str, at: datetime, *, status: int = 0, article_id: str = "b5O2OUarticle") -> str:
    """The event that ends a publish."""
    head = f"{cdata('ToUserName', 'gh_0a1b2c3d4e5f')}{cdata('FromUserName', 'oSystem')}"
    url = "http://mp.weixin.qq.com/s?__biz=Mz&amp;mid=2247483650&amp;idx=1&amp;sn=abc"
    article = (
        f"<article_id>{article_id}</article_id><article_detail><count>1</count><item><idx>1</idx>"
        f"<article_url>{url}</article_url></item></article_detail>"
        if status == 0
        else "<fail_idx>1</fail_idx>"
    )
    info = f"{element('publish_id', publish_id)}{element('publish_status', status)}{article}"
    return (
        f"<xml>{head}{element('CreateTime', int(at.timestamp()))}{cdata('MsgType', 'event')}"
        f"{cdata('Event', 'PUBLISHJOBFINISH')}<PublishEventInfo>{info}</PublishEventInfo></xml>"
    )


async def count(db: Database, model: type[InboundEvent] | type[Interaction]) -> int:
    """Count the rows of all tenants."""
    async with db.transaction() as tx:
        return (await tx.execute(select(func.count()).select_from(model))).scalar_one()


async def interactions(db: Database, channel_id: UUID) -> list[Interaction]:
    """Return what was said on a channel, in the order in which it is listed."""
    async with db.transaction() as tx:
        found = await tx.scalars(
            select(Interaction).where(Interaction.channel_id == channel_id).order_by(Interaction.id)
        )
        return list(found)


async def reload(db: Database, delivery: Delivery) -> Delivery:
    async with db.transaction() as tx:
        return await tx.get_one(Delivery, delivery.id)
