"""Holds what a freeze stops: in the claim itself, and once more in the last check before bytes leave."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery, Freeze
from drumtower.db.repositories.deliveries import move
from drumtower.db.repositories.freezes import freezes_on
from drumtower.domain.deliveries import Event
from services.scheduler.settle import error_json


async def hold_frozen(tx: Tx, claimed: Sequence[Delivery], now: datetime) -> list[Delivery]:
    """Hold those of the claimed, locked deliveries that a freeze stops, and return the others."""
    if not claimed:
        return []
    stopped = await freezes_on(tx, claimed)
    for delivery in claimed:
        if delivery.id in stopped:
            await _hold(tx, delivery, stopped[delivery.id], now)
    return [delivery for delivery in claimed if delivery.id not in stopped]


async def _hold(tx: Tx, delivery: Delivery, freeze: Freeze, now: datetime) -> None:
    # Nothing was tried: the claim's attempt does not count.
    attempts = max(0, delivery.attempts - 1)
    await move(
        tx, delivery, Event.HOLD, now, freeze_id=freeze.id, error=frozen_json(freeze), attempts=attempts
    )


def frozen_json(freeze: Freeze) -> dict[str, Any]:
    """Return why the delivery is held, as it shows it."""
    until = "until it is lifted" if freeze.ends_at is None else f"until {freeze.ends_at.isoformat()}"
    hint = "It leaves by itself when the freeze is over, unless publish_if_late_by has passed by then."
    return error_json("frozen", f"Frozen {until}: {freeze.reason}", hint, freeze_id=str(freeze.id))
