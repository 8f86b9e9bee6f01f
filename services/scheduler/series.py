"""Plans the deliveries of series ahead: each day once, on the wall clock of its zone, with a post of its own."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import func, select, update

from drumtower.db import outbox
from drumtower.db.engine import Database, Tx
from drumtower.db.models import Channel, Delivery, Occurrence, Post, Series
from drumtower.db.repositories.deliveries import derive_status_of, payload_of, plan
from drumtower.db.repositories.quotas import QuotaRepository
from drumtower.db.repositories.series import SeriesRepository, plan_of, take_series, withdraw
from drumtower.db.repositories.slots import SlotRepository
from drumtower.domain.content import for_channel, from_json
from drumtower.domain.deliveries import Action, State, is_late
from drumtower.domain.errors import Violation
from drumtower.domain.freezes import first_free
from drumtower.domain.ids import new_id
from drumtower.domain.series import FURTHEST_SHIFT, OLDEST, days
from drumtower.limits import Limits
from drumtower.settings import Settings
from services.scheduler.copies import copy, lacking
from services.scheduler.leases import clock
from services.scheduler.settle import error_json

log = structlog.get_logger(__name__)

BATCH = 20

# How often a series that nothing has happened to is looked at.
AGAIN = timedelta(minutes=5)


async def plan_series(db: Database, settings: Settings, limits: Limits | None = None) -> timedelta | None:
    """Plan what has come within reach, one series a transaction; one that fails stops no other.

    Where `limits` has a quota that is used up, the day is skipped there.
    """
    for _ in range(BATCH):
        if not await _plan_next(db, settings.series_ahead, limits):
            return None
    return timedelta()


async def _plan_next(db: Database, ahead: timedelta, limits: Limits | None) -> bool:
    taken: UUID | None = None
    try:
        async with db.transaction() as tx:
            series = await take_series(tx)
            if series is None:
                return False
            taken = series.id
            await _plan(tx, series, ahead, limits, await clock(tx))
    except Exception:
        if taken is None:
            raise
        log.exception("series.failed", series_id=str(taken))
        await _postpone(db, taken)
    return True


async def _postpone(db: Database, series_id: UUID) -> None:
    async with db.transaction() as tx:
        later = func.now() + AGAIN
        await tx.execute(update(Series).where(Series.id == series_id).values(next_at=later))


async def _plan(tx: Tx, series: Series, ahead: timedelta, limits: Limits | None, now: datetime) -> None:
    template = await tx.get_one(Post, series.post_id)
    await _take_back_stale(tx, series, template, now)
    channels = await _channels(tx, series)
    for day in await _missing(tx, series, ahead, now):
        await _occur(tx, series, template, channels, day, limits, now)
    series.next_at = now + AGAIN


async def _take_back_stale(tx: Tx, series: Series, template: Post, now: datetime) -> None:
    """What waits with an older content, or without an approval that has come since, is planned anew."""
    coming = await SeriesRepository(tx, series.workspace_id).coming(series.id, now)
    posts = {one.id: one for one in await tx.scalars(select(Post).where(Post.id.in_(_posts(coming))))}
    stale = [one for one in coming if one.post_id and _is_stale(posts[one.post_id], template, one.due_at)]
    if stale:
        taken = await withdraw(tx, stale, now, whole=True)
        log.info("series.planned_anew", series_id=str(series.id), days=taken)


def _posts(occurrences: Sequence[Occurrence]) -> list[UUID]:
    return [one.post_id for one in occurrences if one.post_id is not None]


def _is_stale(post: Post, template: Post, due_at: datetime) -> bool:
    """Say whether an untouched copy lags behind its template; one that somebody edited or took to review is theirs."""
    if post.revision > 1:
        return False
    is_covered = lacking(template, due_at) is None
    return post.content_hash != template.content_hash or is_covered != (post.approved_hash is not None)


async def _missing(tx: Tx, series: Series, ahead: timedelta, now: datetime) -> list[date]:
    """Return the days within reach that have no occurrence yet; what fell before the series was active is not due."""
    plan, zone = plan_of(series), ZoneInfo(series.timezone)
    since = max(series.active_since, now - OLDEST - timedelta(days=1))
    first, last = (at.astimezone(zone).date() for at in (since, now + ahead))
    repository = SeriesRepository(tx, series.workspace_id)
    known = set((await tx.scalars(repository.occurrences(series.id).with_only_columns(Occurrence.day))).all())
    return [
        day
        for day in days(plan, first, last)
        if day not in known and series.active_since < plan.at(day) <= now + ahead
    ]


async def _channels(tx: Tx, series: Series) -> Sequence[Channel]:
    ids = [UUID(channel_id) for channel_id in series.channel_ids]
    found = await tx.scalars(select(Channel).where(Channel.id.in_(ids)).order_by(Channel.id))
    return found.all()


async def _occur(
    tx: Tx,
    series: Series,
    template: Post,
    channels: Sequence[Channel],
    day: date,
    limits: Limits | None,
    now: datetime,
) -> None:
    """Add the day's occurrence, with a copy of the post for it, or the reason why there is none."""
    due_at = plan_of(series).at(day)
    occurrence = Occurrence(
        id=new_id(),
        workspace_id=series.workspace_id,
        series_id=series.id,
        day=day,
        due_at=due_at,
        skipped=_reason(series, template, due_at, now),
        created_at=now,
    )
    tx.add(occurrence)
    if occurrence.skipped:
        return
    instants = {channel.id: await _instant(tx, series, channel, due_at) for channel in channels}
    occurrence.skipped = {str(key): _CROWDED for key, at in instants.items() if at is None}
    free = []
    for channel in channels:
        at = instants[channel.id]
        if at is not None and await _is_full(tx, limits, channel, at, now):
            occurrence.skipped = occurrence.skipped | {str(channel.id): _FULL}
        elif at is not None:
            free.append((channel, at))
    if not free:
        return
    missing = lacking(template, due_at)
    post = await copy(tx, template, day, approved=missing is None, now=now)
    occurrence.post_id = post.id
    for channel, at in free:
        _deliver(tx, series, post, channel, at, missing, now)
    await derive_status_of(tx, post)


