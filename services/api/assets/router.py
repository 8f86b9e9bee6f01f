"""Assets: /v1/assets. Cleaning a picture takes a while, so authentication has a transaction of its own here."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from drumtower.db.models import Asset
from drumtower.db.repositories.assets import AssetRepository
from drumtower.domain.permissions import Permission
from services.api import etags, idempotency
from services.api.assets import ranges, service
from services.api.assets.forms import read_upload
from services.api.assets.names import EXTENSIONS, attachment
from services.api.assets.schemas import AssetKind, AssetRead, AssetUpdate, upload_body
from services.api.deps import BriefPrincipalDep, ClockDep, Reader, Services, ServicesDep, TxDep, allow
from services.api.idempotency import KeyHeader
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/assets", "assets")
Writer = Annotated[Principal, Depends(allow(Permission.ASSETS_WRITE))]
IfMatch = Annotated[str | None, Header(description="The ETag you have read; 412 where it has changed.")]
IfNoneMatch = Annotated[str | None, Header(description="An ETag you have; 304 where it is still true.")]
ContentType = Annotated[str, Query(max_length=100, description="The exact type, such as `video/mp4`.")]
Range = Annotated[
    str | None,
    Header(alias="range", description="`bytes=0-1023`: some of the bytes, 206; several ranges get all."),
]

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "You have it already."}}


@router.get("", operation_id="assets_list", summary="List assets")
async def list_assets(
    principal: Reader,
    tx: TxDep,
    paging: PagingDep,
    kind: AssetKind | None = None,
    content_type: ContentType | None = None,
) -> Page[AssetRead]:
    statement = AssetRepository(tx, principal.workspace_id).all()
    if kind is not None:
        statement = statement.where(Asset.kind == kind)
    if content_type is not None:
        statement = statement.where(Asset.content_type == content_type)
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
    asset_id: UUID,
    body: AssetUpdate,
    principal: Writer,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    if_match: IfMatch = None,
) -> AssetRead:
    asset = await service.update(tx, principal, asset_id, body, if_match, clock.now())
    etags.set_etag(response, service.revision(asset))
    return AssetRead.model_validate(asset)


@router.get(
    "/{asset_id}/content",
    operation_id="assets_content",
    summary="Download an asset",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": dict.fromkeys(EXTENSIONS, _BINARY),
        },
        206: {"description": "The bytes that were asked for."},
        **_UNCHANGED,
        **responses(416),
    },
)
async def get_content(
    asset_id: UUID,
    principal: BriefPrincipalDep,
    services: ServicesDep,
    if_none_match: IfNoneMatch = None,
    wanted: Range = None,
) -> Response:
    principal.require(Permission.WORKSPACE_READ)
    asset = await service.find(services, principal, asset_id)
    tag = etags.etag(asset.sha256)
    if etags.is_known(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    some = ranges.asked(wanted, asset.size)
    start, end = some or (0, asset.size)
    headers = {**_headers(tag, asset.file_name), "Accept-Ranges": "bytes", "Content-Length": str(end - start)}
    if some:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{asset.size}"
    pieces = await service.chunks(services, asset, start, end)
    return StreamingResponse(pieces, 206 if some else 200, headers, asset.content_type)


@router.get(
    "/{asset_id}/renditions",
    operation_id="assets_rendition",
    summary="Download a smaller version",
    response_class=Response,
    responses={200: {"description": "A WebP.", "content": {"image/webp": _BINARY}}, **_UNCHANGED},
)
async def get_rendition(
    asset_id: UUID,
    principal: BriefPrincipalDep,
    services: ServicesDep,
    width: Annotated[Literal["160", "320", "640", "1280"], Query(description="Pixels, at most.")],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return a WebP no wider than `width`; a picture that is smaller keeps its size, an animation stands still."""
    principal.require(Permission.WORKSPACE_READ)
    asset = await service.find(services, principal, asset_id)
    tag = etags.etag(f"{asset.sha256}-{width}")
    if etags.is_known(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    content = await service.rendition(services, asset, int(width))
    return Response(content, 200, _headers(tag, f"{width}-{asset.file_name}.webp"), "image/webp")


def _headers(tag: str, file_name: str) -> dict[str, str]:
    return {
        "ETag": tag,
        "Content-Disposition": attachment(file_name),
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
