"""What a freeze does, or would do, to what is planned."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, or_

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery
from drumtower.db.repositories.freezes import UNSTOPPABLE, FreezeRepository
from drumtower.domain.deliveries import WAITING, State
from drumtower.domain.freezes import Reach
from services.api.freezes.schemas import FrozenChannel, FrozenDelivery, ImpactRead
from services.api.principals import Principal

SHOWN = 50
STOPPABLE = WAITING | {State.CLAIMED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A freeze, made or only thought of: without an id it holds nothing yet."""

    reach: Reach
    starts_at: datetime
    ends_at: datetime | None
    freeze_id: UUID | None = None


async def impact(tx: Tx, principal: Principal, span: Span, now: datetime) -> ImpactRead:
    """Count what the freeze holds, will hold and can't stop, as things stand now."""
    reached = FreezeRepository(tx, principal.workspace_id).within(span.reach)
    held, waiting = _held(span), _waiting(span, now)
    stopped = reached.where(or_(held, waiting))
    counted = {"held": held, "to_hold": waiting, "would_miss": and_(or_(held, waiting), _misses(span))}
    counted["unstoppable"] = _in(UNSTOPPABLE) if _is_on(span, now) else false()
    counted["by_hand"] = _in([State.HANDOFF])
    asked = reached.with_only_columns(
        *(func.count().filter(condition).label(name) for name, condition in counted.items())
    )
    row = (await tx.execute(asked)).one()
    return ImpactRead(
        **row._asdict(), channels=await _channels(tx, stopped), deliveries=await _first(tx, stopped, span)
    )


def _in(states: Iterable[State]) -> ColumnElement[bool]:
    return Delivery.state.in_(sorted(state.value for state in states))


def _held(span: Span) -> ColumnElement[bool]:
    return and_(_in([State.HELD]), Delivery.freeze_id == span.freeze_id)


def _is_over(span: Span, now: datetime) -> bool:
    return span.ends_at is not None and span.ends_at <= now


def _is_on(span: Span, now: datetime) -> bool:
    return span.starts_at <= now and not _is_over(span, now)


def _waiting(span: Span, now: datetime) -> ColumnElement[bool]:
    if _is_over(span, now):
        return false()
    conditions = [_in(STOPPABLE)]
    if span.starts_at > now:
        conditions.append(Delivery.next_at >= span.starts_at)
    if span.ends_at is not None:
        conditions.append(Delivery.next_at < span.ends_at)
    return and_(*conditions)


def _misses(span: Span) -> ColumnElement[bool]:
    limited = Delivery.late_by_seconds.is_not(None)
    if span.ends_at is None:
        return limited
    latest = Delivery.due_at + func.make_interval(0, 0, 0, 0, 0, 0, Delivery.late_by_seconds)
    return and_(limited, latest < literal(span.ends_at))


async def _channels(tx: Tx, stopped: Select[Delivery]) -> list[FrozenChannel]:
    columns = (Delivery.channel_id, Delivery.platform)
    counted = stopped.with_only_columns(*columns, func.count().label("deliveries")).group_by(*columns)
    rows = await tx.execute(counted.order_by(func.count().desc(), Delivery.channel_id))
    return [FrozenChannel.model_validate(row) for row in rows]


async def _first(tx: Tx, stopped: Select[Delivery], span: Span) -> list[FrozenDelivery]:
    columns = [getattr(Delivery, name) for name in FrozenDelivery.model_fields if name != "would_miss"]
    shown = stopped.with_only_columns(*columns, _misses(span).label("would_miss"))
    rows = await tx.execute(shown.order_by(Delivery.due_at, Delivery.id).limit(SHOWN))
    return [FrozenDelivery.model_validate(row) for row in rows]
