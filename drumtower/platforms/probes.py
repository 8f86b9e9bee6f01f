"""Finds out what an account may do: a harmless call that needs the permission, and what its refusal says."""

from collections.abc import Awaitable
from typing import Any

from drumtower.domain.capabilities import Feature, Grant
from drumtower.domain.failures import NotPermitted
from drumtower.platforms.errors import PlatformError


async def asked(feature: Feature, call: Awaitable[Any]) -> Grant:
    """Say what the call proves: an answer is a yes, "not permitted" a no; any other failure is raised."""
    try:
        await call
    except PlatformError as error:
        if not isinstance(error.failure, NotPermitted):
            raise
        return Grant(
            feature=feature,
            allowed=False,
            reason=error.failure.detail,
            platform_code=error.failure.platform_code,
        )
    return Grant(feature=feature, allowed=True)


def not_askable(feature: Feature, reason: str) -> Grant:
    """A permission that shows only when it is used."""
    return Grant(feature=feature, allowed=None, reason=reason)
