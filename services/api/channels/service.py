"""Connecting accounts. The platform is asked first, with no transaction open; then one transaction writes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drumtower.connections import token_columns
from drumtower.db.engine import Tx
from drumtower.db.models import Channel, Delivery
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.deliveries import move
from drumtower.db.repositories.freezes import taken_on
from drumtower.domain import failures
from drumtower.domain.deliveries import Action, Event, State
from drumtower.domain.errors import Conflict, Invalid, Violation
from drumtower.domain.freezes import ANSWERS, Gaps, first_free
from drumtower.domain.ids import new_id
from drumtower.platforms import Adapter, Credentials, PlatformError, RemoteAccount, Token, WebhookReceiver
from drumtower.platforms.oauth import GIVEN_BY_HAND
from services.api import audit
from services.api.channels.schemas import ChannelRead, ChannelUpdate
from services.api.deliveries.handoffs import owner_violations
from services.api.deps import Services
from services.api.principals import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """Credentials that the platform took, and the account behind them."""

    credentials: Credentials
    account: RemoteAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChannel:
    """What a new channel is to be."""

    platform: str
    name: str
    brand_id: UUID
    base_url: str | None


def read(channel: Channel, services: Services) -> ChannelRead:
    """Return a channel as clients see it."""
    adapter = services.registry.adapters.get(channel.platform)
    told = adapter is not None and issubclass(adapter, WebhookReceiver)
    base = services.settings.public_url.rstrip("/")
    url = f"{base}/v1/webhooks/{channel.platform}/{channel.id}" if told else None
    fields = {name: getattr(channel, name) for name in ChannelRead.model_fields if name != "webhook_url"}
    return ChannelRead(**fields, webhook_url=url)


async def identify(
    services: Services,
    platform: str,
    values: dict[str, str],
    base_url: str | None,
    token: Token | None = None,
) -> Identified:
    """Ask the platform whose credentials these are; raise Invalid where they are incomplete or refused.

    `token`: the one that an authorisation gave, which no owner can type in again.
    """
    given = (GIVEN_BY_HAND,) if token else ()
    check_fields(adapter_class(services, platform), values, without=given)
    adapter = services.connections.adapter(platform, base_url)
    try:
        credentials, account = await services.connections.identify(adapter, values, token)
    except PlatformError as error:
        raise _refusal(error.failure) from error
    return Identified(credentials=credentials, account=account)


def adapter_class(services: Services, platform: str) -> type[Adapter]:
    """Return a platform's adapter; raise Invalid for a platform nobody speaks."""
    found = services.registry.adapters.get(platform)
    if found is None:
        known = ", ".join(sorted(services.registry.adapters))
        raise Invalid.at(
            "/platform", "unknown_platform", f"There is no platform {platform!r}.", f"Known: {known}."
        )
    return found


def _refusal(failure: failures.Failure) -> Exception:
    if isinstance(failure, failures.Transient | failures.RateLimited | failures.OutcomeUnknown):
        return PlatformError(failure)  # the platform's trouble, not the caller's: 502
    return Invalid.at(
        "/credentials",
        "credentials_refused",
        f"The platform refuses them: {failure.detail}",
        "Check them in the platform's console.",
    )


def check_fields(adapter: type[Adapter], values: dict[str, str], without: tuple[str, ...] = ()) -> None:
    """Raise Invalid where a credential is missing or unknown; `without` are not asked for."""
    known = {field.name: field for field in adapter.auth.fields if field.name not in without}
    violations = [
        Violation(
            pointer=f"/credentials/{name}",
            code="field_missing",
            detail=f"{adapter.slug} needs {field.label.en}.",
        )
        for name, field in known.items()
        if field.required and name not in values
    ] + [
        Violation(
            pointer=f"/credentials/{name}",
            code="unknown_field",
            detail=f"{adapter.slug} takes no {name!r}.",
            hint=f"Known: {', '.join(known)}.",
        )
        for name in values
        if name not in known
    ]
    if violations:
        raise Invalid.of(violations)


