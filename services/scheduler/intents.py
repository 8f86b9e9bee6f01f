"""The intent, committed before any byte leaves: from then on, a crash means that it may have happened."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert

from drumtower.db.engine import Tx
from drumtower.db.models import Attempt
from drumtower.db.repositories.deliveries import Move, move_all
from drumtower.domain.deliveries import Event
from services.scheduler.admission import start_gaps
from services.scheduler.requests import Facts
from services.scheduler.settle import attempt_values


async def intend(tx: Tx, starting: Sequence[Facts], now: datetime, before: Sequence[Move] = ()) -> None:
    """Write the intents of claimed deliveries, which are no longer the session's; `before` is moved with them."""
    starts = [
        Move(facts.delivery, Event.START, now, {"sent_at": facts.delivery.sent_at or now})
        for facts in starting
    ]
    await move_all(tx, [*before, *starts])
    if starting:
        await tx.execute(insert(Attempt), [attempt_values(facts.delivery, "send", now) for facts in starting])
        await start_gaps(tx, starting, now)
