"""Reads notifications as interactions, and keeps the mark up to which they were read.

`indexedAt` is the earlier of the writer's own date and the moment the AppView saw it, so something new may appear a
little below what was read: every pull goes back by an overlap and leaves out what it has given already.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drumtower.adapters.bluesky.posts import parse_uri, web_address
from drumtower.adapters.bluesky.schemas import Notification
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import FeedbackPage, InteractionEvent

PAGE = 100
OVERLAP = timedelta(minutes=15)
# How far the first pull of a channel goes back.
FIRST_LOOK = timedelta(days=30)
KINDS = {
    "reply": InteractionKind.COMMENT,
    "mention": InteractionKind.MENTION,
    "quote": InteractionKind.MENTION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far the channel's notifications were read.

    `mark`: everything below was read, but for the overlap. `newest`: the newest one that this walk saw. `page`: where
    the walk goes on. `given`: what was handed out and may come again, with its date.
    """

    mark: datetime
    newest: datetime
    page: str | None = None
    given: Mapping[str, datetime] = field(default_factory=dict)


def position(cursor: dict[str, Any], now: datetime) -> Position:
    """Read a stored cursor; {} is the first pull."""
    mark = datetime.fromisoformat(cursor["mark"]) if "mark" in cursor else now - FIRST_LOOK
    newest = datetime.fromisoformat(cursor["newest"]) if "newest" in cursor else mark
    given = {uri: datetime.fromisoformat(date) for uri, date in cursor.get("given", {}).items()}
    return Position(mark=mark, newest=newest, page=cursor.get("page"), given=given)


def parameters(at: Position) -> list[tuple[str, str]]:
    """Return the query for the next page."""
    reasons = [("reasons", reason) for reason in KINDS]
    return [("limit", str(PAGE)), *reasons, *([("cursor", at.page)] if at.page else [])]


def turn(
    at: Position, found: Sequence[Notification], following: str | None, *, own: str, now: datetime
) -> FeedbackPage:
    """Return what is new in a page, and where to go on: down the list, or from its top next time."""
    floor = at.mark - OVERLAP
    fresh = [one for one in found if one.indexed_at >= floor]
    new = {one.uri: one for one in fresh if one.uri not in at.given}
    # A date in the future must not hide what comes before it.
    newest = min(now, max([at.newest, *(one.indexed_at for one in fresh)]))
    given = {**at.given, **{uri: one.indexed_at for uri, one in new.items()}}
    again = {uri: date for uri, date in given.items() if date >= newest - OVERLAP}
    more = following not in (None, at.page) and len(fresh) == len(found)
    after = Position(
        mark=at.mark if more else newest, newest=newest, page=following if more else None, given=again
    )
    return FeedbackPage(events=tuple(_events(new.values(), own)), cursor=_cursor(after), more=more)


def restarted(at: Position) -> FeedbackPage:
    """Return an empty page that begins the walk anew; for a page cursor that the server takes no more."""
    start = Position(mark=at.mark, newest=at.mark, given=at.given)
    return FeedbackPage(events=(), cursor=_cursor(start), more=True)


def _cursor(at: Position) -> dict[str, Any]:
    given = {uri: date.isoformat() for uri, date in at.given.items()}
    walk = {"newest": at.newest.isoformat(), "page": at.page} if at.page else {}
    return {"mark": at.mark.isoformat(), "given": given, **walk}


def _events(found: Iterable[Notification], own: str) -> Iterable[InteractionEvent]:
    for one in found:
        if one.reason in KINDS and one.author.did != own:
            yield _event(one, own)


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
