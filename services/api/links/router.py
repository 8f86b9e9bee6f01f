"""Links: /v1/links."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from drumtower.db.models import Link
from drumtower.db.repositories.links import Followed, LinkRepository
from drumtower.domain.permissions import Permission
from services.api.deps import ClockDep, Reader, ServicesDep, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.links import service
from services.api.links.schemas import LinkCreate, LinkRead, LinkUpdate
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/links", "links")
Writer = Annotated[Principal, Depends(allow(Permission.LINKS_WRITE))]


@router.get("", operation_id="links_list", summary="List links")
async def list_links(
    principal: Reader,
    services: ServicesDep,
    tx: TxDep,
    paging: PagingDep,
    channel_id: UUID | None = None,
    post_id: UUID | None = None,
    placement: str | None = None,
) -> Page[LinkRead]:
    links = LinkRepository(tx, principal.workspace_id)
    statement = links.all()
    given = {Link.channel_id: channel_id, Link.post_id: post_id, Link.placement: placement}
    for column, value in given.items():
        if value is not None:
            statement = statement.where(column == value)
    rows, cursor = await paging.rows(tx, statement, Link.id)
    followed = await links.followed([link.id for link in rows])
    base = services.settings.public_url
    return Page(data=[service.read(link, followed[link.id], base) for link in rows], next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    operation_id="links_create",
    summary="Create a tracked link",
    responses=responses(409, 413, 415),
)
async def create_link(
    body: LinkCreate,
    principal: Writer,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> LinkRead:
    link = await service.create(tx, principal, body, clock.now())
    response.headers["Location"] = f"/v1/links/{link.id}"
    return service.read(link, Followed(), services.settings.public_url)


@router.get("/{link_id}", operation_id="links_get", summary="Read a link")
async def get_link(link_id: UUID, principal: Reader, services: ServicesDep, tx: TxDep) -> LinkRead:
    links = LinkRepository(tx, principal.workspace_id)
    link = await links.get(link_id)
    return service.read(link, (await links.followed([link.id]))[link.id], services.settings.public_url)


@router.patch(
    "/{link_id}", operation_id="links_update", summary="Rename a link", responses=responses(409, 413, 415)
)
async def update_link(
    link_id: UUID, body: LinkUpdate, principal: Writer, services: ServicesDep, tx: TxDep, clock: ClockDep
) -> LinkRead:
    link = await service.update(tx, principal, link_id, body, clock.now())
    followed = await LinkRepository(tx, principal.workspace_id).followed([link.id])
    return service.read(link, followed[link.id], services.settings.public_url)


@router.get(
    "/{link_id}/qr.svg",
    operation_id="links_qr",
    summary="Read a link's QR code",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}, "description": "An SVG image."}},
)
async def get_qr(link_id: UUID, principal: Reader, services: ServicesDep, tx: TxDep) -> Response:
    link = await LinkRepository(tx, principal.workspace_id).get(link_id)
    address = service.short_url(link, services.settings.public_url)
    return Response(service.qr_code(address), media_type="image/svg+xml")
