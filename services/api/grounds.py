"""What holds in the workspace of the one who asks, from what came with them: only its rule packs are read."""

from zoneinfo import ZoneInfo

from drumtower.db.engine import Tx
from drumtower.screening import screening
from drumtower.standards import Ground
from services.api.principals import Principal


async def ground_of(tx: Tx, principal: Principal) -> Ground:
    """Return what the principal's workspace holds posts to."""
    return Ground(
        screening=await screening(tx, principal.workspace_id),
        policies=principal.policies,
        zone=ZoneInfo(principal.timezone),
    )
