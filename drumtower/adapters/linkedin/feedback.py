"""Notifications of a page: what was said under its posts or about it, pushed to the webhook or asked for.

Asked for, one call covers every post of the page and reaches back 60 days, so a gap of that length is repaired: each
walk begins a little before the end of the last one and leaves out what it has given. In which order the entries come
is not documented, and nothing here depends on it; pages overlap, so that an entry that goes away hides no other.

LinkedIn's rules for stored data give members' comments 48 hours and profiles 24; nothing here enforces that.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from drumtower.adapters.linkedin.schemas import Notification, Notifications, Said, encoded, page_of
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import AccountEvent, Api, FeedbackEvent, FeedbackPage, InteractionEvent
from drumtower.platforms.answers import read_each
from drumtower.platforms.walks import TimeWalk, by_others

PAGE, OVERLAPPING = 100, 10
OVERLAP = timedelta(minutes=15)
FIRST_LOOK = timedelta(days=30)
KEPT = timedelta(days=59)  # LinkedIn gives 60 days
_AHEAD = timedelta(days=1)  # the two clocks may differ
_SHORT = re.compile(r"^urn:li:comment:\((activity|share|ugcPost):")


async def pull(api: Api, account: str, cursor: dict[str, Any]) -> FeedbackPage:
    """Return the next page; the cursor says how far the walk has come."""
    now = datetime.now(UTC)
    walk = TimeWalk.at(cursor, OVERLAP, first=now - FIRST_LOOK)
    start = int(walk.page or 0)
    since = max(walk.mark - OVERLAP, now - KEPT)
    query = (
        f"organizationalEntityNotifications?q=criteria&organizationalEntity={encoded(account)}"
        f"&actions=List(COMMENT,SHARE_MENTION)&timeRange=(start:{_ms(since)},end:{_ms(now + _AHEAD)})"
        f"&start={start}&count={PAGE}"
    )
    listed = (await api.get(query, Notifications)).elements
    found = {one.id: (max(one.at, since), one) for one in read_each(Notification, listed)}
    following = str(start + PAGE - OVERLAPPING) if len(listed) >= PAGE else None
    new, after = walk.take(found, following, now)
    events = (event for one in new if isinstance(event := read(one), InteractionEvent))
    return FeedbackPage(events=by_others(events, account), cursor=after.cursor(), more=after.page is not None)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def read(one: Notification) -> FeedbackEvent:
    """Read a notification; what nobody said anything in is an event of the account."""
    said = one.activity or None
    if one.action == "COMMENT" and said and said.comment:
        return _comment(one, said.comment)
    if one.action == "SHARE_MENTION" and said and said.share:
        return _mention(one, said.share)
    return AccountEvent(name=one.action.lower())


def events(notifications: Sequence[Notification], account: str) -> tuple[FeedbackEvent, ...]:
    """Read what a push says, without what we said ourselves."""
    found = [read(one) for one in notifications]
    return tuple(
        event for event in found if not isinstance(event, InteractionEvent) or event.author_id != account
    )


def _comment(one: Notification, said: Said) -> InteractionEvent:
    urn = _whole(said.entity)
    # UNVERIFIED how a notification names the comment that a nested one answers; both ways are read.
    above = said.parent or (said.object if said.object.startswith("urn:li:comment:") else None)
    thread = said.object if said.object and not said.object.startswith("urn:li:comment:") else one.source
    post = one.source_post.entity if one.source_post else one.source
    return InteractionEvent(
        external_id=urn,
        kind=InteractionKind.COMMENT,
        author_id=said.owner,
        text=said.text,
        occurred_at=one.at,
        post_external_id=post,
        in_reply_to=_whole(above) if above else None,
        url=page_of(post) if post else None,
        context={"object": thread or post, "parent": _whole(above) if above else urn},
    )


def _mention(one: Notification, said: Said) -> InteractionEvent:
    return InteractionEvent(
        external_id=said.entity,
        kind=InteractionKind.MENTION,
        author_id=said.owner,
        text=said.text,
        occurred_at=one.at,
        url=page_of(said.entity),
        context={"object": said.entity},
    )


def _whole(urn: str) -> str:
    """Some places write a comment's URN in a short form."""
    return _SHORT.sub(r"urn:li:comment:(urn:li:\1:", urn)
