"""Shares: one version of a post, shown to whoever has the address, and what they say of it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from drumtower.crypto import new_token, token_hash
from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.models import Asset, Post, PostComment, PostShare
from drumtower.db.repositories import audit as log
from drumtower.db.repositories.assets import AssetRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.posts import PostRepository
from drumtower.db.repositories.shares import ShareRepository, by_token
from drumtower.domain.content import Content, from_json
from drumtower.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Violation
from drumtower.domain.ids import new_id
from drumtower.domain.text import is_blank, without_controls
from services.api import audit
from services.api.assets.downloads import address_of
from services.api.deps import Services
from services.api.posts.share_schemas import (
    CommentCreate,
    ShareCreate,
    SharedComment,
    SharedMedia,
    SharedRead,
    SharedVariant,
)
from services.api.principals import Principal, restore

PREFIX = "dts"
LIFE, LONGEST = timedelta(days=14), timedelta(days=90)
MEDIA_LIFE = timedelta(hours=1)
MOST = 500  # comments by way of one share: more is no conversation


async def share(
    tx: Tx, principal: Principal, post: Post, asked: ShareCreate, now: datetime
) -> tuple[PostShare, str]:
    """Share a version of the post, and return the share with its token."""
    expires_at = asked.expires_at or now + LIFE
    _check_end(expires_at, now)
    version = asked.version or post.version
    await PostRepository(tx, principal.workspace_id).version(post.id, version)
    token = new_token(PREFIX)
    made = PostShare(
        id=new_id(),
        workspace_id=post.workspace_id,
        post_id=post.id,
        version=version,
        name=asked.name,
        token_hash=token_hash(token),
        comments=asked.comments,
        created_by=principal.member_id,
        created_at=now,
        expires_at=expires_at,
    )
    tx.add(made)
    audit.record(tx, principal, "post.shared", post.id, now, share_id=str(made.id), version=version)
    return made, token


def _check_end(expires_at: datetime, now: datetime) -> None:
    code = "time_in_past" if expires_at <= now else "share_too_long" if expires_at > now + LONGEST else None
    if code is not None:
        violation = Violation(
            pointer="/expires_at",
            code=code,
            detail=f"A share ends within {LONGEST.days} days.",
            hint="Choose a day between now and then.",
        )
        raise Invalid.of([violation])


async def revoke(tx: Tx, principal: Principal, post_id: UUID, share_id: UUID, now: datetime) -> None:
    """End a share; an ended one stays ended."""
    found = ShareRepository(tx, principal.workspace_id).of(post_id)
    row = await tx.scalar(found.where(PostShare.id == share_id).with_for_update())
    if row is None:
        raise NotFound.thing("share")
    if row.revoked_at is None:
        row.revoked_at = now
        audit.record(tx, principal, "post.share_revoked", post_id, now, share_id=str(share_id))


async def opened(tx: Tx, token: str, now: datetime) -> PostShare:
    """Return the share that a token opens; raise NotFound for one that opens none (any more), without saying why."""
    found = await by_token(tx, token_hash(token))
    if found is None or found.expires_at <= now:
        raise NotFound.thing("share")
    try:
        await restore(tx, found.workspace_id, found.created_by, None, now)
    except Unauthenticated as error:
        raise NotFound.thing("share") from error
    post = await PostRepository(tx, found.workspace_id).get(found.post_id)
    if post.archived_at is not None:
        raise NotFound.thing("share")
    return found


async def show(tx: Tx, services: Services, row: PostShare) -> SharedRead:
    """Return the version that was shared, whatever the post says now."""
    version = await PostRepository(tx, row.workspace_id).version(row.post_id, row.version)
    content = from_json(version.content)
    said = ShareRepository(tx, row.workspace_id).comments(row.post_id)
    said = said.where(PostComment.share_id == row.id).order_by(PostComment.created_at, PostComment.id)
    return SharedRead(
        version=row.version,
        title=content.title,
        body=content.body,
        kind=content.kind,
        nature=content.nature,
        language=content.language,
        links=list(content.links),
        hashtags=list(content.hashtags),
        disclosures=list(content.disclosures),
        media=await _media(tx, services, row, content),
        variants=await _variants(tx, row, content),
        expires_at=row.expires_at,
        may_comment=row.comments,
        comments=[SharedComment.model_validate(one) for one in await tx.scalars(said.limit(MOST))],
    )


async def _media(tx: Tx, services: Services, row: PostShare, content: Content) -> list[SharedMedia]:
    every = AssetRepository(tx, row.workspace_id).select(Asset).where(Asset.id.in_(content.asset_ids))
    found = {asset.id: asset for asset in await tx.scalars(every)} if content.asset_ids else {}
    names = [name for name in SharedMedia.model_fields if name != "url"]
    return [
        SharedMedia(
            **{name: getattr(asset, name) for name in names}, url=address_of(services, asset, MEDIA_LIFE).url
        )
        for asset in (found[asset_id] for asset_id in content.asset_ids if asset_id in found)
    ]


async def _variants(tx: Tx, row: PostShare, content: Content) -> list[SharedVariant]:
    ids = [variant.channel_id for variant in content.variants]
    channels = await ChannelRepository(tx, row.workspace_id).among(ids) if ids else {}
    return [
        SharedVariant(platform=channels[one.channel_id].platform, title=one.title, body=one.body)
        for one in content.variants
        if one.channel_id in channels
    ]


async def comment(tx: Tx, row: PostShare, asked: CommentCreate, now: datetime) -> PostComment:
    """Add what somebody says of the shared version; raise where the share takes no (more) comments."""
    if not row.comments:
        raise Forbidden("comments_closed", "This share is for reading only.")
    # One after the other, so that a crowd does not pass the limit together.
    await tx.refresh(row, with_for_update=True)
    if await ShareRepository(tx, row.workspace_id).said(row.id) >= MOST:
        raise Conflict("share_full", f"This share has {MOST} comments. Ask whoever sent it for another.")
    name, text = " ".join(without_controls(asked.name).split()), without_controls(asked.text).strip()
    blank = [field for field, said in (("name", name), ("text", text)) if is_blank(said)]
    if blank:
        detail = "There is nothing to read in it."
        raise Invalid.of(
            [
                Violation(pointer=f"/{one}", code="blank_text", detail=detail, hint="Write something.")
                for one in blank
            ]
        )
    same = PostComment.share_id == row.id, PostComment.name == name, PostComment.text == text
    repeated = await tx.scalar(
        ShareRepository(tx, row.workspace_id).comments(row.post_id).where(*same).limit(1)
    )
    if (
        repeated is not None
    ):  # there is no credential to keep a key under: the same words are the same comment
        return repeated
    made = PostComment(
        id=new_id(),
        workspace_id=row.workspace_id,
        post_id=row.post_id,
        share_id=row.id,
        version=row.version,
        name=name,
        text=text,
        created_at=now,
    )
    tx.add(made)
    _tell(tx, made, now)
    return made


def _tell(tx: Tx, made: PostComment, now: datetime) -> None:
    about: dict[str, Any] = {
        "share_id": str(made.share_id),
        "comment_id": str(made.id),
        "version": made.version,
    }
    name, workspace_id, post_id = "post.commented", made.workspace_id, made.post_id
    outbox.append(tx, workspace_id=workspace_id, name=name, subject_id=post_id, now=now, **about)
    log.record(tx, workspace_id=workspace_id, actor_id=None, verb=name, subject_id=post_id, now=now, **about)
