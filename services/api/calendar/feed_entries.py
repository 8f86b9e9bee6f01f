"""What a feed shows: marks, events, the days by which they are prepared, posts due, and deliveries at their time."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select

from drumtower import almanac
from drumtower.db.engine import Tx
from drumtower.db.models import CalendarEvent, CalendarFeed, Delivery, Post
from drumtower.db.repositories.calendar import CalendarRepository, occasion_of
from drumtower.db.repositories.feeds import FeedRepository
from drumtower.domain.calendar import MarkKind, marks
from drumtower.domain.errors import Invalid
from drumtower.domain.feeds import Entry, FeedKind, window
from services.api.principals import Principal

MOST = 5_000  # posts, or deliveries, in one feed: more is no calendar
MARKS = frozenset(FeedKind(kind.value) for kind in MarkKind)
# Marks have no date of change; what is shipped changes with a release, and calendars read feeds anew each time.
SHIPPED = datetime(2026, 1, 1, tzinfo=UTC)


async def gather(tx: Tx, principal: Principal, feed: CalendarFeed, now: datetime) -> list[Entry]:
    """Return what the feed shows at `now`."""
    zone = ZoneInfo(principal.timezone)
    span = window(now.astimezone(zone).date())
    kinds = frozenset(FeedKind(kind) for kind in feed.kinds or FeedKind)
    rows = FeedRepository(tx, principal.workspace_id)
    brand_id = await rows.brand_of(feed)
    found: list[Entry] = []
    if kinds & MARKS:
        own = await CalendarRepository(tx, principal.workspace_id).between(*span)
        found += (_mark(mark) for mark in marks(almanac.shipped(*span), own))
    if kinds & {FeedKind.EVENT, FeedKind.PREPARE_BY}:
        for event in await rows.events(*span, brand_id, now):
            found += _event(event)
    if FeedKind.POST in kinds:
        found += [_post(post) for (post,) in await _all(tx, rows.posts(*span, brand_id))]
    if FeedKind.DELIVERY in kinds:
        leaving = rows.deliveries(*span, zone, brand_id, feed.channel_id)
        found += [_delivery(row, title, name, zone) for row, title, name in await _all(tx, leaving)]
    return [entry for entry in found if entry.kind in kinds]


async def _all(tx: Tx, statement: Select[Any] | Select[Delivery, str, str]) -> Sequence[Any]:
    rows = (await tx.execute(statement.limit(MOST + 1))).all()
    if len(rows) > MOST:
        detail = f"More than {MOST} things are planned in these days."
        raise Invalid.at("?token", "feed_too_full", detail, "Make a feed of one brand or channel.")
    return rows


def _mark(mark: Any) -> Entry:
    return Entry(
        kind=FeedKind(mark.kind.value),
        key=mark.day.isoformat(),
        title=mark.name,
        note=mark.note,
        first=mark.day,
        last=mark.day,
        changed_at=SHIPPED,
    )


def _event(event: CalendarEvent) -> Iterator[Entry]:
    of = _of(event)
    yield of(FeedKind.EVENT, event.title, event.note, event.starts_on, event.ends_on)
    if event.prepare_days:
        ready = occasion_of(event).prepare_by
        note = f"{event.starts_on.isoformat()}–{event.ends_on.isoformat()}"
        yield of(FeedKind.PREPARE_BY, f"{event.title}: 内容备齐 / content ready", note, ready, ready)


def _of(row: CalendarEvent | Post) -> Callable[[FeedKind, str, str, date, date], Entry]:
    def entry(kind: FeedKind, title: str, note: str, first: date, last: date) -> Entry:
        return Entry(
            kind=kind,
            key=str(row.id),
            title=title,
            note=note,
            first=first,
            last=last,
            revision=row.revision,
            changed_at=row.updated_at,
        )

    return entry


def _post(post: Post) -> Entry:
    assert post.due_on is not None  # the query asks for it
    return _of(post)(FeedKind.POST, post.title or post.kind, post.status, post.due_on, post.due_on)


def _delivery(row: Delivery, title: str, channel: str, zone: ZoneInfo) -> Entry:
    own = ZoneInfo(row.timezone) if row.timezone else zone
    return Entry(
        kind=FeedKind.DELIVERY,
        key=str(row.id),
        title=f"{channel}: {title}",
        note=row.state,
        at=row.due_at.astimezone(own),
        revision=row.revision,
        changed_at=row.updated_at,
    )
