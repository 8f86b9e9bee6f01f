"""Connecting a channel through the platform's consent page: begin it, and finish it once, for whom it was begun."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select

from drumtower.connections import read_credentials
from drumtower.crypto import token_hash
from drumtower.db.engine import Tx
from drumtower.db.models import Channel, ChannelAuthorization
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.domain import failures
from drumtower.domain.errors import Conflict, Forbidden, Invalid, Violation
from drumtower.domain.ids import new_id
from drumtower.domain.permissions import Permission
from drumtower.platforms import Adapter, Credentials, OAuth2, PlatformError, Token
from drumtower.platforms.oauth import GIVEN_BY_HAND, Asked, authorize_url, exchange, missing_scopes, scopes
from services.api import audit
from services.api.authorizations.schemas import AuthorizationCreate
from services.api.channels import service as channels
from services.api.deps import Services
from services.api.principals import Principal, restore

LIFE = timedelta(minutes=10)
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An authorisation under way. `browser` is for the cookie of the browser that will come back."""

    row: ChannelAuthorization
    url: str
    browser: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be connected: checked, but not yet asked of the platform."""

    adapter: Adapter
    auth: OAuth2
    values: dict[str, str]
    channel: Channel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What came back with the browser. `error`: the platform's word for a refusal."""

    platform: str
    state: str
    code: str
    error: str
    cookies: Mapping[str, str]
    principal: Principal | None  # where the request carries a credential of its own


def cookie(authorization_id: UUID) -> str:
    """Name the cookie of one authorisation: several may be under way in one browser."""
    return f"drumtower_authorization_{authorization_id.hex}"


async def begin(
    tx: Tx, principal: Principal, services: Services, asked: AuthorizationCreate, now: datetime
) -> Begun:
    """Note what is to be connected, and make the address to send the person to."""
    wanted = await _wanted(tx, principal, services, asked)
    platform = wanted.adapter.slug
    state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    verifier = secrets.token_urlsafe(48) if wanted.auth.pkce else ""
    base = services.settings.public_url.rstrip("/")
    row = ChannelAuthorization(
        id=new_id(),
        workspace_id=principal.workspace_id,
        member_id=principal.member_id,
        api_key_id=principal.api_key_id,
        platform=platform,
        base_url=asked.base_url or (wanted.channel.base_url if wanted.channel else None),
        channel_id=asked.channel_id,
        brand_id=asked.brand_id,
        name=asked.name,
        credentials=services.box.seal(wanted.values),
        verifier=services.box.seal(verifier),
        state_hash=token_hash(state),
        browser_hash=token_hash(browser),
        redirect_uri=f"{base}/v1/oauth/{platform}/callback",
        created_at=now,
        expires_at=now + LIFE,
    )
    await _forget_old(tx, principal, now)
    tx.add(row)
    audit.record(tx, principal, "channel.authorization_started", row.id, now, platform=platform)
    url = authorize_url(wanted.adapter, wanted.auth, wanted.values, _asked(row, state, verifier))
    return Begun(row=row, url=url, browser=browser, scopes=scopes(wanted.auth, wanted.values))


async def _forget_old(tx: Tx, principal: Principal, now: datetime) -> None:
    ours = ChannelAuthorization.workspace_id == principal.workspace_id
    await tx.execute(delete(ChannelAuthorization).where(ours, ChannelAuthorization.expires_at < now - KEPT))


async def _wanted(tx: Tx, principal: Principal, services: Services, asked: AuthorizationCreate) -> Wanted:
    repository = ChannelRepository(tx, principal.workspace_id)
    channel = await repository.get(asked.channel_id) if asked.channel_id else None
    _check_parts(asked, again=channel is not None)
    if asked.brand_id is not None:
        await BrandRepository(tx, principal.workspace_id).get(asked.brand_id)
    platform = channel.platform if channel else asked.platform or ""
    adapter_class = channels.adapter_class(services, platform)
    if not isinstance(adapter_class.auth, OAuth2):
        detail = f"{adapter_class.name.en} has no consent page."
        hint = "Connect it with POST /v1/channels."
        raise Invalid.at("/platform", "authorization_not_offered", detail, hint)
    kept = dict(read_credentials(services.box, channel).values) if channel else {}
    values = {name: value for name, value in (asked.credentials or kept).items() if name != GIVEN_BY_HAND}
    channels.check_fields(adapter_class, values, without=(GIVEN_BY_HAND,))
    base_url = asked.base_url or (channel.base_url if channel else None)
    adapter = services.connections.adapter(platform, base_url)
    return Wanted(adapter=adapter, auth=adapter_class.auth, values=values, channel=channel)


def _check_parts(asked: AuthorizationCreate, *, again: bool) -> None:
    needed = () if again else ("platform", "name", "brand_id", "credentials")
    unwanted = ("platform", "name", "brand_id") if again else ()
    violations = [
        Violation(pointer=f"/{name}", code="field_missing", detail=f"A new channel needs {name}.")
        for name in needed
        if getattr(asked, name) is None
    ] + [
        Violation(
            pointer=f"/{name}",
            code="field_not_allowed",
            detail=f"channel_id says which channel; its {name} does not change here.",
        )
        for name in unwanted
        if getattr(asked, name) is not None
    ]
    if violations:
        raise Invalid.of(violations)


