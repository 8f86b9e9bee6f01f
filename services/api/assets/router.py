"""Assets: /v1/assets. Cleaning a picture takes a while, so authentication has a transaction of its own here."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from drumtower.db.models import Asset
from drumtower.db.repositories.assets import AssetRepository
from drumtower.domain.permissions import Permission
from services.api import etags, idempotency
from services.api.assets import service, serving
from services.api.assets.filters import FiltersDep
from services.api.assets.forms import read_upload
from services.api.assets.schemas import AssetRead, AssetUpdate, upload_body
from services.api.deps import BriefPrincipalDep, Reader, Services, ServicesDep, TxDep, allow
from services.api.editing import Edit, edits
from services.api.idempotency import KeyHeader
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/assets", "assets")
Writer = Annotated[Principal, Depends(allow(Permission.ASSETS_WRITE))]


@router.get("", operation_id="assets_list", summary="List assets")
async def list_assets(
    principal: Reader,
    tx: TxDep,
    paging: PagingDep,
    filters: FiltersDep,
) -> Page[AssetRead]:
    statement = filters.apply(AssetRepository(tx, principal.workspace_id).all())
    return await paging.page(tx, statement, Asset.id, AssetRead.model_validate)


@router.post(
    "",
    status_code=201,
    operation_id="assets_upload",
    summary="Upload a file",
    openapi_extra=upload_body(),
    responses={
        200: {
            "model": AssetRead,
            "description": "The workspace has this content already; here it is, unchanged.",
        },
        **responses(400, 409, 413, 415),
    },
)
async def upload_asset(
    request: Request,
    principal: BriefPrincipalDep,
    services: ServicesDep,
    response: Response,
    idempotency_key: KeyHeader = None,
) -> AssetRead:
    """Store a picture, video, sound or PDF, written anew: without place, device, author and whatever acts by itself.

    Pictures are decoded and turned upright; the tracks of video and sound are copied as they are. What a file is is found
    by looking, not taken from its name or its declared type. The same content again answers 200 with the asset that is
    there; fields sent with it are not applied (PATCH it).
    """
    principal.require(Permission.ASSETS_WRITE)
    async with read_upload(request, services.settings) as upload:
        await _answer_repeats(request, principal, services, idempotency_key, upload.fingerprint)
        async with service.clean(services, upload) as cleaned:
            stored = await service.store(services, principal, cleaned)
    now = services.clock.now()
    async with services.db.transaction() as tx:
        keyed = await idempotency.begin(
            tx, services.box, principal, request, idempotency_key, now, upload.fingerprint
        )
        asset, is_new = await service.add(tx, principal, upload, stored, now)
        response.status_code = 201 if is_new else 200
        response.headers["Location"] = f"/v1/assets/{asset.id}"
        etags.set_etag(response, service.revision(asset))
        made = AssetRead.model_validate(asset)
        await keyed.remember(201, made.model_dump(mode="json"), response)
    return made


async def _answer_repeats(
    request: Request, principal: Principal, services: Services, key: str | None, fingerprint: bytes
) -> None:
    """Replay or refuse before anything is decoded or stored; what is not a repeat leaves no trace here."""
    async with services.db.transaction() as tx:
        now = services.clock.now()
        await idempotency.begin(tx, services.box, principal, request, key, now, fingerprint)


@router.get("/{asset_id}", operation_id="assets_get", summary="Read an asset")
async def get_asset(asset_id: UUID, principal: Reader, tx: TxDep, response: Response) -> AssetRead:
    asset = await AssetRepository(tx, principal.workspace_id).get(asset_id)
    etags.set_etag(response, service.revision(asset))
    return AssetRead.model_validate(asset)


@router.patch(
    "/{asset_id}",
    operation_id="assets_update",
    summary="Change what is known about an asset",
    responses=responses(409, 412, 413, 415),
)
async def update_asset(
    asset_id: UUID, body: AssetUpdate, edit: Annotated[Edit, Depends(edits(Permission.ASSETS_WRITE))]
) -> AssetRead:
    asset = await service.update(edit, asset_id, body)
    return edit.answer(service.revision(asset), AssetRead.model_validate(asset))


@router.get(
    "/{asset_id}/content",
    operation_id="assets_content",
    summary="Download an asset",
    response_class=Response,
    responses=serving.FILE,
)
async def get_content(
    asset_id: UUID,
    principal: BriefPrincipalDep,
    services: ServicesDep,
    if_none_match: serving.IfNoneMatch = None,
    wanted: serving.Range = None,
) -> Response:
    principal.require(Permission.WORKSPACE_READ)
    asset = await service.find(services, principal, asset_id)
    return await serving.send(services, asset, if_none_match, wanted)


@router.get(
    "/{asset_id}/renditions",
    operation_id="assets_rendition",
    summary="Download a smaller version",
    response_class=Response,
    responses={
        200: {"description": "A WebP.", "content": {"image/webp": serving.BINARY}},
        **serving.UNCHANGED,
    },
)
async def get_rendition(
    asset_id: UUID,
    principal: BriefPrincipalDep,
    services: ServicesDep,
    width: Annotated[Literal["160", "320", "640", "1280"], Query(description="Pixels, at most.")],
    if_none_match: serving.IfNoneMatch = None,
) -> Response:
    """Return a WebP no wider than `width`; a picture that is smaller keeps its size, an animation stands still."""
    principal.require(Permission.WORKSPACE_READ)
    asset = await service.find(services, principal, asset_id)
    tag = etags.etag(f"{asset.sha256}-{width}")
    if etags.is_known(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    content = await service.rendition(services, asset, int(width))
    return Response(content, 200, serving.headers(tag, f"{width}-{asset.file_name}.webp"), "image/webp")
