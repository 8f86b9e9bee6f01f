"""The last look at a delivery before it leaves: is it too late, may it go at all, does the platform take it?"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from drumtower.connections import Connections
from drumtower.db.engine import Tx
from drumtower.domain import failures
from drumtower.domain.deliveries import Action, Event, is_late
from drumtower.domain.errors import Severity, Violation
from drumtower.domain.reviews import approval_violations
from drumtower.messages import violations_of
from services.scheduler.freezing import frozen
from services.scheduler.requests import Facts, is_publish
from services.scheduler.settle import Stop, error_json
from services.scheduler.waits import Leaves, Wait


async def reasons_to_stop(tx: Tx, batch: Sequence[Facts], leaves: Leaves) -> dict[UUID, Stop]:
    """Return what of a locked batch is stopped by something outside its own rows, and by what.

    Asked for the whole batch in the claim, and again for each delivery that was prepared meanwhile.
    """
    return await frozen(tx, [facts.delivery for facts in batch], leaves)


def last_check(facts: Facts, stopped: Stop | None, connections: Connections, at: datetime) -> Stop | None:
    """Check one delivery once more, for when it leaves; `stopped` is what `reasons_to_stop` found.

    Raises whatever a spoiled row makes it raise.
    """
    delivery = facts.delivery
    if stopped is not None:
        return stopped
    if is_late(delivery.due_at, delivery.late_by_seconds, at):
        late = f"It was to go out within {delivery.late_by_seconds} s of {delivery.due_at.isoformat()}."
        return Stop(Event.MISS, error_json("missed", late, "Schedule it again."))
    held = _reason_to_hold(facts)
    if held is not None:
        return Stop(Event.HOLD, error_json(held.code, held.detail, held.hint))
    refused = _blocking(facts, connections, at)
    if refused:
        shown = [{"pointer": v.pointer, "code": v.code, "detail": v.detail, "hint": v.hint} for v in refused]
        error = error_json("preflight_failed", refused[0].detail, refused[0].hint, violations=shown)
        return Stop(Event.REFUSE, error)
    return None


def put_off(wait: Wait) -> Stop:
    """Make a wait that came up after the claim a stop: it goes again then, and nothing was tried."""
    later = {"next_at": wait.until, "not_before": wait.until, "lease_until": None}
    return Stop(Event.RETRY, error_json(wait.code, wait.detail), later)


def _reason_to_hold(facts: Facts) -> Violation | None:
    delivery, approval = facts.delivery, facts.approval
    if facts.channel.status != "connected":
        detail = facts.channel.status_detail or "The channel is disconnected."
        hint = failures.HINTS["channel_disconnected"]
        return Violation(pointer="/channel_id", code="channel_disconnected", detail=detail, hint=hint)
    if approval is None or delivery.action != Action.PUBLISH.value:
        return None
    return next(iter(approval_violations(approval, delivery.content_hash or "", delivery.due_at)), None)


def _blocking(facts: Facts, connections: Connections, at: datetime) -> list[Violation]:
    if not is_publish(facts.delivery):
        return []
    adapter = connections.registry.get(facts.channel.platform)
    found = violations_of(
        adapter, facts.content, facts.assets, facts.channel, facts.brand, at, facts.standards
    )
    return [violation for violation in found if violation.severity is Severity.BLOCK]
