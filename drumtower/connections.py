"""Opens a channel: its adapter, its secrets, and a token that is still good."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update

from drumtower.crypto import Box
from drumtower.db.engine import Database, persistently
from drumtower.db.models import Channel
from drumtower.domain import failures
from drumtower.domain.capabilities import Feature, Grant
from drumtower.grants import refusal
from drumtower.mail import Mailer
from drumtower.platforms import AppPassword, AppSecret, Credentials, OAuth2, PlatformError, Token, TokenSource
from drumtower.platforms.base import Adapter
from drumtower.platforms.calls import HttpClient
from drumtower.platforms.oauth import authorise_by, renewed, renews
from drumtower.platforms.registry import Registry

# One process renews a channel's token; the others wait this long for it before they try themselves.
RENEW_LEASE = timedelta(seconds=30)
RENEW_POLL = 0.1
# How long a new set waits for the database, within the lease.
KEEP_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An open channel: an adapter, and the credentials to give it."""

    channel_id: UUID
    platform: str
    adapter: Adapter
    credentials: Credentials
    not_permitted: Grant | None = None  # publishing, where a probe found that this account may not


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Opens channels, and renews their tokens: one renewal at a time per channel, across all processes."""

    db: Database
    http: HttpClient
    box: Box
    registry: Registry
    mail: Mailer = field(default_factory=Mailer)

    def adapter(self, platform: str, base_url: str | None) -> Adapter:
        """Make the platform's adapter for one server."""
        return self.registry.get(platform)(self.http, base_url, self.mail)

    async def open(self, channel_id: UUID) -> Connection:
        """Open a channel with a good token; raise PlatformError where the platform refuses to give one."""
        async with self.db.transaction() as tx:
            channel = await tx.get_one(Channel, channel_id)
        ready = self.ready(channel)
        if ready is not None:
            return ready
        adapter = self.adapter(channel.platform, channel.base_url)
        return self._connection(
            channel, adapter, await self._renewed(channel_id, adapter, stale=channel.token)
        )

    def ready(self, channel: Channel) -> Connection | None:
        """Open a channel whose row is at hand; None where its token must be renewed first."""
        adapter = self.adapter(channel.platform, channel.base_url)
        credentials = read_credentials(self.box, channel)
        if renews(adapter, credentials) and _is_stale(adapter, credentials):
            return None
        return self._connection(channel, adapter, credentials)

    def _connection(self, channel: Channel, adapter: Adapter, credentials: Credentials) -> Connection:
        return Connection(
            channel_id=channel.id,
            platform=channel.platform,
            adapter=adapter,
            credentials=credentials,
            not_permitted=refusal(channel, Feature.PUBLISH, datetime.now(UTC)),
        )

    async def renew(self, connection: Connection) -> None:
        """Drop the token that the platform refused, and get another."""
        if renews(connection.adapter, connection.credentials):
            async with self.db.transaction() as tx:
                channel = await tx.get_one(Channel, connection.channel_id)
            current = read_credentials(self.box, channel).token
            if current == connection.credentials.token:  # nobody renewed it in the meantime
                await self._renewed(connection.channel_id, connection.adapter, stale=channel.token)

    async def identify(
        self, adapter: Adapter, values: dict[str, str], token: Token | None = None
    ) -> tuple[Credentials, Any]:
        """Try new credentials: return them with a first token, and the account behind them."""
        credentials = Credentials(values=values, token=token)
        if isinstance(adapter, TokenSource):
            credentials = Credentials(values=values, token=await adapter.token(credentials))
        return credentials, await adapter.identify(credentials)

    async def _renewed(self, channel_id: UUID, adapter: Adapter, *, stale: bytes | None) -> Credentials:
        deadline = datetime.now(UTC) + RENEW_LEASE
        while datetime.now(UTC) < deadline:
            channel, mine = await self._take_lease(channel_id, stale)
            if channel.token != stale:
                return read_credentials(self.box, channel)
            if mine:
                return await self._buy(channel, adapter)
            await asyncio.sleep(RENEW_POLL)
        raise PlatformError(failures.Transient(detail="the channel's token is being renewed elsewhere"))

    async def _take_lease(self, channel_id: UUID, stale: bytes | None) -> tuple[Channel, bool]:
        now = datetime.now(UTC)
        free = or_(Channel.token_lease_until.is_(None), Channel.token_lease_until < now)
        same = Channel.token.is_(None) if stale is None else Channel.token == stale
        async with self.db.transaction() as tx:
            taken = await tx.scalar(
                update(Channel)
                .where(Channel.id == channel_id, free, same)
                .values(token_lease_until=now + RENEW_LEASE)
                .returning(Channel.id)
            )
            found = await tx.execute(select(Channel).where(Channel.id == channel_id))
            return found.scalar_one(), taken is not None

    async def _buy(self, channel: Channel, adapter: Adapter) -> Credentials:
        """Get a token that is good; until it is proved, nothing takes the place of the old one."""
        old = read_credentials(self.box, channel)
        try:
            token = await self._left(channel, adapter, old) or await self._bought(channel, adapter, old)
        except BaseException:
            await self._save(channel.id, {"token_lease_until": None})
            raise
        taken = token_columns(self.box, adapter, token)
        await self._save(channel.id, {**taken, "token_next": None, "token_lease_until": None})
        return replace(old, token=token)

    async def _left(self, channel: Channel, adapter: Adapter, old: Credentials) -> Token | None:
        """Return the set that somebody bought and died before it was proved, if it is good."""
        left = _token(self.box.open(channel.token_next)) if channel.token_next else None
        if left is None or _is_stale(adapter, replace(old, token=left)):
            return None
        try:
            await _prove(channel, adapter, replace(old, token=left))
        except PlatformError as error:
            if isinstance(error.failure, failures.AuthExpired):
                return None
            raise
        return left

    async def _bought(self, channel: Channel, adapter: Adapter, old: Credentials) -> Token:
        """Ask the platform for another token, with the newest set that it takes."""
        token = _usable(await renewed(adapter, self._newest(channel, old)), old.token)
        if old.token is None or token.refresh == old.token.refresh:
            return token  # nothing that the old set could still do is lost
        # The platform may have voided the old set with this answer: keep the new one before anything else.
        sealed = {"token_next": seal_token(self.box, token)}
        await persistently(lambda: self._save(channel.id, sealed), KEEP_SECONDS)
        try:
            await _prove(channel, adapter, replace(old, token=token))
        except PlatformError as error:
            if isinstance(error.failure, failures.AuthExpired | failures.Disconnected):
                await self._save(channel.id, {"token_next": None})
            raise
        return token

    def _newest(self, channel: Channel, old: Credentials) -> Credentials:
        left = _token(self.box.open(channel.token_next)) if channel.token_next else None
        return replace(old, token=left) if left else old

    async def _save(self, channel_id: UUID, values: dict[str, Any]) -> None:
        async with self.db.transaction() as tx:
            await tx.execute(update(Channel).where(Channel.id == channel_id).values(**values))


