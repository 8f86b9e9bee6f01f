"""The outcome rule for mail: what each step's refusal asks of us.

Before the letter leaves nothing has happened. A reply to it is the server's word: 4xx and 5xx mean that it did not take it
(RFC 5321, 4.2.1). A connection that breaks after the letter began to leave proves nothing.
"""

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from drumtower.domain import failures
from drumtower.mail import Lost, MailError, Refused, Reply, Step, Unsafe
from drumtower.platforms.errors import PlatformError
from drumtower.telemetry import mask

T = TypeVar("T")
TOO_LARGE, CLOSING, LOGIN_NEEDED = 552, 421, 530
THROTTLED = timedelta(minutes=15)


async def posted(call: Awaitable[T], secret: str) -> T:
    """Return what the call returns; its failures as PlatformError, without the `secret`."""
    try:
        return await call
    except MailError as error:
        # Without its cause: that shows the server's words as they came, and servers repeat what they were told.
        raise PlatformError(_failure(error, secret)) from None


def _failure(error: MailError, secret: str) -> failures.Failure:
    match error:
        case Refused(step=step, reply=reply):
            return refusal(step, reply, secret)
        case Lost():
            return failures.OutcomeUnknown(detail=f"the mail server may have the letter: {error}")
        case Unsafe():
            return failures.Disconnected(detail=f"the mail server is not safe: {error}")
        case _:
            return failures.Transient(detail=f"not sent: {error}")


def refusal(step: Step, reply: Reply, secret: str = "") -> failures.Failure:
    """Return what a server's no asks of us."""
    said = mask(reply.text.replace(secret, "***") if secret else reply.text)[:300]
    detail, code = f"the mail server refuses ({step}): {reply.code} {said}", str(reply.code)
    if reply.code == CLOSING or (reply.is_for_now and said.startswith("4.7.")):
        until = datetime.now(UTC) + THROTTLED
        return failures.RateLimited(detail=detail, platform_code=code, until=until)
    if reply.is_for_now:
        return failures.Transient(detail=detail, platform_code=code, after=timedelta(minutes=1))
    if step is Step.LOGIN or reply.code == LOGIN_NEEDED:
        return failures.AuthExpired(detail=detail, platform_code=code)
    if step is Step.CONTENT or reply.code == TOO_LARGE:
        return failures.ContentRejected(detail=detail, platform_code=code)
    return failures.NotPermitted(detail=detail, platform_code=code)
