"""Whether publishing keeps up: what is less urgent makes room for it, and none of it the other way round."""

from datetime import timedelta

from sqlalchemy import func, select

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery
from drumtower.domain.deliveries import WAITING

# Age says what length does not: a thousand that leave in a second are no trouble.
SHED_AFTER = timedelta(seconds=60)


async def oldest_due(tx: Tx) -> timedelta | None:
    """Return how long ago the oldest waiting delivery was due, by the database's clock; None where none is due.

    One that waits for a budget, a reset or a breaker is due when that lets it go.
    """
    waiting = Delivery.state.in_([state.value for state in WAITING])
    age = func.now() - func.min(Delivery.next_at)
    found: timedelta | None = await tx.scalar(select(age).where(waiting, Delivery.next_at <= func.now()))
    return found


async def is_behind(tx: Tx) -> bool:
    """Say whether publishing is so far behind that pulls of numbers should rest."""
    age = await oldest_due(tx)
    return age is not None and age > SHED_AFTER
