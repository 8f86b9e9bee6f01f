"""Deliveries as clients see them."""

from collections.abc import Sequence
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import Channel, Delivery
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.domain.deliveries import TRANSITIONS, Event, State
from drumtower.platforms.registry import Registry
from services.api.deliveries.schemas import DeliveryAction, DeliveryError, DeliveryRead, HandoffRead

_SAME = set(DeliveryRead.model_fields) - {
    "local",
    "publish_if_late_by",
    "error",
    "allowed",
    "handoff",
    "look_at",
}


async def read_all(
    tx: Tx, workspace_id: UUID, rows: Sequence[Delivery], registry: Registry
) -> list[DeliveryRead]:
    """Return deliveries with the places where a person settles the unknown ones by looking."""
    doubtful = {row.channel_id for row in rows if row.state == State.UNKNOWN.value}
    channels = await ChannelRepository(tx, workspace_id).among(list(doubtful)) if doubtful else {}
    return [read(row, registry, channels.get(row.channel_id)) for row in rows]


def look_at(channel: Channel, registry: Registry) -> str | None:
    """Return where a person sees what is on the channel: its own page, or the platform's console."""
    adapter = registry.adapters.get(channel.platform)
    return channel.account_url or (adapter.console_url if adapter else None)


def read(delivery: Delivery, registry: Registry, channel: Channel | None = None) -> DeliveryRead:
    """Return the delivery, with what may be asked of it now; `channel` where somebody has to look at it."""
    fields = {name: getattr(delivery, name) for name in _SAME}
    state = State(delivery.state)
    return DeliveryRead(
        **fields,
        local=delivery.local_time,
        publish_if_late_by=delivery.late_by_seconds,
        error=DeliveryError.model_validate(delivery.error) if delivery.error else None,
        allowed=allowed(state),
        look_at=look_at(channel, registry) if channel and state is State.UNKNOWN else None,
        handoff=_handoff(delivery) if state is State.HANDOFF or delivery.deadline else None,
    )


def allowed(state: State) -> list[DeliveryAction]:
    """Return what a client may ask of a delivery in `state`; the engine's own events are not among it."""
    able = {
        DeliveryAction.CANCEL: Event.CANCEL in TRANSITIONS[state],
        DeliveryAction.RESCHEDULE: Event.RESCHEDULE in TRANSITIONS[state],
        DeliveryAction.RETRY: state is State.FAILED,
        DeliveryAction.RECONCILE: state in (State.UNKNOWN, State.ACCEPTED),
        DeliveryAction.PROOF: state is State.HANDOFF,
        DeliveryAction.ASSIGN: state is State.HANDOFF,
    }
    return [action for action, may in able.items() if may]


def _handoff(delivery: Delivery) -> HandoffRead:
    return HandoffRead(
        reason=(delivery.error or {}).get("detail", ""),
        owner_id=delivery.owner_id,
        deadline=delivery.deadline,
        late=delivery.late_at is not None,
        pack=f"/v1/deliveries/{delivery.id}/pack",
    )
