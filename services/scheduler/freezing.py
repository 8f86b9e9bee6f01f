"""What a freeze says to a delivery that it stops; asked in the claim itself, and once more before bytes leave."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery, Freeze
from drumtower.db.repositories.freezes import freezes_on
from drumtower.domain.deliveries import Event
from services.scheduler.settle import Stop, error_json
from services.scheduler.waits import Leaves


async def frozen(tx: Tx, deliveries: Sequence[Delivery], leaves: Leaves) -> dict[UUID, Stop]:
    """Return which of these locked deliveries a freeze stops."""
    found = await freezes_on(tx, deliveries, leaves)
    return {
        delivery_id: Stop(Event.HOLD, frozen_json(freeze), {"freeze_id": freeze.id})
        for delivery_id, freeze in found.items()
    }


def frozen_json(freeze: Freeze) -> dict[str, Any]:
    """Return why the delivery is held, as it shows it."""
    until = "until it is lifted" if freeze.ends_at is None else f"until {freeze.ends_at.isoformat()}"
    hint = "It leaves by itself when the freeze is over, unless publish_if_late_by has passed by then."
    return error_json("frozen", f"Frozen {until}: {freeze.reason}", hint, freeze_id=str(freeze.id))
