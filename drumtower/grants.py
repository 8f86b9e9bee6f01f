"""What an account may do, as the last probe found it, and how long that is believed."""

from datetime import datetime, timedelta
from typing import Any

from drumtower.db.models import Channel
from drumtower.domain.capabilities import Feature, Grant

# After this a refusal is asked of the platform again: rights are given and taken there, and nobody tells us.
BELIEVED = timedelta(days=1)


def grant_json(grant: Grant) -> dict[str, Any]:
    """Return a grant as a channel's row keeps it."""
    return {
        "feature": grant.feature.value,
        "allowed": grant.allowed,
        "reason": grant.reason,
        "platform_code": grant.platform_code,
    }


def grants_of(channel: Channel) -> list[Grant]:
    """Read what a channel's row keeps."""
    return [Grant(**{**kept, "feature": Feature(kept["feature"])}) for kept in channel.grants or []]


def refusal(channel: Channel, feature: Feature, now: datetime) -> Grant | None:
    """Return the refusal of a feature, where one was found within the last day."""
    if channel.probed_at is None or now - channel.probed_at > BELIEVED:
        return None
    grants = (grant for grant in grants_of(channel) if grant.feature is feature and grant.allowed is False)
    return next(grants, None)
