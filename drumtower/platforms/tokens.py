"""Tokens that an app's secret buys: how long they live, and what it means that none is sold."""

from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from drumtower.domain import failures
from drumtower.platforms.answers import count_or_digits, required
from drumtower.platforms.errors import PlatformError, lost
from drumtower.platforms.outcomes import Token

LONGEST = timedelta(days=1)


async def bought(answer: Awaitable[Mapping[str, Any]]) -> Token:
    """Return the token of a standard answer; a refusal of the credentials means that they are wrong."""
    try:
        body = await answer
    except PlatformError as error:
        if isinstance(error.failure, failures.AuthExpired):
            raise disconnected(error.failure.detail, error.failure.platform_code) from error
        raise
    seconds = count_or_digits(body.get("expires_in"))
    if not seconds:
        raise PlatformError(lost("the token has no life", once=False))
    expires_at = datetime.now(UTC) + min(timedelta(seconds=min(seconds, 10**6)), LONGEST)
    return Token(access=required(body, "access_token"), expires_at=expires_at)


def disconnected(detail: str, code: str | None = None) -> PlatformError:
    """Make the error for credentials that only a person can put right."""
    return PlatformError(failures.Disconnected(detail=detail, platform_code=code))