_CROWDED = error_json("too_close", "Something else is planned there within min_gap, for hours.")


_FULL = error_json(
    "quota_used_up", "What the channel may publish there in that hour or day is planned already."
)


async def _is_full(tx: Tx, limits: Limits | None, channel: Channel, at: datetime, now: datetime) -> bool:
    """Hold the channel's plan, and say whether a quota has no room at `at`."""
    quotas = limits.quotas(channel.platform, Action.PUBLISH) if limits else ()
    counted = QuotaRepository(tx, channel.workspace_id)
    if quotas:
        await counted.hold(channel.id)
    return any([await counted.used(channel.id, quota, at, now) >= quota.count for quota in quotas])


def _reason(series: Series, template: Post, due_at: datetime, now: datetime) -> dict[str, object]:
    """Say why nothing of the day can leave on any channel; empty where it can."""
    if now - due_at > OLDEST or (due_at < now and is_late(due_at, series.late_by_seconds, now)):
        return {"": error_json("missed", "It could not be planned in time: no scheduler was at work.")}
    if template.archived_at is not None:
        return {"": error_json("post_archived", "The series' post is archived.")}
    return {}


async def _instant(tx: Tx, series: Series, channel: Channel, due_at: datetime) -> datetime | None:
    """Return when it can leave there: at its time, or later by as much as `min_gap` asks; None where that is too late."""
    if series.min_gap_seconds is None:
        return due_at
    gap = timedelta(seconds=series.min_gap_seconds)
    await QuotaRepository(tx, series.workspace_id).hold(channel.id)
    taken = await SlotRepository(tx, series.workspace_id).taken(channel.id, due_at - gap)
    at = first_free(due_at, gap, taken)
    return at if at - due_at <= FURTHEST_SHIFT else None


def _deliver(
    tx: Tx,
    series: Series,
    post: Post,
    channel: Channel,
    at: datetime,
    missing: Violation | None,
    now: datetime,
) -> Delivery:
    held = {} if missing is None else _held(missing)
    local = at.astimezone(ZoneInfo(series.timezone)).replace(tzinfo=None).isoformat(timespec="minutes")
    delivery = plan(
        workspace_id=series.workspace_id,
        channel_id=channel.id,
        platform=channel.platform,
        action=Action.PUBLISH,
        payload=payload_of(for_channel(from_json(post.content), channel.id)),
        due_at=at,
        created_by=series.created_by,
        now=now,
        post_id=post.id,
        post_version=post.version,
        content_hash=post.content_hash,
        local_time=local,
        timezone=series.timezone,
        late_by_seconds=series.late_by_seconds,
        **held,
    )
    tx.add(delivery)
    name = f"delivery.{delivery.state}"
    outbox.append(tx, workspace_id=series.workspace_id, name=name, subject_id=delivery.id, now=now)
    return delivery


def _held(missing: Violation) -> dict[str, object]:
    """Hold it from the start: it goes on once the copy, or the series' post, is approved."""
    error = error_json(missing.code, missing.detail, missing.hint)
    return {"state": State.HELD.value, "next_at": None, "error": error}