def read_credentials(box: Box, channel: Channel) -> Credentials:
    """Decrypt a channel's credentials."""
    stored = box.open(channel.token) if channel.token else None
    return Credentials(
        values=box.open(channel.credentials), account_id=channel.account_id, token=_token(stored)
    )


def seal_token(box: Box, token: Token | None) -> bytes | None:
    """Encrypt a token for its channel."""
    return None if token is None else box.seal(_token_json(token))


def token_columns(box: Box, adapter: type[Adapter] | Adapter, token: Token | None) -> dict[str, Any]:
    """Return what a channel's row keeps of its token."""
    return {
        "token": seal_token(box, token),
        "token_expires_at": token.expires_at if token else None,
        "authorise_by": authorise_by(adapter, token),
    }


async def _prove(channel: Channel, adapter: Adapter, credentials: Credentials) -> None:
    """Ask the platform whose token this is; raise PlatformError where it is no good, or somebody else's."""
    account = await adapter.identify(credentials)
    if account.id != channel.account_id:
        detail = "the platform renewed the token with another account's"
        raise PlatformError(failures.Disconnected(detail=detail))


def _usable(token: Token, old: Token | None) -> Token:
    """Return an answered token that can replace `old`; an empty one replaces nothing."""
    # Judged by no clock: this machine's may be hours wrong, and the platform's word is good.
    if not token.access.strip() or not token.access.isprintable():
        raise PlatformError(failures.Transient(detail="the platform gave no usable token"))
    # RFC 6749, section 6: without a new refresh token, the old one goes on.
    refresh = (token.refresh or "").strip() or (old.refresh if old else None)
    return replace(token, refresh=refresh)


def _token_json(token: Token) -> dict[str, str | None]:
    expires = token.expires_at.isoformat() if token.expires_at else None
    ends = token.refresh_expires_at.isoformat() if token.refresh_expires_at else None
    kept = {"access": token.access, "expires_at": expires, "refresh": token.refresh}
    kept |= {"refresh_expires_at": ends, "scopes": " ".join(token.scopes)}
    return kept | {"account_id": token.account_id, "extended": str(token.extended)}


def _token(stored: dict[str, str] | None) -> Token | None:
    if stored is None:
        return None
    # Tokens of an earlier release lack the last four.
    ends = stored.get("refresh_expires_at")
    return Token(
        access=stored["access"],
        expires_at=datetime.fromisoformat(stored["expires_at"]) if stored["expires_at"] else None,
        refresh=stored["refresh"],
        refresh_expires_at=datetime.fromisoformat(ends) if ends else None,
        scopes=tuple((stored.get("scopes") or "").split()),
        account_id=stored.get("account_id") or "",
        extended=int(stored.get("extended") or 0),
    )


def _is_stale(adapter: Adapter, credentials: Credentials) -> bool:
    if credentials.token is None:
        return True
    auth = adapter.auth
    ahead = auth.renew_before if isinstance(auth, AppSecret | AppPassword | OAuth2) else timedelta()
    expires = credentials.token.expires_at
    return expires is not None and expires - ahead < datetime.now(UTC)
