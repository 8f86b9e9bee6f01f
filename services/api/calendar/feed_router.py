"""Feeds: /v1/calendar/feeds, and /v1/calendar.ics, to which other calendars subscribe."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Response

from drumtower.db.models import CalendarFeed
from services.api.calendar import feeds
from services.api.calendar.feed_schemas import FeedCreate, FeedMade, FeedRead
from services.api.deps import ClockDep, Reader, ServicesDep, TxDep
from services.api.etags import etag, is_known
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.problems import responses
from services.api.routing import feature

router = feature("/calendar/feeds", "calendar")
ics_router = feature("", "calendar")

MEDIA_TYPE = "text/calendar"
Token = Annotated[str, Query(max_length=128, description="The feed's token; calendars send no headers.")]
Condition = Annotated[str | None, Header(max_length=1_000)]


@router.get("", operation_id="calendar_feeds_list", summary="List calendar feeds")
async def list_feeds(principal: Reader, tx: TxDep, paging: PagingDep) -> Page[FeedRead]:
    """Your own; whoever may change members sees everybody's."""
    statement = feeds.visible(tx, principal)
    return await paging.page(tx, statement, CalendarFeed.id, FeedRead.model_validate)


@router.post(
    "",
    status_code=201,
    operation_id="calendar_feeds_create",
    summary="Make an address for other calendars",
    responses=responses(409, 413, 415),
)
async def create_feed(
    body: FeedCreate,
    principal: Reader,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> FeedMade:
    feed, token = await feeds.create(tx, principal, body, clock.now())
    response.headers["Location"] = f"/v1/calendar/feeds/{feed.id}"
    address = f"{services.settings.public_url.rstrip('/')}/v1/calendar.ics?token={token}"
    return FeedMade(**FeedRead.model_validate(feed).model_dump(), url=address)


@router.delete(
    "/{feed_id}", status_code=204, operation_id="calendar_feeds_revoke", summary="Revoke a calendar feed"
)
async def revoke_feed(feed_id: UUID, principal: Reader, tx: TxDep, clock: ClockDep) -> None:
    await feeds.revoke(tx, principal, feed_id, clock.now())


@ics_router.get(
    "/calendar.ics",
    operation_id="calendar_ics",
    summary="Subscribe to the calendar",
    response_class=Response,
    responses={
        200: {
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
            "description": "iCalendar (RFC 5545).",
        },
        304: {"description": "It has not changed since."},
    },
)
async def get_ics(
    token: Token,
    tx: TxDep,
    clock: ClockDep,
    if_none_match: Condition = None,
    if_modified_since: Condition = None,
) -> Response:
    """The token is the credential; where it is wrong or has ended, there is no such feed."""
    given = await feeds.read(tx, token, clock.now())
    headers = {
        "ETag": etag(given.tag),
        "Last-Modified": format_datetime(given.changed_at, usegmt=True),
        "Cache-Control": "private, no-cache",
        "Referrer-Policy": "no-referrer",
    }
    if _has_it(if_none_match, if_modified_since, given):
        return Response(status_code=304, headers=headers)
    return Response(given.body, media_type=f"{MEDIA_TYPE}; charset=utf-8", headers=headers)


def _has_it(if_none_match: str | None, if_modified_since: str | None, given: feeds.Given) -> bool:
    """Say whether the caller has it already; the tag goes before the date (RFC 9110, 13.2.2)."""
    if if_none_match is not None:
        return is_known(if_none_match, etag(given.tag))
    since = _date(if_modified_since)
    return since is not None and given.changed_at <= since


def _date(header: str | None) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(header) if header else None
    except ValueError:  # no date: as if it were not there
        return None
    return parsed.replace(tzinfo=UTC) if parsed and parsed.tzinfo is None else parsed
