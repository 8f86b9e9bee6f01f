"""The mail server: letters over SMTP, the control plane over HTTP. Not here: bounces, DKIM, other people's mailboxes."""

import secrets
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from starlette.routing import BaseRoute

from drumtower.sandbox.email.certificate import Certificate, certificate_at
from drumtower.sandbox.email.letters import taken
from drumtower.sandbox.email.post import PostOffice, served
from drumtower.sandbox.platform import SandboxPlatform

RECIPIENTS = "anna@example.com, bob@example.org\ncarl@example.net"


class EmailSandbox(SandboxPlatform):
    """Every letter it took is a record in `posts`; a repeat is another one. Faults name steps: see `post`.

    The control plane's own: `POST control/accounts` opens a login and returns what a channel needs for it.
    """

    slug: ClassVar[str] = "email"

    def __init__(self, log: Path | None = None) -> None:
        super().__init__(log)
        self._kept = log.parent if log else None
        self.port = 0
        self.certificate: Certificate  # while it is running

    def routes(self) -> list[BaseRoute]:
        return []

    def control_routes(self) -> list[BaseRoute]:
        return []

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        number = self.store.next_number("account")
        address = account.get("address") or f"news{number}@gulou.example"
        password = secrets.token_hex(8)
        self.store.put("accounts", address, {"id": address})
        self.store.put("_logins", address, {"password": password})
        given = {"host": "localhost", "port": str(self.port), "username": address, "password": password}
        given |= {"from_address": address, "from_name": account.get("name") or "鼓楼茶"}
        given |= {"recipients": account.get("recipients") or RECIPIENTS}
        return {"id": address, **given, "unsubscribe": "https://gulou.example/unsubscribe?list=tea"}

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[None]:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        office = PostOffice(faults=self.faults, take=self._take, log_in=self._log_in)
        with TemporaryDirectory() as forgotten:
            self.certificate = certificate_at(self._kept or Path(forgotten))
            tls.load_cert_chain(self.certificate.public, self.certificate.key)
            async with served(office, port, tls) as self.port:
                yield

    def _take(self, raw: bytes, sender: str, recipients: list[str]) -> None:
        number = str(self.store.next_number("letter"))
        at = {"created_at": self.now().isoformat()}
        self.store.put("posts", number, taken(raw, sender, recipients) | at)

    def _log_in(self, name: str, password: str) -> bool:
        held = self.store.get("_logins", name)
        return held is not None and secrets.compare_digest(held["password"], password)
