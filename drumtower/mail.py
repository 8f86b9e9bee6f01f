"""The one way mail leaves this process: SMTP over TLS, step by step, so that "never sent" and "maybe sent" are told apart.

The same guard as for HTTP: only public addresses are dialled, and nothing leaves after the lease's deadline. Without TLS no
password and no letter leaves.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from drumtower.http import deadline, is_public
from drumtower.settings import Settings

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 20.0
TLS_PORT = 465  # TLS from the first byte; on every other port STARTTLS is asked for, and insisted on


class Step(StrEnum):
    """Where in a transaction the server said no."""

    GREETING = "greeting"
    LOGIN = "login"
    SENDER = "sender"
    CONTENT = "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A submission server and a login to it."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server said."""

    code: int
    text: str

    @property
    def is_for_now(self) -> bool:
        """It may be tried again (4xx)."""
        return 400 <= self.code < 500


class MailError(Exception):
    """A letter that did not go, or may not have gone."""


class NotSent(MailError):
    """Nothing of the letter left."""


class Unsafe(NotSent):
    """The server offers no TLS, or a certificate that proves nothing."""


class Lost(MailError):
    """The connection broke after the letter began to leave: the server may have it."""


class Refused(MailError):
    """The server said no; nobody got the letter."""

    def __init__(self, step: Step, reply: Reply) -> None:
        super().__init__(f"{step}: {reply.code} {reply.text}")
        self.step = step
        self.reply = reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    """Opens a connection for each letter. `allow_private` is for tests and self-hosted servers only."""

    allow_private: bool = False
    tls: ssl.SSLContext | None = None
    answer_seconds: float = ANSWER_SECONDS

    async def check(self, server: MailServer, sender: str) -> None:
        """Find out whether this login may send under this address; raise as `send` does."""
        async with self._session(server, sender) as smtp:
            with _nothing_sent(Step.SENDER):
                await smtp.mail(sender)
                await smtp.rset()

    async def send(
        self, server: MailServer, sender: str, recipients: Sequence[str], letter: bytes
    ) -> dict[str, Reply]:
        """Send one letter in one transaction; return the recipients that were refused: the others have it.

        Where all are refused nothing is sent. Raises NotSent, Unsafe, Refused, Lost.
        """
        async with self._session(server, sender) as smtp:
            with _nothing_sent(Step.SENDER):
                size = [f"SIZE={len(letter)}"] if smtp.supports_extension("size") else []
                await smtp.mail(sender, options=size)
                refused = await _refused(smtp, recipients)
            if len(refused) < len(recipients):
                limit = deadline.get()
                if limit is not None and time.monotonic() > limit:
                    raise NotSent("the lease ran out before sending")
                await _hand_over(smtp, letter)
        return refused

    @asynccontextmanager
    async def _session(self, server: MailServer, sender: str) -> AsyncIterator[SMTP]:
        with _nothing_sent(Step.GREETING):
            smtp = SMTP(
                hostname=server.host,
                sock=await self._connect(server),
                use_tls=server.port == TLS_PORT,
                start_tls=False,
                tls_context=self.tls or _certificates(),
                timeout=self.answer_seconds,
                local_hostname=sender.rpartition("@")[2],
            )
            await smtp.connect()
        try:
            with _nothing_sent(Step.GREETING):
                await self._secure(smtp, server)
            with _nothing_sent(Step.LOGIN):
                await smtp.login(server.username, server.password)
            yield smtp
            with suppress(SMTPException, OSError):
                await smtp.quit()
        finally:
            smtp.close()

    async def _secure(self, smtp: SMTP, server: MailServer) -> None:
        if server.port == TLS_PORT:
            return
        await smtp.ehlo()
        if not smtp.supports_extension("starttls"):
            raise Unsafe("the server offers no STARTTLS")
        await smtp.starttls()

    async def _connect(self, server: MailServer) -> socket.socket:
        """Dial what the name resolves to, so that the address that was checked is the one that is dialled."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
        allowed = [one for one in found if self.allow_private or is_public(str(one[4][0]))]
        for family, kind, protocol, _, address in allowed:
            dialled = socket.socket(family, kind, protocol)
            dialled.setblocking(False)
            try:
                await asyncio.wait_for(loop.sock_connect(dialled, address), CONNECT_SECONDS)
            except (OSError, TimeoutError):
                dialled.close()
                continue
            return dialled
        raise NotSent(f"{server.host} can't be reached, or has no public address")


async def _refused(smtp: SMTP, recipients: Sequence[str]) -> dict[str, Reply]:
    refused: dict[str, Reply] = {}
    for recipient in recipients:
        try:
            await smtp.rcpt(recipient)
        except SMTPRecipientRefused as error:
            refused[recipient] = Reply(code=error.code, text=error.message)
    return refused


async def _hand_over(smtp: SMTP, letter: bytes) -> None:
    try:
        await smtp.data(letter)
    except SMTPDataError as error:
        if not _says_no(error):
            raise Lost(f"an odd reply: {error.code}") from error
        raise Refused(Step.CONTENT, Reply(code=error.code, text=error.message)) from error
    except (SMTPException, OSError) as error:
        raise Lost(type(error).__name__) from error


@contextmanager
def _nothing_sent(step: Step) -> Iterator[None]:
    """Name what goes wrong before the letter leaves."""
    try:
        yield
    except SMTPAuthenticationError as error:
        raise Refused(Step.LOGIN, Reply(code=error.code, text=error.message)) from error
    except (SMTPServerDisconnected, SMTPTimeoutError) as error:
        if _is_about_tls(error):
            raise Unsafe("its certificate proves nothing") from error
        raise NotSent(type(error).__name__) from error
    except SMTPResponseException as error:
        if not _says_no(error):
            raise NotSent(f"an odd reply: {error.code}") from error
        raise Refused(step, Reply(code=error.code, text=error.message)) from error
    except (SMTPException, OSError, TimeoutError, ValueError) as error:
        if _is_about_tls(error):
            raise Unsafe("its certificate proves nothing") from error
        raise NotSent(type(error).__name__) from error


def _says_no(error: SMTPResponseException) -> bool:
    """Only 4xx and 5xx do (RFC 5321, 4.2.1); anything else proves nothing."""
    return 400 <= error.code < 600


def _is_about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


def trusting(authority: Path) -> ssl.SSLContext:
    """Trust whom the machine trusts, and this authority (PEM)."""
    context = ssl.create_default_context()
    context.load_verify_locations(authority)
    return context


def mailer(settings: Settings) -> Mailer:
    """Return the mailer of a process."""
    tls = trusting(settings.mail_authority) if settings.mail_authority else None
    return Mailer(allow_private=settings.allow_private_addresses, tls=tls)
