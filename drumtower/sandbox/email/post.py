"""The SMTP side (aiosmtpd): STARTTLS, a login, and the steps of a transaction, each of which a fault may spoil.

A fault's path is a step: `MAIL`, `RCPT`, one recipient's `RCPT/anna@example.com`, or `DATA`, which is the answer to the letter
itself. `status` and `body` are the reply; `acts` keeps the letter and spoils the answer only.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from drumtower.sandbox.faults import Behaviour, Fault, Faults

Take = Callable[[bytes, str, list[str]], None]
LogIn = Callable[[str, str], bool]
OK = "250 OK"
logging.getLogger("mail.log").setLevel(logging.WARNING)  # the library's: below that, each line of each letter


@dataclass(frozen=True, slots=True, kw_only=True)
class PostOffice:
    """The library's handler: `take` keeps a letter, `log_in` knows the passwords."""

    faults: Faults
    take: Take
    log_in: LogIn

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        def act() -> str:
            envelope.mail_from = address
            return OK

        return await self._answer(server, "MAIL", act)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        def act() -> str:
            envelope.rcpt_tos.append(address)
            return OK

        return await self._answer(server, f"RCPT/{address}", act)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        def act() -> str:
            assert isinstance(envelope.content, bytes)
            self.take(envelope.content, str(envelope.mail_from), list(envelope.rcpt_tos))
            return "250 queued"

        return await self._answer(server, "DATA", act)

    async def _answer(self, server: SMTP, step: str, act: Callable[[], str]) -> str:
        fault = self.faults.take(step)
        if fault is None:
            return act()
        acts = fault.acts or fault.behaviour is Behaviour.DELAY
        return await _distort(fault, server, act() if acts else "")

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=self.log_in(data.login.decode(), data.password.decode()), handled=False)


async def _distort(fault: Fault, server: SMTP, right: str) -> str:
    """Return the reply, or break the connection first, so that none arrives."""
    said = f"{fault.status} {fault.body}"
    if fault.behaviour in (Behaviour.HANG, Behaviour.DELAY):
        await asyncio.sleep(fault.seconds)
    if fault.behaviour in (Behaviour.STATUS, Behaviour.DELAY):
        return right if fault.behaviour is Behaviour.DELAY else said
    assert isinstance(server.transport, asyncio.WriteTransport)
    if fault.behaviour is Behaviour.HALF:
        server.transport.write((right or said)[:2].encode())
        server.transport.close()
    else:
        server.transport.abort()
    return right


@asynccontextmanager
async def served(office: PostOffice, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve on `port` (0: a free one) and give it; without `tls` there is neither STARTTLS nor a login."""
    loop, secure = asyncio.get_running_loop(), tls is not None

    def connection() -> SMTP:
        return SMTP(
            office,
            hostname="mail.test",
            authenticator=office.authenticate,
            auth_required=secure,
            tls_context=tls,
            require_starttls=secure,
            loop=loop,
        )

    server = await loop.create_server(connection, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