def _asked(row: ChannelAuthorization, state: str, verifier: str) -> Asked:
    return Asked(redirect_uri=row.redirect_uri, state=state, verifier=verifier)


async def take(services: Services, returned: Returned, now: datetime) -> ChannelAuthorization:
    """Spend the state, once, for whom it was made; raise where it is not theirs, used, expired or of elsewhere."""
    if not returned.state:
        detail = "The callback has no state: it does not come from an authorisation begun here."
        raise Invalid.at("?state", "authorization_state_missing", detail)
    async with services.db.transaction() as tx:
        same = ChannelAuthorization.state_hash == token_hash(returned.state)
        row = await tx.scalar(select(ChannelAuthorization).where(same).with_for_update())
        if row is None:
            detail = "No authorisation was begun with this state, or it is long over."
            raise Invalid.at("?state", "authorization_unknown", detail, "Begin a new one.")
        _check(row, returned, now)
        row.used_at = now
    if returned.error or not returned.code:
        reason = returned.error[:100] or "no code"
        detail = f"The platform's page ended without a grant: {reason}."
        raise Invalid.at("?error", "authorization_refused", detail, "Begin a new one and agree.")
    return row


def _check(row: ChannelAuthorization, returned: Returned, now: datetime) -> None:
    if row.platform != returned.platform:
        detail = f"This authorisation was begun for {row.platform}."
        raise Invalid.at("path platform", "authorization_wrong_platform", detail)
    if not _is_theirs(row, returned):
        raise Forbidden(
            "authorization_foreign", "Another session began this authorisation; finish it in that one."
        )
    if row.used_at is not None:
        raise Conflict("authorization_used", "This authorisation has come back before. Begin a new one.")
    if row.expires_at <= now:
        raise Conflict("authorization_expired", "This authorisation is over 10 minutes old. Begin a new one.")


def _is_theirs(row: ChannelAuthorization, returned: Returned) -> bool:
    if returned.principal is not None:
        return returned.principal.id == (row.api_key_id or row.member_id)
    given = returned.cookies.get(cookie(row.id), "")
    return hmac.compare_digest(token_hash(given), row.browser_hash)


async def finish(services: Services, row: ChannelAuthorization, code: str, now: datetime) -> Channel:
    """Exchange the code, look whose account it is, and connect the channel."""
    adapter = services.connections.adapter(row.platform, row.base_url)
    found = await _identified(services, adapter, row, code)
    async with services.db.transaction() as tx:
        principal = await restore(tx, row.workspace_id, row.member_id, row.api_key_id, now)
        principal.require(Permission.CHANNELS_WRITE)
        repository = ChannelRepository(tx, row.workspace_id)
        if await repository.connected_elsewhere(row.platform, found.account.id):
            detail = "This account is connected in another workspace. Disconnect it there first."
            raise Conflict("account_taken", detail)
        if row.channel_id is not None:
            channel = await repository.get(row.channel_id, lock=True)
            await channels.reconnect(tx, principal, services, channel, found, now)
            return channel
        return await channels.create(tx, principal, services, _new(row), found, now)


def _new(row: ChannelAuthorization) -> channels.NewChannel:
    assert row.brand_id is not None
    assert row.name is not None
    return channels.NewChannel(
        platform=row.platform, name=row.name, brand_id=row.brand_id, base_url=row.base_url
    )


async def _identified(
    services: Services, adapter: Adapter, row: ChannelAuthorization, code: str
) -> channels.Identified:
    assert isinstance(adapter.auth, OAuth2)
    values: dict[str, str] = services.box.open(row.credentials)
    asked = _asked(row, "", services.box.open(row.verifier))
    try:
        token = await exchange(adapter, adapter.auth, values, code, asked)
        _check_scopes(adapter.auth, token)
        credentials = Credentials(values=values, token=token)
        account = await adapter.identify(credentials)
    except PlatformError as error:
        raise _refusal(error.failure) from error
    return channels.Identified(credentials=credentials, account=account)


def _check_scopes(auth: OAuth2, token: Token) -> None:
    if missing := missing_scopes(auth, token):
        detail = f"The grant lacks {', '.join(missing)}."
        raise Invalid.at(
            "?scope", "authorization_scope_missing", detail, "Begin again and agree to all of it."
        )


def _refusal(failure: failures.Failure) -> Exception:
    if isinstance(failure, failures.Transient | failures.RateLimited | failures.OutcomeUnknown):
        return PlatformError(failure)  # the platform's trouble, not the caller's: 502
    detail = f"The platform does not take the code: {failure.detail}"
    return Invalid.at("?code", "authorization_code_refused", detail, "Begin a new authorisation.")
