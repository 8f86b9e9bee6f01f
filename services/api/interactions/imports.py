"""Imported comments: what a platform shows to people and tells no API. They go in by the door of every comment."""

import hashlib
from datetime import datetime
from operator import attrgetter
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, StringConstraints

from drumtower.db.engine import Tx
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.feedback import FeedbackRepository
from drumtower.domain.interactions import InteractionKind
from drumtower.feedback.ingest import ingest
from drumtower.platforms import ByHand, InteractionEvent
from drumtower.platforms.registry import Registry
from services.api import audit, importing
from services.api.importing import Cell, Import, ImportRead
from services.api.principals import Principal
from services.api.schemas import Body, Moment

NAMES = {
    "笔记链接": "post",
    "作品链接": "post",
    "笔记ID": "post",
    "评论ID": "external_id",
    "评论内容": "text",
    "评论": "text",
    "内容": "text",
    "用户昵称": "author_name",
    "昵称": "author_name",
    "用户ID": "author_id",
    "评论时间": "occurred_at",
    "时间": "occurred_at",
}


class InteractionRow(Body):
    """What somebody said. Without an `external_id` it is known by post, author, time and text."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=r"\S")]
    author_name: Cell
    occurred_at: Moment
    kind: InteractionKind = InteractionKind.COMMENT
    post: Annotated[
        Cell | None, Field(description="Its link, its id on the platform, or the delivery's.")
    ] = None
    external_id: Cell | None = None
    author_id: Cell | None = None
    in_reply_to: Cell | None = None

    @property
    def key(self) -> str:
        if self.external_id is not None:
            return self.external_id
        said = "\0".join(
            (self.post or "", self.author_id or self.author_name, self.occurred_at.isoformat(), self.text)
        )
        return f"import:{hashlib.sha256(said.encode()).hexdigest()[:40]}"


class InteractionImport(Import):
    """Comments, messages or mentions to import."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "channel_id": "0199c5c0-0000-7000-8000-000000000000",
                "rows": [
                    {
                        "post": "https://www.xiaohongshu.com/explore/65a1b2c3d4e5f60718293a4b",
                        "author_name": "胡同老王",
                        "text": "几点开门?",
                        "occurred_at": "2026-11-20T10:00:00+08:00",
                    }
                ],
            }
        }
    }


async def take(
    tx: Tx, principal: Principal, registry: Registry, asked: InteractionImport, now: datetime
) -> ImportRead:
    """Store what is new and say what became of each row; a dry run says the same and stores nothing."""
    channel = await ChannelRepository(tx, principal.workspace_id).get(asked.channel_id)
    given = importing.read(asked, InteractionRow, NAMES, ZoneInfo(principal.timezone), now)
    await importing.alone(tx, channel.id)
    importing.refuse_future(given, "occurred_at", now)
    adapter = registry.adapters.get(channel.platform)
    names = {row.post for row in given.rows.values() if row.post}
    posts = await importing.posts_named(tx, channel, adapter.by_hand if adapter else ByHand(), names)
    for index, row in list(given.rows.items()):
        if row.post and row.post not in posts:
            importing.refuse(
                given, index, "post", "post_not_published", "This is no published post of the channel."
            )
    stored = await FeedbackRepository(tx, principal.workspace_id).known(
        channel.id, {row.key for row in given.rows.values()}
    )
    known = importing.known(given, stored, attrgetter("key"))
    answer = importing.told(asked, given, known)
    if answer.created and not asked.dry_run:
        events = [
            _event(row, posts[row.post].external_id if row.post else None)
            for index, row in given.rows.items()
            if index not in known
        ]
        await ingest(tx, channel, events, now)
        about = {"created": answer.created, "duplicate": answer.duplicate, "refused": answer.refused}
        audit.record(tx, principal, "channel.interactions_imported", channel.id, now, **about)
    return answer


def _event(row: InteractionRow, post_id: str | None) -> InteractionEvent:
    return InteractionEvent(
        external_id=row.key,
        kind=row.kind,
        author_id=row.author_id or f"name:{row.author_name}"[:512],
        author_name=row.author_name,
        text=row.text,
        occurred_at=row.occurred_at,
        post_external_id=post_id,
        in_reply_to=row.in_reply_to,
        context={"source": "import"},
    )
