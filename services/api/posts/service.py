"""Writing posts.

Lock order in this feature: the post first, its deliveries after it and without waiting (hold_deliveries).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from drumtower import originality
from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.models import Post, PostVersion
from drumtower.db.repositories import link_looks
from drumtower.db.repositories.deliveries import derive_status_of
from drumtower.db.repositories.posts import PostRepository
from drumtower.db.repositories.series import wake
from drumtower.domain.content import Content, digest, from_json, to_json
from drumtower.domain.deliveries import FINAL, State
from drumtower.domain.errors import Conflict, Invalid
from drumtower.domain.ids import new_id
from drumtower.domain.link_looks import FRESH_AFTER_EDIT, urls_of
from drumtower.domain.posts import PostStatus
from drumtower.domain.reviews import ReviewState
from drumtower.platforms.registry import Registry
from services.api import audit
from services.api.etags import check_match
from services.api.posts import approvals
from services.api.posts.contents import FIELDS, content_of, patched
from services.api.posts.schemas import PostCreate, PostUpdate
from services.api.posts.validation import Claims, Placing, violations_of_post
from services.api.principals import Principal


async def create(
    tx: Tx,
    principal: Principal,
    registry: Registry,
    asked: PostCreate,
    now: datetime,
    idea_id: UUID | None = None,
) -> Post:
    """Add a post and its first version; raise Invalid with everything that is wrong."""
    content = content_of(asked)
    claims = Claims(
        brand_id=asked.brand_id,
        campaign=_placing(asked.campaign_id, asked.brand_id, joins=True),
        owner_id=asked.owner_id,
        due_on=asked.due_on,
    )
    violations = await violations_of_post(tx, principal, registry, content, claims, now)
    if violations:
        raise Invalid.of(violations)
    about = {
        "brand_id": asked.brand_id,
        "pillar": asked.pillar,
        "campaign_id": asked.campaign_id,
        "owner_id": asked.owner_id or principal.member_id,
        "due_on": asked.due_on,
        "idea_id": idea_id,
        "tags": asked.tags,
        "is_template": asked.is_template,
    }
    return await _add(tx, principal, content, about, now, "post.created")


def _placing(campaign_id: UUID | None, brand_id: UUID, *, joins: bool) -> Placing | None:
    return Placing(campaign_id=campaign_id, brand_id=brand_id, joins=joins) if campaign_id else None


async def _add(
    tx: Tx, principal: Principal, content: Content, about: dict[str, Any], now: datetime, verb: str
) -> Post:
    post = Post(
        id=new_id(),
        workspace_id=principal.workspace_id,
        title=content.title,
        kind=content.kind.value,
        nature=content.nature.value,
        status=PostStatus.DRAFT.value,
        content=to_json(content),
        content_hash=digest(content),
        version=1,
        revision=1,
        review_state=ReviewState.DRAFT.value,
        created_by=principal.member_id,
        created_at=now,
        updated_at=now,
        **about,
    )
    tx.add(post)
    await tx.flush()  # the version refers to it
    _add_version(tx, principal, post, now)
    await _remember(tx, post, now)
    audit.record(tx, principal, verb, post.id, now)
    return post


async def _remember(tx: Tx, post: Post, now: datetime) -> None:
    """Keep what later posts are compared with, and have the links looked at.

    A template is there to be repeated: what is made from it is no copy of it.
    """
    if post.is_template:
        return
    await originality.remember(tx, post)
    urls = [(post.workspace_id, url) for url in urls_of(from_json(post.content))]
    await link_looks.want(tx, urls, now, FRESH_AFTER_EDIT)


def _add_version(tx: Tx, principal: Principal, post: Post, now: datetime) -> None:
    version = PostVersion(
        id=new_id(),
        workspace_id=post.workspace_id,
        post_id=post.id,
        version=post.version,
        content=post.content,
        content_hash=post.content_hash,
        created_by=principal.member_id,
        created_at=now,
    )
    tx.add(version)


async def hold(tx: Tx, principal: Principal, post_id: UUID) -> Post:
    """Lock the post for a change; raise NotFound, or Conflict where it is archived."""
    post = await PostRepository(tx, principal.workspace_id).get(post_id, lock=True)
    if post.archived_at is not None:
        raise Conflict("post_archived", "The post is archived. Duplicate it, and work on the copy.")
    return post


async def update(
    tx: Tx,
    principal: Principal,
    registry: Registry,
    post_id: UUID,
    asked: PostUpdate,
    if_match: str | None,
    now: datetime,
) -> Post:
    """Lay a merge patch over the post. A change of the content ends its approval and holds what waits to leave."""
    post = await hold(tx, principal, post_id)
    check_match(if_match, post.revision, required=True)
    before = from_json(post.content)
    content = patched(before, asked)
    about = {name: getattr(asked, name) for name in asked.model_fields_set - FIELDS}
    about = {name: value for name, value in about.items() if value != getattr(post, name)}
    violations = asked.nulls()
    if content == before and not about and not violations:
        return post
    claims = _claims(post, about)
    violations += await violations_of_post(tx, principal, registry, content, claims, now)
    if violations:
        raise Invalid.of(violations)
    for name, value in about.items():
        setattr(post, name, value)
    post.revision += 1
    post.updated_at = now
    if content != before:
        await _rewrite(tx, principal, post, content, now)
    elif "due_on" in about:
        await approvals.move_end(tx, principal, post, now)
    fields = sorted(asked.model_fields_set)
    audit.record(tx, principal, "post.updated", post.id, now, fields=fields, version=post.version)
    return post


def _claims(post: Post, about: dict[str, Any]) -> Claims:
    """Return what a change of these fields claims; brand and campaign have to go together."""
    placing = None
    if about.keys() & {"brand_id", "campaign_id"}:
        placing = _placing(
            about.get("campaign_id", post.campaign_id),
            about.get("brand_id") or post.brand_id,
            joins="campaign_id" in about,
        )
    given = {name: about[name] for name in ("brand_id", "owner_id", "due_on") if name in about}
    return Claims(**given, campaign=placing)


async def _rewrite(tx: Tx, principal: Principal, post: Post, content: Content, now: datetime) -> None:
    await approvals.end(tx, principal, post, now)
    post.title = content.title
    post.kind = content.kind.value
    post.nature = content.nature.value
    post.content = to_json(content)
    post.content_hash = digest(content)
    post.version += 1
    post.review_state = ReviewState.DRAFT.value
    _add_version(tx, principal, post, now)
    await _remember(tx, post, now)
    outbox.append(
        tx,
        workspace_id=post.workspace_id,
        name="post.edited",
        subject_id=post.id,
        now=now,
        version=post.version,
    )
    await derive_status_of(tx, post)
    await wake(tx, post.id)


async def archive(tx: Tx, principal: Principal, post_id: UUID, now: datetime) -> Post:
    """Put the post away; raise Conflict while anything of it may still leave."""
    posts = PostRepository(tx, principal.workspace_id)
    post = await posts.get(post_id, lock=True)
    if post.archived_at is not None:
        return post
    over = FINAL | {State.FAILED, State.MISSED}
    going = [row for row in await posts.hold_deliveries(post.id) if State(row.state) not in over]
    if going:
        raise Conflict(
            "deliveries_going",
            f"{len(going)} of its deliveries may still leave ({going[0].state}). Cancel or settle them first.",
        )
    post.archived_at = now
    post.updated_at = now
    post.revision += 1
    await derive_status_of(tx, post)
    await wake(tx, post.id)
    audit.record(tx, principal, "post.archived", post.id, now)
    return post


async def duplicate(tx: Tx, principal: Principal, post_id: UUID, now: datetime) -> Post:
    """Add a draft with the same content, by and for the one who asks, without a day; of a template, it remembers it."""
    source = await PostRepository(tx, principal.workspace_id).get(post_id)
    about = {
        "brand_id": source.brand_id,
        "pillar": source.pillar,
        "campaign_id": source.campaign_id,
        "owner_id": principal.member_id,
        "due_on": None,
        "idea_id": source.idea_id,
        "tags": source.tags,
        "is_template": False,
        "template_id": source.id if source.is_template else None,
    }
    return await _add(tx, principal, from_json(source.content), about, now, "post.duplicated")
