"""Scheduling an approved post: one delivery a channel, or every reason against it and no delivery at all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.models import Channel, Delivery, Post
from drumtower.db.repositories import ad_share
from drumtower.db.repositories.deliveries import derive_status_of, payload_of, plan
from drumtower.db.repositories.posts import PostRepository
from drumtower.domain.content import Content, Nature, for_channel, from_json
from drumtower.domain.deliveries import Action, State
from drumtower.domain.errors import Invalid, Violation
from drumtower.platforms.registry import Registry
from services.api import audit
from services.api.deliveries.service import OVER, post_violations
from services.api.deliveries.timing import Due
from services.api.posts import four_eyes, preflight, times
from services.api.posts.schedule_schemas import PostSchedule
from services.api.principals import Principal


async def schedule(
    tx: Tx, principal: Principal, registry: Registry, post: Post, asked: PostSchedule, now: datetime
) -> tuple[list[Delivery], Due]:
    """Plan the locked post's deliveries, and return them with the first due time.

    Raises Invalid with everything that forbids it.
    """
    await four_eyes.check_publisher(tx, principal, post)
    channels, violations = await preflight.channels_named(tx, principal, asked.channel_ids)
    positions = {channel.id: asked.channel_ids.index(channel.id) for channel in channels}
    dues, wrong = await times.dues(tx, principal, asked, _unique(channels), now)
    violations += [_placed(violation, positions) for violation in wrong]
    at = times.latest(dues, now)
    violations += post_violations(post, at)
    content = from_json(post.content)
    if content.nature is Nature.PROMOTIONAL:
        await ad_share.hold(tx, positions)
    checks = await preflight.check(tx, principal, registry, content, _unique(channels), at, post.id)
    for one in checks:
        violations += [_at_channel(v, positions[one.channel.id]) for v in one.blocking]
    violations += await _taken(tx, principal, post, positions)
    if violations:
        raise Invalid.of(violations)
    rows = [_plan(principal, post, content, channel, dues[channel.id], asked, now) for channel in channels]
    await _record(tx, principal, post, rows, now)
    return rows, min(dues.values(), key=lambda due: due.at)


def _unique(channels: Sequence[Channel]) -> list[Channel]:
    return list({channel.id: channel for channel in channels}.values())


def _placed(violation: Violation, positions: dict[UUID, int]) -> Violation:
    """Point to the channel that has no time; what is wrong with the asked time itself points there already."""
    named = {str(channel_id): f"/channel_ids/{position}" for channel_id, position in positions.items()}
    return replace(violation, pointer=named.get(violation.pointer, violation.pointer))


def _at_channel(violation: Violation, position: int) -> Violation:
    field = "" if violation.pointer == "/channel" else violation.pointer
    return replace(violation, pointer=f"/channel_ids/{position}{field}")


async def _taken(tx: Tx, principal: Principal, post: Post, positions: dict[UUID, int]) -> list[Violation]:
    """Say which channels have, or will get, this post already: twice is never what was meant."""
    rows = (await PostRepository(tx, principal.workspace_id).deliveries_of([post.id]))[post.id]
    return [
        Violation(
            pointer=f"/channel_ids/{positions[row.channel_id]}",
            code="already_published" if row.state == State.PUBLISHED.value else "already_scheduled",
            detail=f"Delivery {row.id} of this post to this channel is {row.state}.",
            hint="Reschedule or cancel that one; to publish the same again, duplicate the post.",
        )
        for row in rows
        if row.action == Action.PUBLISH.value and row.channel_id in positions and State(row.state) not in OVER
    ]


def _plan(
    principal: Principal,
    post: Post,
    content: Content,
    channel: Channel,
    due: Due,
    asked: PostSchedule,
    now: datetime,
) -> Delivery:
    late = asked.publish_if_late_by
    return plan(
        workspace_id=principal.workspace_id,
        channel_id=channel.id,
        platform=channel.platform,
        action=Action.PUBLISH,
        payload=payload_of(for_channel(content, channel.id)),
        due_at=due.at,
        created_by=principal.member_id,
        now=now,
        post_id=post.id,
        post_version=post.version,
        content_hash=post.content_hash,
        local_time=due.local,
        timezone=due.timezone,
        slot_at=due.slot_at,
        late_by_seconds=None if late is None else round(late.total_seconds()),
    )


async def _record(tx: Tx, principal: Principal, post: Post, rows: Sequence[Delivery], now: datetime) -> None:
    for row in rows:
        tx.add(row)
        outbox.append(tx, workspace_id=row.workspace_id, name="delivery.planned", subject_id=row.id, now=now)
    await derive_status_of(tx, post)
    audit.record(
        tx,
        principal,
        "post.scheduled",
        post.id,
        now,
        version=post.version,
        due_at=min(row.due_at for row in rows).isoformat(),
        deliveries=[str(row.id) for row in rows],
    )
