"""A real SMTP server (aiosmtpd) in the test's own loop, with TLS, a login, and answers that a test chooses."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PASSWORD = "a-password-for-tests"


@dataclass(slots=True)
class MailBox:
    """What arrived, and how the server is to answer. `drop`: keep the letter and break the connection."""

    port: int = 0
    letters: list[tuple[list[str], bytes]] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)  # by recipient
    sender: str = ""
    content: str = ""
    drop: bool = False

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender:
            return self.sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.content:
            return self.content
        assert isinstance(envelope.content, bytes)
        self.letters.append((list(envelope.rcpt_tos), envelope.content))
        if self.drop:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return "250 queued"

    def letter(self, number: int = -1) -> EmailMessage:
        found = message_from_bytes(self.letters[number][1], policy=policy.SMTP)
        assert isinstance(found, EmailMessage)
        return found


def _log_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


def certificate(directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a server's certificate for localhost; return its context and that of a client who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = directory / "cert.pem", directory / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, secret)
    return server, ssl.create_default_context(cafile=str(pem))


@asynccontextmanager
async def mail_server(tls: ssl.SSLContext | None, **options: Any) -> AsyncIterator[MailBox]:
    """Serve on a free port; without `tls` it offers no STARTTLS."""
    box, loop = MailBox(), asyncio.get_running_loop()
    secure: dict[str, Any] = {"tls_context": tls, "require_starttls": tls is not None}

    def connection() -> SMTP:
        return SMTP(
            box, hostname="mail.test", authenticator=_log_in, auth_required=tls is not None, loop=loop, **secure, **options
        )  # fmt: skip

    server = await loop.create_server(connection, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()