async def create(
    tx: Tx, principal: Principal, services: Services, asked: NewChannel, found: Identified, now: datetime
) -> Channel:
    """Add the channel; raise Conflict where this account is connected already."""
    channels = ChannelRepository(tx, principal.workspace_id)
    await BrandRepository(tx, principal.workspace_id).get(asked.brand_id)
    if await channels.by_account(asked.platform, found.account.id) is not None:
        raise Conflict("channel_exists", "This account is connected already. Change that channel instead.")
    channel = Channel(
        id=new_id(),
        workspace_id=principal.workspace_id,
        brand_id=asked.brand_id,
        platform=asked.platform,
        name=asked.name,
        base_url=asked.base_url,
        created_at=now,
        account_id=found.account.id,
        **_connected(services, asked.platform, found, now),
    )
    tx.add(channel)
    audit.record(tx, principal, "channel.connected", channel.id, now, platform=channel.platform)
    return channel


def _connected(services: Services, platform: str, found: Identified, now: datetime) -> dict[str, Any]:
    token = found.credentials.token
    return {
        "account_name": found.account.name,
        "account_url": found.account.url,
        "status": "connected",
        "status_detail": None,
        "credentials": services.box.seal(dict(found.credentials.values)),
        **token_columns(services.box, services.registry.get(platform), token),
        "token_next": None,
        "token_lease_until": None,
        "updated_at": now,
    }


async def reconnect(
    tx: Tx, principal: Principal, services: Services, channel: Channel, found: Identified, now: datetime
) -> None:
    """Take new credentials for the same account, and release what was held for want of them."""
    if found.account.id != channel.account_id:
        raise Conflict(
            "wrong_account",
            f"These credentials belong to {found.account.name!r}, the channel to {channel.account_name!r}.",
        )
    for name, value in _connected(services, channel.platform, found, now).items():
        setattr(channel, name, value)
    audit.record(tx, principal, "channel.reconnected", channel.id, now)
    held = [
        delivery
        for delivery in await ChannelRepository(tx, principal.workspace_id).held(channel.id)
        if (delivery.error or {}).get("code") == "channel_disconnected"
    ]
    held.sort(key=lambda delivery: (delivery.due_at, delivery.id))
    for actions in (ANSWERS, frozenset(Action) - ANSWERS):
        lane = [delivery for delivery in held if Action(delivery.action) in actions]
        await _release(tx, services, lane, actions, now)


async def _release(
    tx: Tx, services: Services, lane: list[Delivery], actions: frozenset[Action], now: datetime
) -> None:
    """Let held deliveries go at their time, and what is overdue one by one: never in a burst."""
    if not lane:
        return
    gaps = Gaps(publish=services.settings.release_gap, answer=services.settings.release_answer_gap)
    gap = gaps.of(Action(lane[0].action))
    taken = await taken_on(tx, lane[0].channel_id, actions, now - gap)
    for delivery in lane:
        at = delivery.due_at if delivery.due_at > now else first_free(now, gap, taken)
        taken.append(at)
        await move(tx, delivery, Event.RELEASE, now, error=None, next_at=at)


async def change(tx: Tx, principal: Principal, channel: Channel, asked: ChannelUpdate, now: datetime) -> None:
    """Set what was sent, and say which fields changed; raise Invalid for an owner who may not publish."""
    found = await owner_violations(tx, channel.workspace_id, asked.handoff_owner_id, "/handoff_owner_id", now)
    if found:
        raise Invalid.of(found)
    sent = {name: getattr(asked, name) for name in asked.model_fields_set - {"credentials"}}
    fields = sorted(name for name, value in sent.items() if getattr(channel, name) != value)
    for name in fields:
        setattr(channel, name, sent[name])
    if fields:
        audit.record(tx, principal, "channel.updated", channel.id, now, fields=fields)


async def disconnect(tx: Tx, principal: Principal, channel_id: UUID, now: datetime) -> Channel:
    """Take the channel out of use: its secrets go, its history stays, what waits is held."""
    channels = ChannelRepository(tx, principal.workspace_id)
    channel = await channels.get(channel_id, lock=True)
    channel.status = "disconnected"
    channel.status_detail = "disconnected by a member"
    channel.token = channel.token_next = None
    channel.updated_at = now
    for delivery in await channels.waiting(channel.id):
        await _hold(tx, delivery, now)
    audit.record(tx, principal, "channel.disconnected", channel.id, now)
    return channel


async def _hold(tx: Tx, delivery: Delivery, now: datetime) -> None:
    error = {
        "code": "channel_disconnected",
        "detail": "The channel was disconnected.",
        "hint": failures.HINTS["channel_disconnected"],
    }
    if State(delivery.state) is not State.HELD:
        await move(tx, delivery, Event.HOLD, now, error=error)
