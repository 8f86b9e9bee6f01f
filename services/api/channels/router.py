"""Channels: /v1/channels. Connecting asks the platform, so authentication has a transaction of its own here."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from drumtower.connections import read_credentials
from drumtower.db.models import Channel
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.domain.audiences import MatrixRole
from drumtower.domain.errors import Invalid
from drumtower.domain.permissions import Permission
from drumtower.platforms import OAuth2
from services.api import idempotency
from services.api.channels import health, probing, service
from services.api.channels.health_schemas import ChannelCapabilitiesRead, ChannelHealthRead
from services.api.channels.schemas import ChannelCreate, ChannelRead, ChannelUpdate
from services.api.deps import BriefPrincipalDep, ClockDep, Reader, ServicesDep, TxDep, allow
from services.api.idempotency import KeyHeader
from services.api.pagination import Page, PagingDep
from services.api.platforms.service import read_capabilities
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/channels", "channels")
Writer = Annotated[Principal, Depends(allow(Permission.CHANNELS_WRITE))]


@router.get("", operation_id="channels_list", summary="List channels")
async def list_channels(
    principal: Reader,
    services: ServicesDep,
    tx: TxDep,
    paging: PagingDep,
    platform: str | None = None,
    brand_id: UUID | None = None,
    matrix_role: MatrixRole | None = None,
    status: Annotated[Literal["connected", "disconnected"] | None, Query()] = None,
    authorise_within_days: Annotated[
        int | None,
        Query(ge=1, le=365, description="Those that a person must authorise again within so long."),
    ] = None,
) -> Page[ChannelRead]:
    statement = ChannelRepository(tx, principal.workspace_id).all()
    given = {
        Channel.platform: platform,
        Channel.brand_id: brand_id,
        Channel.matrix_role: matrix_role,
        Channel.status: status,
    }
    for column, value in given.items():
        if value is not None:
            statement = statement.where(column == value)
    if authorise_within_days is not None:
        until = services.clock.now() + timedelta(days=authorise_within_days)
        statement = statement.where(Channel.authorise_by <= until)
    return await paging.page(tx, statement, Channel.id, lambda row: service.read(row, services))


@router.post(
    "",
    status_code=201,
    operation_id="channels_create",
    summary="Connect an account",
    responses=responses(409, 413, 415, 502),
)
async def create_channel(
    body: ChannelCreate,
    request: Request,
    principal: BriefPrincipalDep,
    services: ServicesDep,
    response: Response,
    idempotency_key: KeyHeader = None,
) -> ChannelRead:
    principal.require(Permission.CHANNELS_WRITE)
    found = await service.identify(services, body.platform, body.credentials, body.base_url)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        keyed = await idempotency.begin(tx, services.box, principal, request, idempotency_key, now)
        asked = service.NewChannel(**body.model_dump(exclude={"credentials"}))
        channel = await service.create(tx, principal, services, asked, found, now)
        response.headers["Location"] = f"/v1/channels/{channel.id}"
        made = service.read(channel, services)
        await keyed.remember(201, made.model_dump(mode="json"), response)
    return made


@router.get("/{channel_id}", operation_id="channels_get", summary="Read a channel")
async def get_channel(channel_id: UUID, principal: Reader, services: ServicesDep, tx: TxDep) -> ChannelRead:
    return service.read(await ChannelRepository(tx, principal.workspace_id).get(channel_id), services)


@router.get(
    "/{channel_id}/health",
    operation_id="channels_health",
    summary="Does a channel work, and what holds it back?",
)
async def get_channel_health(
    channel_id: UUID, principal: Reader, services: ServicesDep, tx: TxDep, clock: ClockDep
) -> ChannelHealthRead:
    channel = await ChannelRepository(tx, principal.workspace_id).get(channel_id)
    return await health.read_health(tx, services.limits, channel, clock.now())


@router.get(
    "/{channel_id}/capabilities",
    operation_id="channels_capabilities",
    summary="What does a channel take, and what is left of its quotas?",
)
async def get_channel_capabilities(
    channel_id: UUID, principal: Reader, services: ServicesDep, tx: TxDep, clock: ClockDep
) -> ChannelCapabilitiesRead:
    channel = await ChannelRepository(tx, principal.workspace_id).get(channel_id)
    return ChannelCapabilitiesRead(
        channel_id=channel.id,
        platform=channel.platform,
        capabilities=read_capabilities(services.registry.get(channel.platform).capabilities),
        quotas=await health.read_quotas(tx, services.limits, channel, clock.now()),
        grants=probing.read(channel, services.registry.get(channel.platform)),
        probed_at=channel.probed_at,
    )


@router.patch(
    "/{channel_id}",
    operation_id="channels_update",
    summary="Rename a channel, pace it, or connect it again",
    responses=responses(409, 413, 415, 502),
)
async def update_channel(
    channel_id: UUID, body: ChannelUpdate, principal: BriefPrincipalDep, services: ServicesDep
) -> ChannelRead:
    principal.require(Permission.CHANNELS_WRITE)
    if nulls := body.nulls():
        raise Invalid.of(nulls)
    async with services.db.transaction() as tx:
        channel = await ChannelRepository(tx, principal.workspace_id).get(channel_id)
    found = await _identified(services, channel, body)
    async with services.db.transaction() as tx:
        channel = await ChannelRepository(tx, principal.workspace_id).get(channel_id, lock=True)
        await service.change(tx, principal, channel, body, services.clock.now())
        if found is not None:
            await service.reconnect(tx, principal, services, channel, found, services.clock.now())
    return service.read(channel, services)


async def _identified(
    services: ServicesDep, channel: Channel, body: ChannelUpdate
) -> service.Identified | None:
    """Ask the platform again where the credentials or the server change."""
    if not body.model_fields_set & {"credentials", "base_url"}:
        return None
    base_url = body.base_url if "base_url" in body.model_fields_set else channel.base_url
    kept = read_credentials(services.box, channel)
    if body.credentials:
        return await service.identify(services, channel.platform, body.credentials, base_url)
    token = kept.token if isinstance(services.registry.get(channel.platform).auth, OAuth2) else None
    return await service.identify(services, channel.platform, dict(kept.values), base_url, token)


@router.post(
    "/{channel_id}/probe",
    operation_id="channels_probe",
    summary="Ask the platform whether the channel still works, and what it may do",
    responses=responses(409, 502),
)
async def probe_channel(channel_id: UUID, principal: BriefPrincipalDep, services: ServicesDep) -> ChannelRead:
    """Changes nothing on the platform. What was found stands in `GET …/capabilities`, dated, with reasons."""
    await update_channel(channel_id, ChannelUpdate(credentials=None), principal, services)
    found = await probing.ask(services.connections, channel_id)
    async with services.db.transaction() as tx:
        channel = await probing.keep(tx, principal, channel_id, found, services.clock.now())
    return service.read(channel, services)


@router.delete("/{channel_id}", operation_id="channels_disconnect", summary="Disconnect a channel")
async def disconnect_channel(
    channel_id: UUID, principal: Writer, services: ServicesDep, tx: TxDep, clock: ClockDep
) -> ChannelRead:
    """Its token goes, its history stays; what waits to be published is held until it is connected again."""
    return service.read(await service.disconnect(tx, principal, channel_id, clock.now()), services)
