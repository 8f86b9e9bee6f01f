"""Reads notifications as interactions, and keeps the mark up to which they were read.

`indexedAt` is the earlier of the writer's own date and the moment the AppView saw it, so something new may appear a
little below what was read: every pull goes back by an overlap and leaves out what it has given already.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from drumtower.adapters.bluesky.posts import parse_uri, web_address
from drumtower.adapters.bluesky.schemas import Notification
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import FeedbackPage, InteractionEvent
from drumtower.platforms.walks import TimeWalk, by_others

PAGE = 100
OVERLAP = timedelta(minutes=15)
# How far the first pull of a channel goes back.
FIRST_LOOK = timedelta(days=30)
KINDS = {
    "reply": InteractionKind.COMMENT,
    "mention": InteractionKind.MENTION,
    "quote": InteractionKind.MENTION,
}


def position(cursor: dict[str, Any], now: datetime) -> TimeWalk:
    """Read a stored cursor; {} is the first pull."""
    return TimeWalk.at(cursor, OVERLAP, first=now - FIRST_LOOK)


def turn(
    walk: TimeWalk, found: Sequence[Notification], following: str | None, *, own: str, now: datetime
) -> FeedbackPage:
    """Return what is new in a page, and where to go on: down the list, or from its top next time."""
    new, after = walk.take({one.uri: (one.indexed_at, one) for one in found}, following, now)
    events = (_event(one, own) for one in new if one.reason in KINDS)
    return FeedbackPage(events=by_others(events, own), cursor=after.cursor(), more=after.page is not None)


def restarted(walk: TimeWalk) -> FeedbackPage:
    """Return an empty page that begins the walk anew; for a page cursor that the server takes no more."""
    return FeedbackPage(events=(), cursor=walk.restarted().cursor(), more=True)


def _event(one: Notification, own: str) -> InteractionEvent:
    itself = {"uri": one.uri, "cid": one.cid}
    reply = one.record.reply
    root = reply.root.model_dump() if reply else itself
    above = reply.parent.uri if reply and reply.parent.uri != reply.root.uri else None
    return InteractionEvent(
        external_id=one.uri,
        kind=KINDS[one.reason],
        author_id=one.author.did,
        author_name=one.author.display_name or one.author.handle,
        text=one.record.text,
        occurred_at=one.indexed_at,
        post_external_id=_our_post(one, own),
        in_reply_to=above,
        url=web_address(one.uri),
        context={"root": root, "parent": itself},
    )


def _our_post(one: Notification, own: str) -> str | None:
    """Return the thread's first post where it is ours, else what of ours was answered or quoted."""
    reply = one.record.reply
    for uri in (reply.root.uri if reply else None, one.reason_subject):
        parsed = parse_uri(uri) if uri else None
        if parsed and parsed[0] == own:
            return uri
    return None
