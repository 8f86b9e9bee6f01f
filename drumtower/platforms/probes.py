"""Finds out what an account may do: a harmless call that needs the permission, and what its refusal says."""

from collections.abc import Awaitable, Mapping
from typing import Any

from drumtower.domain.capabilities import Feature, Grant
from drumtower.domain.failures import NotPermitted
from drumtower.platforms.errors import PlatformError
from drumtower.platforms.outcomes import Token


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


def granted(token: Token | None, scopes: Mapping[Feature, str]) -> tuple[Grant, ...]:
    """Say what a token's own scopes allow; () where they are not known, as for one that was made by hand."""
    if token is None or not token.scopes:
        return ()
    return tuple(
        Grant(feature=feature, allowed=has, reason="" if has else f"The grant lacks the scope {scope}.")
        for feature, scope in scopes.items()
        for has in (scope in token.scopes,)
    )
