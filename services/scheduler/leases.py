"""Taking rows: SKIP LOCKED batches by the database's clock, each lease with a higher fence than the one before."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery
from drumtower.db.plain import fetch
from drumtower.domain.deliveries import State


class LeaseLost(Exception):
    """Somebody else has the row now; whoever raises this writes nothing."""


async def clock(tx: Tx) -> datetime:
    """Return the database's time. A replica's own clock may be minutes wrong, and lateness and grace must not be."""
    now: datetime = (await fetch(tx, "SELECT now() AS now"))[0]["now"]
    return now


async def take_due(
    tx: Tx, state: State, *, limit: int, lease: timedelta, closed: Collection[UUID] = ()
) -> Sequence[Delivery]:
    """Take rows of a state whose step is read-only: it stays, and comes again after `lease` if we die.

    Channels that are `closed` by their platform are left alone.
    """
    due = (
        select(Delivery.id)
        .where(
            Delivery.state == state.value,
            Delivery.next_at <= func.now(),
            Delivery.channel_id.not_in(closed),
        )
        .order_by(Delivery.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = await tx.scalars(
        update(Delivery)
        .where(Delivery.id.in_(due.scalar_subquery()))
        .values(fence=Delivery.fence + 1, next_at=func.now() + lease)
        .returning(Delivery)
        .execution_options(synchronize_session=False)
    )
    return taken.all()


async def take_unprepared(
    tx: Tx, platforms: Collection[str], *, ahead: timedelta, limit: int, lease: timedelta
) -> Sequence[Delivery]:
    """Take planned publish deliveries whose slow part can be done now; they stay planned.

    The lease ends when they are due at the latest: a preparation that died delays nothing.
    """
    free = or_(Delivery.lease_until.is_(None), Delivery.lease_until < func.now())
    soon = and_(Delivery.next_at > func.now(), Delivery.next_at <= func.now() + ahead)
    due = (
        select(Delivery.id)
        .where(
            Delivery.state == State.PLANNED.value,
            Delivery.action == "publish",
            Delivery.platform.in_(platforms),
            Delivery.prepared.is_(False),
            soon,
            free,
        )
        .order_by(Delivery.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = await tx.scalars(
        update(Delivery)
        .where(Delivery.id.in_(due.scalar_subquery()))
        .values(fence=Delivery.fence + 1, lease_until=func.least(func.now() + lease, Delivery.next_at))
        .returning(Delivery)
        .execution_options(synchronize_session=False)
    )
    return taken.all()


async def hold(tx: Tx, delivery_id: UUID, fence: int, *states: State) -> Delivery:
    """Lock the row for writing; raise LeaseLost where the fence has grown or the state has moved on."""
    row = await tx.scalar(select(Delivery).where(Delivery.id == delivery_id).with_for_update())
    if row is None or row.fence != fence or (states and State(row.state) not in states):
        raise LeaseLost(f"delivery {delivery_id} at fence {fence}")
    return row
