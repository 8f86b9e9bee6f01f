"""Whose turn it is to be listened to: cursors claimed with SKIP LOCKED, leased, and given back."""

import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.engine import Database, Tx
from drumtower.db.models import Channel, FeedbackCursor
from drumtower.db.repositories import budgets
from drumtower.domain import failures
from drumtower.limits import Limits

# A platform that hangs holds its own slots only.
PULLS_PER_PLATFORM = 4
LEASE = timedelta(seconds=45)
LONGEST_BACKOFF = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A channel's turn. `until` is the lease, and the proof that we still hold it."""

    channel: Channel
    cursor: dict[str, Any]
    failures: int
    until: datetime


async def make_cursors(db: Database, platforms: Sequence[str]) -> None:
    """Give every connected channel a cursor, due now."""
    without = ~select(FeedbackCursor.channel_id).where(FeedbackCursor.channel_id == Channel.id).exists()
    channels = select(
        Channel.id, Channel.workspace_id, func.jsonb_build_object(), func.now(), literal(0)
    ).where(Channel.platform.in_(platforms), Channel.status == "connected", without)
    columns = ["channel_id", "workspace_id", "cursor", "next_at", "failures"]
    async with db.transaction() as tx:
        await tx.execute(insert(FeedbackCursor).from_select(columns, channels).on_conflict_do_nothing())


async def claim(db: Database, limits: Limits, platforms: Sequence[str], load: Counter[str]) -> list[Turn]:
    """Take the turns that are due, oldest first, as many as each platform has slots; `load` are those in flight.

    None of a channel that its platform closed.
    """
    turns: list[Turn] = []
    async with db.transaction() as tx:
        closed = await budgets.closed_channels(tx, limits.addresses)
        for platform in platforms:
            room = PULLS_PER_PLATFORM - load[platform]
            if room > 0:
                turns += await _claim_of(tx, platform, room, closed)
    return turns


async def _claim_of(tx: Tx, platform: str, room: int, closed: Collection[UUID]) -> list[Turn]:
    due = (
        select(FeedbackCursor.channel_id)
        .join(Channel, Channel.id == FeedbackCursor.channel_id)
        .where(
            Channel.platform == platform,
            Channel.status == "connected",
            FeedbackCursor.next_at <= func.now(),
            Channel.id.not_in(closed),
        )
        .order_by(FeedbackCursor.next_at)
        .limit(room)
        .with_for_update(of=FeedbackCursor, skip_locked=True)
    )
    found = await tx.execute(
        update(FeedbackCursor)
        .where(FeedbackCursor.channel_id.in_(due.scalar_subquery()), Channel.id == FeedbackCursor.channel_id)
        .values(next_at=func.now() + LEASE)
        .returning(Channel, FeedbackCursor.cursor, FeedbackCursor.failures, FeedbackCursor.next_at)
        .execution_options(synchronize_session=False)
    )
    return [
        Turn(channel=channel, cursor=cursor, failures=count, until=until)
        for channel, cursor, count, until in found
    ]


async def advance(tx: Tx, turn: Turn, cursor: dict[str, Any]) -> bool:
    """Move the cursor; False where the lease ran out and somebody else has the turn."""
    return await _write(tx, turn, cursor=cursor)


async def end(db: Database, turn: Turn, every: timedelta, *, more: bool) -> None:
    """Give the turn back after a good pull; with `more` it is due again at once."""
    wait = timedelta() if more else every * random.uniform(0.9, 1.0)  # noqa: S311 - jitter, not a secret
    async with db.transaction() as tx:
        await _write(tx, turn, next_at=func.now() + wait, last_at=func.now(), last_error=None, failures=0)


async def note(db: Database, limits: Limits, turn: Turn, every: timedelta, failure: failures.Failure) -> None:
    """Give the turn back with the reason why nothing came: again later each time, never before the platform says."""
    gone = isinstance(failure, failures.Disconnected)
    count = turn.failures if isinstance(failure, failures.RateLimited) else turn.failures + 1
    wait = min(every * (1 << min(count, 10)), LONGEST_BACKOFF)
    next_at: Any = func.now() + wait * random.uniform(0.8, 1.0)  # noqa: S311 - jitter, not a secret
    if isinstance(failure, failures.RateLimited) and failure.until is not None:
        next_at = func.greatest(next_at, failure.until)
    async with db.transaction() as tx:
        await _write(
            tx,
            turn,
            # A channel that is connected again is due at once.
            next_at=func.now() if gone else next_at,
            last_error=f"{failures.code(failure)}: {failure.detail}"[:500],
            failures=count,
        )
        if gone:
            await _disconnect(tx, turn.channel, failure.detail)
        if isinstance(failure, failures.RateLimited) and failure.until is not None:
            place = limits.place(turn.channel.id, turn.channel.platform, turn.channel.base_url)
            await budgets.close(tx, {place.key(failure.scope): (failure.until, failure.detail)})


async def _disconnect(tx: Tx, channel: Channel, detail: str) -> None:
    # Credentials are sealed anew when the owner connects again; then this news is old.
    same = Channel.credentials == channel.credentials
    await tx.execute(
        update(Channel)
        .where(Channel.id == channel.id, same)
        .values(status="disconnected", status_detail=detail, updated_at=func.now())
    )


async def _write(tx: Tx, turn: Turn, **values: Any) -> bool:
    held = await tx.scalar(
        update(FeedbackCursor)
        .where(FeedbackCursor.channel_id == turn.channel.id, FeedbackCursor.next_at == turn.until)
        .values(**values)
        .returning(FeedbackCursor.channel_id)
        .execution_options(synchronize_session=False)
    )
    return held is not None


async def until_next(db: Database, limits: Limits, platforms: Sequence[str]) -> timedelta | None:
    """Return how long until the next turn, by the database's clock; None where nobody has one."""
    async with db.transaction() as tx:
        closed = await budgets.closed_channels(tx, limits.addresses)
        found = await tx.execute(
            select(func.min(FeedbackCursor.next_at), func.now())
            .join(Channel, Channel.id == FeedbackCursor.channel_id)
            .where(
                Channel.status == "connected",
                Channel.platform.in_(platforms),
                Channel.id.not_in(closed),
            )
        )
        due, now = found.one()
    return None if due is None else max(due - now, timedelta())
