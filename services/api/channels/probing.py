"""What a channel's account may do: asked of the platform with no transaction open, kept with its date."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from drumtower.connections import Connections
from drumtower.db.engine import Tx
from drumtower.db.models import Channel
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.domain.capabilities import Feature, Grant
from drumtower.grants import grant_json, grants_of
from drumtower.platforms import (
    Adapter,
    Deleter,
    FeedbackSource,
    Messenger,
    Prober,
    Replier,
    StatsSource,
    WebhookReceiver,
)
from services.api import audit
from services.api.channels.health_schemas import GrantRead
from services.api.principals import Principal

MIXINS: dict[Feature, type] = {
    Feature.PUBLISH: Adapter,
    Feature.DELETE: Deleter,
    Feature.REPLY: Replier,
    Feature.MESSAGE: Messenger,
    Feature.FEEDBACK: FeedbackSource,
    Feature.STATISTICS: StatsSource,
    Feature.WEBHOOKS: WebhookReceiver,
}


async def ask(connections: Connections, channel_id: UUID) -> Sequence[Grant]:
    """Ask the platform; raise PlatformError where it can't be asked, or takes the token no more."""
    connection = await connections.open(channel_id)
    if not isinstance(connection.adapter, Prober):
        return ()
    return await connection.adapter.probe(connection.credentials)


async def keep(
    tx: Tx, principal: Principal, channel_id: UUID, found: Sequence[Grant], now: datetime
) -> Channel:
    """Write down what was found."""
    channel = await ChannelRepository(tx, principal.workspace_id).get(channel_id, lock=True)
    channel.grants = [grant_json(grant) for grant in found]
    channel.probed_at = now
    refused = [grant.feature for grant in found if grant.allowed is False]
    audit.record(tx, principal, "channel.probed", channel.id, now, not_permitted=refused)
    return channel


def read(channel: Channel, adapter: type[Adapter]) -> list[GrantRead]:
    """Return each feature that the adapter has, and whether this account may use it."""
    found = {grant.feature: grant for grant in grants_of(channel)}
    return [
        _read(feature, found.get(feature)) for feature, mixin in MIXINS.items() if issubclass(adapter, mixin)
    ]


def _read(feature: Feature, grant: Grant | None) -> GrantRead:
    if grant is None:
        return GrantRead(feature=feature, state="unknown", reason="", platform_code=None, handoff=False)
    refused = grant.allowed is False
    return GrantRead(
        feature=feature,
        state="not_permitted" if refused else "allowed" if grant.allowed else "unknown",
        reason=grant.reason,
        platform_code=grant.platform_code,
        handoff=refused and feature is Feature.PUBLISH,
    )
