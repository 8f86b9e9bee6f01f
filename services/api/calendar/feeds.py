"""Feeds: made by a member, opened by their token, and no longer than the member may read the calendar."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select

from drumtower.crypto import new_token, token_hash
from drumtower.db.engine import Tx
from drumtower.db.models import CalendarFeed
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.feeds import FeedRepository, by_token
from drumtower.domain.errors import Invalid, NotFound, Unauthenticated, Violation
from drumtower.domain.ids import new_id
from drumtower.domain.permissions import Permission
from services.api import audit
from services.api.calendar import feed_entries, ical
from services.api.calendar.feed_schemas import FeedCreate
from services.api.principals import USE_NOTED_EVERY, Principal, restore

PREFIX = "dtc"


def visible(tx: Tx, principal: Principal) -> Select[CalendarFeed]:
    """Select one's own feeds; whoever looks after the members sees everybody's."""
    every = FeedRepository(tx, principal.workspace_id).all()
    if Permission.MEMBERS_WRITE in principal.permissions:
        return every
    return every.where(CalendarFeed.member_id == principal.member_id)


async def create(tx: Tx, principal: Principal, asked: FeedCreate, now: datetime) -> tuple[CalendarFeed, str]:
    """Make a feed, and return it with its token."""
    await _check(tx, principal, asked)
    token = new_token(PREFIX)
    feed = CalendarFeed(
        id=new_id(),
        workspace_id=principal.workspace_id,
        member_id=principal.member_id,
        name=asked.name,
        token_hash=token_hash(token),
        kinds=sorted({kind.value for kind in asked.kinds}),
        brand_id=asked.brand_id,
        channel_id=asked.channel_id,
        created_at=now,
    )
    tx.add(feed)
    audit.record(tx, principal, "calendar_feed.created", feed.id, now, kinds=feed.kinds)
    return feed, token


async def _check(tx: Tx, principal: Principal, asked: FeedCreate) -> None:
    violations = []
    if asked.brand_id is not None and not await BrandRepository(tx, principal.workspace_id).knows(
        asked.brand_id
    ):
        violations.append(Violation.unknown("brand"))
    channels = ChannelRepository(tx, principal.workspace_id)
    if asked.channel_id is not None and not await channels.among([asked.channel_id]):
        violations.append(Violation.unknown("channel"))
    if asked.brand_id is not None and asked.channel_id is not None:
        detail = "A channel is of one brand already."
        violations.append(
            Violation(
                pointer="/brand_id", code="brand_and_channel", detail=detail, hint="Send one of the two."
            )
        )
    if violations:
        raise Invalid.of(violations)


async def revoke(tx: Tx, principal: Principal, feed_id: UUID, now: datetime) -> None:
    """End a feed; an ended one stays ended. Raise NotFound for one that the principal does not see."""
    feed = await tx.scalar(visible(tx, principal).where(CalendarFeed.id == feed_id).with_for_update())
    if feed is None:
        raise NotFound.thing("calendar feed")
    if feed.revoked_at is None:
        feed.revoked_at = now
        audit.record(tx, principal, "calendar_feed.revoked", feed.id, now)


@dataclass(frozen=True, slots=True)
class Given:
    """What a feed gives at this moment; `changed_at` is in whole seconds, as HTTP dates are."""

    body: bytes
    tag: str
    changed_at: datetime


async def read(tx: Tx, token: str, now: datetime) -> Given:
    """Return the feed's calendar; raise NotFound for a token that opens none (any more), without saying why."""
    feed = await by_token(tx, token_hash(token))
    if feed is None:
        raise NotFound.thing("calendar feed")
    try:
        principal = await restore(tx, feed.workspace_id, feed.member_id, None, now)
    except Unauthenticated as error:
        raise NotFound.thing("calendar feed") from error
    principal.require(Permission.WORKSPACE_READ)
    found = await feed_entries.gather(tx, principal, feed, now)
    body = ical.write(feed.name, found, principal.timezone)
    tag = hashlib.sha256(body).hexdigest()
    return Given(body, tag, _note(feed, tag, now))


def _note(feed: CalendarFeed, tag: str, now: datetime) -> datetime:
    """Note that it was read, and since when it says this: what is taken away leaves no date of its own."""
    if feed.last_used_at is None or now - feed.last_used_at > USE_NOTED_EVERY:
        feed.last_used_at = now
    if feed.changed_at is None or feed.content_hash != tag:
        second = now.replace(microsecond=0)
        # HTTP dates have whole seconds: two contents never share one.
        feed.changed_at = max(second, feed.changed_at + timedelta(seconds=1)) if feed.changed_at else second
        feed.content_hash = tag
    return feed.changed_at
